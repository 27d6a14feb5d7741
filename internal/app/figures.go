package app

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"skift/checks"
	"skift/internal/health"
	"skift/internal/ledger"
	"skift/internal/matrix"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/snapshot"
	"skift/internal/store"
	"skift/internal/timeline"
)

// figuresAge is how old figures may be: several collectors, and one that asks every second, cost no more than one.
const figuresAge = 5 * time.Second

// Figures implements health.Source.
func (a *App) Figures(ctx context.Context) (health.Figures, error) {
	a.pulse.mu.Lock()
	kept, at := a.pulse.figures, a.pulse.figuredAt
	a.pulse.mu.Unlock()
	if !at.IsZero() && time.Since(at) < figuresAge {
		return kept, nil
	}
	v, err, _ := a.pulse.asked.Do("figures", func() (any, error) { return a.figure(ctx, time.Now()) })
	if err != nil {
		return health.Figures{}, err
	}
	f := v.(health.Figures)
	a.pulse.mu.Lock()
	defer a.pulse.mu.Unlock()
	a.pulse.figures, a.pulse.figuredAt = f, time.Now()
	return f, nil
}

// figure makes the figures.
func (a *App) figure(ctx context.Context, now time.Time) (health.Figures, error) {
	p, report := a.Plan(), a.Health(ctx)
	f := health.Figures{Version: Version, Plan: p.ID, Hash: p.Hash, Troubles: report.Troubles, DiskFree: diskFree(a.data), Database: a.databaseSize()}
	if health.RestartHelps(report.Troubles) && len(report.Troubles) == 1 && report.Troubles[0].Code == health.Stuck {
		return f, nil // nothing else could be asked
	}
	f.Sweeps, f.InFlight, f.Unasked = a.pulse.swept()
	if err := a.figureSlots(ctx, &f, now); err != nil {
		return f, err
	}
	recent, err := a.recent(ctx, p, now)
	if err != nil {
		return f, err
	}
	if f.Messages, f.QueuedAt, err = a.store.CountMessages(ctx); err != nil {
		return f, err
	}
	f.Certs = a.certEnds(recent)
	a.ledger.Read(func(facts *ledger.Facts) {
		f.Size = facts.Size
		if n := len(facts.Last); n > 0 {
			f.LastEventAt = facts.Last[n-1].At
		}
		f.Paused = len(facts.Register.Paused)
		f.Runs, f.Steps, f.Denied = openWork(&facts.Runs)
		f.Gates = a.deadlines(facts, now)
		for _, env := range p.EnvIDs {
			f.Pairs = append(f.Pairs, countPairs(a.scope(facts, p, env, p.CheckIDs, now).Compare(recent))...)
		}
	})
	return f, nil
}

// kindOf is the kind of a schedule: suite, report or milestone.
func kindOf(e timeline.Entry) string {
	kind, _, _ := strings.Cut(e.Key, "/")
	return kind
}

// figureSlots counts the slots of the last day and finds what is late and what comes next.
func (a *App) figureSlots(ctx context.Context, f *health.Figures, now time.Time) error {
	f.Slots, f.Lag, f.Overdue, f.NextAt = map[health.KindState]int{}, map[string]time.Duration{}, map[string]time.Duration{}, map[string]time.Time{}
	due, err := a.due(ctx, now)
	if err != nil {
		return err
	}
	entries, err := a.presentAt(now).Schedules()
	if err != nil {
		return err
	}
	newest := map[string]time.Time{}
	for _, e := range entries {
		kind := kindOf(e)
		f.Overdue[kind] = 0
		if o, ok := due[kind]; ok {
			f.Overdue[kind] = max(0, now.Sub(o.Since))
		}
		for _, state := range []register.SlotState{register.SlotClaimed, register.SlotDone, register.SlotMissed, register.SlotFailed} {
			f.Slots[health.KindState{Kind: kind, State: string(state)}] += 0
		}
		if next := e.Next(now); !next.IsZero() && (f.NextAt[kind].IsZero() || next.Before(f.NextAt[kind])) {
			f.NextAt[kind] = next
		}
		slots, err := a.store.SlotsSince(ctx, e.Key, now.Add(-24*time.Hour))
		if err != nil {
			return err
		}
		for _, s := range slots {
			f.Slots[health.KindState{Kind: kind, State: string(s.State)}]++
			if s.State != register.SlotMissed && s.At.After(newest[kind]) {
				newest[kind], f.Lag[kind] = s.At, max(0, s.ClaimedAt.Sub(e.Begins(s.At)))
			}
		}
	}
	return nil
}

