package probe

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"skift/checks"
	"skift/internal/dial"
	"skift/internal/need"
)

// Two hosts that are network namespaces: near asks, far answers on every address of 198.51.100.0/24 and 2001:db8:100::/64, port
// 22, unless its firewall says otherwise.
type twoHosts struct{ near, far string }

// Addresses of the two hosts. Far's firewall knows the denied source.
const (
	nearAddr    = "192.0.2.10"
	nearAddr6   = "2001:db8::10"
	deniedAddr  = "192.0.2.11"
	cutOffAddr  = "192.0.2.12" // far drops all it sends
	controlAddr = "192.0.2.1:22"
	onLink      = "192.0.2.99:22" // nobody has this address
	onLinkToo   = "192.0.2.98:22" // nor this one
)

func newTwoHosts(t *testing.T) twoHosts {
	t.Helper()
	ip, nft := need.Program(t, "ip"), need.Program(t, "nft")
	if os.Geteuid() != 0 {
		need.Missing(t, "nft", "network namespaces are root's")
	}
	id := fmt.Sprintf("skift%06x", rand.IntN(1<<24))
	h := twoHosts{near: id + "n", far: id + "f"}
	for _, name := range []string{h.near, h.far} {
		if out, err := command(ip, "netns", "add", name); err != nil {
			need.Missing(t, "nft", fmt.Sprintf("no network namespace could be made: %v: %s", err, out))
		}
		t.Cleanup(func() { _, _ = command(ip, "netns", "del", name) })
	}
	do := func(path string, args ...string) {
		t.Helper()
		if out, err := command(path, args...); err != nil {
			t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	near := func(words string) { do(ip, append([]string{"-n", h.near}, strings.Fields(words)...)...) }
	far := func(words string) { do(ip, append([]string{"-n", h.far}, strings.Fields(words)...)...) }
	near("link add eth0 type veth peer name eth0 netns " + h.far)
	near("link set lo up")
	far("link set lo up")
	near("link set eth0 up")
	far("link set eth0 up")
	for _, a := range []string{nearAddr, deniedAddr, cutOffAddr} {
		near("addr add " + a + "/24 dev eth0")
	}
	far("addr add 192.0.2.1/24 dev eth0")
	far("addr add local 198.51.100.0/24 dev lo")
	near("-6 addr add " + nearAddr6 + "/64 dev eth0 nodad")
	far("-6 addr add 2001:db8::1/64 dev eth0 nodad")
	far("-6 route add local 2001:db8:100::/64 dev lo")
	near("route add 198.51.100.0/24 via 192.0.2.1")
	near("-6 route add 2001:db8:100::/64 via 2001:db8::1")
	near("-6 route add prohibit 2001:db8:100::200")
	near("route add prohibit 198.51.100.200")
	near("route add blackhole 198.51.100.201")
	do(ip, "netns", "exec", h.far, nft, farFirewall)
	do(ip, "netns", "exec", h.near, nft, "table ip f { chain out { type filter hook output priority 0; ip daddr 198.51.100.202 reject; }; }")
	h.listen(t)
	return h
}

// farFirewall turns each kind of question away in its own way, by the address that is asked.
const farFirewall = `table ip f {
	chain in {
		type filter hook input priority 0;
		ip saddr 192.0.2.12 drop;
		ip saddr 192.0.2.11 tcp dport 22 ip daddr 198.51.100.1 reject with icmp type admin-prohibited;
		ip daddr 198.51.100.2 tcp dport 22 drop;
		ip daddr 198.51.100.3 tcp dport 22 reject;
		ip daddr 198.51.100.4 tcp dport 22 reject with tcp reset;
		ip daddr 198.51.100.5 tcp dport 22 reject with icmp type admin-prohibited;
		ip daddr 198.51.100.6 tcp dport 22 reject with icmp type host-prohibited;
		ip daddr 198.51.100.7 tcp dport 22 reject with icmp type host-unreachable;
		ip daddr 198.51.100.8 tcp dport 22 reject with icmp type net-unreachable;
		ip daddr 198.51.100.9 tcp dport 22 reject with icmp type net-prohibited;
	}
	chain out {
		type filter hook output priority 0;
		ip saddr 198.51.100.10 tcp sport 22 tcp flags & psh == psh drop;
	}
}
table ip6 f {
	chain in {
		type filter hook input priority 0;
		ip6 daddr 2001:db8:100::2 tcp dport 22 drop;
		ip6 daddr 2001:db8:100::3 tcp dport 22 reject;
		ip6 daddr 2001:db8:100::5 tcp dport 22 reject with icmpv6 type admin-prohibited;
		ip6 daddr 2001:db8:100::7 tcp dport 22 reject with icmpv6 type addr-unreachable;
		ip6 daddr 2001:db8:100::8 tcp dport 22 reject with icmpv6 type no-route;
	}
}`

// enter moves the calling goroutine into a namespace for good: its thread ends with it.
func enter(t *testing.T, name string) {
	t.Helper()
	runtime.LockOSThread()
	f, err := os.Open("/run/netns/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
}

// listen greets as an SSH server would, on every address of far.
func (h twoHosts) listen(t *testing.T) {
	t.Helper()
	var ln net.Listener
	t.Run("far", func(t *testing.T) {
		enter(t, h.far)
		// Errors are sent once per second by default; here several cases share one source.
		if err := errors.Join(os.WriteFile("/proc/sys/net/ipv4/icmp_ratelimit", []byte("0"), 0), os.WriteFile("/proc/sys/net/ipv6/icmp/ratelimit", []byte("0"), 0)); err != nil {
			t.Fatal(err)
		}
		var err error
		if ln, err = net.Listen("tcp", "[::]:22"); err != nil {
			t.Fatal(err)
		}
	})
	if ln == nil {
		t.FailNow()
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
				_, _ = io.WriteString(c, "SSH-2.0-far\r\n")
				drain(c)
			})
		}
	})
	t.Cleanup(func() { ln.Close(); wg.Wait() })
}

