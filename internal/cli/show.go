package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"skift/internal/api"
	"skift/internal/diag"
	"skift/internal/plan"
	"skift/internal/run"
	"skift/internal/snapshot"
	"skift/internal/term"
)

// runsCommand lists runs, or shows one with what can be done.
func (s *session) runsCommand() *cobra.Command {
	return s.asJSON(&cobra.Command{
		Use: "runs [RUN]", Short: "List runs and what is waited for, or show one run step by step", Args: between(0, "RUN"),
		Long: "RUN may be the runbook's name: its newest run is shown.",
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
	if len(snap.Runs) == 0 {
		s.printf("no run yet; `skift run RUNBOOK` begins one\n")
	} else {
		t := term.NewTable("", "run", "where", "state", "began", "steps", "why")
		for _, r := range snap.Runs {
			t.Cells(term.Cell{Text: runState(r.State).Shape(), State: runState(r.State)}, term.Cell{Text: r.ID}, term.Cell{Text: where(r)},
				term.Cell{Text: string(r.State), State: runState(r.State)}, term.Cell{Text: localTime(p, r.StartedAt)},
				term.Cell{Text: settled(r)}, term.Cell{Text: whyStill(r)})
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
	s.printf("%s\n", s.screen.Bold("waiting for"))
	t := term.NewTable("", "what", "seat", "who", "by")
	for _, n := range snap.Needed {
		by := ""
		if !n.By.IsZero() {
			by = localTime(p, n.By)
		}
		what := n.Kind + " " + n.Subject
		if n.Run != "" {
			what += " (" + n.Run + ")"
		}
		if n.Event != 0 {
			what += fmt.Sprintf(" (event %d)", n.Event)
		}
		t.Cells(term.Cell{Text: term.Gate.Shape(), State: term.Gate}, term.Cell{Text: what}, term.Cell{Text: n.Seat}, term.Cell{Text: call(p, n.Person)}, term.Cell{Text: by})
	}
	return t.Write(s.out, s.screen)
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
	return who.Name + ", " + who.Phone
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
	state := runState(r.State)
	s.printf("%s %s · %s · began %s · %s steps\n", s.screen.Paint(state, state.Shape()+" "+string(r.State)), s.screen.Bold(r.ID), where(r), localTime(p, r.StartedAt), settled(r))
	if r.Reason != "" {
		s.printf("%s\n", term.Line(r.Reason))
	}
	for _, p := range r.Paused {
		s.printf("%s\n", term.Line(pauseText(p)))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Parameters)) {
		s.printf("%s = %s\n", name, term.Line(r.Parameters[name]))
	}
	if r.NoReturn {
		s.printf("the point of no return is passed\n")
	}
	t := term.NewTable("", "step", "state", "owner", "when", "why")
	for _, st := range r.Steps {
		state := stepState(st.State)
		word := string(st.State)
		if st.Contradiction.Open() {
			state = term.Risk
		}
		if st.Simulated {
			word += " (simulated)"
		}
		if st.Attempt > 1 {
			word += fmt.Sprintf(" #%d", st.Attempt)
		}
		t.Cells(term.Cell{Text: state.Shape(), State: state}, term.Cell{Text: st.ID}, term.Cell{Text: word, State: state},
			term.Cell{Text: st.Owner}, term.Cell{Text: stepTime(p, st)}, term.Cell{Text: why(st, snap)})
	}
	if err := t.Write(s.out, s.screen); err != nil {
		return err
	}
	s.marked(p, r)
	s.whatNext(snap, r)
	snap.Needed = slices.DeleteFunc(slices.Clone(snap.Needed), func(n snapshot.Needed) bool { return !concerns(n, r) })
	if err := s.needed(snap, p); err != nil {
		return err
	}
	s.printf("head %s\n", snap.Head)
	return nil
}

// whatNext says what a person can do with a run that does not go on by itself.
func (s *session) whatNext(snap snapshot.Snapshot, r snapshot.Run) {
	for _, o := range snap.Runs {
		if o.Undoes == r.ID && !o.State.Final() {
			s.printf("→ %s backs it out: skift runs %s\n", o.ID, o.ID)
			return
		}
	}
	for _, st := range r.Steps {
		if st.Contradiction.Open() {
			s.printf("→ look at %s, which is done and contradicted; to answer for it: skift step %s %s accept --as %s --reason …\n", st.ID, r.ID, st.ID, orSeat(st.Owner))
		}
		switch st.State {
		case run.WaitingForPerson:
			s.printf("→ skift step %s %s done|fail --as %s\n", r.ID, st.ID, orSeat(st.Owner))
		case run.Failed:
			s.printf("→ skift step %s %s %s --as %s --reason …\n", r.ID, st.ID, answersTo(st), orSeat(st.Owner))
		case run.Uncertain:
			s.printf("→ find out whether it happened, then: skift step %s %s done|fail|retry --as %s --reason …\n", r.ID, st.ID, orSeat(st.Owner))
		}
	}
	if r.State == run.RunHeld && r.HeldGate == "" && stepIs(r, r.HeldStep, run.Waiting) {
		s.printf("→ it goes on by itself once the zone allows it; to give it up: skift abort %s --as SEAT --reason …\n", r.ID)
	}
	s.keptBack(r)
	for _, g := range r.Waiting {
		s.printf("→ skift gate %s%s\n", g, practised(r))
	}
	if r.State == run.RunHeld {
		s.wayBack(r)
		if r.HeldGate != "" {
			s.printf("→ or vote again: skift vote %s ready|go --as SEAT%s\n", r.HeldGate, practised(r))
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

func where(r snapshot.Run) string {
	text := r.Environment
	if r.Rehearsal {
		text += ", rehearsal"
	}
	if r.Speed > 1 {
		text += fmt.Sprintf(" ×%g", r.Speed)
	}
	return text
}

func why(st snapshot.Step, snap snapshot.Snapshot) string {
	switch {
	case st.Progress != nil:
		return progressOf(*st.Progress)
	case st.Contradiction.Open():
		return "contradicted: " + st.Contradiction.Reason
	case st.Contradiction != nil:
		return "contradicted, and accepted: " + st.Contradiction.AcceptedReason
	case st.Reason != "":
		return st.Reason
	case st.State == run.Waiting && st.NotBefore != "":
		return "not before " + st.NotBefore
	case st.State == run.Waiting && st.AfterGate != "":
		return "after gate " + st.AfterGate
	case st.Awaits != "":
		return "waits for " + st.Awaits
	case st.State == run.WaitingForPerson || st.State == run.Startable && st.Name.In(snap.Plan.Language) != st.ID:
		return st.Name.In(snap.Plan.Language)
	}
	return ""
}

// progressOf says how far a copy has come: "3 of 12 files, 41 % of 1.2 GB".
func progressOf(p run.Progress) string {
	percent := int64(100)
	if p.Bytes > 0 {
		percent = 100 * p.BytesDone / p.Bytes
	}
	return fmt.Sprintf("%d of %d files, %d %% of %s", p.FilesDone, p.Files, percent, sizeOf(p.Bytes))
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

func stepTime(p *plan.Plan, st snapshot.Step) string {
	switch {
	case !st.BeginsAt.IsZero():
		return "from " + localTime(p, st.BeginsAt)
	case !st.FinishedAt.IsZero():
		return localTime(p, st.FinishedAt)
	case st.Progress != nil && !st.Progress.EndsAt.IsZero():
		return "until about " + localTime(p, st.Progress.EndsAt)
	case st.State == run.Running && !st.DueAt.IsZero():
		return "until " + localTime(p, st.DueAt)
	case !st.AskedAt.IsZero():
		return "since " + localTime(p, st.AskedAt)
	}
	return ""
}

func runState(s run.State) term.State {
	switch s {
	case run.RunRunning:
		return term.Running
	case run.RunHeld:
		return term.Risk
	case run.RunDone:
		return term.OK
	case run.RunBacked, run.RunAborted:
		return term.Risk
	}
	return term.Fail
}

func stepState(s run.StepState) term.State {
	switch s {
	case run.Done:
		return term.OK
	case run.Failed:
		return term.Fail
	case run.Running, run.Verifying:
		return term.Running
	case run.WaitingForPerson:
		return term.Gate
	case run.Uncertain:
		return term.Unknown
	case run.Held:
		return term.Risk
	}
	return term.Plain
}
