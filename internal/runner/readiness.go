package runner

import (
	"skift/internal/journal"
	"skift/internal/run"
	"skift/runbooks"
)

// readiness is what of a run can start and how far the run has come, kept up to date event by event, so that one of ten thousand steps
// does not look at all of them after each. It is derived from the facts and thrown away with them: it belongs to one *run.Run, and is never stored.
type readiness struct {
	ready  *runbooks.Ready
	open   int      // steps that are neither done nor skipped
	aloft  int      // effects in flight
	nested []string // steps that are runs of their own
}

// keptRuns bounds how many runs are followed at once; what is dropped is worked out again.
const keptRuns = 256

// readinessOf finds how far a run has come, or works it out from its facts. Decisions come one at a time, and only they ask.
func (d *decision) readinessOf(rn *run.Run, rb *runbooks.Runbook) *readiness {
	if p := d.r.readied[rn]; p != nil {
		return p
	}
	p := &readiness{ready: runbooks.NewReady(rb)}
	for _, s := range rb.Steps {
		state := rn.Steps[s.ID].State
		if !state.Settled() {
			p.open++
		}
		if inTheAir(rn.Steps[s.ID]) {
			p.aloft++
		}
		if s.Kind == runbooks.Nested {
			p.nested = append(p.nested, s.ID)
		}
		p.ready.Set(s.ID, stage(state))
	}
	if d.r.readied == nil || len(d.r.readied) >= keptRuns { // facts that were folded anew leave their runs behind
		d.r.readied = map[*run.Run]*readiness{}
	}
	d.r.readied[rn] = p
	return p
}

// stage is what a step's state means for those that need it.
func stage(s run.StepState) runbooks.Progress {
	switch {
	case s.Settled():
		return runbooks.Settled
	case s == run.Waiting:
		return runbooks.Open
	}
	return runbooks.Begun
}

// Emit adds an event, and keeps up with what it means for the run it is about.
func (d *decision) Emit(kind, runID, subject string, actor journal.Actor, body []byte) (int64, error) {
	rn := d.Facts.Runs.Runs[runID]
	if kind == run.StepAdded {
		delete(d.r.readied, rn) // worked out again, with it
	}
	p := d.r.readied[rn]
	if rn == nil || p == nil || rn.Steps[subject] == nil {
		return d.Tx.Emit(kind, runID, subject, actor, body)
	}
	before, flew := rn.Steps[subject].State, inTheAir(rn.Steps[subject])
	seq, err := d.Tx.Emit(kind, runID, subject, actor, body)
	if after := rn.Steps[subject].State; after != before {
		if before.Settled() {
			p.open++
		}
		if after.Settled() {
			p.open--
		}
		p.ready.Set(subject, stage(after))
	}
	switch flies := inTheAir(rn.Steps[subject]); {
	case flies && !flew:
		p.aloft++
	case flew && !flies:
		p.aloft--
	}
	return seq, err
}
