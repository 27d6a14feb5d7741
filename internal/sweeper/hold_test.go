package sweeper_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/sweeper"
)

// TestProgress: told after each answer, counting up, never two at once.
func TestProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told []int
		job := sweeper.Job{Asks: asks(tls, 3, a, b), Skipped: make([]checks.Result, 2), Progress: func(done, total int) {
			if total != 6 {
				t.Errorf("of %d", total)
			}
			told = append(told, done)
		}}
		if _, err := sweeper.New(newProber(time.Second), sweeper.Budget{Parallel: 2, Total: 64}, (&ledger{}).record).Sweep(t.Context(), job); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]int{1, 2, 3, 4, 5, 6}, told); d != "" {
			t.Error(d)
		}
	})
}

// TestHold: what is held is neither asked nor awaited from that moment on, everything else goes on, and the sweep is recorded.
func TestHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, l := newProber(10*time.Second), &ledger{}
		s := sweeper.New(p, sweeper.Budget{Parallel: 1, Total: 64, SSHGap: time.Hour}, l.record)
		var paused atomic.Bool
		job := sweeper.Job{Asks: append(asks(tls, 3, a, b), asks(host, 2, a)...), Held: func(ask checks.Ask) (checks.Result, bool) {
			return checks.Result{Unit: ask.Unit, Verdict: checks.Unverified, Code: checks.Skipped}, paused.Load() && ask.Unit.Addr == a
		}}
		began := time.Now()
		go func() {
			time.Sleep(15 * time.Second) // the second at each address is being asked
			s.Hold()                     // holds nobody yet
			paused.Store(true)
			s.Hold()
		}()
		results, err := s.Sweep(t.Context(), job)
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("took %v: the other address alone takes 30 s", took)
		}
		count := map[string]int{}
		for i, r := range results {
			if r.Unit != job.Asks[i].Unit {
				t.Errorf("result %d is of %s", i, r.Unit)
			}
			count[r.Unit.Addr+" "+string(r.Code)]++
		}
		if d := cmp.Diff(map[string]int{a + " ok": 1, a + " skipped": 4, b + " ok": 3}, count); d != "" {
			t.Error(d)
		}
		if l.kept != 8 || p.total != 0 || len(p.startAt[a]) != 2 {
			t.Errorf("%d kept, %d still asked, %d asked at the held address", l.kept, p.total, len(p.startAt[a]))
		}
	})
}

// TestHeldFromTheStart: nothing is asked.
func TestHeldFromTheStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, l := newProber(time.Second), &ledger{}
		job := sweeper.Job{Asks: asks(tls, 3, a), Held: func(ask checks.Ask) (checks.Result, bool) {
			return checks.Result{Unit: ask.Unit, Code: checks.Skipped}, true
		}}
		if _, err := sweeper.New(p, sweeper.Budget{}, l.record).Sweep(t.Context(), job); err != nil || l.kept != 3 || len(p.startAt) != 0 {
			t.Errorf("%v, %d kept, asked %v", err, l.kept, p.startAt)
		}
	})
}

// TestRate: a minute's worth may be asked at once, the rest as the minutes go by; another address has its own.
func TestRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, l := newProber(0), &ledger{}
		s := sweeper.New(p, sweeper.Budget{Parallel: 100, Total: 100, Rate: 6}, l.record)
		began := time.Now()
		if _, err := s.Sweep(t.Context(), sweeper.Job{Asks: append(asks(tls, 9, a), asks(tls, 2, b)...)}); err != nil {
			t.Fatal(err)
		}
		var at []time.Duration
		for _, start := range p.startAt[a] {
			at = append(at, start.Sub(began))
		}
		if d := cmp.Diff([]time.Duration{0, 0, 0, 0, 0, 0, 10 * time.Second, 20 * time.Second, 30 * time.Second}, at); d != "" {
			t.Error(d)
		}
		if p.startAt[b][1].Sub(began) != 0 {
			t.Error("another address waits, too")
		}
		time.Sleep(time.Hour) // what was not used does not pile up
		began = time.Now()
		if _, err := s.Sweep(t.Context(), sweeper.Job{Asks: asks(tls, 7, a)}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("after an hour seven took %v", took)
		}
	})
}

// TestPatience: targets that do not answer cost their time-out once, beside the others, however many they are.
func TestPatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, l := newProber(10*time.Second), &ledger{}
		var addrs []string
		for i := range 40 {
			addrs = append(addrs, asksAddr(i))
		}
		began := time.Now()
		s := sweeper.New(p, sweeper.Budget{Parallel: 1, Total: 4, Patience: 100 * time.Millisecond}, l.record)
		if _, err := s.Sweep(t.Context(), sweeper.Job{Asks: asks(tls, 1, addrs...)}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 10*time.Second+900*time.Millisecond {
			t.Errorf("took %v, want the time-out and nine times the patience", took)
		}
		for i := range 160 {
			addrs = append(addrs, asksAddr(40+i))
		}
		if _, err := s.Sweep(t.Context(), sweeper.Job{Asks: asks(tls, 1, addrs...)}); err != nil {
			t.Fatal(err)
		}
		if p.peak > 4+4*16 {
			t.Errorf("%d at once: those that wait are bounded, too", p.peak)
		}
	})
}

func asksAddr(i int) string {
	return "203.0.113." + string(rune('0'+i/100)) + string(rune('0'+i/10%10)) + string(rune('0'+i%10)) + ":443"
}
