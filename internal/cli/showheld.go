package cli

import (
	"cmp"
	"fmt"
	"strings"

	"skift/internal/plan"
	"skift/internal/run"
	"skift/internal/snapshot"
	"skift/internal/term"
)

// whyStill is why a run, or a part of it, does not go on.
func whyStill(r snapshot.Run) string {
	var out []string
	if r.Reason != "" {
		out = append(out, r.Reason)
	}
	for _, p := range r.Paused {
		out = append(out, pauseText(p))
	}
	return strings.Join(out, "; ")
}

// pauseText is "stream net paused by customer/lead: their phone is ringing".
func pauseText(p snapshot.Pause) string {
	what := ""
	if p.Stream != "" {
		what = "stream " + p.Stream + " "
	}
	return fmt.Sprintf("%spaused by %s: %s", what, cmp.Or(p.By.Seat, p.By.EnteredBy), p.Reason)
}

// keptBack says how what people keep back goes on.
func (s *session) keptBack(r snapshot.Run) {
	if r.State.Final() {
		return
	}
	if r.HeldBy.Seat != "" {
		s.printf("→ held by %s; to let it go on: skift release %s --as SEAT --reason …\n", r.HeldBy.Seat, r.ID)
	}
	for _, p := range r.Paused {
		flag := ""
		if p.Stream != "" {
			flag = " --stream " + p.Stream
		}
		s.printf("→ skift resume %s%s --as SEAT --reason …\n", r.ID, flag)
	}
	for _, st := range r.Steps {
		if st.State == run.Held {
			s.printf("→ skift step %s %s release --as %s --reason …\n", r.ID, st.ID, orSeat(st.Owner))
		}
	}
}

// marked lists what was said about the steps of a run beside what became of them.
func (s *session) marked(p *plan.Plan, r snapshot.Run) {
	for _, st := range r.Steps {
		if i := st.Issue; i != nil {
			fix := "nobody knows how long it takes to fix"
			if i.Fix > 0 {
				fix = "fixed by " + localTime(p, i.At.Add(i.Fix))
			}
			s.printf("%s %s: %s (%s, %s)\n", s.screen.Paint(term.Risk, term.Risk.Shape()), st.ID, term.Line(i.Text), i.By.Seat, fix)
		}
		for _, n := range st.Notes {
			file := ""
			if n.File != "" {
				file = " · " + n.File
			}
			s.printf("  %s: %s (%s, %s%s)\n", st.ID, term.Line(n.Text), n.By.Seat, localTime(p, n.At), file)
		}
	}
}
