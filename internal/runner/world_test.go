package runner_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"skift/internal/forecast"
	"skift/internal/freeze"
	"skift/internal/gate"
	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/runner"
	"skift/internal/store"
	"skift/internal/timeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The world of these tests: a bubble's clock begins at midnight UTC of 1 January 2000, and the cut-over is on the tenth.
const base = `
plan: test
title: Test
timezone: UTC
language: en
parties: {kombit: {role: customer}, sse: {role: old-supplier}, ibm: {role: new-supplier}}
seats:
  kombit/chair: {}
  kombit/manager: {deputies: [kombit/deputy]}
  kombit/deputy: {}
  ibm/operator: {deputies: [ibm/deputy]}
  ibm/deputy: {}
  sse/operator: {}
roster: shifts.csv
contacts: contacts.csv
areas: [sftp]
environments: {exttest: {}, prod: {production: true}}
platforms:
  old: {name: SSE, party: sse, networks: [198.51.100.0/24]}
  new: {name: IBM, party: ibm, networks: [203.0.113.0/24]}
services:
  gateway: {in: {prod: {old: {addr: "198.51.100.10:443"}, new: {addr: "203.0.113.10:443"}}, exttest: {old: {addr: "198.51.100.20:443"}, new: {addr: "203.0.113.20:443"}}}}
  sftp: {in: {prod: {old: {addr: "198.51.100.11:22"}, new: {addr: "203.0.113.11:22"}}, exttest: {old: {addr: "198.51.100.21:22"}, new: {addr: "203.0.113.21:22"}}}}
checks:
  cert: {kind: tls, service: gateway, critical: true}
  other: {kind: tls, service: gateway}
suites:
  readiness: {checks: [cert]}
milestones:
  cutover: {kind: window, from: "2000-01-10 00:00", until: "2000-01-11 00:00", runbook: weekend}
  trial: {kind: phase, from: 2000-01-05, until: 2000-01-08, exit: trial-ok, owner: ibm/operator}
  settled: {kind: phase, from: cutover.start, until: {about: 2000-02-01..2000-02-10}, owner: ibm/operator}
gates:
  go: {asks: Go?, poll: [ibm/operator, sse/operator], decides: kombit/chair}
  strict:
    asks: Really?
    scope: {services: [gateway, sftp]}
    criteria: [{suite: readiness, critical: all, max_age: 2h}, {attested: staffed, by: ibm/operator}]
    poll: [ibm/operator]
    decides: kombit/chair
  timed: {asks: In time?, opens: "2000-01-01 10:00", decide_by: "2000-01-01 12:00", decides: kombit/chair}
  trial-ok: {asks: Passed?, decides: kombit/chair}
audiences:
  steering: {to: [kombit/chair], report: weekly}
`

const shifts = `seat,from,until,person
kombit/chair,1999-12-31,2001-01-01,p-chair
kombit/manager,1999-12-31,2001-01-01,p-manager
kombit/deputy,1999-12-31,2001-01-01,p-deputy
ibm/operator,1999-12-31,2001-01-01,p-ibm
ibm/deputy,1999-12-31,2001-01-01,p-ibm-2
sse/operator,1999-12-31,2001-01-01,p-sse
`

const contacts = `person,name
p-chair,Chair
p-manager,Manager
p-deputy,Deputy
p-ibm,Operator
p-ibm-2,Second operator
p-sse,Operator
`

// defaultWeekend is there when a test gives no runbook of that name: the window needs one.
const defaultWeekend = "runbook: weekend\nsteps:\n  one: {owner: ibm/operator, manual: Do it}\n"

// load reads a plan with the given runbooks, each the text below `steps:`, or a whole file when it begins with "runbook:".
func load(t testing.TB, yaml string, books map[string]string) *plan.Plan {
	t.Helper()
	return loadWith(t, yaml, books, shifts)
}

func loadWith(t testing.TB, yaml string, books map[string]string, roster string) *plan.Plan {
	t.Helper()
	fsys := fstest.MapFS{"plan.yaml": {Data: []byte(yaml)}, "shifts.csv": {Data: []byte(roster)}, "contacts.csv": {Data: []byte(contacts)},
		"runbooks/weekend.yaml": {Data: []byte(defaultWeekend)}}
	for id, text := range books {
		if !strings.HasPrefix(text, "runbook:") {
			text = "runbook: " + id + "\nsteps:\n" + text
		}
		fsys["runbooks/"+id+".yaml"] = &fstest.MapFile{Data: []byte(text)}
	}
	p, problems := plan.Load(fsys)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return p
}

