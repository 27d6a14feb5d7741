//go:build linux

package app_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/app"
	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/store"
	"skift/internal/timeline"
	"skift/runbooks"
)

// kept is what a transition left in its data directory.
type kept struct {
	plan   *plan.Plan
	facts  *ledger.Facts
	events []journal.Event
	slots  []register.Slot
	mails  []register.Message
	report journal.Report
}

func keptIn(t *testing.T, planDir, data string) *kept {
	t.Helper()
	ctx := t.Context()
	p, _, err := app.Load(planDir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(ctx, store.Options{Dir: data, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	k := &kept{plan: p, facts: &ledger.Facts{}}
	err = s.Events(ctx, 0, func(e journal.Event) error {
		k.events = append(k.events, e)
		if err := k.facts.Runs.Apply(e); err != nil {
			return err
		}
		return k.facts.Register.Apply(e)
	})
	if err != nil {
		t.Fatal(err)
	}
	if k.slots, err = s.Slots(ctx, "", time.Unix(0, 0), time.Unix(1<<33, 0)); err != nil {
		t.Fatal(err)
	}
	if k.mails, err = s.Messages(ctx, register.MessageFilter{Brief: true}); err != nil {
		t.Fatal(err)
	}
	if k.report, err = s.Verify(ctx, nil); err != nil {
		t.Fatal(err)
	}
	return k
}

// settled says what it came to, in lines that are the same whenever the same was decided and done: without instants, numbers
// of events and attempts, and without what a crash may add to the way there and not to where it leads.
func (k *kept) settled(taken map[string]int) (lines []string) {
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	is := func(at time.Time) bool { return !at.IsZero() }
	for _, id := range k.plan.MilestoneIDs {
		m := k.facts.Register.Milestone(id)
		say("milestone %s: entered %v, passed %v by %s%s%s", id, is(m.StartedAt), is(m.PassedAt), m.Gate, m.Run, m.PassedBy.Seat)
	}
	for key, g := range k.facts.Register.Gates {
		decision := "none"
		if d := g.Decision; d != nil {
			decision = fmt.Sprintf("%s %v by %s for %q", d.Decision, d.Services, d.Actor.Seat, d.UsedBy)
		}
		say("gate %s %s round %d: %s", key.Gate, key.Run, g.Round, decision)
		for seat, v := range g.Votes {
			say("gate %s %s: %s is %s", key.Gate, key.Run, seat, v.Answer)
		}
		for id, a := range g.Attested {
			say("gate %s %s: %s attests %s", key.Gate, key.Run, a.Actor.Seat, id)
		}
	}
	for _, id := range k.facts.Runs.Order {
		r := k.facts.Runs.Runs[id]
		say("run %s of %s in %s rehearsal %v for %s: %s", id, r.Started.Runbook, r.Started.Environment, r.Started.Rehearsal, r.Started.Milestone, r.State)
		for _, sid := range r.Order {
			s, by := r.Steps[sid], ""
			if s.Kind == string(runbooks.Manual) { // of another, a person may have had to say that it happened
				by = " by " + s.By.Seat
			}
			say("step %s/%s: %s%s", id, sid, s.State, by)
		}
	}
	for key, phase := range k.facts.Register.Phases {
		say("phase %v: %s", key, phase)
	}
	for _, s := range k.slots {
		say("slot %s %s", s.Schedule, s.At.UTC().Format(time.RFC3339))
	}
	for _, m := range k.mails {
		say("mail %s of %s to %s: %s, taken %d times", m.Report, m.Audience, m.Recipient, m.State, taken[m.ID])
	}
	slices.Sort(lines)
	return lines
}

// expect holds what is true of every life of the plan, by the plan and what happened alone.
func (w *transition) expect(k *kept) {
	t := w.t
	t.Helper()
	if !k.report.OK() {
		t.Errorf("the journal: %+v", k.report)
	}
	w.expectMilestones(k)
	w.expectPhases(k)
	w.expectSlots(k)
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, n := range w.mails {
		if n != 1 {
			t.Errorf("mail %s was sent %d times", id, n)
		}
	}
	for _, m := range k.mails {
		if m.State != register.MessageSent || w.mails[m.ID] != 1 {
			t.Errorf("the %s of %s to %s is %s, sent %d times", m.Report, m.Audience, m.Recipient, m.State, w.mails[m.ID])
		}
	}
	for _, id := range k.facts.Runs.Order {
		if r := k.facts.Runs.Runs[id]; r.State != run.RunDone {
			t.Errorf("%s ended %s: %s", id, r.State, r.Reason)
		}
	}
}

// passedOn are the days on which milestones are passed, in this order; those that a gate passes by the day of its decision.
var passedOn = [][2]string{
	{"clarification-end", "2019-06-06"}, {"release-2019-7", "2019-07-01"}, {"internal-test", "2019-07-24"}, {"delivery-test", "2019-08-23"},
	{"acceptance-test", "2019-10-21"}, {"take-over", "2019-10-25"}, {"in-operation", "2019-11-09"}, {"cutover", "2019-11-09"},
	{"hypercare", "2019-12-04"}, {"frozen-zone-2", "2019-12-04"}, {"operational-trial", "2020-01-27"}, {"frozen-zone-1", "2020-01-27"},
}

func (w *transition) expectMilestones(k *kept) {
	t := w.t
	t.Helper()
	tl := timeline.At(k.plan, &k.facts.Register, wholeEnds)
	var before time.Time
	for _, want := range passedOn {
		id, day := want[0], want[1]
		if other := w.story.passed[id]; other != "" {
			day = other
		}
		m := tl.Milestone(id)
		at := m.PassedAt
		if at.IsZero() && m.End.Latest.IsZero() {
			at = m.End.At
		} else if at.IsZero() {
			at = m.End.Latest
		}
		if got := at.Add(-time.Second).In(k.plan.Zone).Format(time.DateOnly); m.State != timeline.Passed || got != day && !w.slept {
			t.Errorf("%s is %s, on %s, want it passed on %s", id, m.State, got, day)
		}
		if at.Before(before) && w.story.passed == nil && !w.slept {
			t.Errorf("%s is passed before what comes before it", id)
		}
		before = at
	}
	if len(passedOn)+1 != len(k.plan.MilestoneIDs) || tl.StateOf("first-release") != string(timeline.Unset) {
		t.Errorf("there are %d milestones, and first-release is %s", len(k.plan.MilestoneIDs), tl.StateOf("first-release"))
	}
}

// expectPhases: production went the whole way in order, service by service.
func (w *transition) expectPhases(k *kept) {
	t := w.t
	t.Helper()
	way := []string{"before", "switching", "fallback", "closed"}
	went := map[string][]string{}
	for _, e := range k.events {
		var b register.Moved
		if e.Kind != register.PhaseMoved || json.Unmarshal(e.Body, &b) != nil || b.Environment != "prod" {
			continue
		}
		for _, s := range b.Services {
			went[s] = append(went[s], string(b.Phase))
		}
	}
	for _, id := range k.plan.ServiceIDs {
		last := w.story.phases[id]
		if last == "" {
			last = lastPhase(k.plan)
		}
		if want := way[1 : slices.Index(way, last)+1]; !slices.Equal(went[id], want) {
			t.Errorf("%s went %v, want %v", id, went[id], want)
		}
	}
}

// lastPhase is how far the plan's runbooks take a service.
func lastPhase(p *plan.Plan) string {
	for _, rb := range p.Runbooks {
		for _, s := range rb.Steps {
			if len(s.Closes) > 0 {
				return "closed"
			}
		}
	}
	return "fallback"
}

// expectSlots: each schedule has one row for each of its instants and none beside, found by walking through the time minute by minute.
func (w *transition) expectSlots(k *kept) {
	t := w.t
	t.Helper()
	have := map[string][]string{}
	for _, s := range k.slots {
		if strings.HasPrefix(s.Schedule, timeline.MilestoneKey) {
			continue
		}
		have[s.Schedule] = append(have[s.Schedule], s.At.UTC().Format(time.RFC3339))
		if s.State != register.SlotDone && w.lives == 1 {
			t.Errorf("slot %s of %s is %s: %s", s.Schedule, s.At, s.State, s.Note)
		}
	}
	want := map[string][]string{}
	tl := timeline.At(k.plan, &k.facts.Register, wholeEnds)
	adopted := k.facts.Register.AdoptedAt
	for at := adopted.Truncate(time.Minute).Add(time.Minute); !at.After(wholeEnds); at = at.Add(time.Minute) {
		local := at.In(k.plan.Zone)
		for id, s := range k.plan.Suites {
			on := s.Every > 0 && at.Unix()%int64(s.Every/time.Second) == 0 || s.Cron != "" && walked(t, s.Cron, local)
			if on && within(tl, s, at) {
				want[timeline.SuiteKey+id] = append(want[timeline.SuiteKey+id], at.UTC().Format(time.RFC3339))
			}
		}
		for id, a := range k.plan.Audiences {
			if a.Cron != "" && walked(t, a.Cron, local) {
				want[timeline.ReportKey+id] = append(want[timeline.ReportKey+id], at.UTC().Format(time.RFC3339))
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if d := cmp.Diff(want[key], have[key]); d != "" {
			t.Errorf("slots of %s (-want +got):\n%.2000s", key, d)
		}
	}
	if len(want) != len(have) {
		t.Errorf("schedules with slots: %v, want %v", slices.Sorted(maps.Keys(have)), slices.Sorted(maps.Keys(want)))
	}
}

// within reports whether one of a suite's periods holds, by when its milestones were passed.
func within(tl *timeline.Timeline, s *plan.Suite, at time.Time) bool {
	for _, p := range s.During {
		from, until := time.Time{}, time.Time{}
		if m := tl.Milestone(p.Milestone); m != nil {
			from, until = m.Start.Earliest, m.PassedAt
		} else {
			from, until = tl.Resolve(p.From, timeline.Begin).Earliest, tl.Resolve(p.Until, timeline.Finish).Latest
		}
		if !at.Before(from) && at.Before(until) {
			return true
		}
	}
	return len(s.During) == 0
}

// walked reads a cron expression of the shipped plan, of numbers and stars alone, against a local minute.
func walked(t *testing.T, expr string, local time.Time) bool {
	fields := strings.Fields(expr)
	for i, is := range []int{local.Minute(), local.Hour(), local.Day(), int(local.Month()), int(local.Weekday())} {
		f := fields[i]
		if f == "MON" {
			f = "1"
		}
		var n int
		if f == "*" {
			continue
		}
		if _, err := fmt.Sscanf(f, "%d", &n); err != nil || fmt.Sprint(n) != f {
			t.Fatalf("this test cannot read %q", expr)
		}
		if n != is {
			return false
		}
	}
	return true
}
