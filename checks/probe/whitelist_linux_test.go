package probe

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"skift/checks"
	"skift/internal/dial"
	"skift/internal/netlab"
	"skift/internal/reflector"
)

// lists is a lab with an SSH greeting on both platforms, a control and a reflector on the hub, and all four sources on both lists.
type lists struct {
	*netlab.Lab
	stopNew func()
}

func newLists(t *testing.T) lists {
	t.Helper()
	l := lists{Lab: netlab.New(t)}
	l.Serve(l.Old, 22, netlab.SSH)
	l.stopNew = l.Serve(l.New, 22, netlab.SSH)
	l.Serve(l.Hub, 22, netlab.SSH)
	l.reflect(t)
	for _, k := range l.Sources {
		l.Admit(l.Old, k.Addr())
		l.Admit(l.New, k.Addr())
	}
	return l
}

// reflect runs the reflector on the hub.
func (l lists) reflect(t *testing.T) {
	t.Helper()
	ln, err := l.Listen(l.Hub, 8080)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = (&reflector.Server{}).Serve(ctx, ln) })
	t.Cleanup(func() { cancel(); wg.Wait() })
}

// asks asks a platform from a source as a process there would. Each asking is a sweep of its own.
func (l lists) asks(t *testing.T, from netlab.Host, platform netlab.Host, change ...func(*checks.Ask)) checks.Result {
	t.Helper()
	prober := New(Config{Dialer: &dial.Dialer{Allowed: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"),
		netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24")}}})
	a := ask(platform.Addr()+":22", reachSSH, append([]func(*checks.Ask){source(from.Addr()), withControl(l.Hub.Addr() + ":22"), func(a *checks.Ask) {
		a.Spec.Timeout, a.Unit.Vantage = time.Second, from.Name
	}}, change...)...)
	var r checks.Result
	var err error
	l.In(from, func() { r, err = prober.Run(t.Context(), a) })
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (l lists) second(h netlab.Host) func(*checks.Ask) { return others("second=" + h.Second()) }

func deny(a *checks.Ask) { a.Want = checks.Deny }

func is(t *testing.T, what string, r checks.Result, code checks.Code, verdict checks.Verdict, seen checks.Code) {
	t.Helper()
	if r.Code != code || r.Verdict != verdict || r.Facts[checks.FactSeen] != string(seen) {
		t.Errorf("%s: got %s %s, facts %v, %q; want %s %s, seen %q", what, r.Verdict, r.Code, r.Facts, r.Evidence.Err, verdict, code, seen)
	}
}

// The matrix of allow-lists, proven with four hosts that ask, and the lists of both platforms in nftables.
func TestAllowListsOfBothPlatforms(t *testing.T) {
	l := newLists(t)
	k1, k2, k3, k4 := l.Sources[0], l.Sources[1], l.Sources[2], l.Sources[3]
	for _, k := range l.Sources {
		for _, p := range []netlab.Host{l.Old, l.New} {
			r := l.asks(t, k, p)
			is(t, k.Name+" on "+p.Name, r, checks.OK, checks.Pass, "")
			if !strings.HasPrefix(r.LocalAddr, k.Addr()+":") {
				t.Errorf("%s asked from %s", k.Name, r.LocalAddr)
			}
		}
	}

	l.TurnsAway(l.New, netlab.AdminProhibited)
	r := l.asks(t, k1, l.New, source(k1.Second()), others("main="+k1.Addr()))
	is(t, "wrong source", r, checks.WhitelistMissing, checks.Fail, checks.FilteredReject)
	if r.Facts[checks.FactSource] != k1.Second() || r.Facts[checks.FactElsewhere] != "main: ok" {
		t.Errorf("wrong source: %v", r.Facts)
	}

	l.Strike(l.New, k4.Addr())
	l.Admit(l.New, k4.Second())
	r = l.asks(t, k4, l.New, l.second(k4))
	is(t, "missing entry", r, checks.WhitelistMissing, checks.Fail, checks.FilteredReject)
	if r.Facts[checks.FactSource] != k4.Addr() {
		t.Errorf("missing entry: %v", r.Facts)
	}
	is(t, "missing entry, asked of the old platform", l.asks(t, k4, l.Old, l.second(k4)), checks.OK, checks.Pass, "")
	is(t, "missing entry, nobody else to ask", l.asks(t, k4, l.New), checks.FilteredReject, checks.Fail, "")

	l.Translates(k2.Addr(), "192.0.2.99")
	seen := seenBy(l.Hub.Addr()+":8080", k2.Addr())
	r = l.asks(t, k2, l.New, seen, l.second(k2))
	is(t, "NAT between", r, checks.EgressDiffers, checks.Error, checks.FilteredReject)
	if r.Facts[checks.FactEgress] != "192.0.2.99" {
		t.Errorf("NAT between: %v", r.Facts)
	}
	l.Admit(l.New, "192.0.2.99")
	is(t, "NAT between, let in by the wrong address", l.asks(t, k2, l.New, seen), checks.EgressDiffers, checks.Error, checks.OK)
	is(t, "NAT between, declared", l.asks(t, k2, l.New, seenBy(l.Hub.Addr()+":8080", "192.0.2.99")), checks.OK, checks.Pass, "")
	l.Repairs()

	is(t, "deny expected but allowed", l.asks(t, k3, l.New, deny), checks.OK, checks.Fail, "")
	is(t, "deny expected and had", l.asks(t, k4, l.New, deny, l.second(k4)), checks.FilteredReject, checks.Pass, "")

	l.Cuts(k4.Addr(), l.Hub.Addr())
	is(t, "control failing", l.asks(t, k4, l.New, l.second(k4)), checks.Unobserved, checks.Unverified, checks.FilteredReject)
	is(t, "control failing, deny expected", l.asks(t, k4, l.New, deny), checks.Unobserved, checks.Unverified, checks.FilteredReject)
	l.Repairs()

	l.Admit(l.New, k1.Second())
	l.stopNew()
	is(t, "target down for all", l.asks(t, k1, l.New, l.second(k1)), checks.TargetDown, checks.Fail, checks.Refused)
	is(t, "target down, and the other place is cut off", func() checks.Result {
		l.Cuts(k1.Second(), l.Hub.Addr())
		return l.asks(t, k1, l.New, l.second(k1))
	}(), checks.Refused, checks.Fail, "")
}

// However a firewall turns a source away, each way has its own code, and together with another place that is let in they all say
// that the source is missing.
func TestEachWayOfTurningAway(t *testing.T) {
	l := newLists(t)
	k := l.Sources[3]
	l.Strike(l.New, k.Addr())
	l.Admit(l.New, k.Second())
	for _, c := range []struct {
		how    string
		code   checks.Code
		denied checks.Verdict
	}{
		{netlab.Drop, checks.FilteredDrop, checks.Pass},
		{netlab.Reject, checks.Refused, checks.Pass},
		{netlab.Reset, checks.Refused, checks.Pass},
		{netlab.AdminProhibited, checks.FilteredReject, checks.Pass},
		{netlab.HostProhibited, checks.FilteredReject, checks.Pass},
		{netlab.HostUnreachable, checks.FilteredReject, checks.Pass},
		{netlab.NetUnreachable, checks.NetUnreachable, checks.Unverified},
		{netlab.NetProhibited, checks.NetUnreachable, checks.Unverified},
	} {
		l.TurnsAway(l.New, c.how)
		is(t, c.how, l.asks(t, k, l.New), c.code, checks.Fail, "")
		is(t, c.how+", deny wanted", l.asks(t, k, l.New, deny), c.code, c.denied, "")
		r := l.asks(t, k, l.New, l.second(k))
		is(t, c.how+", let in elsewhere", r, checks.WhitelistMissing, checks.Fail, c.code)
		if v := r.Judged(checks.Deny); v != c.denied {
			t.Errorf("%s: judged %s once a deny is wanted, want %s", c.how, v, c.denied)
		}
	}
}
