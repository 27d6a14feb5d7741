package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/api"
	"skift/internal/diag"
	"skift/internal/plan"
	"skift/internal/run"
	"skift/internal/snapshot"
	"skift/internal/term"
	"skift/internal/words"
)

// runsCommand lists runs, or shows one with what can be done.
func (s *session) runsCommand() *cobra.Command {
	return s.asJSON(&cobra.Command{
		Use: "runs [RUN]", Short: "List runs and what is waited for, or show one run step by step", Args: between(0, "RUN"),
		Long: "RUN may be the runbook's name: its newest run is shown. master is the overall plan, whose steps are the milestones.",
		RunE: func(c *cobra.Command, a []string) error {
			return s.readDesk(c.Context(), func(d api.Desk, p *plan.Plan) error {
				snap, err := d.Snapshot(c.Context())
				if err != nil {
					return err
				}
				if len(a) == 0 {
					return s.listRuns(snap, p)
				}
				r, err := findRun(snap, a[0])
				if err != nil {
					return err
				}
				if s.json {
					return s.printJSON(r)
				}
				s.stalePlan(snap, p)
				if isOverall(r) {
					return s.showOverall(snap, p, r)
				}
				return s.showRun(snap, p, r)
			})
		},
	})
}

func (s *session) listRuns(snap snapshot.Snapshot, p *plan.Plan) error {
	if s.json {
		return s.printJSON(snap.Runs)
	}
	s.stalePlan(snap, p)
	c := speak(p)
	if len(snap.Runs) == 0 {
		s.printf("%s\n", c.T("runs.none"))
	} else {
		t := term.NewTable("", c.T("runs.col.run"), c.T("gates.col.state"), c.T("runs.col.where"), c.T("runs.col.began"), c.T("runs.col.steps"), c.T("screen.col.why")).Fold(3)
		for _, r := range snap.Runs {
			t.Cells(term.Cell{Text: runState(r.State).Shape(), State: runState(r.State)}, term.Cell{Text: r.ID}, term.Cell{Text: c.T("run." + string(r.State)), State: runState(r.State)},
				term.Cell{Text: where(c, r)}, term.Cell{Text: near(c, p, r.StartedAt, snap.At)}, term.Cell{Text: settled(r)}, term.Cell{Text: whyStill(c, r)})
		}
		if err := t.Write(s.out, s.screen); err != nil {
			return err
		}
	}
	return s.needed(snap, p)
}

// needed lists what is asked of whom, with whom to call.
func (s *session) needed(snap snapshot.Snapshot, p *plan.Plan) error {
	if len(snap.Needed) == 0 {
		return nil
	}
	c := speak(p)
	s.printf("%s\n", s.screen.Bold(c.T("runs.waiting")))
	t := term.NewTable("", c.T("runs.col.what"), c.T("runs.col.by"), c.T("paper.seat"), c.T("runs.col.who")).Fold(3)
	for _, n := range snap.Needed {
		by := term.Cell{}
		if !n.By.IsZero() {
			by = term.Cell{Text: near(c, p, n.By, snap.At)}
			if n.By.Before(snap.At) {
				by = term.Cell{Text: c.T("report.overdue", "at", by.Text), State: term.Fail}
			}
		}
		what := wanted(c, n)
		if n.Run != "" {
			what += " (" + n.Run + ")"
		}
		if n.Event != 0 {
			what += " (" + c.T("report.journal-event", "n", n.Event) + ")"
		}
		t.Cells(term.Cell{Text: term.Gate.Shape(), State: term.Gate}, term.Cell{Text: what}, by, term.Cell{Text: n.Seat}, term.Cell{Text: call(p, n.Person)})
	}
	return t.Write(s.out, s.screen)
}

// wanted is what is waited for: "answer close-go".
func wanted(c *words.Catalogue, n snapshot.Needed) string {
	return c.T("report.need."+n.Kind) + " " + n.Subject
}

// call is a person's name and number.
func call(p *plan.Plan, id string) string {
	who, ok := p.Contacts.Person(id)
	switch {
	case id == "":
		return speak(p).T("screen.nobody-on-shift")
	case !ok:
		return id
	case who.Phone == "":
		return who.Name
	}
	return who.Name + ", " + term.Keep(who.Phone)
}

// concerns reports whether a run waits for what is needed.
func concerns(n snapshot.Needed, r snapshot.Run) bool {
	if n.Gate == "" {
		return n.Run == r.ID
	}
	live := n.Run == "" && !r.Rehearsal
	return (live || n.Run == r.ID) && (slices.Contains(r.Waiting, n.Gate) || r.HeldGate == n.Gate)
}

// settled is how many of a run's steps are done or skipped: "3/7".
func settled(r snapshot.Run) string {
	n := 0
	for _, st := range r.Steps {
		if st.State.Settled() {
			n++
		}
	}
	return fmt.Sprintf("%d/%d", n, len(r.Steps))
}

