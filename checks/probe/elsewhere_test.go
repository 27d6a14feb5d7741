package probe

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"skift/checks"
)

// others are vantages of this host: name=source, local without one.
func others(list ...string) func(*checks.Ask) {
	return func(a *checks.Ask) {
		for _, o := range list {
			name, source, _ := strings.Cut(o, "=")
			origin := checks.Origin{Vantage: name}
			if source != "" {
				origin.Source = netip.MustParseAddr(source)
			}
			a.Others = append(a.Others, origin)
		}
	}
}

// listed lets only some sources in, and counts those who knock.
func listed(knocks *atomic.Int32, sources ...string) func(net.Conn) {
	return func(c net.Conn) {
		host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
		knocks.Add(1)
		if slices.Contains(sources, host) {
			saysAndCloses("SSH-2.0-x\r\n")(c)
		}
	}
}

// A failure to be let in is asked again from elsewhere, and what follows is said.
func TestAskedAgainFromElsewhere(t *testing.T) {
	t.Parallel()
	control := peer(t, greeter)
	cases := []struct {
		name      string
		listed    []string
		others    []string
		deny      bool
		code      checks.Code
		verdict   checks.Verdict
		elsewhere string
		knocks    int32
	}{
		{"the other is let in", []string{"127.0.0.32"}, []string{"k2=127.0.0.32"}, false, checks.WhitelistMissing, checks.Fail, "k2: ok", 2},
		{"the second other is", []string{"127.0.0.33"}, []string{"k2=127.0.0.32", "k3=127.0.0.33"}, false, checks.WhitelistMissing, checks.Fail, "k2: closed_pre_banner, k3: ok", 3},
		{"nobody is", nil, []string{"k2=127.0.0.32", "k3=127.0.0.33"}, false, checks.TargetDown, checks.Fail, "k2: closed_pre_banner, k3: closed_pre_banner", 3},
		{"no more than two are asked", []string{"127.0.0.34"}, []string{"k2=127.0.0.32", "k3=127.0.0.33", "k4=127.0.0.34"}, false, checks.TargetDown, checks.Fail, "k2: closed_pre_banner, k3: closed_pre_banner", 3},
		{"an address that is not here tells nothing", []string{"127.0.0.34"}, []string{"x=192.0.2.9", "y=192.0.2.8", "k4=127.0.0.34"}, false, checks.WhitelistMissing, checks.Fail, "k4: ok", 2},
		{"only addresses that are not here", nil, []string{"x=192.0.2.9"}, false, checks.ClosedPreBanner, checks.Fail, "", 1},
		{"the same address under another name", nil, []string{"twin=127.0.0.31"}, false, checks.ClosedPreBanner, checks.Fail, "", 1},
		{"the address this host chooses", []string{"127.0.0.1"}, []string{"host"}, false, checks.WhitelistMissing, checks.Fail, "host: ok", 2},
		{"nobody else there", nil, nil, false, checks.ClosedPreBanner, checks.Fail, "", 1},
		{"a deny is wanted", []string{"127.0.0.32"}, []string{"k2=127.0.0.32"}, true, checks.ClosedPreBanner, checks.Pass, "", 1},
		{"let in", []string{"127.0.0.31"}, []string{"k2=127.0.0.32"}, false, checks.OK, checks.Pass, "", 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var knocks atomic.Int32
			target := peer(t, listed(&knocks, c.listed...))
			r := run(t, "", ask(target, reachSSH, source("127.0.0.31"), withControl(control), others(c.others...), func(a *checks.Ask) {
				if c.deny {
					a.Want = checks.Deny
				}
			}))
			if r.Code != c.code || r.Verdict != c.verdict || r.Facts[checks.FactElsewhere] != c.elsewhere || knocks.Load() != c.knocks {
				t.Errorf("got %s %s, elsewhere %q after %d knocks; want %s %s, %q, %d", r.Verdict, r.Code, r.Facts[checks.FactElsewhere], knocks.Load(), c.verdict, c.code, c.elsewhere, c.knocks)
			}
			if c.elsewhere == "" {
				return
			}
			if r.Facts[checks.FactSource] != "127.0.0.31" || r.Facts[checks.FactSeen] != "closed_pre_banner" {
				t.Errorf("facts %v", r.Facts)
			}
			if v := r.Judged(checks.Deny); v != checks.Pass {
				t.Errorf("once a deny is wanted it is %s", v)
			}
		})
	}
}

