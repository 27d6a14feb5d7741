package cli

import (
	"skift/internal/journal"
	"skift/internal/run"
	"skift/internal/snapshot"
	"skift/internal/term"
)

// ofSide is the key of a text that says which side is meant; the key itself where both are.
func ofSide(key, side string) string {
	if side == "" {
		return key
	}
	return key + "." + side
}

// owed is what a run waits for. A step that is done and contradicted says so, and on which side: its name alone would send somebody to do it again.
func (v runScreen) owed(n snapshot.Needed) string {
	for _, st := range v.r.Steps {
		if n.Kind == snapshot.NeedContradiction && st.ID == n.Subject && st.Contradiction != nil {
			return v.T(ofSide("watch.contradicted", st.Contradiction.Side), "step", n.Subject)
		}
	}
	what := wanted(v.Catalogue, n)
	if n.Run != "" && n.Run != v.r.ID { // a step of that name is in a run inside this one
		what += " (" + n.Run + ")"
	}
	return what
}

// issues names what was flagged as wrong with steps, as many as fit.
func (v runScreen) issues() {
	var all []string
	for _, st := range v.r.Steps {
		if st.Issue != nil && !st.State.Settled() {
			all = append(all, term.Risk.Shape()+" "+issueText(v.Catalogue, v.p, st, v.snap.At))
		}
	}
	most := max(v.most, 1)
	for _, text := range all[:min(len(all), most)] {
		v.brief(text)
	}
	if left := len(all) - most; left > 0 {
		v.line("… " + v.N("screen.more", left))
	}
}

// printKept shows what a person keeps from starting, and lets start again.
func (w *watcher) printKept(e journal.Event) {
	b, ok := body[run.Pausing](e) // a step's body says its reason by the same name
	if !ok {
		return
	}
	what := "the run"
	switch {
	case e.Subject != "":
		what = e.Subject
	case b.Stream != "":
		what = "stream " + b.Stream
	case b.Step != "":
		what = "further attempts of " + b.Step
	}
	by := "" // the engine holds a step whose time is past, and has no seat
	if e.Actor.Seat != "" {
		by = " by " + e.Actor.Seat
	}
	switch e.Kind {
	case run.StepWasHeld:
		w.line(e, term.Risk, "%s is held%s: %s", what, by, b.Reason)
	case run.StepReleased:
		w.line(e, term.Running, "%s is released%s: %s", what, by, b.Reason)
	case run.RunPaused:
		w.line(e, term.Risk, "%s is paused by %s: %s", what, e.Actor.Seat, b.Reason)
	case run.RunResumed:
		w.line(e, term.Running, "%s is resumed by %s: %s", what, e.Actor.Seat, b.Reason)
	}
}

// printMarked shows what was said about a step that moves it nowhere.
func (w *watcher) printMarked(e journal.Event) {
	switch e.Kind {
	case run.StepChanged:
		if b, ok := body[run.Changed](e); ok {
			text := ""
			if b.Takes > 0 {
				text += " takes " + b.Takes.String()
			}
			if b.Owner != "" {
				text += " is " + b.Owner + "'s"
			}
			w.line(e, term.Plain, "%s%s from now on: %s", e.Subject, text, b.Reason)
		}
	case run.StepAdded:
		if b, ok := body[run.Added](e); ok {
			w.line(e, term.Plain, "%s is added by %s: %s", e.Subject, e.Actor.Seat, b.Reason)
		}
	case run.StepNoted:
		if b, ok := body[run.Noted](e); ok {
			w.line(e, term.Plain, "%s: %s", e.Subject, b.Text)
		}
	default:
		if b, ok := body[run.Flagged](e); ok {
			state, what := term.OK, "has no issue any more"
			if e.Kind == run.StepFlagged {
				state, what = term.Risk, "has an issue"
			}
			w.line(e, state, "%s %s: %s", e.Subject, what, b.Reason)
		}
	}
}
