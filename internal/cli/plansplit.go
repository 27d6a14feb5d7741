package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/checks"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/timeline"
)

// planSplitCommand makes two windows of one.
func (s *session) planSplitCommand() *cobra.Command {
	r := &redating{}
	var services []string
	var name string
	c := s.asJSON(&cobra.Command{
		Use: "split WINDOW DATE --services IDS --reason WHY [--with IDS] [--name ID] [--accept] [--dry-run]", Short: "Give the window a second one for some services, and say what that brings",
		Long: "Writes a second window for the same runbook into plan.yaml, on DATE and as long as the first. What hangs on the end of it all hangs on the\n" +
			"second then: ends of phases and suites, and the moments at which certificates must be valid. What hangs on the beginning stays. The services\n" +
			"are those of the second, and the others those of the first: each window names its own. What was switched stays switched; votes on the plan\n" +
			"as it was count no more. What has a date of its own, such as the day of operation, stays unless --with names it; what becomes impossible\n" +
			"is said and refused as with skift plan move. Exit as with skift plan move.",
		Args: args("WINDOW", "DATE"),
		RunE: func(c *cobra.Command, a []string) error {
			r.milestone, r.wish.To = a[0], a[1]
			return s.planSplit(c.Context(), r, services, name, time.Now())
		},
	})
	r.flags(c)
	c.Flags().StringSliceVar(&services, "services", nil, "the services, `IDS`, that are left for the second window")
	c.Flags().StringSliceVar(&r.wish.With, "with", nil, "milestones and gates, `IDS`, that go along by as many days as lie between the two")
	c.Flags().StringVar(&name, "name", "", "`ID` of the second window (default: that of the first and -2)")
	return c
}

func (s *session) planSplit(ctx context.Context, r *redating, services []string, name string, now time.Time) error {
	if err := s.readForMove(ctx, r, now); err != nil {
		return err
	}
	p := r.before.Plan
	m := p.Milestones[r.milestone]
	if m == nil || m.Kind != plan.Window || m.Runbook == "" {
		return usage(fmt.Sprintf("the plan has no window %q that starts a runbook", r.milestone), "skift plan lists the milestones")
	}
	if name == "" {
		name = r.milestone + "-2"
	}
	if p.Milestones[name] != nil {
		return usage(fmt.Sprintf("the plan has a milestone %q already", name), "give the second window another name with --name")
	}
	first, err := leftInFirst(p, m, &r.known.Facts, services)
	if err != nil {
		return err
	}
	dates, err := r.was.Redate(r.milestone, timeline.Wish{To: r.wish.To, With: r.wish.With})
	if err != nil {
		return wishError(err)
	}
	r.split, r.file = name, plan.File
	split := plan.Split{Window: r.milestone, Name: name, From: dates[0].From, Until: dates[0].Until,
		First: first, Rest: services, Own: r.was.GatesOf(m.Runbook), Was: r.entry()}
	text, err := plan.SplitWindow(p.Sources[plan.File], split)
	if along := dates[1:]; err == nil && len(along) > 0 {
		for i := range along {
			along[i].Was = r.entry()
		}
		text, err = plan.Redate(text, along)
	}
	if err != nil {
		return usage(err.Error(), "docs/operations.md shows what to write")
	}
	allowed := []string{"milestones", "gates", "suites", "checks", "parties"}
	err = s.settleMove(r, text, func(c plan.Change) bool {
		return slices.Contains(allowed, c.Section) && (c.How == plan.Added) == (c.ID == name)
	})
	if err == nil && !s.json {
		s.printf("%s is for %s; %s is for %s\n", r.milestone, strings.Join(first, ", "), name, strings.Join(services, ", "))
	}
	return err
}

// leftInFirst are the services of a window beside those that are left for a second one.
func leftInFirst(p *plan.Plan, m *plan.Milestone, f *register.Facts, services []string) ([]string, error) {
	all := p.ServiceIDs
	if len(m.Services) > 0 {
		all = m.Services // it is one part of a cut-over already
	}
	first := slices.DeleteFunc(slices.Clone(all), func(id string) bool { return slices.Contains(services, id) })
	for _, id := range services {
		if p.Services[id] == nil {
			return nil, usage(fmt.Sprintf("the plan has no service %q", id), "services: "+strings.Join(p.ServiceIDs, ", "))
		}
		if !slices.Contains(all, id) {
			return nil, usage(fmt.Sprintf("%s is not for the service %q", m.ID, id), "its services: "+strings.Join(all, ", "))
		}
		if ph := f.Phase(p.Production(), id, ""); ph != checks.Before {
			return nil, usage(fmt.Sprintf("%s is not left for a second window: it is in phase %s", id, ph), "name the services that are still in phase before (skift status)")
		}
	}
	if len(services) == 0 || len(first) == 0 {
		return nil, usage("say which services are left for the second window, and leave some for the first", "--services of "+strings.Join(all, ", "))
	}
	return first, nil
}
