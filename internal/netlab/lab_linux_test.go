package netlab

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The lab does what its methods say: a list lets in and keeps out, a NAT changes the source, a cut drops.
func TestTheLab(t *testing.T) {
	l := New(t)
	k1, k2 := l.Sources[0], l.Sources[1]
	for _, h := range []Host{l.Old, l.New, l.Hub} {
		l.Serve(h, 22, func(c net.Conn) {
			host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
			_, _ = c.Write([]byte(host))
		})
	}
	want := func(what string, h Host, source, target, answer string) {
		t.Helper()
		if got := l.asks(h, source, target); got != answer {
			t.Errorf("%s: %s to %s got %q, want %q", what, source, target, got, answer)
		}
	}
	want("the hub is open", k1, k1.Addr(), l.Hub.Addr(), k1.Addr())
	want("the hub is open to the second address", k1, k1.Second(), l.Hub.Addr(), k1.Second())
	l.TurnsAway(l.New, Reset)
	want("not on the list", k1, k1.Addr(), l.New.Addr(), "refused")
	l.Admit(l.New, k1.Addr())
	want("on the list", k1, k1.Addr(), l.New.Second(), k1.Addr())
	want("another source", k2, k2.Addr(), l.New.Addr(), "refused")
	want("another source of the same host", k1, k1.Second(), l.New.Addr(), "refused")
	want("the other platform has its own list", k1, k1.Addr(), l.Old.Addr(), "dropped")
	l.Translates(k1.Addr(), "192.0.2.99")
	want("behind NAT", k1, k1.Addr(), l.New.Addr(), "refused")
	want("the hub sees the NAT", k1, k1.Addr(), l.Hub.Addr(), "192.0.2.99")
	l.Repairs()
	l.Cuts(k1.Addr(), l.Hub.Addr())
	want("cut off", k1, k1.Addr(), l.Hub.Addr(), "dropped")
	l.Repairs()
	l.Strike(l.New, k1.Addr())
	want("struck off", k1, k1.Addr(), l.New.Addr(), "refused")
	l.Opens(l.New)
	want("open to all", k2, k2.Addr(), l.New.Addr(), k2.Addr())
	out, err := l.Command(k1, "ip", "-brief", "addr").CombinedOutput()
	if err != nil || !strings.Contains(string(out), k1.Addr()) {
		t.Errorf("a program on k1: %v, %s", err, out)
	}
}

// asks gives what the target says, or how it turns away.
func (l *Lab) asks(h Host, source, target string) (answer string) {
	l.In(h, func() {
		d := net.Dialer{Timeout: 500 * time.Millisecond, LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
		c, err := d.Dial("tcp", target+":22")
		switch e, ok := errors.AsType[net.Error](err); {
		case err == nil:
			defer c.Close()
			buf := make([]byte, 64)
			n, _ := c.Read(buf)
			answer = string(buf[:n])
		case errors.Is(err, syscall.ECONNREFUSED):
			answer = "refused"
		case ok && e.Timeout():
			answer = "dropped"
		default:
			answer = err.Error()
		}
	})
	return answer
}
