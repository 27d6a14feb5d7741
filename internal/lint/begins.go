package lint

import (
	"time"
	"unicode/utf8"

	"skift/internal/plan"
	"skift/runbooks"
)

// begins looks for steps that may no longer begin before they may begin: when their time comes it is over.
func (l *linter) begins() {
	for _, id := range l.p.RunbookIDs {
		r := l.p.Runbooks[id]
		if r == nil || r.Standard || !l.broken.sound("runbooks", id) {
			continue
		}
		for _, s := range r.Steps {
			if s.NotBefore != "" && s.NotAfter != "" && l.neverBegins(s) {
				l.tellNever(r, s)
			}
		}
	}
}

// neverBegins compares what stays true wherever a plan's dates move to: two fixed dates, or two that hang on one point.
func (l *linter) neverBegins(s *runbooks.Step) bool {
	before, err := plan.ParseWhen(s.NotBefore, l.p.Zone)
	after, err2 := plan.ParseWhen(s.NotAfter, l.p.Zone)
	if err != nil || err2 != nil || before.Ref != after.Ref {
		return false
	}
	if before.Ref != (plan.Ref{}) && !l.broken.sound("milestones", before.Ref.Milestone) || !never(before.Offset, after.Offset) {
		return false
	}
	from, begins := l.t.Moment(s.NotBefore)
	until, ends := l.t.Moment(s.NotAfter)
	if !begins || !ends {
		return before.Ref != (plan.Ref{}) // whatever its date will be
	}
	return !until.After(from)
}

// never reports whether the point that after is counted to cannot be later than the one that before is counted to. A day is an hour
// longer or shorter when clocks change.
func never(before, after plan.Offset) bool {
	days, working, clock := before.Days-after.Days, before.WorkingDays-after.WorkingDays, before.Clock-after.Clock
	if days >= 0 && working >= 0 && clock >= 0 {
		return true
	}
	return working == 0 && time.Duration(days)*24*time.Hour+clock > time.Hour
}

func (l *linter) tellNever(r *runbooks.Runbook, s *runbooks.Step) {
	var before, after runbooks.Ref
	for _, ref := range r.Refs {
		switch {
		case ref.Step != s.ID || ref.Kind != runbooks.MomentRef:
		case ref.Text == s.NotBefore && before.Text == "":
			before = ref
		case ref.Text == s.NotAfter && after.Text == "":
			after = ref
		}
	}
	if after.Text == "" {
		after = before // the same words
	}
	l.problems.Addf(after.Pos, CodeNeverBegins, "%s can never begin: %s is not after %s", s.ID, s.NotAfter, s.NotBefore).
		At("steps."+s.ID+".not_after").Wide(utf8.RuneCountInString(after.Text)).See(before.Pos, "not before this").
		Hintf("correct one of them: the step begins between the two")
}