func (s *session) showRun(snap snapshot.Snapshot, p *plan.Plan, r snapshot.Run) error {
	c := speak(p)
	s.runHead(c, p, snap.At, r)
	t := term.NewTable("", c.T("drift.col.step"), c.T("gates.col.state"), c.T("runs.col.when"), c.T("book.col.owner"), c.T("screen.col.why")).Fold(4)
	for _, st := range r.Steps {
		state := stepState(st.State)
		word := c.T("step." + string(st.State))
		if st.Contradiction.Open() {
			state = term.Risk
		}
		if st.Simulated {
			word += " (" + c.T("runs.simulated") + ")"
		}
		if st.Attempt > 1 {
			word += fmt.Sprintf(" #%d", st.Attempt)
		}
		t.Cells(term.Cell{Text: state.Shape(), State: state}, term.Cell{Text: st.ID}, term.Cell{Text: word, State: state},
			term.Cell{Text: stepTime(c, p, st, snap.At)}, term.Cell{Text: st.Owner}, term.Cell{Text: why(c, st, p)})
	}
	if err := t.Write(s.out, s.screen); err != nil {
		return err
	}
	s.marked(p, r, snap.At)
	s.whatNext(c, snap, r)
	for _, o := range inside(snap, r) {
		s.whatNext(c, snap, o)
	}
	snap.Needed = concern(snap, r)
	if err := s.needed(snap, p); err != nil {
		return err
	}
	s.printf("head %s\n", snap.Head)
	return nil
}

// runHead says which run it is and why it stands still, if it does.
func (s *session) runHead(c *words.Catalogue, p *plan.Plan, now time.Time, r snapshot.Run) {
	done, state := 0, runState(r.State)
	for _, st := range r.Steps {
		if st.State.Settled() {
			done++
		}
	}
	word := state.Shape() + " " + c.T("run."+string(r.State))
	parts := []string{word + " " + r.ID, where(c, r), c.T("runs.began", "at", c.DateTime(r.StartedAt.In(p.Zone))), c.T("runs.steps", "done", done, "of", len(r.Steps))}
	for i, l := range term.Parts(parts, " · ", s.screen.Width) {
		if rest, ok := strings.CutPrefix(l, parts[0]); ok && i == 0 {
			l = s.screen.Paint(state, word) + " " + s.screen.Bold(r.ID) + rest
		}
		s.printf("%s\n", l)
	}
	if r.Reason != "" {
		s.wrapped(c.Retold(r.Reason))
	}
	for _, p := range r.Paused {
		s.wrapped(pauseText(c, p))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Parameters)) {
		s.wrapped(name + " = " + r.Parameters[name])
	}
	if r.NoReturn {
		s.wrapped(c.T("runs.no-return"))
	}
}

// wrapped prints text, broken where the screen ends.
func (s *session) wrapped(text string) {
	for _, l := range term.Wrap(text, s.screen.Width) {
		s.printf("%s\n", l)
	}
}

// can prints something that a person can do. A command stays on one line, to be copied.
func (s *session) can(format string, args ...any) {
	s.printf("→ %s\n", term.Line(fmt.Sprintf(format, args...)))
}

// whatNext says what a person can do with a run that does not go on by itself.
func (s *session) whatNext(c *words.Catalogue, snap snapshot.Snapshot, r snapshot.Run) {
	for _, o := range snap.Runs {
		if o.Undoes == r.ID && !o.State.Final() {
			s.can("%s", c.T("runs.do.back-out", "run", o.ID, "command", "skift runs "+o.ID))
			return
		}
	}
	const most = 3 // commands for steps that wait alike: the table has them all
	waiting := 0
	for _, st := range r.Steps {
		step := fmt.Sprintf("skift step %s %s", r.ID, st.ID)
		as := "--as " + orSeat(st.Owner)
		if st.Contradiction.Open() {
			s.can("%s", c.T(ofSide("runs.do.contradiction", st.Contradiction.Side), "step", st.ID, "command", step+" accept "+as+" --reason …"))
		}
		switch st.State {
		case run.WaitingForPerson:
			if waiting++; waiting <= most {
				s.can("%s done|fail %s", step, as)
			}
		case run.Failed:
			s.can("%s %s %s --reason …", step, answersTo(st), as)
		case run.Uncertain:
			s.can("%s", c.T("runs.do.uncertain", "command", step+" done|fail|retry "+as+" --reason …"))
		}
	}
	if waiting > most {
		s.printf("  … %s\n", c.N("screen.more", waiting-most))
	}
	if r.State == run.RunHeld && r.HeldGate == "" && stepIs(r, r.HeldStep, run.Waiting) {
		s.can("%s", c.T("runs.do.zone", "command", "skift abort "+r.ID+" --as SEAT --reason …"))
	}
	s.keptBack(c, r)
	for _, g := range r.Waiting {
		s.can("skift gate %s%s", g, practised(r))
	}
	if r.State == run.RunHeld {
		s.wayBack(c, r)
		if r.HeldGate != "" {
			s.can("%s", c.T("runs.do.vote", "command", "skift vote "+r.HeldGate+" ready|go --as SEAT"+practised(r)))
		}
	}
}