// certEnds finds for each side of a service the first certificate to end among those that were last presented.
func (a *App) certEnds(recent []register.Interval) []health.CertEnd {
	last := map[checks.Unit]*register.Interval{}
	for i := range recent { // each unit's are in order of time
		last[recent[i].Unit] = &recent[i]
	}
	type side struct{ env, service, side string }
	ends := map[side]time.Time{}
	for u, i := range last {
		spec := a.Plan().Checks[u.Check]
		if spec == nil || spec.Service == "" {
			continue
		}
		env := a.environmentOf(spec.Service, u)
		for _, c := range snapshot.Chain(i.Facts) {
			k := side{env, spec.Service, string(u.Side)}
			if env != "" && !c.NotAfter.IsZero() && (ends[k].IsZero() || c.NotAfter.Before(ends[k])) {
				ends[k] = c.NotAfter
			}
		}
	}
	out := make([]health.CertEnd, 0, len(ends))
	for k, end := range ends {
		out = append(out, health.CertEnd{Environment: k.env, Service: k.service, Side: k.side, End: end})
	}
	return out
}

// environmentOf is where a unit's address belongs to its service; "" = nowhere any more.
func (a *App) environmentOf(service string, u checks.Unit) string {
	p := a.Plan()
	s := p.Services[service]
	if s == nil {
		return ""
	}
	for _, env := range p.EnvIDs {
		for _, addr := range s.In[env][u.Side].Addrs {
			if addr == u.Addr {
				return env
			}
		}
	}
	return ""
}

// countPairs counts comparisons by service, phase and word.
func countPairs(m matrix.Matrix) []health.PairCount {
	counts := map[health.PairCount]int{}
	for i := range m.Pairs {
		p := &m.Pairs[i]
		counts[health.PairCount{Environment: m.Environment, Service: p.Service, Phase: string(p.Phase), Word: string(p.Verdict.Word)}]++
	}
	out := make([]health.PairCount, 0, len(counts))
	for p, n := range counts {
		p.N = n
		out = append(out, p)
	}
	return out
}

// openWork counts runs that have not ended and what is open in them.
func openWork(f *run.Facts) (runs, steps map[string]int, contradicted int) {
	runs = map[string]int{string(run.RunRunning): 0, string(run.RunHeld): 0}
	steps = map[string]int{string(run.Failed): 0, string(run.Held): 0, string(run.Uncertain): 0}
	for _, r := range f.Runs {
		if !r.EndedAt.IsZero() {
			continue
		}
		runs[string(r.State)]++
		for _, s := range r.Steps {
			if _, counted := steps[string(s.State)]; counted {
				steps[string(s.State)]++
			}
			if s.Contradiction != nil {
				contradicted++
			}
		}
	}
	return runs, steps, contradicted
}

// deadlines are those of the gates that are open, or will be, and are not decided.
func (a *App) deadlines(f *ledger.Facts, now time.Time) map[string]time.Time {
	p := a.Plan()
	out := map[string]time.Time{}
	tl := timeline.At(p, &f.Register, now)
	for id, g := range p.Gates {
		facts := f.Register.Gates[register.GateKey{Gate: id}]
		if facts != nil && facts.Decision != nil {
			continue
		}
		_, by := tl.Gate(&f.Runs, g)
		if facts != nil && !facts.Until.IsZero() {
			by = facts.Until
		}
		if !by.IsZero() && (by.After(now) || facts != nil && facts.Round > 0) {
			out[id] = by
		}
	}
	return out
}

// databaseSize is that of the database and of what is written ahead of it.
func (a *App) databaseSize() (size int64) {
	for _, ends := range []string{"", "-wal"} {
		if st, err := os.Stat(filepath.Join(a.data, store.FileName+ends)); err == nil {
			size += st.Size()
		}
	}
	return size
}

var _ health.Source = (*App)(nil)
