package words_test

import (
	"testing"

	"skift/checks"
	"skift/internal/freeze"
	"skift/internal/gate"
	"skift/internal/journal"
	"skift/internal/matrix"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/timeline"
	"skift/internal/words"
	"skift/runbooks"
)

func TestEveryStringOfAStateHasAWord(t *testing.T) {
	t.Parallel()
	en := words.In(words.En)
	var keys []string
	for _, v := range checks.Verdicts() {
		keys = append(keys, "verdict."+string(v))
	}
	for _, w := range checks.Words() {
		keys = append(keys, "pair."+string(w), "pair."+string(w)+".means")
	}
	for _, s := range []checks.Severity{checks.SeverityOK, checks.SeverityWarn, checks.SeverityBad, checks.SeverityUnknown} {
		keys = append(keys, "severity."+string(s))
	}
	for _, w := range []checks.Whose{checks.WhoseOld, checks.WhoseNew, checks.WhoseBoth, checks.WhoseOurs} {
		keys = append(keys, "whose."+string(w))
	}
	for _, p := range checks.Phases() {
		keys = append(keys, "phase."+string(p))
	}
	for _, s := range checks.Sides() {
		keys = append(keys, "side."+string(s))
	}
	for _, s := range []register.MessageState{register.MessageQueued, register.MessageSending, register.MessageSent, register.MessageUncertain, register.MessageFailed} {
		keys = append(keys, "message."+string(s))
	}
	for _, s := range []register.SlotState{register.SlotClaimed, register.SlotDone, register.SlotMissed, register.SlotFailed} {
		keys = append(keys, "slot."+string(s))
	}
	for _, s := range []run.StepState{run.Waiting, run.Startable, run.Running, run.WaitingForPerson, run.Verifying, run.Done, run.Failed,
		run.Skipped, run.Uncertain, run.Cancelled, run.Held} {
		keys = append(keys, "step."+string(s))
	}
	for _, s := range []run.State{run.RunRunning, run.RunHeld, run.RunDone, run.RunFailed, run.RunNoGo, run.RunAborted, run.RunBacked} {
		keys = append(keys, "run."+string(s))
	}
	for _, s := range []gate.State{gate.Closed, gate.Open, gate.Due, gate.Went, gate.NoGo, gate.Held} {
		keys = append(keys, "gate."+string(s))
	}
	for _, s := range []string{gate.Met, gate.Unmet, gate.Unknown} {
		keys = append(keys, "criterion."+s)
	}
	for _, a := range []register.Answer{register.Ready, register.NotReady, register.Go, register.NoGo, register.HoldVote} {
		keys = append(keys, "vote."+string(a))
	}
	for _, l := range []register.Light{register.Green, register.Yellow, register.Red} {
		keys = append(keys, "light."+string(l), "light."+string(l)+".means")
	}
	for _, s := range []timeline.State{timeline.Unset, timeline.Upcoming, timeline.Active, timeline.Passed, timeline.Late, timeline.Missed} {
		keys = append(keys, "milestone."+string(s))
	}
	for _, c := range plan.Classes() {
		keys = append(keys, "class."+string(c))
	}
	for _, k := range []plan.MilestoneKind{plan.Zone, plan.Phase, plan.Window, plan.Release, plan.Point} {
		keys = append(keys, "milestone-kind."+string(k))
	}
	for _, r := range []plan.Role{plan.Customer, plan.OldSupplier, plan.NewSupplier, plan.User, plan.Source, plan.Other} {
		keys = append(keys, "role."+string(r))
	}
	for _, r := range []matrix.Reason{matrix.TooOld, matrix.OtherConfig, matrix.NeverSeen, matrix.NoVantage, matrix.NeedsConsent} {
		keys = append(keys, "why."+string(r))
	}
	keys = append(keys, "why."+matrix.LetIn, "why."+matrix.Unproven, "why."+matrix.NoWayOut, "why."+matrix.Flaps)
	for _, r := range []matrix.Reason{matrix.TooOld, matrix.OtherConfig, matrix.NeverSeen, matrix.NoVantage, matrix.NeedsConsent, matrix.IsPaused, matrix.LetIn, matrix.Unproven, matrix.NoWayOut, matrix.Flaps} {
		keys = append(keys, "next."+string(r))
	}
	for _, w := range []freeze.Why{freeze.UnknownClass, freeze.NotAllowed, freeze.NotListed, freeze.NothingAllow} {
		keys = append(keys, "why."+string(w))
	}
	for _, v := range []string{journal.ViaConsole, journal.ViaPhone, journal.ViaMail, journal.ViaLink, journal.ViaScheduler, journal.ViaEngine} {
		keys = append(keys, "via."+v)
	}
	for _, k := range []runbooks.Kind{runbooks.Manual, runbooks.Command, runbooks.Check, runbooks.Wait, runbooks.HTTP, runbooks.SFTPCopy,
		runbooks.Message, runbooks.Nested} {
		keys = append(keys, "step-kind."+string(k))
	}
	for _, o := range words.Owners() {
		keys = append(keys, "owner."+string(o))
	}
	for _, key := range keys {
		if !en.Has(key) {
			t.Errorf("no word for %s", key)
		}
	}
}

func TestEveryOutcomeCodeIsExplained(t *testing.T) {
	t.Parallel()
	for _, info := range checks.Codes() {
		code := string(info.Code)
		if !words.HasOutcome(code) {
			t.Errorf("no sentences for the outcome code %s", code)
			continue
		}
		o := words.In(words.En).Outcome(code)
		// A code that speaks about us must never send anybody to the supplier, nor the other way round.
		if info.Class == checks.ClassOurs && o.Owner != words.Ours {
			t.Errorf("%s is ours and yet its owner is %s", code, o.Owner)
		}
		if info.Class == checks.ClassTarget && o.Owner != words.Supplier && o.Owner != words.Party {
			t.Errorf("%s is the target's and yet its owner is %s", code, o.Owner)
		}
	}
}