func stepIs(r snapshot.Run, id string, state run.StepState) bool {
	return slices.ContainsFunc(r.Steps, func(st snapshot.Step) bool { return st.ID == id && st.State == state })
}

// answersTo is what can be said of a failed step. One that moves services or stands behind a gate cannot be skipped.
func answersTo(st snapshot.Step) string {
	if st.AfterGate != "" || st.NoReturn || len(st.Switches)+len(st.Closes) > 0 {
		return "retry|done"
	}
	return "retry|done|skip"
}

// environmentOf is a run's environment where it must be named: production is meant when nothing is said.
func environmentOf(r snapshot.Run) string {
	if r.Production {
		return ""
	}
	return r.Environment
}

func practised(r snapshot.Run) string {
	if r.Rehearsal {
		return " --run " + r.ID
	}
	return ""
}

func orSeat(owner string) string {
	if owner == "" {
		return "SEAT"
	}
	return owner
}

func findRun(snap snapshot.Snapshot, id string) (snapshot.Run, error) {
	if id == plan.MasterID && snap.Overall != nil {
		return *snap.Overall, nil
	}
	var ids, names []string
	for _, r := range snap.Runs {
		if r.ID == id || r.Runbook == id {
			return r, nil // newest first
		}
		ids, names = append(ids, r.ID), append(names, r.ID, r.Runbook)
	}
	hint := "runs: " + strings.Join(ids, ", ")
	switch near := diag.Suggest(id, names); {
	case near != "":
		hint = fmt.Sprintf("did you mean %q?", near)
	case len(ids) == 0:
		hint = "there is no run yet; `skift run RUNBOOK` begins one"
	}
	return snapshot.Run{}, usage(fmt.Sprintf("there is no run %q", id), hint)
}

func where(c *words.Catalogue, r snapshot.Run) string {
	text := r.Environment
	if r.Rehearsal {
		text = c.T("runs.rehearsal", "where", text)
	}
	if r.Wave != "" {
		text += " · " + r.Wave
	}
	if r.Speed > 1 {
		text += fmt.Sprintf(" ×%g", r.Speed)
	}
	return text
}

func why(c *words.Catalogue, st snapshot.Step, p *plan.Plan) string {
	switch {
	case st.Progress != nil:
		return progressOf(c, *st.Progress)
	case st.Contradiction.Open():
		return c.T(ofSide("runs.contradicted", st.Contradiction.Side), "why", c.Retold(st.Contradiction.Reason))
	case st.Contradiction != nil:
		return c.T(ofSide("runs.contradicted.accepted", st.Contradiction.Side), "why", st.Contradiction.AcceptedReason)
	case st.State == run.Verifying:
		return c.T(ofSide("runs.verifying", st.VerifyOn))
	case st.Reason != "":
		return c.Retold(st.Reason)
	case st.State == run.Waiting && st.NotBefore != "":
		return c.T("runs.not-before", "when", st.NotBefore)
	case st.State == run.Waiting && st.AfterGate != "":
		return c.T("runs.after-gate", "gate", st.AfterGate)
	case st.Awaits != "":
		return c.T("runs.awaits", "what", st.Awaits)
	case st.State == run.WaitingForPerson || st.State == run.Startable && st.Name.In(p.Language) != st.ID:
		return st.Name.In(p.Language)
	}
	return ""
}

// progressOf says how far a copy has come: "3 of 12 files, 41 % of 1.2 GB".
func progressOf(c *words.Catalogue, p run.Progress) string {
	percent := int64(100)
	if p.Bytes > 0 {
		percent = 100 * p.BytesDone / p.Bytes
	}
	return c.T("runs.files", "done", p.FilesDone, "of", p.Files, "percent", percent, "size", sizeOf(p.Bytes))
}

// sizeOf is a number of bytes as people say it.
func sizeOf(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	size, i := float64(n), 0
	for size >= 1000 && i < len(units)-1 {
		size, i = size/1000, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", size, units[i])
}

// stepTime is when a step began, ended, or may begin.
func stepTime(c *words.Catalogue, p *plan.Plan, st snapshot.Step, now time.Time) string {
	at := func(t time.Time) string { return near(c, p, t, now) }
	switch {
	case !st.BeginsAt.IsZero():
		return c.T("runs.from", "at", at(st.BeginsAt))
	case !st.FinishedAt.IsZero():
		return at(st.FinishedAt)
	case st.Progress != nil && !st.Progress.EndsAt.IsZero():
		return c.T("runs.until-about", "at", at(st.Progress.EndsAt))
	case st.State == run.Running && !st.DueAt.IsZero():
		return c.T("runs.until", "at", at(st.DueAt))
	case !st.AskedAt.IsZero():
		return c.T("runs.since", "at", at(st.AskedAt))
	}
	return ""
}
