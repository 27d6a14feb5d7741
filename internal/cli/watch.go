package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"skift/internal/api"
	"skift/internal/app"
	"skift/internal/bug"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/term"
	"skift/internal/words"
	"skift/runbooks"
)

// watcher prints events as calm lines, with what to do where somebody is waited for.
type watcher struct {
	s      *session
	plan   *plan.Plan
	desk   api.Desk
	data   string // the data directory
	remote bool   // the desk is another process's
	all    bool   // everything is shown, not one run

	run     string          // the run watched
	family  map[string]bool // it, the runs inside it, and its back-out
	after   int64           // the last event seen
	day     string          // of the last line
	ended   *run.Ended      // how the run ended; nil = it has not
	stopped bool            // by a person, before the run ended
	goOn    string          // how to go on with it
}

// step prints the events there are; with wait it waits for the next.
func (w *watcher) step(ctx context.Context, wait bool) error {
	events, err := w.desk.Events(ctx, w.after, wait)
	if err != nil {
		return err
	}
	for _, e := range events {
		w.after = e.Seq
		// One line that cannot be shown must not end who shows the others, nor the run that is driven beside it.
		if err := bug.Caught(func() error { w.print(e); return nil }); err != nil {
			w.s.note("event %d is not shown: %v", e.Seq, err)
		}
	}
	return nil
}

// stopping says what is waited for before the process ends.
func (w *watcher) stopping() {
	snap, err := w.desk.Snapshot(context.Background())
	if err != nil {
		return
	}
	var flying []string
	for _, r := range snap.Runs {
		for _, st := range r.Steps {
			if st.State == run.Running && !slices.Contains([]string{string(runbooks.Check), string(runbooks.Wait), string(runbooks.Nested)}, st.Kind) {
				flying = append(flying, st.ID+" of "+r.ID)
			}
		}
	}
	if len(flying) > 0 {
		w.s.printf("stopping: %s is left to finish; Ctrl-C again stops it at once and leaves its outcome unknown\n", strings.Join(flying, ", "))
	}
}

// queued says so when mails have not left yet.
func (w *watcher) queued() {
	if snap, err := w.desk.Snapshot(context.Background()); err == nil {
		if n := snap.Outbox.Queued + snap.Outbox.Sending; n > 0 {
			w.s.note("the outbox still holds %s, to be sent while skift serve or skift run runs", numbered(n, "mail"))
		}
	}
}

// last prints what was recorded while the process stopped, and how to go on.
func (w *watcher) last() {
	_ = w.step(context.Background(), false)
	if w.stopped && w.ended == nil {
		w.s.printf("stopped; %s\n", w.goOn)
		w.printHead()
	}
}

// line prints one line: when, the state's shape, and text that is harmless whoever wrote it.
func (w *watcher) line(e journal.Event, state term.State, format string, a ...any) {
	at := e.At.In(w.plan.Zone)
	if day := at.Format("Monday 2006-01-02 MST"); day != w.day {
		w.day = day
		w.s.printf("%s\n", w.s.screen.Dim(day))
	}
	text := fmt.Sprintf(format, a...)
	if e.Run != "" && e.Run != w.run {
		text = e.Run + ": " + text
	}
	shape := cmp.Or(state.Shape(), " ")
	w.s.printf("%s %s %s\n", at.Format("15:04:05"), w.s.screen.Paint(state, shape), term.Line(text))
}

// more prints a line that belongs to the one above.
func (w *watcher) more(format string, a ...any) {
	w.s.printf("           %s\n", term.Line(fmt.Sprintf(format, a...)))
}

func (w *watcher) mine(runID string) bool { return w.all || w.family[runID] }

// print shows one event, if it is about what is watched.
func (w *watcher) print(e journal.Event) {
	switch e.Kind {
	case register.GateOpened, register.GateVoted, register.GateDecided, register.GateAttested, register.GateExtended:
		if e.Run == "" || w.mine(e.Run) {
			w.printGate(e)
		}
		return
	case register.SweepDone, register.ReportQueued, register.MessageSettled, register.MilestoneStarted, register.MilestonePassed:
		w.printBeside(e)
		return
	case register.DriftAsked, register.DriftExcepted, register.DriftAnswered:
		w.printDrift(e)
		return
	case run.RunStarted:
		w.printBegin(e)
		return
	case register.PlanAdopted:
		w.printAdopted(e)
		return
	case register.OverrideAsked, register.OverrideConfirmed:
		if w.mine(e.Subject) {
			w.printOverride(e)
		}
		return
	}
	if !w.mine(e.Run) {
		return
	}
	switch e.Kind {
	case run.StepStarted:
		w.printStart(e)
	case run.StepFinished, run.StepUncertain, run.StepVerifying, run.StepRetried:
		w.printStep(e)
	case run.StepContradicted, run.StepAgrees, run.StepContradictionAccepted:
		w.printContradiction(e)
	case run.StepWasHeld, run.StepReleased, run.RunPaused, run.RunResumed:
		w.printKept(e)
	case run.StepChanged, run.StepFlagged, run.StepCleared, run.StepNoted, run.StepAdded:
		w.printMarked(e)
	case run.RunWasHeld, run.RunReleased, run.RunEnded:
		w.printRun(e)
	}
}

