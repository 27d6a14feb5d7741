package runner

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"skift/checks"
	"skift/internal/freeze"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
)

// waive asks for an exception from a frozen zone. Only a seat that answers for the zone may, and it counts once a seat of another party
// confirms it.
func (r *Runner) waive(ctx context.Context, c Command) (Reply, error) {
	if err := r.readWaiver(c); err != nil {
		return Reply{}, err
	}
	return r.record(ctx, c, func(d *decision, who journal.Actor) (int64, string, error) {
		z := r.plan.Milestones[c.Zone]
		may := r.cfg.Calendar.MayLift(r.plan, &d.Facts.Register, z.ID, d.Now)
		switch {
		case z.Hard:
			return 0, "", refuse(Refused, "wait until it has ended, or change the plan together", "%s is hard: nobody makes an exception from it", z.ID)
		case !slices.ContainsFunc(may, func(seat string) bool { return c.As == seat || r.deputises(c.As, seat) }):
			return 0, "", refuse(Forbidden, "use --as with one of: "+strings.Join(may, ", "), "%s does not answer for %s", c.As, z.ID)
		case !c.Until.After(d.Now):
			return 0, "", refuse(Usage, "add --until TIME", "an exception lapses: say when, in the future")
		}
		seq, err := d.Emit(register.WaiverAsked, "", z.ID, who, register.Body(register.Waiver{Class: plan.Class(c.Class), Side: checks.Side(c.Side),
			Service: c.Service, Party: c.Party, Change: c.Change, Reason: c.Reason, Until: c.Until.UTC()}))
		return seq, fmt.Sprintf("an exception from %s for %s until %s is asked for; it counts once a seat of another party confirms it: skift confirm %d --as SEAT",
			z.ID, c.Class, c.Until.In(r.plan.Zone).Format(timeFormat), seq), err
	})
}

// readWaiver refuses what cannot be meant.
func (r *Runner) readWaiver(c Command) error {
	if z := r.plan.Milestones[c.Zone]; z == nil || z.Kind != plan.Zone {
		return refuse(NotFound, suggest("zone", c.Zone, zoneIDs(r.plan)), "the plan has no zone %q", c.Zone)
	}
	if m := freeze.MistakeIn(r.plan, freeze.Question{Class: plan.Class(c.Class), Side: checks.Side(c.Side), Service: c.Service, Party: c.Party}); m != nil {
		return refuse(Usage, m.Hint, "%s", m.Text)
	}
	switch {
	case c.As == "":
		return refuse(Usage, "add --as SEAT", "say which seat makes the exception")
	case strings.TrimSpace(c.Reason) == "":
		return refuse(Usage, `add --reason "…"`, "an exception needs a reason")
	case c.Until == nil:
		return refuse(Usage, "add --until TIME", "an exception lapses: say when, in the future")
	}
	return nil
}

// confirmWaiver is the second seat of an exception.
func (r *Runner) confirmWaiver(ctx context.Context, c Command) (Reply, error) {
	return r.record(ctx, c, func(d *decision, who journal.Actor) (int64, string, error) {
		w := d.Facts.Register.Waiver(c.Event)
		if err := r.maySecond(who, w.Wish(), "skift freeze waive", d.Now); err != nil {
			return 0, "", err
		}
		seq, err := d.Emit(register.WaiverConfirmed, "", w.Zone, who, register.Body(register.Confirmed{Event: c.Event}))
		return seq, fmt.Sprintf("the exception from %s for %s holds until %s, as %s and %s want", w.Zone, w.Class, w.Until.In(r.plan.Zone).Format(timeFormat), w.Actor.Seat, who.Seat), err
	})
}

func zoneIDs(p *plan.Plan) (out []string) {
	for _, id := range p.MilestoneIDs {
		if p.Milestones[id].Kind == plan.Zone {
			out = append(out, id)
		}
	}
	return out
}
