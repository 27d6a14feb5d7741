package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"skift/internal/plan"
	"skift/internal/queue"
	"skift/internal/register"
	"skift/internal/scheduler"
	"skift/internal/timeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A bubble's clock begins at midnight UTC of Saturday, 1 January 2000.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func load(t *testing.T, rest string) *plan.Plan { return loadIn(t, "UTC", rest) }

func loadIn(t *testing.T, zone, rest string) *plan.Plan {
	t.Helper()
	p, problems := plan.Load(fstest.MapFS{"plan.yaml": {Data: []byte(`
plan: test
title: Test
timezone: ` + zone + `
language: en
parties: {kombit: {role: customer}, sse: {role: old-supplier}, ibm: {role: new-supplier}}
seats: {kombit/chair: {}}
environments: {prod: {production: true}}
platforms:
  old: {name: SSE, party: sse, networks: [198.51.100.0/24]}
  new: {name: IBM, party: ibm, networks: [203.0.113.0/24]}
services:
  gateway: {in: {prod: {old: {addr: "198.51.100.10:443"}, new: {addr: "203.0.113.10:443"}}}}
checks:
  cert: {kind: tls, service: gateway}
` + rest)}})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return p
}

var errTaken = errors.New("taken")

// disk is what survives a process: slot rows and facts, written together.
type disk struct {
	mu    sync.Mutex
	slots map[string]register.Slot
	last  map[string]time.Time // schedule → its newest slot
	facts register.Facts
	carry func([]register.Job) // what takes the jobs of a commit; nil = nobody
}

func newDisk() *disk {
	return &disk{slots: map[string]register.Slot{}, last: map[string]time.Time{}, facts: register.Facts{AdoptedAt: epoch, Milestones: map[string]*register.MilestoneFacts{}}}
}

func key(schedule string, at time.Time) string {
	return schedule + " " + at.UTC().Format("01-02 15:04:05")
}

func (d *disk) Commit(_ context.Context, b register.Batch) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.commit(b); err != nil {
		return err
	}
	for _, s := range b.Slots {
		if s.State == register.SlotClaimed {
			b.Jobs = append(b.Jobs, register.Job{Schedule: s.Schedule, At: s.At})
		}
	}
	if d.carry != nil {
		d.carry(b.Jobs)
	}
	return nil
}

func (d *disk) commit(b register.Batch) error {
	for _, s := range b.Slots {
		if _, taken := d.slots[key(s.Schedule, s.At)]; taken {
			return errTaken
		}
	}
	for _, m := range b.SlotMoves {
		if d.slots[key(m.Schedule, m.At)].State != m.From {
			return errors.New("conflict")
		}
	}
	for _, s := range b.Slots {
		d.put(s)
	}
	for _, m := range b.SlotMoves {
		s := d.slots[key(m.Schedule, m.At)]
		s.State, s.FinishedAt, s.Note = m.To, m.FinishedAt, m.Note
		d.slots[key(m.Schedule, m.At)] = s
	}
	return nil
}

func (*disk) Taken(err error) bool { return errors.Is(err, errTaken) }

func (d *disk) LastSlot(_ context.Context, schedule string) (at time.Time, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last[schedule], nil
}

// put stores a slot.
func (d *disk) put(s register.Slot) {
	d.slots[key(s.Schedule, s.At)] = s
	if s.At.After(d.last[s.Schedule]) {
		d.last[s.Schedule] = s.At
	}
}

func (d *disk) Claimed(context.Context) (out []register.Slot, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.slots {
		if s.State == register.SlotClaimed {
			out = append(out, s)
		}
	}
	return out, nil
}

// size is how many facts there are.
func (d *disk) size() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return int64(len(d.facts.Milestones))
}

// rows lists "slot state" of a schedule in order of time.
func (d *disk) rows(schedule string) (out []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for k, s := range d.slots {
		if s.Schedule == schedule {
			out = append(out, k[len(schedule)+1:]+" "+string(s.State))
		}
	}
	slices.Sort(out)
	return out
}

// hand does the work of slots and notes it.
type hand struct {
	d     *disk
	mu    sync.Mutex
	did   []string
	sized bool   // the loop is told how many facts there are
	look  func() // called whenever the loop asks what there is to do; nil = nothing
	busy  int
	most  int
	takes time.Duration
	works scheduler.Worker                         // does the work instead; nil = the hand itself
	comes func(jobs []register.Job) []register.Job // what comes of the jobs that are put; nil = all
	stall func(what string)                        // before anything else
	fail  func(what string) error                  // before anything is written
	added map[string]time.Time
}