// actions is the port on which effects are done, counted and told what becomes of them.
type actions struct {
	mu    sync.Mutex
	calls []string
	done  func(ctx context.Context, e runner.Effect) (runner.Outcome, error) // nil: all goes well
	alive atomic.Bool
}

func (a *actions) Do(ctx context.Context, e runner.Effect) (runner.Outcome, error) {
	a.mu.Lock()
	a.calls = append(a.calls, fmt.Sprintf("%s/%s#%d", e.Run, e.Step.ID, e.Attempt))
	do := a.done
	a.mu.Unlock()
	if do == nil {
		return runner.Outcome{OK: true, Summary: "fine"}, nil
	}
	return do(ctx, e)
}

func (a *actions) Alive(int, string) bool { return a.alive.Load() }

func (a *actions) made() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.calls)
}

func (a *actions) will(do func(ctx context.Context, e runner.Effect) (runner.Outcome, error)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.done = do
}

// failing makes the named steps fail.
func failing(steps ...string) func(context.Context, runner.Effect) (runner.Outcome, error) {
	return func(_ context.Context, e runner.Effect) (runner.Outcome, error) {
		if slices.Contains(steps, e.Step.ID) {
			return runner.Outcome{Summary: "exit code 1"}, nil
		}
		return runner.Outcome{OK: true}, nil
	}
}

// blocking makes the named steps last until they are stopped.
func blocking(steps ...string) func(context.Context, runner.Effect) (runner.Outcome, error) {
	return func(ctx context.Context, e runner.Effect) (runner.Outcome, error) {
		if slices.Contains(steps, e.Step.ID) {
			<-ctx.Done()
			return runner.Outcome{Uncertain: true, Summary: "stopped"}, context.Cause(ctx)
		}
		return runner.Outcome{OK: true}, nil
	}
}

// sweeper answers what checks would.
type sweeper struct {
	mu       sync.Mutex
	asked    []runner.Sweep
	answer   func(ctx context.Context, s runner.Sweep) (runner.Swept, error) // nil: all is well
	evidence map[string]gate.SuiteEvidence                                   // nil: all is well, seen now
	seenAt   time.Time                                                       // when a suite was last swept
}

func (s *sweeper) Sweep(ctx context.Context, w runner.Sweep) (runner.Swept, error) {
	s.mu.Lock()
	s.asked = append(s.asked, w)
	s.seenAt = time.Now()
	answer := s.answer
	s.mu.Unlock()
	if answer == nil {
		return runner.Swept{OK: true, Observed: true, Summary: "all well"}, nil
	}
	return answer(ctx, w)
}

// Seen answers as a sweep would.
func (s *sweeper) Seen(ctx context.Context, p *plan.Plan, env string, questions []runner.Question) (out []runner.Swept, err error) {
	s.mu.Lock()
	answer := s.answer
	s.mu.Unlock()
	for _, q := range questions {
		said := runner.Swept{OK: true, Observed: true, Summary: "all well"}
		if answer != nil {
			if said, err = answer(ctx, runner.Sweep{Plan: p, Environment: env, Checks: q.Checks, Side: q.Side}); err != nil {
				return nil, err
			}
		}
		out = append(out, said)
	}
	return out, nil
}

func (s *sweeper) Evidence(_ context.Context, _ *plan.Plan, suites []string, now time.Time) (map[string]gate.SuiteEvidence, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.evidence != nil {
		return s.evidence, nil
	}
	out := map[string]gate.SuiteEvidence{}
	for _, id := range suites {
		out[id] = gate.SuiteEvidence{Critical: register.Count{Passed: 1, Total: 1}, AsOf: now}
	}
	return out, nil
}

