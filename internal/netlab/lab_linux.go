package netlab

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"skift/internal/need"
)

// Lab is the set-up. Its methods end the test when the system refuses; they may be used while others ask.
type Lab struct {
	Sources               []Host // four
	Router, Old, New, Hub Host

	t       testing.TB
	ip, nft string
}

// New builds the lab: nobody is on a list, who is not is dropped, and nothing listens yet.
func New(t testing.TB) *Lab {
	t.Helper()
	l := &Lab{t: t, ip: need.Program(t, "ip"), nft: need.Program(t, "nft")}
	if os.Geteuid() != 0 {
		need.Missing(t, "nft", "network namespaces are root's")
	}
	id := fmt.Sprintf("skift%06x", rand.IntN(1<<24))
	l.Router = l.host(id, "router", "192.0.2.1")
	for i := range 4 {
		h := l.host(id, "k"+strconv.Itoa(i+1), fmt.Sprintf("192.0.2.%d0", i+1), fmt.Sprintf("192.0.2.%d1", i+1))
		l.Sources = append(l.Sources, h)
	}
	l.Old = l.host(id, "old", "198.51.100.10", "198.51.100.11")
	l.New = l.host(id, "new", "203.0.113.10", "203.0.113.11")
	l.Hub = l.host(id, "hub", "192.0.2.200")
	for _, h := range l.all() {
		l.cable(h)
	}
	// Errors are sent once per second by default; here several cases share one source.
	for _, h := range append(l.all(), l.Router) {
		l.set(h, "/proc/sys/net/ipv4/icmp_ratelimit", "0")
	}
	l.set(l.Router, "/proc/sys/net/ipv4/ip_forward", "1")
	l.rules(l.Router, `table ip f { chain forward { type filter hook forward priority 0; }; }
table ip n { chain post { type nat hook postrouting priority 100; }; }`)
	for _, h := range []Host{l.Old, l.New} {
		l.rules(h, "table ip f { set listed { type ipv4_addr; }; chain in { type filter hook input priority 0; }; }")
		l.TurnsAway(h, Drop)
	}
	return l
}

func (l *Lab) all() []Host { return append([]Host{l.Old, l.New, l.Hub}, l.Sources...) }

// host makes a namespace.
func (l *Lab) host(id, name string, addrs ...string) Host {
	l.t.Helper()
	h := Host{Name: name, Addrs: addrs, Namespace: id + name}
	if out, err := exec.Command(l.ip, "netns", "add", h.Namespace).CombinedOutput(); err != nil {
		need.Missing(l.t, "nft", fmt.Sprintf("no network namespace could be made: %v: %s", err, out))
	}
	l.t.Cleanup(func() { _ = exec.Command(l.ip, "netns", "del", h.Namespace).Run() })
	l.net(h, "link set lo up")
	return h
}

// cable joins a host to the router, which routes each of its addresses.
func (l *Lab) cable(h Host) {
	l.t.Helper()
	l.net(h, "link add eth0 type veth peer name "+h.Name+" netns "+l.Router.Namespace)
	l.net(h, "link set eth0 up")
	l.net(l.Router, "link set "+h.Name+" up")
	l.net(l.Router, "addr add "+l.Router.Addr()+"/32 dev "+h.Name)
	for _, a := range h.Addrs {
		l.net(h, "addr add "+a+"/32 dev eth0")
		l.net(l.Router, "route add "+a+" dev "+h.Name)
	}
	l.net(h, "route add "+l.Router.Addr()+" dev eth0")
	l.net(h, "route add default via "+l.Router.Addr()+" src "+h.Addr())
}

// Admit puts addresses on a platform's list.
func (l *Lab) Admit(platform Host, addrs ...string) {
	l.t.Helper()
	l.rules(platform, "add element ip f listed { "+strings.Join(addrs, ", ")+" }")
}

// Strike takes addresses off a platform's list.
func (l *Lab) Strike(platform Host, addrs ...string) {
	l.t.Helper()
	l.rules(platform, "delete element ip f listed { "+strings.Join(addrs, ", ")+" }")
}

