package runner

import (
	"fmt"
	"slices"
	"time"

	"skift/internal/plan"
	"skift/internal/run"
	"skift/internal/yamldoc"
	"skift/runbooks"
)

// timeDue does what time alone does to steps: it ends waits, begins what had to wait for its time, and no longer waits for a person
// who was given a time-out. It returns the next instant to look again.
func (d *decision) timeDue(next *time.Time) error {
	for _, id := range slices.Clone(d.Facts.Runs.Order) {
		rn := d.Facts.Runs.Runs[id]
		if rn.State.Final() {
			continue
		}
		rb, err := d.runbook(rn)
		if err != nil {
			return err
		}
		for _, s := range rb.Timed() {
			if err := d.stepDue(rn, s, next); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *decision) stepDue(rn *run.Run, s *runbooks.Step, next *time.Time) error {
	switch st := rn.Steps[s.ID]; {
	case st.State == run.Running && s.Kind == runbooks.Wait && !s.WaitBody.Looks():
		return d.waitOver(rn, s, next)
	case st.State == run.WaitingForPerson && s.Kind == runbooks.Manual && s.Timeout > 0:
		return d.personLate(rn, s, next)
	case st.State == run.Waiting && rn.State == run.RunRunning && d.ready(rn, s):
		return d.beginDue(rn, s, next)
	}
	return nil
}

// waitOver ends a wait whose instant has come.
func (d *decision) waitOver(rn *run.Run, s *runbooks.Step, next *time.Time) error {
	due, err := d.dueAt(rn, s)
	switch {
	case err != nil:
		return err
	case due == nil:
		return nil
	case d.Now.Before(*due):
		sooner(next, *due)
		return nil
	}
	return d.succeed(rn, s.ID, engine(), run.Finished{Attempt: rn.Steps[s.ID].Attempt, Reason: "waited"})
}

// personLate fails a step that nobody answered for in time.
func (d *decision) personLate(rn *run.Run, s *runbooks.Step, next *time.Time) error {
	st := rn.Steps[s.ID]
	if by := d.r.clock.moved(rn.ID, s.ID, st.AskedAt.Add(s.Timeout)); d.Now.Before(by) {
		sooner(next, by)
		return nil
	}
	return d.failed(rn, s.ID, engine(), run.Finished{Attempt: st.Attempt,
		Reason: "nobody said within " + yamldoc.FormatDuration(s.Timeout) + " that it is done"})
}

// beginDue begins a step that had to wait for its time.
func (d *decision) beginDue(rn *run.Run, s *runbooks.Step, next *time.Time) error {
	p, err := d.r.planOf(rn)
	if err != nil {
		return err
	}
	from, known := d.beginsAt(p, rn, s)
	switch {
	case !known || from.IsZero():
		return nil
	case d.Now.Before(from):
		sooner(next, from)
		return nil
	}
	return d.advance(rn)
}

// beginsAt is before when a step does not begin: its not_before, or the end of the pause before it is tried again; zero = it may at
// any time. known is false while nobody can say. Dates of the plan bind the real thing alone, not those who practise it.
func (d *decision) beginsAt(p *plan.Plan, rn *run.Run, s *runbooks.Step) (at time.Time, known bool) {
	at = d.r.clock.moved(rn.ID, s.ID, rn.Steps[s.ID].AgainAt)
	if s.NotBefore == "" || rn.Practises() {
		return at, true
	}
	from, ok := d.moment(p, rn, s.NotBefore)
	if from.After(at) {
		at = from
	}
	return at, ok
}

// early reports whether a step has to wait for its time.
func (d *decision) early(p *plan.Plan, rn *run.Run, s *runbooks.Step) bool {
	from, known := d.beginsAt(p, rn, s)
	return !known || d.Now.Before(from)
}

// tooLate says why a step does not begin any more; "" = it may. A person who releases it after that lets it begin all the same.
func (d *decision) tooLate(p *plan.Plan, rn *run.Run, s *runbooks.Step) string {
	if s.NotAfter == "" || rn.Practises() {
		return ""
	}
	until, ok := d.moment(p, rn, s.NotAfter)
	if !ok || !d.Now.After(until) || rn.Steps[s.ID].ReleasedAt.After(until) {
		return ""
	}
	return fmt.Sprintf("%s may not begin after %s (not_after: %s)", s.ID, until.In(p.Zone).Format(timeFormat), s.NotAfter)
}

// againAt is when a step that failed is tried again by itself; nil = at once. A rehearsal in a hurry does not wait as long.
func (d *decision) againAt(rn *run.Run, s *runbooks.Step) *time.Time {
	pause := s.Backoff.After(rn.Steps[s.ID].Attempt)
	if pause == 0 {
		return nil
	}
	if rn.Started.Speed > 1 {
		pause = time.Duration(float64(pause) / rn.Started.Speed)
	}
	d.r.clock.begin(rn.ID, s.ID)
	at := d.Now.Add(pause)
	return &at
}

// sooner keeps the earlier of two instants; zero means none.
func sooner(next *time.Time, at time.Time) {
	if next.IsZero() || at.Before(*next) {
		*next = at
	}
}