func (s *sweeper) will(answer func(context.Context, runner.Sweep) (runner.Swept, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func (s *sweeper) causes() (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.asked {
		out = append(out, w.Cause)
	}
	return out
}

func red(context.Context, runner.Sweep) (runner.Swept, error) {
	return runner.Swept{Observed: true, Summary: "1 of 2", Findings: []register.Finding{{Check: "cert", Side: "new", Code: "srv_expired", Owner: "ibm"}}}, nil
}

// calendar is timeline as the runner sees it.
type calendar struct{}

func (calendar) Resolve(p *plan.Plan, f *ledger.Facts, g *plan.Gate, now time.Time) (opens, decideBy time.Time) {
	return timeline.At(p, &f.Register, now).Gate(&f.Runs, g)
}

func (calendar) Moment(p *plan.Plan, f *register.Facts, expr string, now time.Time) (time.Time, bool) {
	return timeline.At(p, f, now).WaitUntil(expr)
}

func (calendar) Turns(p *plan.Plan, f *register.Facts, now time.Time) time.Time {
	return timeline.At(p, f, now).Turns()
}

func (calendar) MilestoneState(p *plan.Plan, f *register.Facts, id string, now time.Time) string {
	return timeline.At(p, f, now).StateOf(id)
}

func (calendar) World(p *plan.Plan, f *ledger.Facts, now time.Time, bound func(string) *plan.Plan) forecast.World {
	return forecast.InPlan(p, &f.Runs, &f.Register, timeline.At(p, &f.Register, now), bound)
}

func (calendar) Between(before, after *plan.Plan, f *register.Facts, now time.Time) []register.ZoneChange {
	return freeze.Between(timeline.At(before, f, now), timeline.At(after, f, now))
}

func (calendar) Freeze(p *plan.Plan, f *register.Facts, q freeze.Question) freeze.Answer {
	return freeze.At(p, f, q)
}

func (calendar) MayLift(p *plan.Plan, f *register.Facts, zone string, now time.Time) []string {
	return timeline.At(p, f, now).MayLift(zone)
}

// reports composes one mail per call.
type reports struct {
	fail      error
	asked     []runner.Compose
	meanwhile func() // what happens while one is made
}

func (r *reports) Compose(_ context.Context, c runner.Compose) (runner.Composed, error) {
	r.asked = append(r.asked, c)
	if r.meanwhile != nil {
		r.meanwhile()
	}
	m := register.Message{ID: c.Audience + "." + c.Report + "." + c.Period, Audience: c.Audience, Report: c.Report,
		Recipient: "p-chair", Address: "chair@customer.example", Subject: "Status", Raw: []byte("Subject: Status\r\n\r\n")}
	return runner.Composed{Mails: []register.Message{m}, Missing: []string{"p-gone"}}, r.fail
}

// drawer keeps files in memory.
type drawer struct {
	mu     sync.Mutex
	files  map[string][]byte
	broken bool // by a bug of ours
	full   bool
}

func (d *drawer) Save(kind, name string, data []byte) (stored, sha256 string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken {
		panic("no such drawer")
	}
	if d.full {
		return "", "", errors.New("no space left on device")
	}
	if d.files == nil {
		d.files = map[string][]byte{}
	}
	d.files[kind+"/"+name] = data
	return kind + "/" + name, "hash of " + string(data), nil
}

// shelf keeps revisions of the plan.
type shelf map[string]*plan.Plan

func (s shelf) Plan(hash string) (*plan.Plan, error) {
	if p := s[hash]; p != nil {
		return p, nil
	}
	return nil, errors.New("no such revision")
}

// ledgerStore is the store as the ledger sees it.
type ledgerStore struct{ *store.Store }

func (s ledgerStore) Commit(ctx context.Context, b register.Batch) (journal.Head, int64, error) {
	c, err := s.Store.Commit(ctx, b)
	return c.Head, c.FirstSeq, err
}

// world is one process after another over one data directory.
type world struct {
	t       *testing.T
	dir     string
	plan    *plan.Plan
	shelf   shelf
	actions *actions
	sweeper *sweeper
	reports *reports
	drawer  *drawer
	dates   runner.Calendar
	options store.Options

	store  *store.Store
	ledger *ledger.Ledger
	r      *runner.Runner
	stop   func() error // ends the process softly
	kill   func() error // ends it with what is in flight

	launches launches // outlives the process, as a file does
	inFlight int

	ackedMu sync.Mutex
	acked   []runner.Reply // what was promised
}

// newWorld has a plan and a data directory, and no process yet.
func newWorld(t *testing.T, p *plan.Plan) *world {
	return &world{t: t, dir: t.TempDir(), plan: p, shelf: shelf{p.Hash: p}, actions: &actions{}, sweeper: &sweeper{}, reports: &reports{}, drawer: &drawer{}, dates: calendar{}}
}

// story runs fn in a bubble with a process running, and looks over the journal at its end.
func story(t *testing.T, books map[string]string, fn func(w *world)) {
	t.Helper()
	tell(t, base, books, fn)
}

func tell(t *testing.T, yaml string, books map[string]string, fn func(w *world)) {
	t.Helper()
	p := load(t, yaml, books)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, p)
		w.start()
		fn(w)
		w.end()
	})
}

