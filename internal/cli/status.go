package cli

import (
	"cmp"
	"context"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/api"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/runner"
	"skift/internal/snapshot"
	"skift/internal/term"
	"skift/internal/timeline"
	"skift/internal/words"
)

func (s *session) statusCommand() *cobra.Command {
	var a act
	var note string
	parent := &cobra.Command{
		Use: "status [--note FILE]", Short: "Show the light and why, or write the note above the computed part of reports",
		Long: "Without flags: the light, what it rests on, what is active, next and waited for. --note FILE keeps the manager's own sentences;\n" +
			"`skift status set` sets the light.",
		Args: func(c *cobra.Command, got []string) error {
			if len(got) > 0 {
				return unknownCommand(c, got[0])
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error {
			if !c.Flags().Changed("note") {
				return s.showStatus(c.Context())
			}
			data, err := s.noteFrom(note)
			if err != nil {
				return err
			}
			a.Do, a.Via, a.File = runner.DoStatus, journal.ViaConsole, data
			return s.send(c, a)
		},
	}
	parent.Flags().StringVar(&note, "note", "", "`FILE` with the manager's own sentences; - reads standard input")
	parent.Flags().StringVar(&a.As, "as", "", "`SEAT` that writes the note")
	var set act
	c := &cobra.Command{
		Use: "set green|yellow|red --because … [--as SEAT]", Short: "Set the light; the computed one is shown beside it", Args: args("green|yellow|red"),
		DisableFlagsInUseLine: true,
		RunE: func(c *cobra.Command, got []string) error {
			if got[0] == "" {
				return usage("green|yellow|red is missing", "usage: "+c.UseLine())
			}
			set.Do, set.Answer = runner.DoStatus, got[0]
			return s.send(c, set)
		},
	}
	c.Flags().StringVar(&set.Reason, "because", "", "why; this `TEXT` is printed in every report")
	c.Flags().StringVar(&set.As, "as", "", "`SEAT` that sets it")
	c.Flags().StringVar(&set.Via, "via", journal.ViaConsole, "how it reached you: `WAY` is console, phone or mail")
	parent.AddCommand(c)
	return s.asJSON(parent)
}

func (s *session) noteFrom(file string) ([]byte, error) {
	if file != "-" {
		return readCapped(file)
	}
	return readAll(s.in, "standard input")
}

// lights are the states of the screen for the lights of a report.
var lights = map[register.Light]term.State{register.Green: term.OK, register.Yellow: term.Risk, register.Red: term.Fail}

// showStatus prints the light and why, what is active and what is next, and what is waited for.
func (s *session) showStatus(ctx context.Context) error {
	return s.readDesk(ctx, func(d api.Desk, p *plan.Plan) error {
		snap, err := d.Snapshot(ctx)
		if err != nil {
			return err
		}
		if s.json {
			return s.printJSON(snap)
		}
		st := snap.Status
		state := lights[st.Light()]
		c := speak(p)
		s.printf("%s %s · %s\n", s.screen.Paint(state, state.Shape()+" "+c.T("light."+string(st.Light()))), s.screen.Bold(p.ID), c.DateTime(snap.At.In(p.Zone)))
		if st.Set != nil {
			s.wrapped(c.T("light.set", "who", cmp.Or(st.Set.Actor.Seat, st.Set.Actor.Person), "at", near(c, p, st.Set.At, snap.At), "why", st.Set.Because, "light", c.T("light."+string(st.Computed))))
		}
		t := term.NewTable()
		for _, r := range st.Reasons {
			t.Cells(term.Cell{}, term.Cell{Text: lights[r.Light].Shape(), State: lights[r.Light]}, term.Cell{Text: reasonOf(r, p, snap.At)})
		}
		if err := t.Write(s.out, s.screen); err != nil {
			return err
		}
		if st.Note != nil {
			s.printf("%s\n", term.Strip(st.Note.Note))
		}
		s.dates(snap, p)
		for _, l := range snap.Incidents.Lists {
			key := "report.incidents.list"
			if l.AsOf.IsZero() {
				key = "report.incidents.never"
			}
			s.printf("  %s\n", term.Line(c.T(key, "platform", c.T("side."+string(l.Platform)), "a", l.A, "b", l.B, "c", l.C, "at", near(c, p, l.AsOf, snap.At))))
		}
		s.mails(c, snap.Outbox)
		s.stalePlan(snap, p)
		if err := s.needed(snap, p); err != nil {
			return err
		}
		s.printf("head %s\n", snap.Head)
		return nil
	})
}

// reasonOf says a reason of the status as a sentence, by the ids that other commands take.
func reasonOf(r snapshot.Reason, p *plan.Plan, now time.Time) string {
	c := speak(p)
	at := ""
	if !r.At.IsZero() {
		at = near(c, p, r.At, now)
	}
	text := c.T(r.Sentence(), "milestone", r.Subject, "gate", r.Subject, "run", r.Subject, "runbook", r.Subject,
		"step", cmp.Or(r.Step, r.Subject), "slip", c.Late(r.Days), "at", at, "blocking", r.Count, "missing", r.Count, "n", r.Count,
		"whole", c.N("count.comparisons", r.Of), "seat", r.Owner, "party", r.Subject, "class", c.T("class."+r.Subject))
	if r.Owner != "" && r.Code != snapshot.WhyEmptySeat {
		text += " → " + r.Owner
	}
	return text
}

// dates tells what is active and what comes next, a few lines.
func (s *session) dates(snap snapshot.Snapshot, p *plan.Plan) {
	for _, m := range snap.Milestones {
		if m.State == timeline.Active || m.State == timeline.Late {
			state := term.Running
			if m.State == timeline.Late {
				state = term.Risk
			}
			s.printf("  %s %s %s\n", s.screen.Paint(state, state.Shape()), m.ID, speak(p).T("milestone."+string(m.State)))
		}
	}
	const most = 3
	for i, n := range snap.Next {
		if i == most {
			break
		}
		s.printf("  %s\n", term.Line(speak(p).T("light.next", "milestone", n.Milestone, "edge", speak(p).T("edge."+string(n.Edge)), "at", dateText(n.When, p, snap.At))))
	}
}

func dateText(d snapshot.Date, p *plan.Plan, now time.Time) string {
	if d.At.IsZero() {
		return d.Text
	}
	return near(speak(p), p, d.At, now)
}

// mails tells of mails that have not left.
func (s *session) mails(c *words.Catalogue, o snapshot.Outbox) {
	if o.Queued+o.Sending+o.Uncertain+o.Failed == 0 {
		return
	}
	s.printf("  %s\n", c.T("light.outbox", "waiting", o.Queued+o.Sending, "uncertain", o.Uncertain, "failed", o.Failed))
	for _, e := range o.Errors {
		s.printf("    %s\n", term.Line(e))
	}
}

// stalePlan warns when the files say something else than what the running process goes by.
func (s *session) stalePlan(snap snapshot.Snapshot, p *plan.Plan) {
	if r := snap.Rejected; r != nil {
		why := r.First
		if r.Errors > 0 {
			why = numbered(r.Errors, "error") + ", first " + r.First
		}
		s.note("%s the plan could not be taken up: %s; what runs goes on as it was", localTime(p, r.At), why)
	}
	if snap.Plan.Hash != p.Hash {
		s.note("the plan's files have changed since the running skift took them into use; it goes on with revision %.12s until skift reload", snap.Plan.Hash)
	}
}

// speak is the catalogue in the plan's language, with its own words.
func speak(p *plan.Plan) *words.Catalogue { return words.In(words.Lang(p.Language)).With(p.Words) }

// localTime is an instant in the plan's zone, the zone named.
func localTime(p *plan.Plan, t time.Time) string {
	return t.In(p.Zone).Format("2006-01-02 15:04:05 MST")
}
