package runner_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/runner"
)

// mailed lists what was mailed of contradictions: the event each mail tells of.
func (w *world) mailed() (about []int64) {
	w.t.Helper()
	for _, e := range w.events() {
		if e.Kind != register.ReportQueued {
			continue
		}
		var b register.Queued
		if err := json.Unmarshal(e.Body, &b); err != nil {
			w.t.Fatal(err)
		}
		if b.Report == runner.ContradictionReport {
			about = append(about, b.About)
		}
	}
	return about
}

func (w *world) doubt() {
	w.t.Helper()
	if err := w.r.Doubt(w.t.Context(), "prod"); err != nil {
		w.t.Fatal(err)
	}
}

// TestContradictionIsMailed: once, however often checks are asked and the process starts again, to the step's owner and to the audiences that the
// run, or the run around it, tells something; and once more when it comes back after it was over.
func TestContradictionIsMailed(t *testing.T) {
	t.Parallel()
	yaml := strings.Replace(base, "  steering: {to: [kombit/chair], report: weekly}\n", `  steering: {to: [kombit/chair, ibm/operator], report: weekly}
  board: {to: [kombit/manager], report: weekly}
  others: {to: [kombit/deputy], report: weekly}
`, 1)
	books := map[string]string{"outer": `
  in: {runbook: inner}
  tell: {needs: [in], message: {audience: board, report: weekly}}
`, "inner": `
  turn: {owner: ibm/operator, command: [./turn], verify: {checks: [cert], side: new}}
  next: {needs: [turn], owner: sse/operator, manual: Next}
  tell: {needs: [next], message: {audience: steering, report: weekly}}
`}
	tell(t, yaml, books, func(w *world) {
		w.begin("outer")
		w.doubt()
		if got := w.mailed(); len(got) != 0 {
			t.Fatalf("mailed of nothing: %v", got)
		}
		w.sweeper.will(red)
		w.reports.fail = errors.New("no room")
		if err := w.r.Doubt(t.Context(), "prod"); err == nil || !strings.Contains(err.Error(), "no room") {
			t.Errorf("that the mail was not made is not told: %v", err)
		}
		first := w.stepFacts("inner-1", "turn").Contradiction
		if first == nil || first.Side != "new" || len(w.mailed()) != 0 {
			t.Fatalf("what speaks against it is not kept when its mail cannot be made: %+v", first)
		}
		w.restart() // between the contradiction and its mail
		w.reports.fail = nil
		w.reports.asked = nil
		for range 3 {
			w.doubt()
			w.restart()
		}
		if got := w.mailed(); !slices.Equal(got, []int64{first.Event}) {
			t.Errorf("mails tell of %v, want one of %d", got, first.Event)
		}
		if len(w.reports.asked) != 1 {
			t.Fatalf("composed %d times", len(w.reports.asked))
		}
		want := []string{"ibm/operator", "kombit/chair", "kombit/manager"}
		if got := w.reports.asked[0]; !slices.Equal(got.Seats, want) || got.Run != "inner-1" || got.Step != "turn" {
			t.Errorf("told %v of %s of %s, want %v", got.Seats, got.Step, got.Run, want)
		}
		w.sweeper.will(nil)
		w.doubt()
		w.sweeper.will(red)
		w.doubt()
		second := w.stepFacts("inner-1", "turn").Contradiction
		if got := w.mailed(); !slices.Equal(got, []int64{first.Event, second.Event}) {
			t.Errorf("mails tell of %v, want %d and %d", got, first.Event, second.Event)
		}
	})
}

// TestContradictionNotMailed: of what somebody answers for already, and out of a rehearsal in production.
func TestContradictionNotMailed(t *testing.T) {
	t.Parallel()
	books := map[string]string{"one": `
  turn: {owner: ibm/operator, command: [./turn], rehearse: run, verify: [cert]}
  next: {needs: [turn], owner: sse/operator, manual: Next}
`}
	story(t, books, func(w *world) {
		w.begin("one")
		w.sweeper.will(red)
		w.reports.fail = errors.New("no room")
		_ = w.r.Doubt(t.Context(), "prod")
		w.say("one-1", "turn", "accept", ibm)
		w.reports.fail = nil
		w.doubt()
		if got := w.mailed(); len(got) != 0 {
			t.Errorf("what is accepted is mailed: %v", got)
		}
		w.sweeper.will(nil)
		w.begin("one", rehearsal)
		w.sweeper.will(red)
		w.doubt()
		if c := w.stepFacts("one-2", "turn").Contradiction; !c.Open() || w.count(run.StepContradicted) != 2 {
			t.Fatalf("%+v", c)
		}
		if got := w.mailed(); len(got) != 0 {
			t.Errorf("a rehearsal in production sends mails: %v", got)
		}
	})
}

// TestNoContradictionOfWhatIsUndone: while a run is backed out its steps are no longer what they were, and that is wanted. Once the back-out is
// given up, they are doubted again.
func TestNoContradictionOfWhatIsUndone(t *testing.T) {
	t.Parallel()
	books := map[string]string{"forth": `runbook: forth
back_out: back
steps:
  turn: {owner: ibm/operator, command: [./turn], verify: [cert]}
  next: {needs: [turn], owner: sse/operator, manual: Next}
`, "back": "  unturn: {owner: ibm/operator, command: [./unturn], undoes: turn}\n  look: {needs: [unturn], owner: ibm/operator, manual: Look}\n"}
	story(t, books, func(w *world) {
		w.begin("forth")
		w.do(backOut("forth", "", chair))
		w.sweeper.will(red)
		w.doubt()
		if c := w.stepFacts("forth-1", "turn").Contradiction; c != nil || len(w.mailed()) != 0 {
			t.Errorf("what is being undone is contradicted: %+v", c)
		}
		w.do(runner.Command{Do: runner.DoAbort, Run: "back-1", As: chair, Reason: "we go on"})
		w.doubt()
		if c := w.stepFacts("forth-1", "turn").Contradiction; !c.Open() || len(w.mailed()) != 1 {
			t.Errorf("turn was undone and is doubted by nobody: %+v", c)
		}
	})
}
