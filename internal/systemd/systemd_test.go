package systemd_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"skift/internal/systemd"
)

// listen is a service manager's socket.
func listen(t *testing.T, name string) *net.UnixConn {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func heard(t *testing.T, c *net.UnixConn) string {
	t.Helper()
	b := make([]byte, 4096)
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	n, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func env(kv map[string]string) func(string) string { return func(k string) string { return kv[k] } }

func TestTold(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "sd") // a socket's path has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, name := range []string{filepath.Join(dir, "n"), fmt.Sprintf("@skift-test-%d", os.Getpid())} {
		c := listen(t, name)
		m, err := systemd.FromEnv(env(map[string]string{"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}), 7)
		if err != nil || m.Watchdog() != 30*time.Second {
			t.Fatalf("watchdog %v, error %v", m.Watchdog(), err)
		}
		for _, say := range []struct {
			do   func() error
			want string
		}{{m.Ready, "READY=1"}, {m.Alive, "WATCHDOG=1"}, {m.Stopping, "STOPPING=1"},
			{func() error { return m.Status("next: suite s\nREADY=1\x00") }, "STATUS=next: suite s READY=1 "}} {
			if err := say.do(); err != nil {
				t.Fatal(err)
			}
			if got := heard(t, c); got != say.want {
				t.Errorf("%s: told %q, want %q", name, got, say.want)
			}
		}
	}
}

func TestFromEnv(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		env   map[string]string
		none  bool
		every time.Duration
		fails bool
	}{
		{"nobody", nil, true, 0, false},
		{"a watchdog and nobody to tell", map[string]string{"WATCHDOG_USEC": "5"}, true, 0, false},
		{"no watchdog", map[string]string{"NOTIFY_SOCKET": "/run/n"}, false, 0, false},
		{"another's watchdog", map[string]string{"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "8"}, false, 0, false},
		{"anybody's watchdog", map[string]string{"NOTIFY_SOCKET": "@n", "WATCHDOG_USEC": "1000000"}, false, time.Second, false},
		{"a network", map[string]string{"NOTIFY_SOCKET": "vsock:2:1"}, true, 0, true},
		{"nonsense", map[string]string{"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "soon"}, true, 0, true},
		{"none at all", map[string]string{"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "0"}, true, 0, true},
		{"for ever", map[string]string{"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "9223372036854775807"}, true, 0, true},
	} {
		m, err := systemd.FromEnv(env(tt.env), 7)
		if (m == nil) != tt.none || m.Watchdog() != tt.every || (err != nil) != tt.fails {
			t.Errorf("%s: %+v, %v", tt.name, m, err)
		}
	}
}

// TestNobody: without a service manager everything is said to nobody; one that went away is an error that stops nothing.
func TestNobody(t *testing.T) {
	t.Parallel()
	var m *systemd.Manager
	if err := m.Ready(); err != nil {
		t.Error(err)
	}
	m, err := systemd.FromEnv(env(map[string]string{"NOTIFY_SOCKET": filepath.Join(t.TempDir(), "gone")}), 7)
	if err != nil || m.Ready() == nil {
		t.Errorf("a socket that is not there: %v", err)
	}
}
