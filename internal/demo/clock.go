package demo

import (
	"fmt"
	"slices"
	"time"

	"skift/internal/plan"
	"skift/internal/timeline"
)

// anchor ties a date of the shipped plan to a second of the demo: "cutover.start", or "cutover-go.opens" of a gate.
type anchor struct {
	milestone, gate string
	edge            timeline.Edge
	second          int
}

// clock maps the dates of the shipped plan to instants of the demo: straight between two anchors, in whole seconds, and never
// backwards, so that what came first in the plan comes first in the demo. No clock runs faster; only the dates are nearer.
type clock struct {
	begin  time.Time
	pace   float64
	points []point
}

type point struct {
	was time.Time // of the shipped plan
	is  time.Duration
}

// newClock resolves the anchors in the shipped plan; pace is how much further apart they lie than they say. It errs when the plan lacks one, or has two in another order.
func newClock(p *plan.Plan, begin time.Time, pace float64, anchors []anchor) (*clock, error) {
	tl := timeline.At(p, nil, time.Time{})
	c := &clock{begin: begin.UTC().Truncate(time.Second), pace: pace}
	for _, a := range anchors {
		was, ok := a.find(p, tl)
		if !ok {
			return nil, fmt.Errorf("scale the shipped plan: it has no date for %s%s %s", a.milestone, a.gate, a.edge)
		}
		c.points = append(c.points, point{was, c.slower(time.Duration(a.second) * time.Second)})
	}
	slices.SortStableFunc(c.points, func(a, b point) int { return a.was.Compare(b.was) })
	for i := 1; i < len(c.points); i++ {
		if c.points[i].is < c.points[i-1].is {
			return nil, fmt.Errorf("scale the shipped plan: %s would come after %s", c.points[i-1].was, c.points[i].was)
		}
	}
	return c, nil
}

func (a anchor) find(p *plan.Plan, tl *timeline.Timeline) (time.Time, bool) {
	if g := p.Gates[a.gate]; g != nil {
		when, edge := g.Opens, timeline.Begin
		if a.edge == timeline.Finish {
			when, edge = g.DecideBy, timeline.Finish
		}
		i := tl.Resolve(when, edge)
		return i.At, i.Known()
	}
	m := tl.Milestone(a.milestone)
	if m == nil {
		return time.Time{}, false
	}
	if a.edge == timeline.Begin {
		return m.PlannedStart.At, m.PlannedStart.Known()
	}
	return m.PlannedEnd.At, m.PlannedEnd.Known()
}

// slower is a length of time at the demo's pace, in whole seconds.
func (c *clock) slower(d time.Duration) time.Duration {
	return time.Duration(float64(d) * c.pace).Truncate(time.Second)
}

// at maps an instant. What lies before the first anchor or after the last keeps its distance: it is not part of the story.
func (c *clock) at(t time.Time) time.Time {
	last := len(c.points) - 1
	i := slices.IndexFunc(c.points, func(p point) bool { return !p.was.Before(t) })
	switch {
	case i < 0:
		return c.begin.Add(c.points[last].is + t.Sub(c.points[last].was)).Truncate(time.Second)
	case i == 0:
		return c.begin.Add(c.points[0].is - c.points[0].was.Sub(t)).Truncate(time.Second)
	}
	a, b := c.points[i-1], c.points[i]
	share := float64(t.Sub(a.was)) / float64(b.was.Sub(a.was))
	return c.begin.Add((a.is + time.Duration(share*float64(b.is-a.is))).Truncate(time.Second))
}

// takes maps a planned length of work: half a day, the longest of the weekend, becomes a few seconds. Work of weeks, as in the test phases,
// takes no longer than the demo.
func (c *clock) takes(d time.Duration) time.Duration {
	return min(max(time.Second, (d/secondsPerSecond).Round(time.Second)), longest)
}

// longest is how long a step of the demo may take.
const longest = time.Minute

// secondsPerSecond is how much work of the plan fits into a second of the demo: an hour and a half.
const secondsPerSecond = 5400

// format writes an instant as a plan does. The demo's plan is in UTC.
func format(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }
