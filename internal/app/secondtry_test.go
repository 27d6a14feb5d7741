//go:build linux

package app_test

import (
	"maps"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/ledger"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/runner"
	"skift/internal/timeline"
)

// What goes otherwise in the first weekend, before there is a second one.
var (
	extendedUntil = time.Date(2019, 11, 8, 21, 30, 0, 0, time.UTC)
	afterDeadline = time.Date(2019, 11, 8, 19, 30, 0, 0, time.UTC) // the plan's own deadline of cutover-go is at 19:00
	movedOn       = time.Date(2019, 11, 11, 9, 0, 0, 0, time.UTC)
	toSaturday    = "2019-11-16"
	secondBegins  = time.Date(2019, 11, 15, 23, 0, 0, 0, time.UTC)
)

// secondTryStory: the first answers at cutover-go and switch-go are no-go, and nobody answers at the first open-go; the deadline of cutover-go is
// extended, and go is said after the one that the plan has.
func secondTryStory(w *transition) story {
	return story{
		ends:      time.Date(2019, 11, 17, 6, 7, 0, 0, time.UTC), // no slot is there
		answers:   map[string]string{"cutover-go/1": "no-go", "switch-go/1": "no-go", "open-go/1": ""},
		notBefore: map[string]time.Time{"gate/cutover-go/2": afterDeadline},
		deeds:     []deed{w.move(movedOn, "cutover", timeline.Wish{To: toSaturday}, nothing)},
		more:      otherWishes,
	}
}

// otherWishes are what people come to by what happened, as often as it takes: whose word was not acknowledged says it again.
func otherWishes(f *ledger.Facts) (out []wish) {
	for _, id := range []string{"cutover-go", "switch-go"} { // who thought otherwise after an hour asks for the gate again
		if g := f.Register.Gate(register.GateKey{Gate: id}); g.Decision != nil && g.Round == 1 && g.Decision.Decision == register.NoGo {
			out = append(out, wish{g.Decision.At.Add(again), runner.Command{Do: runner.DoVote, Gate: id, As: "ibm/operator", Answer: "ready", Reason: "it is mended"}})
		}
	}
	if g := f.Register.Gate(register.GateKey{Gate: "cutover-go"}); g.Round == 2 && g.Decision == nil && g.Until.IsZero() {
		until := extendedUntil
		out = append(out, wish{afterDeadline.Add(-time.Hour), runner.Command{Do: runner.DoVote, Gate: "cutover-go", As: "kombit/chair", Answer: "hold", Until: &until, Reason: "not everybody is here"}})
	}
	rehearsed, backs, backedOut, goesOn := false, false, false, false
	for _, id := range f.Runs.Order {
		r := f.Runs.Runs[id]
		backs = backs || r.Started.Runbook == "back-out" && r.Started.Production
		switch {
		case r.Started.Runbook != "cutover-weekend" || !r.Started.Production:
		case r.State == run.RunBacked:
			backedOut = true
		default:
			goesOn = true
		}
		rehearsed = rehearsed || r.Started.Rehearsal && !r.Started.Production && r.StartedAt.After(movedOn)
	}
	if g := f.Register.Gate(register.GateKey{Gate: "open-go"}); g.Round == 1 && g.Decision == nil && !backs {
		out = append(out, wish{g.OpenedAt.Add(2 * time.Hour), runner.Command{Do: runner.DoStart, Runbook: "back-out", As: "kombit/chair", Reason: "files are lost"}})
	}
	if !rehearsed {
		out = append(out, wish{betweenThem, runner.Command{Do: runner.DoStart, Runbook: "cutover-weekend", Environment: "exttest", Rehearsal: true, As: "kombit/cutover-manager"}})
	}
	if backedOut && !goesOn { // the window was entered once: nothing begins by itself again what was backed out
		out = append(out, wish{secondBegins, runner.Command{Do: runner.DoStart, Runbook: "cutover-weekend", As: "kombit/cutover-manager"}})
	}
	return out
}

// secondTry goes on from the week of the cut-over: a no-go that becomes a go before anything was changed, with a deadline that is extended; one in
// the middle of the night; a weekend that is backed out; and the weekend after, to which the plan is moved, in which everything goes well. By
// processes that die at random writes it comes to the same.
func secondTry(t *testing.T, from *transition, seeds int) {
	lives := func(fate func(time.Time, int, bool) (bool, time.Duration)) []string {
		w := &transition{t: t, plan: roomy(t), mails: maps.Clone(from.mails), lives: from.lives, fate: fate}
		if err := copyLeft(from.plan, w.plan); err != nil {
			t.Fatal(err)
		}
		w.data = filepath.Join(w.plan, filepath.Base(from.data))
		k := w.replan(secondTryStory(w), replannedFrom.Add(time.Minute), time.Date(2019, 11, 7, 12, 0, 0, 0, time.UTC))
		w.wantCourse(k, "cutover-go no-go gateway+sftp+sts-admin 2019-11-08", "cutover-go go gateway+sftp+sts-admin 2019-11-08", "switch-go no-go 2019-11-09", "switch-go go 2019-11-09", "open-go no-go 2019-11-10",
			"cutover-go go gateway+sftp+sts-admin 2019-11-15", "switch-go go 2019-11-16", "open-go go 2019-11-16")
		w.wantRuns(k, "cutover "+string(run.RunBacked), "cutover "+string(run.RunDone))
		w.wantPassed(k, "cutover 2019-11-16", "in-operation 2019-11-16")
		const all = "gateway+sftp+sts-admin"
		w.wantMoved(k, "cutover "+all+" switching", "cutover "+all+" fallback", " "+all+" before", "cutover "+all+" switching", "cutover "+all+" fallback")
		t.Logf("by %d processes", w.lives-from.lives)
		return k.settled(w.mails)
	}
	want := lives(nil)
	for seed := 1; seed <= seeds && !t.Failed(); seed++ {
		if d := cmp.Diff(want, lives(dying(seed))); d != "" {
			t.Errorf("seed %d comes to something else (-undisturbed +killed):\n%s", seed, d)
		}
	}
}
