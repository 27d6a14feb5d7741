package runner

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
)

// drift keeps what a person makes of a difference in a frozen zone. Its owner may say that it is a breach; that it was expected is said by
// the customer or by who answers for the zone, for nobody excuses themselves. A later word replaces an earlier one.
func (r *Runner) drift(ctx context.Context, c Command) (Reply, error) {
	q := c.Difference
	word := register.DriftWord(c.Answer)
	switch {
	case q == nil:
		return Reply{}, refuse(NotFound, "skift drift lists them", "there is no difference %q in a zone in force", c.Drift)
	case c.As == "":
		return Reply{}, refuse(Usage, "add --as SEAT", "say which seat answers")
	case word != register.Breach && word != register.Expected:
		return Reply{}, refuse(Usage, "", "a difference is a breach or expected, not %q", c.Answer)
	case strings.TrimSpace(c.Reason) == "":
		return Reply{}, refuse(Usage, `add --reason "…"`, "an answer needs a reason")
	}
	return r.record(ctx, c, func(d *decision, who journal.Actor) (int64, string, error) {
		lifts := r.cfg.Calendar.MayLift(r.plan, &d.Facts.Register, q.Zone, d.Now)
		above := r.customer(who.Seat) || slices.Contains(lifts, who.Seat)
		switch {
		case word == register.Expected && !above:
			return 0, "", refuse(Forbidden, "the owner can say that it is a breach, or tell the customer why it was expected", "%s cannot say that it was expected: a seat of the customer does", who.Seat)
		case !above && plan.SeatParty(who.Seat) != q.Owner:
			return 0, "", refuse(Forbidden, "its owner and the customer can", "%s does not answer for %s", who.Seat, q.Owner)
		}
		seq, err := d.Emit(register.DriftAnswered, "", q.Zone, who, register.Body(register.DriftAnswer{ID: q.ID, Unit: q.Unit, Before: q.Before, After: q.After, Word: word, Reason: c.Reason}))
		return seq, fmt.Sprintf("%s of %s in %s: %s", q.ID, q.Unit.Check, q.Zone, word), err
	})
}
