package timeline_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/config"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/timeline"
	"skift/runbooks"
)

// standing is a row of docs/state-machine.md: where a milestone stands, whether it was entered, and where its step stands.
type standing struct{ milestone, entered, step string }

// What the overall plan can start, by needs and dates, is what the milestones' own dates say is due, for any facts and at any instant: of the
// shipped plans, and of plans in which anything hangs on anything. And each milestone stands where the document says.
func TestTheOverallPlanStartsWhatIsDue(t *testing.T) {
	t.Parallel()
	documented := documentedStandings(t)
	seen := map[standing]bool{}
	r := rand.New(rand.NewPCG(5, 16))
	var plans []*plan.Plan
	for _, name := range config.Plans() {
		fsys, _ := config.Plan(name)
		p, problems := plan.Load(fsys)
		if problems.Errors() > 0 {
			t.Fatalf("%s does not load", name)
		}
		plans = append(plans, p)
	}
	shipped := len(plans)
	for range 150 {
		plans = append(plans, randomPlan(t, r))
	}
	began := 0
	for i, p := range plans {
		rounds := 40
		if i < shipped {
			rounds = 150
		}
		for range rounds {
			now, f := randomFacts(r, p)
			tl := timeline.At(p, f, now)
			o := tl.Overall()
			var want []string
			for _, m := range tl.Milestones {
				at := m.Next(time.Time{})
				due := !at.IsZero() && !at.After(now)
				if due {
					want = append(want, m.ID)
				}
				state := o.State(m.ID)
				if due != (state == run.Startable) {
					t.Fatalf("plan %d at %s: %s is due: %v, and its step is %s\n%s", i, now, m.ID, due, state, told(p, f))
				}
				s := standing{string(m.State), entered(m), string(state)}
				if !documented[s] {
					t.Fatalf("plan %d at %s: %s is %+v, which docs/state-machine.md does not have\n%s", i, now, m.ID, s, told(p, f))
				}
				seen[s] = true
			}
			var got []string
			for _, m := range tl.Entering() {
				got = append(got, m.ID)
			}
			began += len(got)
			slices.Sort(got)
			slices.Sort(want)
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("plan %d at %s, what is entered (-want +got):\n%s%s", i, now, d, told(p, f))
			}
		}
	}
	for s := range documented {
		if !seen[s] {
			t.Errorf("docs/state-machine.md has %+v, which never was", s)
		}
	}
	if began < 1000 {
		t.Errorf("only %d milestones were due: the plans try nothing", began)
	}
}

func entered(m *timeline.Milestone) string {
	if m.StartedAt.IsZero() {
		return "no"
	}
	return "yes"
}

var standingRow = regexp.MustCompile("(?m)^\\| `([a-z]+)` \\| (yes|no) \\| `([a-z-]+)` \\|")

func documentedStandings(t *testing.T) map[standing]bool {
	t.Helper()
	doc, err := os.ReadFile("../../docs/state-machine.md")
	if err != nil {
		t.Fatal(err)
	}
	out := map[standing]bool{}
	for _, m := range standingRow.FindAllStringSubmatch(string(doc), -1) {
		out[standing{m[1], m[2], m[3]}] = true
	}
	if len(out) == 0 {
		t.Fatal("docs/state-machine.md has lost the table of milestones and steps")
	}
	return out
}

// told writes a plan and its facts for a failure.
func told(p *plan.Plan, f *register.Facts) string {
	text := fmt.Sprintf("adopted %s\n", f.AdoptedAt)
	for _, id := range p.MilestoneIDs {
		m := p.Milestones[id]
		text += fmt.Sprintf("%s %s from %q until %q exit %q runbook %q: %+v\n", id, m.Kind, m.From.Text, m.Until.Text, m.Exit, m.Runbook, f.Milestone(id))
	}
	return text
}

// randomPlan is a plan of some milestones whose dates hang on those before them.
func randomPlan(t *testing.T, r *rand.Rand) *plan.Plan {
	t.Helper()
	kinds := []string{"zone", "phase", "phase", "window", "release", "point"}
	var list []ms
	date := func(i int) string {
		day := fmt.Sprintf("2026-%02d-%02d", 1+r.IntN(4), 1+r.IntN(28))
		if i > 0 && r.IntN(3) > 0 {
			offsets := []string{"", "", " + 1d", " + 3wd", " + 5h", " - 2d", " + 1d - 2h", " - 3h"}
			return fmt.Sprintf("m%d.%s%s", r.IntN(i), []string{"start", "end", "passed", "passed"}[r.IntN(4)], offsets[r.IntN(len(offsets))])
		}
		switch r.IntN(8) {
		case 0:
			return day[:7]
		case 1:
			return "unset"
		case 2:
			return day + ".." + day[:8] + "28"
		case 3, 4:
			return day + " 14:00"
		}
		return day
	}
	for i := range 2 + r.IntN(6) {
		m := ms{id: fmt.Sprintf("m%d", i), kind: kinds[r.IntN(len(kinds))], from: date(i)}
		if m.kind != "release" && m.kind != "point" {
			m.until = date(i)
		}
		if r.IntN(3) == 0 {
			m.exit = "go"
		}
		if r.IntN(3) == 0 {
			m.runbook = "work"
		}
		if r.IntN(2) == 0 {
			m.owner = "kombit/chair"
		}
		list = append(list, m)
	}
	return testPlan(t, list...)
}

