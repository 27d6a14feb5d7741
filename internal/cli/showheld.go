package cli

import (
	"cmp"
	"strings"
	"time"

	"skift/internal/plan"
	"skift/internal/run"
	"skift/internal/snapshot"
	"skift/internal/term"
	"skift/internal/words"
)

// whyStill is why a run, or a part of it, does not go on.
func whyStill(c *words.Catalogue, r snapshot.Run) string {
	var out []string
	if r.Reason != "" {
		out = append(out, c.Retold(r.Reason))
	}
	for _, p := range r.Paused {
		out = append(out, pauseText(c, p))
	}
	return strings.Join(out, "; ")
}

// pauseText is "stream net paused by customer/lead: their phone is ringing".
func pauseText(c *words.Catalogue, p snapshot.Pause) string {
	key := "runs.paused"
	switch {
	case p.Stream != "":
		key = "runs.paused.stream"
	case p.Step != "":
		key = "runs.paused.step"
	}
	return c.T(key, "stream", p.Stream, "step", p.Step, "who", cmp.Or(p.By.Seat, p.By.EnteredBy), "why", p.Reason)
}

// keptBack says how what people keep back goes on.
func (s *session) keptBack(c *words.Catalogue, r snapshot.Run) {
	if r.State.Final() {
		return
	}
	if r.HeldBy.Seat != "" {
		s.can("%s", c.T("runs.do.held", "who", r.HeldBy.Seat, "command", "skift release "+r.ID+" --as SEAT --reason …"))
	}
	for _, p := range r.Paused {
		flag := ""
		switch {
		case p.Stream != "":
			flag = " --stream " + p.Stream
		case p.Step != "":
			flag = " --step " + p.Step
		}
		s.can("skift resume %s%s --as SEAT --reason …", r.ID, flag)
	}
	for _, st := range r.Steps {
		if st.State == run.Held {
			s.can("skift step %s %s release --as %s --reason …", r.ID, st.ID, orSeat(st.Owner))
		}
	}
}

// marked lists what was said about the steps of a run beside what became of them.
func (s *session) marked(p *plan.Plan, r snapshot.Run, now time.Time) {
	c := speak(p)
	for _, st := range r.Steps {
		if st.Issue != nil {
			s.printf("%s %s\n", s.screen.Paint(term.Risk, term.Risk.Shape()), issueText(c, p, st, now))
		}
		for _, n := range st.Notes {
			file := ""
			if n.File != "" {
				file = " · " + n.File
			}
			s.printf("  %s: %s (%s, %s%s)\n", st.ID, term.Line(n.Text), n.By.Seat, near(c, p, n.At, now), file)
		}
	}
}

// issueText is "copy: no disk (newco/operator, fixed by 06:00)".
func issueText(c *words.Catalogue, p *plan.Plan, st snapshot.Step, now time.Time) string {
	i, fix := st.Issue, c.T("runs.issue.unknown")
	if i.Fix > 0 {
		fix = c.T("runs.issue.by", "at", near(c, p, i.At.Add(i.Fix), now))
	}
	return term.Line(c.T("runs.issue", "step", st.ID, "why", i.Text, "who", i.By.Seat, "fix", fix))
}
