package demo

import (
	"time"

	"go.yaml.in/yaml/v4"

	"skift/internal/plan"
	"skift/internal/timeline"
	"skift/internal/yamldoc"
)

// scaler moves the dates of the shipped plan into the seconds from now.
type scaler struct {
	plan  *plan.Plan
	tl    *timeline.Timeline // of the shipped plan, with nothing happened yet
	clock *clock
}

// How often suites are asked: the one the weekend's gates ask for as often as a schedule may, the others once or twice in a demo.
const (
	readinessEvery = timeline.MinInterval
	othersEvery    = 4 * timeline.MinInterval
)

// dates rewrites every date in plan.yaml that is not an event and not without a date.
func (s *scaler) dates(d *document) {
	set(d.root, "timezone", text("UTC"))
	each(d.at("milestones"), s.milestone)
	each(d.at("gates"), func(id string, n *yaml.Node) {
		g := s.plan.Gates[id]
		s.put(n, "opens", g.Opens, timeline.Begin)
		s.put(n, "decide_by", g.DecideBy, timeline.Finish)
	})
	each(d.at("suites"), func(id string, n *yaml.Node) {
		every := othersEvery
		if id == suiteReadiness {
			every = readinessEvery
		}
		if s.plan.Suites[id].Every > 0 {
			set(n, "every", text(yamldoc.FormatDuration(s.clock.slower(every))))
		}
		during := value(n, "during")
		if during == nil || during.Kind != yaml.SequenceNode {
			return
		}
		for i, item := range during.Content {
			if item.Kind == yaml.MappingNode {
				s.put(item, "from", s.plan.Suites[id].During[i].From, timeline.Begin)
				s.put(item, "until", s.plan.Suites[id].During[i].Until, timeline.Finish)
			}
		}
	})
	each(d.at("parties"), func(id string, n *yaml.Node) {
		if c := s.plan.Parties[id].Consent; c != nil {
			s.put(value(n, "consent"), "from", c.From, timeline.Begin)
			s.put(value(n, "consent"), "until", c.Until, timeline.Finish)
		}
	})
}

func (s *scaler) milestone(id string, n *yaml.Node) {
	m := s.plan.Milestones[id]
	if m.Kind == plan.Release || m.Kind == plan.Point {
		s.put(n, "date", m.From, timeline.Begin)
		return
	}
	if value(n, "in") != nil { // a month has no seconds
		remove(n, "in")
		set(n, "from", s.date(m.From, timeline.Begin))
		set(n, "until", s.date(m.Until, timeline.Finish))
		return
	}
	s.put(n, "from", m.From, timeline.Begin)
	s.put(n, "until", m.Until, timeline.Finish)
}

// put replaces a date under a key, if there is one that can be moved.
func (s *scaler) put(n *yaml.Node, key string, w plan.When, edge timeline.Edge) {
	if value(n, key) == nil {
		return
	}
	if v := s.date(w, edge); v != nil {
		set(n, key, v)
	}
}

// date is a moved date as the plan writes it; nil for what is not moved: events, points of other milestones, and no date at all.
func (s *scaler) date(w plan.When, edge timeline.Edge) *yaml.Node {
	bare := w.Kind == plan.Relative && w.Offset.IsZero()
	if w.Kind == plan.NoWhen || w.Kind == plan.Unset || w.Kind == plan.Event || bare {
		return nil
	}
	if s.parts(w.Ref.Milestone) > 1 { // meant of each part of a cut-over in its turn
		base := s.tl.Resolve(plan.When{Kind: plan.Relative, Ref: w.Ref}, edge).At
		off := s.clock.at(s.tl.Resolve(w, edge).At).Sub(s.clock.at(base))
		return quoted(w.Ref.String() + " " + plan.Offset{Clock: off}.String())
	}
	at := quoted(format(s.clock.at(s.tl.Resolve(w, edge).At)))
	if w.Assumed || w.Kind == plan.About {
		return inline("at", at, "assumed", truth(true))
	}
	return at
}

// parts counts the windows that start the runbook of a window: more than one where a cut-over is split.
func (s *scaler) parts(milestone string) (n int) {
	own := s.plan.Milestones[milestone]
	for _, m := range s.plan.Milestones {
		if own != nil && own.Kind == plan.Window && m.Kind == plan.Window && m.Runbook == own.Runbook {
			n++
		}
	}
	return n
}

// steps rewrites how long the steps of a runbook take and wait.
func (s *scaler) steps(d *document) {
	each(d.at("steps"), func(_ string, n *yaml.Node) {
		s.length(n, "takes", s.clock.takes)
		s.length(n, "wait", s.clock.takes)
		if wait := value(n, "wait"); wait != nil && wait.Kind == yaml.MappingNode {
			s.length(wait, "for", s.clock.takes)
			if until := value(wait, "until"); until != nil {
				if w, err := plan.ParseWhen(until.Value, s.plan.Zone); err == nil {
					s.put(wait, "until", w, timeline.Begin)
				}
			}
		}
	})
}

// length replaces a length of time under a key.
func (s *scaler) length(n *yaml.Node, key string, scale func(time.Duration) time.Duration) {
	v := value(n, key)
	if v == nil || v.Kind != yaml.ScalarNode {
		return
	}
	if d, err := yamldoc.ParseDuration(v.Value); err == nil {
		set(n, key, text(yamldoc.FormatDuration(scale(d))))
	}
}