// open takes the data directory without running anything: what a one-shot command does.
func (w *world) open() {
	w.t.Helper()
	o := w.options
	o.Dir, o.Plan, o.Moved = w.dir, w.plan.ID, true // what a crash left is a copy
	s, err := store.Open(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	head, err := s.Head(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	l, err := ledger.Open(w.t.Context(), w.plan.ID, ledgerStore{s}, head)
	if err != nil {
		w.t.Fatal(err)
	}
	w.shelf[w.plan.Hash] = w.plan
	w.store, w.ledger, w.r = s, l, w.runnerOn(l)
	w.stop, w.kill = s.Close, s.Close
	w.t.Cleanup(func() { _ = s.Close() })
}

func (w *world) runnerOn(l *ledger.Ledger) *runner.Runner {
	return runner.New(runner.Config{Plan: w.plan, Ledger: l, Actions: w.actions, Sweeper: w.sweeper, Calendar: w.dates, Reports: w.reports,
		Files: w.drawer, Launches: &w.launches, InFlight: w.inFlight, Revisions: w.shelf, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Person: func(p *plan.Plan, seat string, at time.Time) string { return p.Roster.At(seat, at).Person() }})
}

// start opens and runs.
func (w *world) start() {
	w.t.Helper()
	w.open()
	ctx, cancel := context.WithCancel(context.Background())
	force, ended := make(chan struct{}), make(chan error, 1)
	r, s := w.r, w.store
	go func() { ended <- r.Run(ctx, force) }()
	w.stop = sync.OnceValue(func() error {
		cancel()
		return errors.Join(<-ended, s.Close())
	})
	stop := w.stop
	w.kill = sync.OnceValue(func() error {
		close(force)
		return stop()
	})
	kill := w.kill
	w.t.Cleanup(func() { _ = kill() }) // also of a test that gave up: a bubble ends when all in it has
	synctest.Wait()
}

func (w *world) end() {
	w.t.Helper()
	if err := w.kill(); err != nil {
		w.t.Errorf("stop: %v", err)
	}
	w.checkJournal()
}

func (w *world) restart() {
	w.t.Helper()
	if err := w.kill(); err != nil {
		w.t.Fatal(err)
	}
	w.start()
}

// try gives a command.
func (w *world) try(c runner.Command) (runner.Reply, error) {
	c.EnteredBy = "uid-1000"
	reply, err := w.r.Do(context.Background(), c)
	if err == nil {
		w.ackedMu.Lock()
		w.acked = append(w.acked, reply)
		w.ackedMu.Unlock()
	}
	synctest.Wait()
	return reply, err
}

func (w *world) do(c runner.Command) runner.Reply {
	w.t.Helper()
	reply, err := w.try(c)
	if err != nil {
		w.t.Fatalf("%+v: %v", c, err)
	}
	return reply
}

// refused gives a command that must be refused in a way, and change nothing.
func (w *world) refused(kind string, c runner.Command) *runner.Refusal {
	w.t.Helper()
	before := w.ledger.Head()
	_, err := w.try(c)
	var r *runner.Refusal
	if !errors.As(err, &r) || r.Kind != kind {
		w.t.Fatalf("%s %s %s: got %v, want a refusal of kind %s", c.Do, c.Step+c.Gate+c.Milestone, c.Answer, err, kind)
	}
	if after := w.ledger.Head(); after != before {
		w.t.Errorf("%s was refused and wrote something", c.Do)
	}
	return r
}

func (w *world) begin(runbook string, change ...func(*runner.Command)) string {
	w.t.Helper()
	c := runner.Command{Do: runner.DoStart, Runbook: runbook}
	for _, fn := range change {
		fn(&c)
	}
	return w.do(c).Run
}

// chaired is what it takes to back out.
func chaired(c *runner.Command) { c.As, c.Reason = "kombit/chair", "it smokes" }

func rehearsal(c *runner.Command) { c.Rehearsal = true }
func exttest(c *runner.Command)   { c.Environment = "exttest" }

func (w *world) step(runID, step, answer, seat, reason string) runner.Command {
	return runner.Command{Do: runner.DoStep, Run: runID, Step: step, Answer: answer, As: seat, Reason: reason}
}

func (w *world) say(runID, step, answer, seat string) {
	w.t.Helper()
	w.do(w.step(runID, step, answer, seat, "because"))
}

func vote(gateID, answer, seat string) runner.Command {
	return runner.Command{Do: runner.DoVote, Gate: gateID, Answer: answer, As: seat}
}

// allGo votes a gate to a go; its poll is all of the seats given.
func (w *world) allGo(gateID string, poll ...string) runner.Reply {
	w.t.Helper()
	for _, seat := range poll {
		w.do(vote(gateID, "ready", seat))
	}
	return w.do(vote(gateID, "go", "kombit/chair"))
}

func (w *world) facts(fn func(f *ledger.Facts)) {
	w.ledger.Read(fn)
}

func (w *world) runState(id string) (s run.State) {
	w.facts(func(f *ledger.Facts) {
		if r := f.Runs.Runs[id]; r != nil {
			s = r.State
		}
	})
	return s
}

func (w *world) wantRun(id string, want run.State) {
	w.t.Helper()
	w.facts(func(f *ledger.Facts) {
		r := f.Runs.Runs[id]
		if r == nil || r.State != want {
			w.t.Helper()
			w.t.Errorf("%s: %+v, want it %s", id, describe(r), want)
		}
	})
}

func describe(r *run.Run) string {
	if r == nil {
		return "not there"
	}
	out := fmt.Sprintf("%s (%s)", r.State, r.Reason)
	for _, id := range r.Order {
		out += fmt.Sprintf(" %s:%s#%d", id, r.Steps[id].State, r.Steps[id].Attempt)
	}
	return out
}

// wantSteps compares the states of steps, given as "step state step state".
func (w *world) wantSteps(id string, pairs ...string) {
	w.t.Helper()
	w.facts(func(f *ledger.Facts) {
		r := f.Runs.Runs[id]
		for i := 0; i < len(pairs); i += 2 {
			if r == nil || r.Steps[pairs[i]] == nil || string(r.Steps[pairs[i]].State) != pairs[i+1] {
				w.t.Errorf("%s is not %s: %s", pairs[i], pairs[i+1], describe(r))
			}
		}
	})
}

// stepFacts is a copy of a step's facts.
func (w *world) stepFacts(id, step string) (s run.Step) {
	w.facts(func(f *ledger.Facts) { s = *f.Runs.Runs[id].Steps[step] })
	return s
}

func (w *world) phase(env, service string) (p string) {
	w.facts(func(f *ledger.Facts) { p = string(f.Register.Phase(env, service, "")) })
	return p
}

func (w *world) events() (out []journal.Event) {
	w.t.Helper()
	s, err := store.Open(context.Background(), store.Options{Dir: w.dir, Plan: w.plan.ID, ReadOnly: true})
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			w.t.Error(err)
		}
	}()
	if err := s.Events(context.Background(), 0, func(e journal.Event) error { out = append(out, e); return nil }); err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) count(kind string) (n int) {
	w.t.Helper()
	for _, e := range w.events() {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// launches is what a file in the data directory keeps: it outlives the process.
type launches struct {
	mu   sync.Mutex
	kept []runner.Launch
	fail error
}

func (l *launches) Note(n runner.Launch) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail == nil {
		l.kept = append(l.kept, n)
	}
	return l.fail
}

func (l *launches) Forget() {}

func (l *launches) Noted() ([]runner.Launch, error) { return l.all(), nil }

func (l *launches) all() []runner.Launch {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.kept)
}
