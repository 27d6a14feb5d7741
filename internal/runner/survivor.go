package runner

import (
	"time"

	"skift/internal/run"
)

// lookAtSurvivors is how often it is looked whether a process that an effect left behind has ended: nobody tells us.
const lookAtSurvivors = 2 * time.Second

// survivor is an attempt at a step which ended, as far as is known, before its process did.
type survivor struct {
	run, step string
	attempt   int
}

// lives reports whether the process of a step's last attempt still runs.
func (d *decision) lives(st *run.Step) bool {
	return st.PID != 0 && d.r.cfg.Actions.Alive(st.PID, st.PIDStarted)
}

// watch has it looked again and again whether a process has ended.
func (r *Runner) watch(s survivor) {
	if r.survivors == nil {
		r.survivors = map[survivor]bool{}
	}
	r.survivors[s] = true
}

// leftover is a survivor and its process.
type leftover struct {
	survivor
	pid int
}

// leftRunning is a process that an ended attempt at a step of the run, or of a run inside it, left behind; nil = none.
func (d *decision) leftRunning(rn *run.Run) *leftover {
	for _, id := range d.family(rn) {
		for _, st := range d.surviving(d.Facts.Runs.Runs[id]) {
			return &leftover{survivor{id, st.ID, st.Attempt}, st.PID}
		}
	}
	return nil
}

// outlived does what waited for the end of a process: the checks are asked whether the effect happened, and the back-out that is due
// begins. It comes last in its decision: one that comes to nothing forgets no survivor.
func (d *decision) outlived(next *time.Time) error {
	var over []survivor
	for s := range d.r.survivors {
		rn := d.Facts.Runs.Runs[s.run]
		if rn == nil || rn.State.Final() || !waitsForEnd(rn.Steps[s.step], s.attempt) {
			over = append(over, s) // a person knew it first
			continue
		}
		if d.lives(rn.Steps[s.step]) {
			sooner(next, d.Now.Add(lookAtSurvivors))
			continue
		}
		over = append(over, s)
	}
	for _, s := range over {
		delete(d.r.survivors, s)
	}
	for _, s := range over {
		if err := d.ended(s); err != nil {
			for _, s := range over {
				d.r.watch(s)
			}
			return err
		}
	}
	return nil
}

func waitsForEnd(st *run.Step, attempt int) bool {
	return st != nil && st.Attempt == attempt && (st.State == run.Uncertain || st.State == run.Failed)
}

// ended goes on after the end of a process, in its run and in those around it.
func (d *decision) ended(s survivor) error {
	rn := d.Facts.Runs.Runs[s.run]
	if rn == nil {
		return nil
	}
	if !rn.State.Final() && waitsForEnd(rn.Steps[s.step], s.attempt) {
		rb, err := d.runbook(rn)
		if err != nil {
			return err
		}
		d.askHappened(rn, rb.Step(s.step))
	}
	for o := rn; o != nil; o = d.Facts.Runs.Runs[o.Started.Parent] {
		if o.State.Final() {
			continue
		}
		if err := d.backOutDue(o); err != nil {
			return err
		}
	}
	return nil
}
