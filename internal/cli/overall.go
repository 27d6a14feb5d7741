package cli

import (
	"strings"

	"skift/internal/forecast"
	"skift/internal/plan"
	"skift/internal/run"
	"skift/internal/snapshot"
	"skift/internal/term"
	"skift/internal/words"
	"skift/runbooks"
)

// compiled reports whether a runbook is the overall plan, which no file says.
func compiled(r *runbooks.Runbook) bool { return r.ID == plan.MasterID && r.File == plan.File }

// milestoneNotes is what binds a step, and what ends it if it is a milestone.
func milestoneNotes(c *words.Catalogue, st shownStep) []string {
	var out []string
	if st.NotBefore != "" && st.NotBefore != st.ID+"."+plan.Start {
		out = append(out, c.T("book.not-before", "when", st.NotBefore))
	}
	if st.Runbook != "" && st.Runbook != st.ID {
		out = append(out, c.T("book.starts", "runbook", st.Runbook))
	}
	if st.Until != "" && st.Until != st.ID+"."+plan.End {
		out = append(out, c.T("book.until", "when", st.Until))
	}
	if st.Exit != "" {
		out = append(out, c.T("book.exit", "gate", st.Exit))
	}
	if len(st.After) > 0 {
		out = append(out, c.T("book.ends-after", "steps", strings.Join(st.After, ", ")))
	}
	return out
}

// isOverall reports whether a run is the overall plan: all others have a number.
func isOverall(r snapshot.Run) bool { return r.ID == plan.MasterID }

// showOverall shows the overall plan as a run: where each milestone stands, what ends it, and what can be done.
func (s *session) showOverall(snap snapshot.Snapshot, p *plan.Plan, r snapshot.Run) error {
	c := speak(p)
	s.overallHead(c, p, snap, r)
	t := term.NewTable("", c.T("drift.col.step"), c.T("gates.col.state"), c.T("runs.col.when"), c.T("book.col.owner"), c.T("screen.col.why")).Fold(4)
	for _, st := range r.Steps {
		state := stepState(st.State)
		t.Cells(term.Cell{Text: state.Shape(), State: state}, term.Cell{Text: st.ID}, term.Cell{Text: c.T("step." + string(st.State)), State: state},
			term.Cell{Text: stepTime(c, p, st, snap.At)}, term.Cell{Text: st.Owner}, term.Cell{Text: overallWhy(c, st, r.Forecast)})
	}
	if err := t.Write(s.out, s.screen); err != nil {
		return err
	}
	s.overallEnd(c, p, r.Forecast)
	for _, st := range r.Steps {
		switch open := st.State.Open(); {
		case open && st.Exit != "":
			s.can("skift gate %s", st.Exit)
		case st.State == run.WaitingForPerson:
			s.can("skift milestone %s pass --as %s", st.ID, orSeat(st.Owner))
		}
	}
	s.printf("head %s\n", snap.Head)
	return nil
}

func (s *session) overallHead(c *words.Catalogue, p *plan.Plan, snap snapshot.Snapshot, r snapshot.Run) {
	done, state := 0, runState(r.State)
	for _, st := range r.Steps {
		if st.State.Settled() {
			done++
		}
	}
	name := c.T("overall-plan")
	word := state.Shape() + " " + c.T("run."+string(r.State))
	parts := []string{word + " " + name, r.Title.In(p.Language), c.DateTime(snap.At.In(p.Zone)), c.T("runs.steps", "done", done, "of", len(r.Steps))}
	for _, l := range term.Parts(parts, " · ", s.screen.Width) {
		s.printf("%s\n", l)
	}
}

// overallWhy is what a milestone waits for, or what ends it, and how late it is.
func overallWhy(c *words.Catalogue, st snapshot.Step, f *forecast.Forecast) string {
	why := overallBound(c, st)
	if f == nil {
		return why
	}
	if at, ok := f.Step(st.ID); ok && at.Late > 0 {
		return strings.TrimSuffix(c.T("watch.late-by", "by", c.Duration(at.Late))+" · "+why, " · ")
	}
	return why
}

func overallBound(c *words.Catalogue, st snapshot.Step) string {
	switch {
	case st.Reason != "":
		return c.Retold(st.Reason)
	case st.State.Settled():
		return ""
	case st.State == run.Waiting && st.NotBefore != "":
		return c.T("runs.not-before", "when", st.NotBefore)
	case st.State == run.Waiting && st.BeginsAt.IsZero():
		return c.T("date.unset")
	case st.State.Open() && st.Exit != "":
		return c.T("overall.exit", "gate", st.Exit)
	case st.State.Open() && st.Until != "":
		return c.T("until") + " " + st.Until
	case st.State.Open() && st.Run != "":
		return st.Run
	}
	return ""
}

// overallScreen is the overall plan on a screen of so many rows; 0 = it has no end.
func (s *session) overallScreen(snap snapshot.Snapshot, p *plan.Plan, r snapshot.Run, rows int, live bool) (string, error) {
	var b strings.Builder
	shown, c := *s, speak(p)
	shown.out = &b
	if err := shown.showOverall(snap, p, r); err != nil {
		return "", err
	}
	if live {
		shown.printf("%s\n", s.screen.Dim(c.T("watch.again", "every", c.Duration(showEvery))))
	}
	if !live || rows <= 0 {
		return b.String(), nil
	}
	return clip(b.String(), rows, func(n int) string { return c.N("screen.watch.more", n) }), nil
}
