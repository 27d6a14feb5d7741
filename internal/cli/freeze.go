package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"skift/checks"
	"skift/internal/freeze"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/runner"
	"skift/internal/snapshot"
	"skift/internal/timeline"
)

// freezeCommand asks what the frozen zones let through.
func (s *session) freezeCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "freeze check|calendar|waive|export|key", Short: "Ask what the frozen zones let through, or make an exception",
		RunE: func(c *cobra.Command, a []string) error {
			if len(a) > 0 {
				return unknownCommand(c, a[0])
			}
			return usage("say what is to be done", "skift freeze check, calendar, waive, export or key")
		},
	}
	c.AddCommand(s.freezeCheckCommand(), s.freezeCalendarCommand(), s.freezeWaiveCommand(), s.freezeExportCommand(), s.freezeKeyCommand())
	for _, sub := range c.Commands() {
		sub.Flags().SortFlags = false
		sub.DisableFlagsInUseLine = true
	}
	return c
}

func (s *session) freezeCheckCommand() *cobra.Command {
	var q freeze.Question
	var class, platform, at, file, key string
	c := s.asJSON(&cobra.Command{
		Use: "check --class CLASS [--calendar FILE --key PUB]", Short: "Ask whether a change may be made",
		Long: "Every zone in force must allow it. What is left out could be anything, so that every zone has a say. A change of class transition is\n" +
			"allowed only where the plan lists it: name it with --change, as RUNBOOK/STEP or by its milestone.\n" +
			"With --calendar and --key a party asks the file that skift freeze export wrote for it: neither plan, journal nor network is needed (also on\n" +
			"Windows). A file that is too old, was changed, or is signed with another key allows nothing.\n" +
			"Exit: 0 allowed · 3 refused, with the zone, until when, and who may make an exception; or with what is wrong with the calendar.",
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			q.Class, q.Side = plan.Class(class), checks.Side(platform)
			switch {
			case file == "" && key == "":
				return s.freezeCheck(c.Context(), q, at, time.Now())
			case file == "":
				return usage("--key says how a calendar is signed, and there is none", "add --calendar FILE")
			case key == "":
				return usage("without a key a calendar proves nothing", "add --key with the line that skift freeze key prints where the plan is, or with a file that holds it")
			}
			return s.freezeCheckFile(file, key, q, at, time.Now())
		},
	})
	c.Flags().StringVar(&class, "class", "", "`CLASS` of the change: scope, fix, incident-a …; required")
	c.Flags().StringVar(&platform, "platform", "", "`SIDE` on which it is made, old or new (default both)")
	c.Flags().StringVar(&q.Service, "service", "", "`SERVICE` that is changed")
	c.Flags().StringVar(&q.Party, "party", "", "`PARTY` that changes it")
	c.Flags().StringVar(&q.Change, "change", "", "`REF` by which you know the change")
	c.Flags().StringVar(&file, "calendar", "", "`FILE` that skift freeze export wrote for the party: it is asked instead of the plan")
	c.Flags().StringVar(&key, "key", "", "`PUB` that the calendar is signed with: the key itself, or a file that holds it")
	c.Flags().StringVar(&at, "at", "", "`TIME` at which it is made, such as \"2019-08-01 12:00\" in the plan's time zone (default now)")
	return c
}

func (s *session) freezeCalendarCommand() *cobra.Command {
	return s.asJSON(&cobra.Command{
		Use: "calendar", Short: "Show every frozen zone: from, until, what it lets through, who may make an exception",
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error { return s.freezeCalendar(c.Context(), time.Now()) },
	})
}

func (s *session) freezeWaiveCommand() *cobra.Command {
	var a act
	c := acting(&cobra.Command{
		Use: "waive ZONE --class CLASS --until TIME --reason … --as SEAT", Short: "Make an exception from a zone",
		Long: "A seat that answers for the zone may; it counts once a seat of another party has confirmed it (skift confirm), and lapses at its time.\n" +
			"What is left out limits nothing: an exception without --service holds for every service. One for --change RUNBOOK/STEP holds for each run\n" +
			"of the runbook, one for RUN/STEP for that run alone. A hard zone has none.",
		Args: args("ZONE"),
		RunE: func(c *cobra.Command, got []string) error {
			a.Do, a.Zone = runner.DoWaive, got[0]
			return s.send(c, a)
		},
	}, &a)
	c.Flags().StringVar(&a.Class, "class", "", "`CLASS` of change that is let through, with those inside it; required")
	c.Flags().StringVar(&a.until, "until", "", `when it lapses: "2019-11-30", "2019-11-30 12:00" in the plan's time zone, or +48h; required`)
	c.Flags().StringVar(&a.Side, "platform", "", "on this `SIDE` alone, old or new")
	c.Flags().StringVar(&a.Service, "service", "", "of this `SERVICE` alone")
	c.Flags().StringVar(&a.Party, "party", "", "made by this `PARTY` alone")
	c.Flags().StringVar(&a.Change, "change", "", "the change with this `REF` alone")
	return c
}

func (s *session) freezeCheck(ctx context.Context, q freeze.Question, at string, now time.Time) error {
	n, err := s.inUse(ctx, now)
	if err != nil {
		return err
	}
	p, h := n.plan, n.history
	if m := freeze.MistakeIn(p, q); m != nil {
		return usage(m.Text, m.Hint)
	}
	q.At, q.Step, q.ListedTransition = now, p.StepRef(q.Change), p.ListsChange(q.Change)
	if at != "" {
		if q.At, err = parseTime(p, at, now); err != nil {
			return err
		}
	}
	a := freeze.At(p, &h.Facts, q)
	head := ""
	if h.Used {
		head = h.Head.String()
	}
	return s.answer(freezeView{s.sheet(p), planView{p: p, c: speak(p)}, now, nil}, a, head)
}

// answer shows whether the change may be made, and exits so.
func (s *session) answer(v freezeView, a freeze.Answer, head string) error {
	var err error
	if s.json {
		err = s.printJSON(v.judged(a, head))
	} else {
		v.verdict(a)
		s.print(v.sheet)
	}
	if err == nil && !a.Allowed {
		err = exit(ExitNoGo)
	}
	return err
}

// frozen is `skift freeze calendar --json`.
type frozen struct {
	At      time.Time               `json:"at"`
	Zones   []snapshot.Zone         `json:"zones"`   // in the plan's order
	Waivers []*register.WaiverFacts `json:"waivers"` // not lapsed; those not confirmed wait for a second seat
	Head    string                  `json:"head,omitempty"`
}

func (s *session) freezeCalendar(ctx context.Context, now time.Time) error {
	n, err := s.inUse(ctx, now)
	if err != nil {
		return err
	}
	p, h := n.plan, n.history
	out := frozen{At: now.UTC(), Zones: snapshot.Zones(snapshot.In{Plan: p, Register: &h.Facts, Now: now}), Waivers: []*register.WaiverFacts{}}
	for _, w := range h.Facts.Waivers {
		if now.Before(w.Until) {
			out.Waivers = append(out.Waivers, w)
		}
	}
	if h.Used {
		out.Head = h.Head.String()
	}
	if s.json {
		return s.printJSON(out)
	}
	v := freezeView{s.sheet(p), planView{p: p, c: speak(p)}, now, nil}
	v.calendar(out, timeline.At(p, &h.Facts, now))
	s.print(v.sheet)
	return nil
}
