package freeze

import (
	"slices"
	"time"

	"skift/checks"
	"skift/internal/plan"
	"skift/internal/timeline"
)

// Renewal is the zone that does not allow a certificate to be renewed when it ends; nil = none does, or none is known to. zones are
// those in force at that instant, as timeline gives them. One that ends with an event binds until its planned end here, for until the
// event comes it is in force at any later date; one whose end is not known could bind for ever and is left out.
func Renewal(zones []timeline.InForce, side checks.Side, end time.Time) *timeline.InForce {
	zones = slices.DeleteFunc(slices.Clone(zones), func(z timeline.InForce) bool { return !z.Until.Known() || !end.Before(z.Until.At) })
	a := Judge(zones, nil, Question{Class: plan.Certificate, Side: side, At: end})
	if a.Allowed {
		return nil
	}
	return a.Refusals[0].Zone
}