func (h *hand) note(what string) error {
	if h.stall != nil {
		h.stall(what)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.did = append(h.did, time.Now().UTC().Format("01-02 15:04:05 ")+what)
	if h.fail != nil {
		return h.fail(what)
	}
	return nil
}

func (h *hand) Sweep(ctx context.Context, suite string, slot time.Time) error {
	h.mu.Lock()
	h.busy++
	h.most = max(h.most, h.busy)
	h.mu.Unlock()
	defer func() { h.mu.Lock(); h.busy--; h.mu.Unlock() }()
	if err := h.note(fmt.Sprintf("sweep %s %s", suite, slot.UTC().Format("15:04"))); err != nil {
		return err
	}
	select {
	case <-time.After(h.takes):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *hand) Report(ctx context.Context, audience string, slot register.Slot) error {
	if err := h.note("report " + audience); err != nil {
		return err
	}
	return h.d.Commit(ctx, register.Batch{Slots: []register.Slot{slot}})
}

func (h *hand) Enter(_ context.Context, milestone string, slot register.Slot) error {
	if err := h.note("enter " + milestone); err != nil {
		return err
	}
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if err := h.d.commit(register.Batch{Slots: []register.Slot{slot}}); err != nil {
		return err
	}
	h.d.facts.Milestones[milestone] = &register.MilestoneFacts{StartedAt: time.Now()}
	return nil
}

// process is one scheduler with its queue.
type process struct {
	changed chan struct{}
	stop    func()
}

func (h *hand) run(t *testing.T, p *plan.Plan) *process {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	proc := &process{changed: make(chan struct{}, 1)}
	var s *scheduler.Scheduler
	q := queue.NewInline(func(ctx context.Context, job register.Job) { s.Work(ctx, job) }, slog.New(slog.DiscardHandler))
	h.d.carry = q.Stored
	if h.comes != nil {
		h.d.carry = func(jobs []register.Job) { q.Stored(h.comes(jobs)) }
	}
	var size func() int64
	if h.sized {
		size = h.d.size
	}
	works := scheduler.Worker(h)
	if h.works != nil {
		works = h.works
	}
	s = scheduler.New(scheduler.Config{Size: size, Store: h.d, Worker: works, Changed: proc.changed, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Present: func(now time.Time) scheduler.Present {
			if h.look != nil {
				h.look()
			}
			h.d.mu.Lock()
			defer h.d.mu.Unlock()
			return scheduler.Present{Timeline: timeline.At(p, h.d.facts.Dates(), now), AdoptedAt: h.d.facts.AdoptedAt, Added: h.added}
		}})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := q.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	wg.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	proc.stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(proc.stop)
	return proc
}

// bubble runs a plan and gives the disk and the hand that works on it.
func bubble(t *testing.T, rest string, fn func(t *testing.T, p *plan.Plan, h *hand)) {
	t.Helper()
	p := load(t, rest)
	synctest.Test(t, func(t *testing.T) { fn(t, p, &hand{d: newDisk()}) })
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

const every30 = "suites:\n  s: {checks: [cert], every: 30m}\n"

func TestEachSlotOnce(t *testing.T) {
	t.Parallel()
	bubble(t, every30, func(t *testing.T, p *plan.Plan, h *hand) {
		proc := h.run(t, p)
		time.Sleep(25 * time.Hour)
		proc.changed <- struct{}{} // being woken for nothing does nothing
		time.Sleep(time.Minute)
		proc.stop()
		rows := h.d.rows("suite/s")
		if len(rows) != 50 || len(h.did) != 50 {
			t.Fatalf("%d rows, %d sweeps, want 50: %v", len(rows), len(h.did), rows)
		}
		for i, row := range rows {
			if want := epoch.Add(time.Duration(i+1) * 30 * time.Minute).Format("01-02 15:04:05 done"); row != want {
				t.Errorf("row %d is %q, want %q", i, row, want)
			}
		}
	})
}

func TestMissedSlots(t *testing.T) {
	t.Parallel()
	rest := "suites:\n  s: {checks: [cert], every: 30m}\naudiences:\n  a: {to: [kombit/chair], report: weekly, cron: \"0 * * * *\"}\n"
	bubble(t, rest, func(t *testing.T, p *plan.Plan, h *hand) {
		proc := h.run(t, p)
		time.Sleep(61 * time.Minute)
		proc.stop()
		time.Sleep(6 * time.Hour) // nothing runs
		h.did = nil
		proc = h.run(t, p)
		time.Sleep(time.Second)
		proc.stop()
		same(t, "done at once", []string{"01-01 07:01:00 report a", "01-01 07:01:00 sweep s 07:00"}, sorted(h.did))
		same(t, "reports", []string{"01-01 01:00:00 done", "01-01 02:00:00 missed", "01-01 03:00:00 missed", "01-01 04:00:00 missed",
			"01-01 05:00:00 missed", "01-01 06:00:00 missed", "01-01 07:00:00 done"}, h.d.rows("report/a"))
		rows := h.d.rows("suite/s")
		if len(rows) != 14 || rows[13] != "01-01 07:00:00 done" || rows[12] != "01-01 06:30:00 missed" {
			t.Errorf("suite: %v", rows)
		}
	})
}

func sorted(in []string) []string { return slices.Sorted(slices.Values(in)) }

func TestNoOverlap(t *testing.T) {
	t.Parallel()
	bubble(t, every30, func(t *testing.T, p *plan.Plan, h *hand) {
		h.takes = 70 * time.Minute
		proc := h.run(t, p)
		time.Sleep(3*time.Hour + time.Minute)
		proc.stop()
		if h.most != 1 {
			t.Errorf("%d sweeps of one suite at once", h.most)
		}
		same(t, "rows", []string{"01-01 00:30:00 done", "01-01 01:00:00 missed", "01-01 01:30:00 missed", "01-01 02:00:00 failed",
			"01-01 02:30:00 missed", "01-01 03:00:00 missed"}, h.d.rows("suite/s"))
	})
}

// TestCutShort: a sweep that a stop cuts short has failed, and the next process asks at the next slot. After a crash the next process ends it.
func TestCutShort(t *testing.T) {
	t.Parallel()
	bubble(t, every30, func(t *testing.T, p *plan.Plan, h *hand) {
		h.takes = 20 * time.Minute
		proc := h.run(t, p)
		time.Sleep(40 * time.Minute)
		proc.stop()
		same(t, "after the stop", []string{"01-01 00:30:00 failed"}, h.d.rows("suite/s"))
		h.takes = 0
		proc = h.run(t, p)
		time.Sleep(30 * time.Minute)
		proc.stop()
		same(t, "after the next", []string{"01-01 00:30:00 failed", "01-01 01:00:00 done"}, h.d.rows("suite/s"))
		crashed := register.Slot{Schedule: "suite/s", At: epoch.Add(90 * time.Minute), State: register.SlotClaimed, ClaimedAt: epoch.Add(90 * time.Minute)}
		h.d.slots[key(crashed.Schedule, crashed.At)] = crashed
		time.Sleep(21 * time.Minute)
		proc = h.run(t, p)
		time.Sleep(time.Minute)
		proc.stop()
		same(t, "after a crash", []string{"01-01 00:30:00 failed", "01-01 01:00:00 done", "01-01 01:30:00 failed"}, h.d.rows("suite/s"))
	})
}

func TestFailedSweep(t *testing.T) {
	t.Parallel()
	bubble(t, every30, func(t *testing.T, p *plan.Plan, h *hand) {
		h.fail = func(string) error { return errors.New("no network") }
		proc := h.run(t, p)
		time.Sleep(61 * time.Minute)
		proc.stop()
		same(t, "rows", []string{"01-01 00:30:00 failed", "01-01 01:00:00 failed"}, h.d.rows("suite/s"))
		if note := h.d.slots[key("suite/s", epoch.Add(30*time.Minute))].Note; note != "no network" {
			t.Errorf("note %q", note)
		}
	})
}

// TestRetry: what could not be begun is tried again soon, not in a burst, and holds up nothing else.
func TestRetry(t *testing.T) {
	t.Parallel()
	rest := every30 + "audiences:\n  a: {to: [kombit/chair], report: weekly, cron: \"30 * * * *\"}\n"
	bubble(t, rest, func(t *testing.T, p *plan.Plan, h *hand) {
		tries := 0
		h.fail = func(what string) error {
			if tries++; what == "report a" && tries <= 4 {
				return errors.New("disk busy")
			}
			return nil
		}
		proc := h.run(t, p)
		time.Sleep(40 * time.Minute)
		proc.stop()
		same(t, "did", []string{"01-01 00:30:00 report a", "01-01 00:30:00 sweep s 00:30", "01-01 00:30:05 report a", "01-01 00:30:10 report a", "01-01 00:30:15 report a"}, sorted(h.did))
		same(t, "rows", []string{"01-01 00:30:00 done"}, h.d.rows("report/a"))
	})
}

const milestones = `
milestones:
  early: {kind: phase, from: "2000-01-01 06:00", until: "2000-01-01 12:00"}
  point: {kind: point, date: "2000-01-01 07:00"}
  after: {kind: phase, from: early.passed, until: 2000-02-01, owner: kombit/chair}
`

func TestMilestonesAreEnteredOnce(t *testing.T) {
	t.Parallel()
	bubble(t, milestones, func(t *testing.T, p *plan.Plan, h *hand) {
		for range 30 { // a process that is ended again and again, every 37 minutes
			proc := h.run(t, p)
			time.Sleep(37 * time.Minute)
			proc.stop()
		}
		same(t, "entered", []string{"enter early", "enter point", "enter after"}, names(h.did))
		same(t, "row", []string{"01-01 06:00:00 done"}, h.d.rows("milestone/early"))
	})
}

func names(did []string) (out []string) {
	for _, d := range did {
		out = append(out, d[len("01-02 15:04:05 "):])
	}
	return out
}

// TestEnterOnTime: to the second, whatever else goes on.
func TestEnterOnTime(t *testing.T) {
	t.Parallel()
	bubble(t, milestones, func(t *testing.T, p *plan.Plan, h *hand) {
		proc := h.run(t, p)
		time.Sleep(13 * time.Hour)
		proc.stop()
		same(t, "did", []string{"01-01 06:00:00 enter early", "01-01 07:00:00 enter point", "01-01 12:00:00 enter after"}, h.did)
	})
}

// TestEnterIsRetried: a beginning that could not be written is tried until it is, and then never again.
func TestEnterIsRetried(t *testing.T) {
	t.Parallel()
	bubble(t, milestones, func(t *testing.T, p *plan.Plan, h *hand) {
		left := 3
		h.fail = func(string) error {
			if left--; left >= 0 {
				return errors.New("disk busy")
			}
			return nil
		}
		proc := h.run(t, p)
		time.Sleep(6*time.Hour + 30*time.Minute)
		proc.stop()
		same(t, "did", []string{"01-01 06:00:00 enter early", "01-01 06:00:05 enter early", "01-01 06:00:10 enter early", "01-01 06:00:15 enter early"}, h.did)
	})
}

// TestWokenByFacts: an event that makes something due is not waited for until the next look.
func TestWokenByFacts(t *testing.T) {
	t.Parallel()
	rest := "milestones:\n  first: {kind: phase, from: 2000-01-01, until: 2000-03-01, owner: kombit/chair, exit: ok}\n  then: {kind: phase, from: first.passed, until: 2000-04-01}\ngates:\n  ok: {asks: Ok?, decides: kombit/chair}\n"
	bubble(t, rest, func(t *testing.T, p *plan.Plan, h *hand) {
		proc := h.run(t, p)
		time.Sleep(10*time.Minute + 7*time.Second)
		h.d.mu.Lock()
		h.d.facts.Milestones["first"].PassedAt = time.Now()
		h.d.mu.Unlock()
		proc.changed <- struct{}{}
		synctest.Wait()
		proc.stop()
		same(t, "did", []string{"01-01 00:00:00 enter first", "01-01 00:10:07 enter then"}, h.did)
	})
}

// TestDuring: a suite bound to a stretch is asked in it and not outside, and what was missed while it lasted is not caught up after it.
func TestDuring(t *testing.T) {
	t.Parallel()
	rest := "suites:\n  s: {checks: [cert], every: 1h, during: [early]}\n" + milestones
	bubble(t, rest, func(t *testing.T, p *plan.Plan, h *hand) {
		proc := h.run(t, p)
		time.Sleep(8*time.Hour + time.Minute)
		proc.stop()
		time.Sleep(8 * time.Hour)
		proc = h.run(t, p)
		time.Sleep(2 * time.Hour)
		proc.stop()
		same(t, "rows", []string{"01-01 06:00:00 done", "01-01 07:00:00 done", "01-01 08:00:00 done",
			"01-01 09:00:00 missed", "01-01 10:00:00 missed", "01-01 11:00:00 missed"}, h.d.rows("suite/s"))
	})
}

// TestNotAdopted: before the plan is in use nothing is due, however long it lies there; then what came before is not caught up.
func TestNotAdopted(t *testing.T) {
	t.Parallel()
	bubble(t, every30+milestones, func(t *testing.T, p *plan.Plan, h *hand) {
		h.d.facts.AdoptedAt = time.Time{}
		proc := h.run(t, p)
		time.Sleep(20*time.Hour + 10*time.Minute)
		if len(h.did) != 0 || len(h.d.slots) != 0 {
			t.Fatalf("did %v, rows %v", h.did, h.d.slots)
		}
		h.d.mu.Lock()
		h.d.facts.AdoptedAt = time.Now()
		h.d.mu.Unlock()
		time.Sleep(time.Hour)
		proc.stop()
		same(t, "did", []string{"enter after", "sweep s 20:30", "sweep s 21:00"}, sorted(names(h.did)))
		same(t, "rows", []string{"01-01 20:30:00 done", "01-01 21:00:00 done"}, h.d.rows("suite/s"))
	})
}

// TestManyMissed: after months away the rows are written at once, and only one slot is worked.
func TestManyMissed(t *testing.T) {
	t.Parallel()
	bubble(t, every30, func(t *testing.T, p *plan.Plan, h *hand) {
		time.Sleep(100 * 24 * time.Hour)
		proc := h.run(t, p)
		time.Sleep(time.Second)
		proc.stop()
		if n := len(h.d.rows("suite/s")); n != 4800 || len(h.did) != 1 {
			t.Errorf("%d rows, did %v", n, h.did)
		}
	})
}