// When the own control is silent nothing is concluded, and nobody is asked for it. Without one, being let in elsewhere still tells, and
// being turned away elsewhere does not: it may be us who reach nobody.
func TestNoConclusionWithoutAControl(t *testing.T) {
	t.Parallel()
	var knocks atomic.Int32
	target := peer(t, listed(&knocks, "127.0.0.32"))
	for _, c := range []struct {
		control []func(*checks.Ask)
		other   string
		code    checks.Code
		knocks  int32
	}{
		{mods(withControl(refusing(t))), "k2=127.0.0.32", checks.Unobserved, 1},
		{nil, "k2=127.0.0.32", checks.WhitelistMissing, 2},
		{nil, "k3=127.0.0.33", checks.ClosedPreBanner, 2},
	} {
		knocks.Store(0)
		r := run(t, "", ask(target, reachSSH, append(c.control, source("127.0.0.31"), others(c.other))...))
		if r.Code != c.code || knocks.Load() != c.knocks {
			t.Errorf("got %s after %d knocks, want %s after %d", r.Code, knocks.Load(), c.code, c.knocks)
		}
	}
}

// A hundred flows that fail alike ask once more, not a hundred times more; the next sweep asks anew.
func TestAskedAgainOncePerSweep(t *testing.T) {
	t.Parallel()
	control := peer(t, greeter)
	var knocks atomic.Int32
	target := peer(t, listed(&knocks, "127.0.0.32"))
	p := New(Config{Dialer: loopback()})
	sweep := func(at time.Time) {
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				from := netip.AddrFrom4([4]byte{127, 0, 1, byte(i + 1)}).String()
				r, err := p.Run(t.Context(), ask(target, reachSSH, source(from), withControl(control), others("k2=127.0.0.32"), func(a *checks.Ask) { a.At = at }))
				if err != nil || r.Code != checks.WhitelistMissing || r.Facts[checks.FactSource] != from {
					t.Errorf("%s: %v %s %v", from, err, r.Code, r.Facts)
				}
			})
		}
		wg.Wait()
	}
	sweep(noon)
	if n := knocks.Load(); n != 101 {
		t.Errorf("100 units knocked %d times", n)
	}
	sweep(noon.Add(time.Hour))
	if n := knocks.Load(); n != 202 {
		t.Errorf("two sweeps of 100 units knocked %d times", n)
	}
}

// What one asker cannot find because it is cancelled the next one finds; old sweeps are forgotten.
func TestMemo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var m memo[string, int]
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			_, _ = m.once(ctx, noon, "k", func() (int, error) { <-ctx.Done(); return 0, ctx.Err() })
		}()
		synctest.Wait()
		got := make(chan int)
		go func() {
			v, _ := m.once(t.Context(), noon, "k", func() (int, error) { return 7, nil })
			got <- v
		}()
		impatient, end := context.WithCancelCause(t.Context())
		gone := errors.New("gone")
		end(gone)
		if _, err := m.once(impatient, noon, "k", nil); !errors.Is(err, gone) {
			t.Errorf("who waits and is cancelled: %v", err)
		}
		synctest.Wait()
		cancel()
		if v := <-got; v != 7 {
			t.Errorf("found %d", v)
		}
		for i := range 10 {
			_, _ = m.once(t.Context(), noon.Add(time.Duration(i)), "k", func() (int, error) { return 0, nil })
		}
		if len(m.sweeps) != keptSweeps {
			t.Errorf("%d sweeps are kept", len(m.sweeps))
		}
	})
}