// printHead prints the journal's head: whoever keeps it can prove the decision later.
func (w *watcher) printHead() {
	if snap, err := w.desk.Snapshot(context.Background()); err == nil {
		w.more("head %s", snap.Head)
	}
}

// printBeside shows what happens beside runs.
func (w *watcher) printBeside(e journal.Event) {
	switch e.Kind {
	case register.SweepDone:
		if b, ok := body[register.Swept](e); ok {
			w.line(e, term.Plain, "%s asked (%s): %s", numbered(b.Units, "measurement"), b.Cause, counts(b.Verdicts))
		}
	case register.ReportQueued:
		if b, ok := body[register.Queued](e); ok {
			w.line(e, term.Plain, "%s to %s: %s queued", b.Report, b.Audience, numbered(len(b.Messages), "mail"))
			for _, m := range b.Missing {
				w.more("%s is not told: no mail address, or nobody in the seat", m)
			}
		}
	case register.MessageSettled:
		if b, ok := body[register.Settled](e); ok && b.State != register.MessageSent {
			w.line(e, term.Risk, "mail %s is %s: %s", e.Subject, b.State, b.Error)
		}
	case register.MilestoneStarted:
		w.line(e, term.Running, "milestone %s begins", e.Subject)
	case register.MilestonePassed:
		w.line(e, term.OK, "milestone %s has passed", e.Subject)
	}
}

// printBegin shows a run that begins, and takes it into the family when a run of the family began it.
func (w *watcher) printBegin(e journal.Event) {
	b, ok := body[run.Started](e)
	if !ok {
		return
	}
	if w.family[b.Parent] || w.family[b.Undoes] {
		w.family[e.Run] = true
	}
	if !w.mine(e.Run) || e.Run == w.run {
		return
	}
	switch {
	case b.Parent != "":
		w.line(e, term.Running, "begins inside %s", b.Parent)
	case b.Undoes != "":
		w.line(e, term.Risk, "begins: it backs out %s", b.Undoes)
	default:
		w.line(e, term.Running, "begins in %s", b.Environment)
	}
}

func (w *watcher) printStart(e journal.Event) {
	b, ok := body[run.Begun](e)
	if !ok {
		return
	}
	note := ""
	if b.Simulated {
		note = " (simulated: nothing is executed)"
	}
	step := w.stepOf(e)
	switch {
	case b.State == run.WaitingForPerson && step == nil:
		w.line(e, term.Gate, "%s waits for a person%s", e.Subject, note)
	case b.State == run.WaitingForPerson:
		owner := cmp.Or(b.Owner, step.Owner)
		w.line(e, term.Gate, "%s waits for %s%s%s: %s", e.Subject, owner, w.onDuty(owner, e.At), note, step.Name(w.plan.Language))
		w.more("skift step %s %s done --as %s", e.Run, e.Subject, owner)
	case b.DueAt != nil && step != nil && step.WaitBody.Looks():
		w.line(e, term.Running, "%s waits for %s, at most until %s%s", e.Subject, step.WaitBody.Awaits(), localTime(w.plan, *b.DueAt), note)
	case b.DueAt != nil:
		w.line(e, term.Running, "%s waits until %s%s", e.Subject, localTime(w.plan, *b.DueAt), note)
	default:
		w.line(e, term.Running, "%s started%s", e.Subject, note)
	}
}

// stepOf is what the plan says of an event's step; nil when the plan in hand does not know it.
func (w *watcher) stepOf(e journal.Event) *runbooks.Step {
	book := w.plan.Runbooks[e.Run[:max(strings.LastIndexByte(e.Run, '-'), 0)]] // a run's id is its runbook's and a number
	if book == nil {
		return nil
	}
	return book.Step(e.Subject)
}

// onDuty is who sits in a seat, with the number to call.
func (w *watcher) onDuty(seat string, at time.Time) string {
	if id := app.PersonIn(w.plan, seat, at); id != "" {
		return " (" + call(w.plan, id) + ")"
	}
	return ""
}

