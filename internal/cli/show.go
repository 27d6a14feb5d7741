package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/api"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/snapshot"
	"skift/internal/term"
)

// runsCommand lists runs, or shows one with what can be done.
func (s *session) runsCommand() *cobra.Command {
	return s.asJSON(&cobra.Command{
		Use: "runs [RUN]", Short: "List runs, or show one step by step", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, a []string) error {
			return s.withDesk(c.Context(), func(d api.Desk, p *plan.Plan) error {
				snap, err := d.Snapshot(c.Context())
				if err != nil {
					return err
				}
				if len(a) == 0 {
					return s.listRuns(snap, p)
				}
				return s.showRun(snap, p, a[0])
			})
		},
	})
}

func (s *session) listRuns(snap snapshot.Snapshot, p *plan.Plan) error {
	if s.json {
		return s.printJSON(snap.Runs)
	}
	if len(snap.Runs) == 0 {
		s.printf("no run yet; `skift run RUNBOOK` begins one\n")
	} else {
		t := term.NewTable("", "run", "where", "state", "began", "steps", "why")
		for _, r := range snap.Runs {
			settled := 0
			for _, st := range r.Steps {
				if st.State.Settled() {
					settled++
				}
			}
			t.Cells(term.Cell{Text: runState(r.State).Shape(), State: runState(r.State)}, term.Cell{Text: r.ID}, term.Cell{Text: where(r)},
				term.Cell{Text: string(r.State), State: runState(r.State)}, term.Cell{Text: localTime(p, r.StartedAt)},
				term.Cell{Text: fmt.Sprintf("%d/%d", settled, len(r.Steps))}, term.Cell{Text: r.Reason})
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
	s.printf("\n%s\n", s.screen.Bold("waiting for"))
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
	case !ok:
		return id
	case who.Phone == "":
		return who.Name
	}
	return who.Name + ", " + who.Phone
}

func (s *session) showRun(snap snapshot.Snapshot, p *plan.Plan, id string) error {
	r, err := findRun(snap, id)
	if err != nil {
		return err
	}
	if s.json {
		return s.printJSON(r)
	}
	s.printf("%s %s · %s · began %s\n", s.screen.Paint(runState(r.State), runState(r.State).Shape()+" "+string(r.State)), s.screen.Bold(r.ID), where(r), localTime(p, r.StartedAt))
	if r.Reason != "" {
		s.printf("%s\n", term.Line(r.Reason))
	}
	if r.NoReturn {
		s.printf("the point of no return is passed\n")
	}
	t := term.NewTable("", "step", "state", "owner", "when", "why")
	for _, st := range r.Steps {
		state := stepState(st.State)
		word := string(st.State)
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
	s.whatNext(r)
	return s.needed(snap, p)
}

// whatNext says what a person can do with a run that does not go on by itself.
func (s *session) whatNext(r snapshot.Run) {
	for _, st := range r.Steps {
		switch st.State {
		case run.WaitingForPerson:
			s.printf("→ skift step %s %s done|fail --as %s\n", r.ID, st.ID, st.Owner)
		case run.Failed:
			s.printf("→ skift step %s %s retry|done|skip --as %s --reason …\n", r.ID, st.ID, orSeat(st.Owner))
		case run.Uncertain:
			s.printf("→ find out whether it happened, then: skift step %s %s done|fail|retry --as %s --reason …\n", r.ID, st.ID, orSeat(st.Owner))
		}
	}
	for _, g := range r.Waiting {
		s.printf("→ skift gate %s\n", g)
	}
	if r.State == run.RunHeld {
		if r.BackOut != "" && !r.NoReturn {
			s.printf("→ back out: skift run %s --environment %s%s\n", r.BackOut, r.Environment, rehearsalFlag(r))
		}
		if r.HeldGate != "" {
			s.printf("→ or vote again: skift vote %s ready|go --as SEAT\n", r.HeldGate)
		}
	}
}

func rehearsalFlag(r snapshot.Run) string {
	if r.Rehearsal {
		return " --rehearsal"
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
	var ids []string
	for _, r := range snap.Runs {
		if r.ID == id || r.Runbook == id {
			return r, nil // newest first
		}
		ids = append(ids, r.ID)
	}
	return snapshot.Run{}, usage(fmt.Sprintf("there is no run %q", id), "runs: "+strings.Join(ids, ", "))
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
	case st.Reason != "":
		return st.Reason
	case st.State == run.Waiting && st.AfterGate != "":
		return "after gate " + st.AfterGate
	case st.State == run.WaitingForPerson:
		return st.Name.In(snap.Plan.Language)
	}
	return ""
}

func stepTime(p *plan.Plan, st snapshot.Step) string {
	switch {
	case !st.FinishedAt.IsZero():
		return localTime(p, st.FinishedAt)
	case !st.AskedAt.IsZero():
		return "since " + localTime(p, st.AskedAt)
	}
	return ""
}

// localTime is an instant in the plan's zone, the zone named.
func localTime(p *plan.Plan, t time.Time) string {
	return t.In(p.Zone).Format("2006-01-02 15:04:05 MST")
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
	}
	return term.Plain
}

// showStatus prints the light, why, and the milestones.
func (s *session) showStatus(ctx context.Context) error {
	return s.withDesk(ctx, func(d api.Desk, p *plan.Plan) error {
		snap, err := d.Snapshot(ctx)
		if err != nil {
			return err
		}
		if s.json {
			return s.printJSON(snap)
		}
		light := map[register.Light]term.State{register.Green: term.OK, register.Yellow: term.Risk, register.Red: term.Fail}
		st := snap.Status
		s.printf("%s %s\n", s.screen.Bold(p.ID), s.screen.Badge(light[st.Light()], p.Language))
		if st.Set != nil {
			s.printf("set by %s %s: %s (computed: %s)\n", orSeat(st.Set.Actor.Seat), localTime(p, st.Set.At), term.Line(st.Set.Because), st.Computed)
		}
		for _, r := range st.Reasons {
			s.printf("  %s %s %s %s\n", s.screen.Paint(light[r.Light], light[r.Light].Shape()), r.Code, r.Subject, r.Owner)
		}
		if st.Note != nil {
			s.printf("%s\n", term.Strip(st.Note.Note))
		}
		s.printf("head %s\n", snap.Head)
		return s.needed(snap, p)
	})
}

// waiting reports whether a run stands still until a person acts.
func waiting(snap snapshot.Snapshot, id string) bool {
	for _, r := range snap.Runs {
		if r.ID != id {
			continue
		}
		for _, st := range r.Steps {
			if st.State == run.Running || st.State == run.Verifying || st.State == run.Startable && st.AfterGate == "" && r.State == run.RunRunning {
				return false
			}
		}
		return !r.State.Final()
	}
	return false
}

// counts is "12 pass, 1 fail".
func counts(m map[string]int) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, fmt.Sprintf("%d %s", m[k], k))
	}
	return strings.Join(out, ", ")
}

func upper(s string) string { return strings.ToUpper(s) }
