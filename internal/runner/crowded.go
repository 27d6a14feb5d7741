package runner

import (
	"slices"

	"skift/internal/run"
	"skift/runbooks"
)

// effects are the kinds of steps that something is done for by us, here or over the network: of those only so many are in flight at once.
var effects = []runbooks.Kind{runbooks.Command, runbooks.HTTP, runbooks.SFTPCopy}

func isEffect(kind runbooks.Kind) bool { return slices.Contains(effects, kind) }

// inTheAir reports whether a step's effect is being done.
func inTheAir(st *run.Step) bool {
	return st.State == run.Running && !st.Simulated && isEffect(runbooks.Kind(st.Kind))
}

// crowded reports whether as many effects are in flight, in all runs together, as may be at once. What could start then stays startable.
func (d *decision) crowded() bool {
	if d.r.cfg.InFlight == 0 {
		return false
	}
	n := 0
	for _, id := range d.Facts.Runs.Order {
		rn := d.Facts.Runs.Runs[id]
		if rn.State.Final() {
			continue
		}
		if rb, err := d.runbook(rn); err == nil { // else the run itself tells
			n += d.readinessOf(rn, rb).aloft
		}
	}
	return n >= d.r.cfg.InFlight
}

// makeRoom starts what waited until effects in flight, also of other runs, had landed.
func (d *decision) makeRoom() error {
	if !d.r.queued || d.crowded() {
		return nil
	}
	d.r.queued = false // until a run finds that there is no room again
	for _, id := range slices.Clone(d.Facts.Runs.Order) {
		if rn := d.Facts.Runs.Runs[id]; rn.State == run.RunRunning {
			if err := d.advance(rn); err != nil {
				return err
			}
		}
	}
	return nil
}