func (w *watcher) printStep(e journal.Event) {
	b, ok := body[run.Finished](e)
	if !ok {
		return
	}
	reason := ""
	if b.Reason != "" {
		reason = ": " + b.Reason
	}
	switch {
	case e.Kind == run.StepVerifying:
		w.line(e, term.Running, "%s is said to be done; its checks are asked%s", e.Subject, onSide(w.asks(e)))
	case e.Kind == run.StepUncertain:
		w.line(e, term.Unknown, "%s is uncertain%s", e.Subject, reason)
		w.more("find out whether it happened, then: skift step %s %s done|fail|retry --as %s --reason …", e.Run, e.Subject, w.ownerOf(e))
	case e.Kind == run.StepRetried:
		when := ""
		if b.AgainAt != nil {
			when = " " + localTime(w.plan, *b.AgainAt)
		}
		w.line(e, term.Running, "%s is tried again%s%s", e.Subject, when, reason)
	case b.State == run.Done:
		w.line(e, term.OK, "%s done%s", e.Subject, reason)
	case b.State == run.Failed:
		w.line(e, term.Fail, "%s failed%s", e.Subject, reason)
		w.evidence(e, b)
	case b.State == run.Cancelled: // the run's end says it
	default:
		w.line(e, term.Plain, "%s %s%s", e.Subject, b.State, reason)
	}
}

func (w *watcher) printContradiction(e journal.Event) {
	b, ok := body[run.Contradicted](e)
	switch {
	case !ok:
	case e.Kind == run.StepContradicted:
		w.line(e, term.Risk, "%s is done, and its checks%s say otherwise now: %s", e.Subject, onSide(b.Side), b.Reason)
		w.evidence(e, run.Finished{Facts: b.Facts})
		w.more("look at it; to answer for it: skift step %s %s accept --as %s --reason …", e.Run, e.Subject, w.ownerOf(e))
	case e.Kind == run.StepAgrees:
		w.line(e, term.OK, "the checks of %s%s agree again", e.Subject, onSide(b.Side))
	default:
		w.line(e, term.Risk, "what speaks against %s is accepted: %s", e.Subject, b.Reason)
	}
}

// evidence shows what a failed step rests on: the findings of its checks, or where its output is.
func (w *watcher) evidence(e journal.Event, b run.Finished) {
	for _, k := range slices.Sorted(maps.Keys(b.Facts)) {
		if f, ok := register.ParseFinding(b.Facts[k]); ok && strings.HasPrefix(k, "finding.") {
			w.more("%s %s", term.Fail.Shape(), findingText(words.In(words.En), f, w.plan))
		}
	}
	if b.Output != "" {
		w.more("its output: %s", filepath.Join(w.data, filepath.FromSlash(b.Output)))
	}
}

// asks is the side on which a step's checks are asked; "" = both.
func (w *watcher) asks(e journal.Event) string {
	if step := w.stepOf(e); step != nil {
		return step.VerifyOn
	}
	return ""
}

// onSide is " on the new side", and nothing where both are meant.
func onSide(side string) string {
	if side == "" {
		return ""
	}
	return " on the " + side + " side"
}

func (w *watcher) ownerOf(e journal.Event) string {
	if step := w.stepOf(e); step != nil {
		return orSeat(step.Owner)
	}
	return orSeat("")
}

func (w *watcher) printRun(e journal.Event) {
	b, ok := body[run.Ended](e)
	if !ok {
		return
	}
	switch {
	case e.Kind == run.RunWasHeld:
		w.line(e, term.Risk, "HELD: %s", b.Reason)
		w.more("skift runs %s shows what can be done", e.Run)
	case e.Kind == run.RunReleased:
		w.line(e, term.Running, "goes on: %s", b.Reason)
	default:
		name := "" // the line begins with it, except for the run watched
		if e.Run == w.run {
			w.ended, name = &b, e.Run+" "
		}
		state := term.Fail
		if b.State == run.RunDone {
			state = term.OK
		}
		text := string(b.State)
		if b.Reason != "" {
			text += ": " + b.Reason
		}
		w.line(e, state, "%sended %s", name, text)
		if b.State == run.RunNoGo {
			w.more("to try again: vote anew at the gate, which asks everybody again, then begin another run")
		}
	}
}

// body reads an event's body. What cannot be read is not shown; verify tells why.
func body[B any](e journal.Event) (B, bool) {
	var b B
	err := json.Unmarshal(e.Body, &b)
	return b, err == nil
}

// counts is "1 fail, 12 pass".
func counts(m map[string]int) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, fmt.Sprintf("%d %s", m[k], k))
	}
	return strings.Join(out, ", ")
}