// randomFacts is an instant, and what may have happened by then.
func randomFacts(r *rand.Rand, p *plan.Plan) (time.Time, *register.Facts) {
	var instants []time.Time
	for _, m := range timeline.At(p, nil, time.Unix(0, 0)).Milestones {
		for _, at := range []time.Time{m.Start.Earliest, m.Start.Latest, m.End.Earliest, m.End.Latest} {
			if !at.IsZero() {
				instants = append(instants, at)
			}
		}
	}
	if len(instants) == 0 {
		instants = []time.Time{time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)}
	}
	around := func() time.Time {
		return instants[r.IntN(len(instants))].Add(time.Duration(r.IntN(7)-3) * []time.Duration{time.Second, time.Hour, 24 * time.Hour}[r.IntN(3)])
	}
	now := around()
	before := func() time.Time {
		at := around()
		if at.After(now) {
			return now.Add(-time.Duration(r.IntN(1000)) * time.Hour)
		}
		return at
	}
	f := &register.Facts{Milestones: map[string]*register.MilestoneFacts{}}
	if r.IntN(4) > 0 {
		f.AdoptedAt = before()
	}
	for _, id := range p.MilestoneIDs {
		m := &register.MilestoneFacts{}
		if r.IntN(2) == 0 {
			m.StartedAt = before()
		}
		switch r.IntN(6) {
		case 0, 1:
			m.PassedAt = before()
		case 2:
			m.ReopenedAt = before()
		case 3:
			m.DatedAt = before()
		}
		f.Milestones[id] = m
	}
	return now, f
}

// What begins when a month has passed by the clock begins when all of it is over, and no sooner.
func TestWhatFollowsAMonth(t *testing.T) {
	t.Parallel()
	p := testPlan(t, ms{id: "test", kind: "phase", from: "2026-07", until: "2026-07"}, ms{id: "trial", kind: "phase", from: "test.passed", until: "2026-12-31"})
	for now, want := range map[string]run.StepState{"2026-07-01": run.Waiting, "2026-07-31 23:59": run.Waiting, "2026-08-01": run.Startable} {
		if got := timeline.At(p, facts(at(t, "2026-01-01"), nil), at(t, now)).Overall().State("trial"); got != want {
			t.Errorf("at %s it is %s, want %s", now, got, want)
		}
	}
}

// A milestone is compiled to a step: what it starts, what it waits for, and what ends it.
func TestMilestonesAreSteps(t *testing.T) {
	t.Parallel()
	fsys, _ := config.Plan("serviceplatformen")
	p, _ := plan.Load(fsys)
	book := plan.Master(p)
	if len(book.Steps) != len(p.MilestoneIDs) {
		t.Fatalf("%d steps of %d milestones", len(book.Steps), len(p.MilestoneIDs))
	}
	for id, want := range map[string]runbooks.Step{
		"hypercare": {Kind: runbooks.Nested, Runbook: "hypercare", NotBefore: "cutover.start", Owner: "ibm/transition-manager",
			Ends: runbooks.Ending{Gate: "hypercare-exit"}},
		"frozen-zone-2": {Kind: runbooks.Nested, Runbook: "frozen-zone", NotBefore: "frozen-zone-2.start", Owner: "kombit/chair",
			Ends: runbooks.Ending{Until: "hypercare.passed"}},
		"cutover": {Kind: runbooks.Nested, Runbook: "cutover-weekend", NotBefore: "cutover.start", Owner: "kombit/cutover-manager",
			Ends: runbooks.Ending{After: []string{"acceptance-test"}}},
		"clarification-end": {Kind: runbooks.Wait, NotBefore: "clarification-end.start", Ends: runbooks.Ending{Until: "clarification-end.end"}},
		"operational-trial": {Kind: runbooks.Nested, Runbook: "operational-trial", NotBefore: "operational-trial.start", Owner: "kombit/cutover-manager",
			Ends: runbooks.Ending{Gate: "operational-trial-passed", After: []string{"hypercare"}}},
		"first-release": {Kind: runbooks.Wait, NotBefore: "first-release.start"},
	} {
		s := book.Step(id)
		got := runbooks.Step{Kind: s.Kind, Runbook: s.Runbook, NotBefore: s.NotBefore, Owner: s.Owner, Ends: s.Ends}
		if d := cmp.Diff(fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got)); d != "" {
			t.Errorf("%s (-want +got):\n%s", id, d)
		}
	}
	own := testPlan(t, ms{id: "a", kind: "phase", from: "2026-01-01", until: "unset", owner: "kombit/chair"}, ms{id: "b", kind: "phase", from: "a.passed + 1d", until: "2026-06-01"},
		ms{id: "c", kind: "phase", from: "a.passed - 1d", until: "2026-06-01"})
	book = plan.Master(own)
	if s := book.Step("a"); s.Kind != runbooks.Manual || s.Owner == "" {
		t.Errorf("a phase that a person ends is %s of %q", s.Kind, s.Owner)
	}
	if b, c := book.Step("b"), book.Step("c"); !slices.Equal(b.Needs, []string{"a"}) || len(c.Needs) > 0 {
		t.Errorf("b needs %v, c, which may begin before a has passed, %v", b.Needs, c.Needs)
	}
}
