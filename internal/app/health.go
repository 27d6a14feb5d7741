package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"skift/internal/api"
	"skift/internal/bug"
	"skift/internal/health"
	"skift/internal/ledger"
	"skift/internal/register"
	"skift/internal/systemd"
	"skift/internal/timeline"
)

// healthPatience is how long what is decided is waited for before it counts as not answering.
const healthPatience = 5 * time.Second

// Health implements health.Source. It answers within seconds, whatever hangs.
func (a *App) Health(ctx context.Context) health.Report {
	type look struct {
		health.Seen
		head string
	}
	found := a.pulse.asked.DoChan("health", func() (any, error) {
		seen, head := a.look()
		return look{seen, head}, nil
	})
	patience := time.NewTimer(healthPatience)
	defer patience.Stop()
	seen := health.Seen{Silent: true, DiskFree: -1}
	select {
	case r := <-found:
		l := r.Val.(look)
		seen = l.Seen
		a.pulse.mu.Lock()
		a.pulse.head = l.head
		a.pulse.mu.Unlock()
	case <-patience.C:
	case <-ctx.Done():
	}
	loops, state, _ := a.pulse.seen(a.settings.Budget.SSHGap)
	seen.SchedulerAt, seen.OutboxAt, seen.Sweep = loops.SchedulerAt, loops.OutboxAt, loops.Sweep
	now := time.Now()
	a.pulse.mu.Lock()
	defer a.pulse.mu.Unlock()
	r := health.Report{State: state, At: now.UTC(), Troubles: health.Judge(seen, now), Head: a.pulse.head}
	if r.OK = len(r.Troubles) == 0; r.OK {
		r.Troubles = []health.Trouble{}
	}
	return r
}

// look asks the journal, the schedules and the host.
func (a *App) look() (s health.Seen, head string) {
	ctx, cancel := context.WithTimeout(context.Background(), healthPatience)
	defer cancel()
	now := time.Now()
	s.DiskFree = diskFree(a.data)
	if err := a.ledger.Broken(); err != nil {
		s.Broken = err.Error()
		return s, a.ledger.Head().String()
	}
	due, err := a.due(ctx, now)
	if err != nil {
		s.Broken = err.Error()
	}
	for _, o := range due {
		if s.Overdue.Since.IsZero() || !o.Since.IsZero() && o.Since.Before(s.Overdue.Since) {
			s.Overdue = o
		}
	}
	a.ledger.Read(func(f *ledger.Facts) {
		if n := len(f.Last); n > 0 {
			s.LastEventAt = f.Last[n-1].At
		}
	})
	return s, a.ledger.Head().String()
}

// due is what should have been begun by now and is not, by kind: of each kind what waits longest.
func (a *App) due(ctx context.Context, now time.Time) (map[string]health.Overdue, error) {
	_, state, since := a.pulse.seen(0)
	if state != health.Serving {
		return nil, nil
	}
	present := a.presentAt(now)
	if present.AdoptedAt.IsZero() {
		return nil, nil
	}
	out := map[string]health.Overdue{}
	waits := func(kind, key string, at time.Time) {
		if at.Before(since) {
			at = since // before, there was nobody to begin it
		}
		if o, ok := out[kind]; !ok || at.Before(o.Since) {
			out[kind] = health.Overdue{Schedule: key, Since: at}
		}
	}
	for _, m := range present.Entering() {
		waits("milestone", timeline.MilestoneKey+m.ID, m.Start.At)
	}
	entries, err := present.Schedules()
	if err != nil {
		return out, err
	}
	for _, e := range entries {
		if e.Key == timeline.MilestoneKey+e.ID {
			continue
		}
		slot, ok, err := a.store.LastSlot(ctx, e.Key)
		if err != nil {
			return out, err
		}
		if ok && slot.State == register.SlotClaimed && !a.pulse.sweeping(e.ID) {
			waits(kindOf(e), e.Key, slot.ClaimedAt) // its job did not come
		}
		last := present.AdoptedAt
		if ok && slot.At.After(last) {
			last = slot.At
		}
		if due := e.Due(last, now); len(due) > 0 {
			waits(kindOf(e), e.Key, e.Begins(due[0]))
		}
	}
	return out, nil
}

// listen opens the address that tells how we are; nil = there is none.
func (a *App) listen(m Mode) (net.Listener, error) {
	if !m.Scheduler || a.settings.Listen == "" {
		return nil, nil
	}
	ln, err := net.Listen("tcp", a.settings.Listen)
	if err != nil {
		return nil, fmt.Errorf("answer /healthz: %w", err)
	}
	return ln, nil
}

// answer begins to listen: for what asks after our health, nil when nobody may, and for commands.
func (a *App) answer(m Mode) (asked net.Listener, server *api.Server, err error) {
	if asked, err = a.listen(m); err != nil {
		return nil, nil, err
	}
	if server, err = api.Listen(a.socket, a, func(uid string) string { return Caller(a.Plan(), uid) }, a.log); err != nil && asked != nil {
		asked.Close()
	}
	return asked, server, err
}

// watched answers whoever asks how we are, and tells the service manager, until the returned function is called, which waits for both: that
// is after everything else has ended. failed is called when nobody can be answered any more.
func (a *App) watched(ln net.Listener, m *systemd.Manager, failed func()) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	var g errgroup.Group
	if ln != nil {
		g.Go(func() error {
			defer failed()
			return a.serveHealth(ctx, ln)
		})
	}
	g.Go(func() error { return bug.Caught(func() error { return a.manage(ctx, m) }) })
	return func() error {
		cancel()
		return g.Wait()
	}
}

// serveHealth answers on a loopback address until ctx ends.
func (a *App) serveHealth(ctx context.Context, ln net.Listener) error {
	srv := &http.Server{Handler: health.Handler(a), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 20 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug)}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", a.settings.Listen, err)
	}
	return nil
}

// statusEvery is how often the service manager is told what comes next, where it wants no sign of life.
const statusEvery = 30 * time.Second

// manage tells the service manager how we are until ctx ends. It gets its sign of life at half of the time it asks for, as long as nothing is
// met that another process might do better: then it starts one.
func (a *App) manage(ctx context.Context, m *systemd.Manager) error {
	if m == nil {
		return nil
	}
	every := statusEvery
	if w := m.Watchdog(); w > 0 {
		every = min(every, w/2)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	told := ""
	for {
		r := a.Health(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if health.RestartHelps(r.Troubles) {
			a.log.Error("the service manager is not told that all is well", "troubles", r.Troubles)
		} else if m.Watchdog() > 0 {
			a.tell(m.Alive())
		}
		if text := a.statusLine(r); text != told {
			a.tell(m.Status(text))
			told = text
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// tell notes that the service manager could not be told something: that stops nothing.
func (a *App) tell(err error) {
	if err != nil {
		a.log.Warn("service manager", "err", err)
	}
}

// statusLine is what `systemctl status` shows.
func (a *App) statusLine(r health.Report) string {
	switch {
	case r.State == health.Stopping:
		return "stopping: what is in flight is finished"
	case !r.OK:
		return fmt.Sprintf("%s: %s", r.Troubles[0].Code, r.Troubles[0].Text)
	}
	now := time.Now()
	present := a.presentAt(now)
	entries, _ := present.Schedules()
	next := timeline.Slots(entries, now, time.Time{}, 1)
	if len(next) == 0 {
		return "nothing comes by itself"
	}
	return fmt.Sprintf("next: %s at %s", next[0].Key, next[0].Begins(next[0].At).In(a.Plan().Zone).Format("2006-01-02 15:04:05 MST"))
}