// TurnsAway says how a platform turns away who is not on its list.
func (l *Lab) TurnsAway(platform Host, how string) {
	l.t.Helper()
	l.rules(platform, "flush chain ip f in\nadd rule ip f in ip saddr != @listed tcp flags & (syn|ack) == syn "+how)
}

// Opens lets everybody in on a platform.
func (l *Lab) Opens(platform Host) {
	l.t.Helper()
	l.rules(platform, "flush chain ip f in")
}

// Translates makes the router change a source address on its way out: NAT that nobody wrote down.
func (l *Lab) Translates(from, to string) {
	l.t.Helper()
	l.rules(l.Router, "add rule ip n post ip saddr "+from+" snat to "+to)
}

// Cuts makes the router drop what goes from one address to another.
func (l *Lab) Cuts(from, to string) {
	l.t.Helper()
	l.rules(l.Router, "add rule ip f forward ip saddr "+from+" ip daddr "+to+" drop")
}

// Repairs takes back what Cuts and Translates did.
func (l *Lab) Repairs() {
	l.t.Helper()
	l.rules(l.Router, "flush chain ip f forward\nflush chain ip n post")
}

// Serve answers on a port of every address of a host until the returned function or the end of the test stops it.
func (l *Lab) Serve(h Host, port int, serve func(net.Conn)) (stop func()) {
	l.t.Helper()
	ln, err := l.Listen(h, port)
	if err != nil {
		l.t.Fatalf("listen on %s: %v", h.Name, err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(30 * time.Second))
				serve(c)
			})
		}
	})
	stop = sync.OnceFunc(func() { ln.Close(); wg.Wait() })
	l.t.Cleanup(stop)
	return stop
}

// Listen takes a port of every address of a host, for who serves it himself.
func (l *Lab) Listen(h Host, port int) (ln net.Listener, err error) {
	l.t.Helper()
	l.In(h, func() { ln, err = net.Listen("tcp4", net.JoinHostPort("0.0.0.0", strconv.Itoa(port))) })
	return ln, err
}

// SSH greets as an SSH server does, and waits for the other end to hang up.
func SSH(c net.Conn) {
	_, _ = io.WriteString(c, "SSH-2.0-lab\r\n")
	_, _ = io.Copy(io.Discard, c)
}

// In runs fn as a process of the host would: sockets that it opens on its own goroutine belong there. It returns when fn does; fn
// must not end the test.
func (l *Lab) In(h Host, fn func()) {
	l.t.Helper()
	done := make(chan error)
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := enter(h.Namespace); err != nil {
			done <- err
			return
		}
		fn()
	}()
	if err := <-done; err != nil {
		l.t.Fatalf("enter %s: %v", h.Name, err)
	}
}

// Command is a program that runs on the host when it is started.
func (l *Lab) Command(h Host, program string, args ...string) *exec.Cmd {
	return exec.CommandContext(l.t.Context(), l.ip, append([]string{"netns", "exec", h.Namespace, program}, args...)...)
}

func enter(namespace string) error {
	f, err := os.Open("/run/netns/" + namespace)
	if err != nil {
		return err
	}
	return errors.Join(unix.Setns(int(f.Fd()), unix.CLONE_NEWNET), f.Close())
}

func (l *Lab) set(h Host, file, value string) {
	l.t.Helper()
	var err error
	l.In(h, func() { err = os.WriteFile(file, []byte(value), 0) })
	if err != nil {
		l.t.Fatalf("%s: %v", h.Name, err)
	}
}

func (l *Lab) net(h Host, words string) {
	l.t.Helper()
	l.do(exec.Command(l.ip, append([]string{"-n", h.Namespace}, strings.Fields(words)...)...))
}

func (l *Lab) rules(h Host, text string) {
	l.t.Helper()
	l.do(exec.Command(l.ip, "netns", "exec", h.Namespace, l.nft, text))
}

func (l *Lab) do(cmd *exec.Cmd) {
	l.t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		l.t.Fatalf("%s: %v: %s", strings.Join(cmd.Args, " "), err, out)
	}
}