// What a firewall does to a packet decides the code, and the code whether a deny is proven. A port where nothing listens, a
// reject and a reset look the same and have the same code: nobody can tell them apart from here.
func TestEachRefusalOfAFirewallHasItsCode(t *testing.T) {
	h := newTwoHosts(t)
	dialer := &dial.Dialer{Allowed: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24"),
		netip.MustParsePrefix("2001:db8::/32")}}
	deny := map[checks.Code]checks.Verdict{ // with a control that answers
		checks.OK: checks.Fail, checks.FilteredDrop: checks.Pass, checks.FilteredReject: checks.Pass, checks.Refused: checks.Pass,
		checks.NetUnreachable: checks.Unverified, checks.Silent: checks.Unverified, checks.LocalPolicy: checks.Error, checks.Unobserved: checks.Unverified,
	}
	for _, c := range []struct {
		name, addr, source string
		code               checks.Code
		errno              string
	}{
		{"let in", "198.51.100.1:22", nearAddr, checks.OK, ""},
		{"another source is not", "198.51.100.1:22", deniedAddr, checks.FilteredReject, "EHOSTUNREACH"},
		{"drop", "198.51.100.2:22", nearAddr, checks.FilteredDrop, ""},
		{"reject", "198.51.100.3:22", nearAddr, checks.Refused, "ECONNREFUSED"},
		{"reject with a reset", "198.51.100.4:22", nearAddr, checks.Refused, "ECONNREFUSED"},
		{"nothing listens", "198.51.100.1:23", nearAddr, checks.Refused, "ECONNREFUSED"},
		{"our own firewall rejects", "198.51.100.202:22", nearAddr, checks.Refused, "ECONNREFUSED"},
		{"admin-prohibited", "198.51.100.5:22", nearAddr, checks.FilteredReject, "EHOSTUNREACH"},
		{"host-prohibited", "198.51.100.6:22", nearAddr, checks.FilteredReject, "EHOSTUNREACH"},
		{"host-unreachable", "198.51.100.7:22", nearAddr, checks.FilteredReject, "EHOSTUNREACH"},
		{"net-unreachable", "198.51.100.8:22", nearAddr, checks.NetUnreachable, "ENETUNREACH"},
		{"net-prohibited", "198.51.100.9:22", nearAddr, checks.NetUnreachable, "ENETUNREACH"},
		{"no neighbour answers", onLink, nearAddr, checks.NetUnreachable, "EHOSTUNREACH"},
		{"the greeting is dropped", "198.51.100.10:22", nearAddr, checks.Silent, ""},
		{"a route prohibits it", "198.51.100.200:22", nearAddr, checks.LocalPolicy, "EACCES"},
		{"a route swallows it", "198.51.100.201:22", nearAddr, checks.LocalPolicy, "EINVAL"},
		{"let in, IPv6", "[2001:db8:100::1]:22", nearAddr6, checks.OK, ""},
		{"drop, IPv6", "[2001:db8:100::2]:22", nearAddr6, checks.FilteredDrop, ""},
		{"reject, IPv6", "[2001:db8:100::3]:22", nearAddr6, checks.Refused, "ECONNREFUSED"},
		{"admin-prohibited, IPv6", "[2001:db8:100::5]:22", nearAddr6, checks.FilteredReject, "EACCES"},
		{"addr-unreachable, IPv6", "[2001:db8:100::7]:22", nearAddr6, checks.FilteredReject, "EHOSTUNREACH"},
		{"no-route, IPv6", "[2001:db8:100::8]:22", nearAddr6, checks.NetUnreachable, "ENETUNREACH"},
		{"a route prohibits it, IPv6", "[2001:db8:100::200]:22", nearAddr6, checks.LocalPolicy, "EACCES"},
		{"nothing gets out from there", "198.51.100.1:22", cutOffAddr, checks.Unobserved, ""},
	} {
		for _, w := range []checks.Want{checks.Allow, checks.Deny} {
			t.Run(c.name+", "+string(w)+" wanted", func(t *testing.T) {
				t.Parallel()
				enter(t, h.near)
				control := controlAddr
				if c.source == nearAddr6 {
					control = "[2001:db8::1]:22"
				}
				addr := c.addr
				if addr == onLink && w == checks.Deny {
					addr = onLinkToo // whoever asks while the kernel is looking for a neighbour already hears sooner that there is none
				}
				a := ask(addr, reachSSH, source(c.source), withControl(control), func(a *checks.Ask) { a.Want, a.Spec.Timeout = w, time.Second })
				switch { // the rest needs no patience
				case c.addr == onLink:
					a.Spec.Timeout = 6 * time.Second // the kernel asks for a neighbour three times before it gives up
				case c.source == nearAddr6:
					a.Spec.Timeout = 3 * time.Second // an answer that comes while it is still sending, as on one host, it hears when repeated
				}
				r, err := New(Config{Dialer: dialer}).Run(t.Context(), a)
				if err != nil {
					t.Fatal(err)
				}
				saw(r)
				verdict := c.code.Info().Verdict
				if w == checks.Deny {
					verdict = deny[c.code]
				}
				if r.Code != c.code || r.Verdict != verdict || r.Evidence.Errno != c.errno {
					t.Errorf("got %s %s, errno %q, facts %v, %q; want %s %s, errno %q", r.Verdict, r.Code, r.Evidence.Errno, r.Facts, r.Evidence.Err, verdict, c.code, c.errno)
				}
				if host, _, _ := net.SplitHostPort(r.LocalAddr); r.LocalAddr != "" && host != c.source {
					t.Errorf("asked from %s, want %s", host, c.source)
				}
			})
		}
	}
}
