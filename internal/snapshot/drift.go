package snapshot

import (
	"time"

	"skift/internal/run"
)

// Drift sets two runs of a runbook beside each other and beside what was planned.
type Drift struct {
	First  Course         `json:"first"`
	Second Course         `json:"second"`
	Steps  []StepDrift    `json:"steps"`           // in the order of the second, then those only the first has
	Drift  *time.Duration `json:"drift,omitempty"` // of the whole run, where both have ended
}

// Course is one of the two runs.
type Course struct {
	Run       string         `json:"run"`
	Rehearsal bool           `json:"rehearsal"`
	Proves    bool           `json:"proves"` // done, nothing in it simulated, no wait shortened: its times count
	State     run.State      `json:"state"`
	Took      *time.Duration `json:"took,omitempty"` // of the whole run, once it has ended
}

// StepDrift is one step: planned, and as it went in both runs.
type StepDrift struct {
	ID      string         `json:"id"`
	Planned *time.Duration `json:"planned,omitempty"` // missing = not estimated
	First   StepMeasured   `json:"first"`
	Second  StepMeasured   `json:"second"`
	// Drift is how much longer the second took than the first; where only one was measured, than was planned.
	Drift *time.Duration `json:"drift,omitempty"`
}

// StepMeasured is how a step went in one run.
type StepMeasured struct {
	Missing   bool           `json:"missing,omitempty"` // the run has no such step
	State     run.StepState  `json:"state,omitempty"`
	Simulated bool           `json:"simulated,omitempty"` // asked and timed, nothing was executed: its time proves nothing
	Attempts  int            `json:"attempts,omitempty"`
	Took      *time.Duration `json:"took,omitempty"` // of the last attempt, once it is done
}

// counts reports whether the time teaches anything.
func (m StepMeasured) counts() bool { return m.Took != nil && !m.Simulated }

// Proves reports whether a run counts as evidence, and its times as measured: done, and neither simulated nor speeded.
func (r Run) Proves() bool {
	for _, st := range r.Steps {
		if st.Simulated {
			return false
		}
	}
	return r.State == run.RunDone && r.Speed <= 1
}

// Took is how long the last attempt of a step took; false while it is not done.
func (s Step) Took() (time.Duration, bool) {
	if s.State != run.Done || s.AskedAt.IsZero() || s.FinishedAt.Before(s.AskedAt) {
		return 0, false
	}
	return s.FinishedAt.Sub(s.AskedAt), true
}

// DriftOf compares two runs of one runbook.
func DriftOf(first, second Run) Drift {
	d := Drift{First: course(first), Second: course(second), Steps: []StepDrift{}}
	if d.First.Took != nil && d.Second.Took != nil {
		d.Drift = length(*d.Second.Took - *d.First.Took)
	}
	before, seen := map[string]Step{}, map[string]bool{}
	for _, st := range first.Steps {
		before[st.ID] = st
	}
	for _, st := range second.Steps {
		seen[st.ID] = true
		x := StepDrift{ID: st.ID, Planned: planned(st), First: StepMeasured{Missing: true}, Second: measured(st, second.Speed)}
		if was, ok := before[st.ID]; ok {
			x.First = measured(was, first.Speed)
		}
		d.Steps = append(d.Steps, x.drifted())
	}
	for _, st := range first.Steps {
		if !seen[st.ID] {
			x := StepDrift{ID: st.ID, Planned: planned(st), First: measured(st, first.Speed), Second: StepMeasured{Missing: true}}
			d.Steps = append(d.Steps, x.drifted())
		}
	}
	return d
}

func (x StepDrift) drifted() StepDrift {
	switch {
	case x.First.counts() && x.Second.counts():
		x.Drift = length(*x.Second.Took - *x.First.Took)
	case x.Planned == nil:
	case x.Second.counts():
		x.Drift = length(*x.Second.Took - *x.Planned)
	case x.First.counts():
		x.Drift = length(*x.First.Took - *x.Planned)
	}
	return x
}

func course(r Run) Course {
	c := Course{Run: r.ID, Rehearsal: r.Rehearsal, Proves: r.Proves(), State: r.State}
	if !r.EndedAt.IsZero() && !r.EndedAt.Before(r.StartedAt) { // else the clock was set back meanwhile
		c.Took = length(r.EndedAt.Sub(r.StartedAt))
	}
	return c
}

func measured(st Step, speed float64) StepMeasured {
	m := StepMeasured{State: st.State, Simulated: st.Simulated || speed > 1, Attempts: st.Attempt}
	if took, ok := st.Took(); ok {
		m.Took = length(took)
	}
	return m
}

func planned(st Step) *time.Duration {
	if st.Takes == 0 {
		return nil
	}
	return length(st.Takes)
}

func length(d time.Duration) *time.Duration { return &d }
