package runner_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"skift/internal/run"
	"skift/internal/runner"
)

// nightly has three hours of work before its gate and one behind it; taking it back takes six. Its window is the tenth of January.
var nightly = map[string]string{
	"night": `runbook: night
window: cutover
back_out: night-back
steps:
  pack: {owner: ibm/operator, takes: 3h, manual: Pack, change: transition}
  open: {needs: [pack], after_gate: go, point_of_no_return: true, owner: ibm/operator, takes: 1h, manual: Open, change: transition}
`,
	"night-back": "  unpack: {owner: ibm/operator, takes: 6h, undoes: pack, manual: Unpack, change: transition}\n",
}

// TestExtensionLeavesTime: a deadline is extended while the work behind the gate and the back-out still fit in the window, and not a minute
// longer; before the run begins the work in front of the gate does not count, as nobody need wait for it to decide.
func TestExtensionLeavesTime(t *testing.T) {
	t.Parallel()
	midnight := time.Date(2000, 1, 11, 0, 0, 0, 0, time.UTC)
	story(t, nightly, func(w *world) {
		latest := midnight.Add(-6 * time.Hour)
		r := w.refused(runner.Refused, extend("go", latest.Add(time.Minute), "one answer is late"))
		if want := "go can be extended until 2000-01-10 18:00 UTC at the latest: after that what was done could not be taken back within the window, which ends 2000-01-11 00:00 UTC"; r.Message != want {
			t.Errorf("refused: %s", r.Message)
		}
		w.do(extend("go", latest, "one answer is late"))
		time.Sleep(9 * 24 * time.Hour) // the window opens
		synctest.Wait()
		id := w.begin("night")
		w.say(id, "pack", "done", ibm)
		w.allGo("go", ibm, sse)
		w.wantSteps(id, "open", "waiting-for-person")
		w.wantRun(id, run.RunRunning)
	})
	// With nothing to take back the work behind the gate must fit.
	short := map[string]string{"night": strings.Replace(nightly["night"], "back_out: night-back\n", "", 1)}
	story(t, short, func(w *world) {
		r := w.refused(runner.Refused, extend("go", midnight.Add(-time.Minute), "one answer is late"))
		if !strings.Contains(r.Message, "until 2000-01-10 23:00 UTC at the latest: after that the work behind it would not end") {
			t.Errorf("refused: %s", r.Message)
		}
		w.do(extend("go", midnight.Add(-time.Hour), "one answer is late"))
	})
}

// TestExtensionInARehearsalIsFree: who practises is bound by no window.
func TestExtensionInARehearsalIsFree(t *testing.T) {
	t.Parallel()
	story(t, nightly, func(w *world) {
		id := w.begin("night", func(c *runner.Command) { c.Rehearsal, c.Environment = true, "exttest" })
		w.say(id, "pack", "done", ibm)
		c := extend("go", time.Date(2000, 3, 1, 0, 0, 0, 0, time.UTC), "one answer is late")
		c.Run = id
		w.do(c)
	})
}
