package timeline

import (
	"errors"
	"fmt"
	"time"

	"github.com/robfig/cron/v3"

	"skift/internal/plan"
)

// Entry is one schedule of the plan, under the key its slot rows have.
type Entry struct {
	Key      string // "suite/ID", "report/ID" or "milestone/ID"
	ID       string
	Schedule cron.Schedule // when its slots are
	plan.Pace
}

// Key prefixes of schedules.
const (
	SuiteKey     = "suite/"
	ReportKey    = "report/"
	MilestoneKey = "milestone/"
)

// Schedules lists everything of the plan that comes by itself: suites, audiences' reports and milestones, each in the plan's order.
// Suites and audiences without a schedule have none. Those that cannot be read are left out and named in the error; the rest is
// complete.
func (t *Timeline) Schedules() ([]Entry, error) {
	var out []Entry
	var problems []error
	add := func(key, id string, p plan.Pace, s cron.Schedule, err error) {
		switch {
		case err != nil:
			problems = append(problems, fmt.Errorf("read schedule of %s: %w", key+id, err))
		case s != nil:
			out = append(out, Entry{key + id, id, s, p})
		}
	}
	for _, id := range t.plan.SuiteIDs {
		s, err := t.Suite(t.plan.Suites[id])
		add(SuiteKey, id, t.plan.Suites[id].Pace, s, err)
	}
	for _, id := range t.plan.AudienceIDs {
		if a := t.plan.Audiences[id]; a.Cron != "" {
			s, err := ParseCron(a.Cron, t.plan.Zone)
			add(ReportKey, id, a.Pace, s, err)
		}
	}
	for _, m := range t.Milestones {
		add(MilestoneKey, m.ID, plan.Pace{OnMissed: plan.RunOnce}, m, nil)
	}
	return out, errors.Join(problems...)
}

// Suite is the schedule of a suite with the periods it is bound to; nil when it has none and is asked by hand only.
func (t *Timeline) Suite(s *plan.Suite) (cron.Schedule, error) {
	var inner cron.Schedule
	var err error
	switch {
	case s.Every != 0:
		inner, err = Every(s.Every)
	case s.Cron != "":
		inner, err = ParseCron(s.Cron, t.plan.Zone)
	default:
		return nil, nil
	}
	if err != nil || len(s.During) == 0 {
		return inner, err
	}
	d := during{inner: inner}
	for _, p := range s.During {
		d.in = append(d.in, t.period(p))
	}
	return d, nil
}

// InPeriod reports whether a suite may be asked by its schedule at an instant.
func (t *Timeline) InPeriod(s *plan.Suite, at time.Time) bool {
	for _, p := range s.During {
		if t.period(p).contains(at) {
			return true
		}
	}
	return len(s.During) == 0
}

// period is when a suite's period holds. A milestone's lasts until the milestone is passed, however late that is.
func (t *Timeline) period(p plan.Period) stretch {
	if p.Milestone == "" {
		return t.between(p.From, p.Until)
	}
	m := t.byID[p.Milestone]
	if m == nil {
		return stretch{}
	}
	return m.span
}
