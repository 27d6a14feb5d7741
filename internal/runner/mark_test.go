package runner_test

import (
	"strings"
	"testing"
	"time"

	"skift/internal/ledger"
	"skift/internal/run"
	"skift/internal/runner"
)

func word(runID, step, answer, seat string, change func(*runner.Command)) runner.Command {
	c := runner.Command{Do: runner.DoStep, Run: runID, Step: step, Answer: answer, As: seat, Reason: "because"}
	if change != nil {
		change(&c)
	}
	return c
}

func takes(d time.Duration) func(*runner.Command) { return func(c *runner.Command) { c.Takes = d } }
func owner(seat string) func(*runner.Command)     { return func(c *runner.Command) { c.Owner = seat } }
func file(name, data string) func(*runner.Command) {
	return func(c *runner.Command) { c.FileName, c.File = name, []byte(data) }
}

// TestChangedStep: duration and owner are changed in the run alone; who it is given to answers for it.
func TestChangedStep(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"two": "  one: {owner: ibm/operator, takes: 1h, manual: One}\n  two: {needs: [one], owner: sse/operator, manual: Two}\n"}, func(w *world) {
		id := w.begin("two")
		hash := w.plan.Hash
		if r := w.do(word(id, "one", "change", "ibm/operator", takes(3*time.Hour))); r.Message != "one of two-1 takes 3h, not 1h" {
			t.Error(r.Message)
		}
		before := w.ledger.Head()
		if r := w.do(word(id, "one", "change", "ibm/operator", takes(3*time.Hour))); w.ledger.Head() != before || !strings.Contains(r.Message, "already") {
			t.Errorf("twice: %s", r.Message)
		}
		w.do(word(id, "two", "change", "kombit/manager", owner("ibm/operator")))
		w.refused(runner.Forbidden, word(id, "one", "change", "ibm/operator", owner("sse/operator")))
		w.refused(runner.Forbidden, word(id, "one", "change", "sse/operator", takes(time.Hour)))
		w.refused(runner.NotFound, word(id, "one", "change", "ibm/operator", owner("ibm/nobody")))
		w.refused(runner.Usage, word(id, "one", "change", "ibm/operator", nil))
		w.refused(runner.Usage, word(id, "one", "change", "ibm/operator", takes(-time.Hour)))
		w.refused(runner.Usage, word(id, "one", "change", "ibm/operator", takes(9000*time.Hour)))
		w.restart()
		if s := w.stepFacts(id, "one"); s.Takes != 3*time.Hour {
			t.Errorf("takes %s", s.Takes)
		}
		w.facts(func(f *ledger.Facts) {
			if r := f.Runs.Runs[id]; r.Started.Steps[0].Takes != time.Hour || r.Started.PlanHash != hash {
				t.Error("what was planned at first is lost")
			}
		})
		w.say(id, "one", "done", "ibm/operator")
		w.refused(runner.Conflict, word(id, "one", "change", "ibm/operator", takes(time.Hour)))
		w.refused(runner.Forbidden, w.step(id, "two", "done", "sse/operator", ""))
		w.say(id, "two", "done", "ibm/operator")
		w.wantRun(id, run.RunDone)
	})
}

// TestIssuesAndNotes: an issue stands until it is cleared; notes add up, and a file is kept with its hash and without civil numbers.
func TestIssuesAndNotes(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"one": "  one: {owner: ibm/operator, manual: One}\n"}, func(w *world) {
		id := w.begin("one")
		w.do(word(id, "one", "issue", "ibm/operator", takes(2*time.Hour)))
		if i := w.stepFacts(id, "one").Issue; i == nil || i.Fix != 2*time.Hour || i.Text != "because" || i.Actor.Seat != "ibm/operator" || i.At.IsZero() {
			t.Errorf("issue %+v", i)
		}
		before := w.ledger.Head()
		w.do(word(id, "one", "issue", "ibm/operator", takes(2*time.Hour)))
		if w.ledger.Head() != before {
			t.Error("the same issue is flagged twice")
		}
		w.do(word(id, "one", "issue", "ibm/operator", nil))
		if i := w.stepFacts(id, "one").Issue; i.Fix != 0 {
			t.Errorf("replaced by %+v", i)
		}
		w.do(word(id, "one", "clear", "kombit/manager", nil))
		w.do(word(id, "one", "clear", "kombit/manager", nil))
		if w.stepFacts(id, "one").Issue != nil || w.count(run.StepCleared) != 1 {
			t.Error("cleared")
		}
		r := w.do(word(id, "one", "note", "ibm/operator", file("log of 010190-1234.txt", "lines")))
		if strings.Contains(r.Message, "010190") || !strings.Contains(r.Message, "SHA-256 hash of lines") {
			t.Error(r.Message)
		}
		w.do(word(id, "one", "note", "ibm/operator", nil))
		notes := w.stepFacts(id, "one").Notes
		if len(notes) != 2 || notes[0].SHA256 != "hash of lines" || string(w.drawer.files[notes[0].File]) != "lines" || notes[1].File != "" {
			t.Errorf("notes %+v", notes)
		}
		w.refused(runner.Usage, word(id, "one", "note", "ibm/operator", file("big", strings.Repeat("x", 10<<20+1))))
		w.refused(runner.Usage, word(id, "one", "note", "ibm/operator", func(c *runner.Command) { c.Reason = strings.Repeat("æ", 3001) }))
		w.refused(runner.Usage, word(id, "one", "note", "ibm/operator", func(c *runner.Command) { c.Reason = " " }))
		w.refused(runner.Forbidden, word(id, "one", "issue", "sse/operator", nil))
		w.refused(runner.NotFound, word(id, "ones", "issue", "ibm/operator", nil))
		if n := len(w.drawer.files); n != 1 {
			t.Errorf("%d files: a refusal leaves one behind", n)
		}
	})
}
