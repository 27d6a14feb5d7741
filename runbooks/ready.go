package runbooks

import "slices"

// Progress is how far a step has come, as far as readiness depends on it.
type Progress uint8

// The stages of progress. The zero value is Open.
const (
	Open    Progress = iota // not begun, or to be begun again
	Begun                   // running, waiting for a person, failed, uncertain: nothing may start because of it
	Settled                 // done or skipped: those who need it may go on
)

// Ready says which steps of a runbook can be started: those that are open and whose needs are all settled. It is kept up to
// date step by step, at a cost of what changes, so that a run of ten thousand steps does not look at all of them after each.
//
// It judges needs alone; gates, freezes and pauses are the caller's. It belongs to one goroutine.
type Ready struct {
	steps    []*Step
	place    map[string]int // id → index in steps
	needed   [][]int        // step → those that need it
	unmet    []int          // step → how many of its needs are not settled
	progress []Progress
	ready    []int // startable steps, in file order
}

// NewReady begins with every step open. The runbook must be free of cycles and unknown needs, as [Read] reports them.
func NewReady(r *Runbook) *Ready {
	q := &Ready{
		steps:    r.Steps,
		place:    make(map[string]int, len(r.Steps)),
		needed:   make([][]int, len(r.Steps)),
		unmet:    make([]int, len(r.Steps)),
		progress: make([]Progress, len(r.Steps)),
	}
	for i, s := range r.Steps {
		q.place[s.ID] = i
	}
	for i, s := range r.Steps {
		for _, need := range s.Needs {
			if j, ok := q.place[need]; ok {
				q.needed[j] = append(q.needed[j], i)
				q.unmet[i]++
			}
		}
		if q.unmet[i] == 0 {
			q.ready = append(q.ready, i)
		}
	}
	return q
}

// Steps are the steps that can be started now, in file order.
func (q *Ready) Steps() []*Step {
	out := make([]*Step, len(q.ready))
	for i, place := range q.ready {
		out[i] = q.steps[place]
	}
	return out
}

// Startable reports whether the step can be started now.
func (q *Ready) Startable(id string) bool {
	i, ok := q.place[id]
	return ok && q.startable(i)
}

// Progress is how far the step has come; Open for an unknown one.
func (q *Ready) Progress(id string) Progress {
	if i, ok := q.place[id]; ok {
		return q.progress[i]
	}
	return Open
}

// Set records how far a step has come and returns the steps that can be started because of it, in file order. Progress may go
// back (a retry, a step reopened): what needs the step then waits again unless it has begun. Unknown ids change nothing.
func (q *Ready) Set(id string, to Progress) []*Step {
	i, ok := q.place[id]
	if !ok || q.progress[i] == to {
		return nil
	}
	from := q.progress[i]
	q.progress[i] = to
	var opened []*Step
	if q.refresh(i) {
		opened = append(opened, q.steps[i])
	}
	if (from == Settled) == (to == Settled) {
		return opened
	}
	delta := 1
	if to == Settled {
		delta = -1
	}
	for _, j := range q.needed[i] {
		q.unmet[j] += delta
		if q.refresh(j) {
			opened = append(opened, q.steps[j])
		}
	}
	return opened
}

func (q *Ready) startable(i int) bool { return q.progress[i] == Open && q.unmet[i] == 0 }

// refresh puts a step on the list or takes it off, and reports whether it came on.
func (q *Ready) refresh(i int) bool {
	at, listed := slices.BinarySearch(q.ready, i)
	switch want := q.startable(i); {
	case want && !listed:
		q.ready = slices.Insert(q.ready, at, i)
		return true
	case !want && listed:
		q.ready = slices.Delete(q.ready, at, at+1)
	}
	return false
}
