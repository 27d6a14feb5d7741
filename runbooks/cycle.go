package runbooks

import (
	"slices"
	"strings"

	"skift/internal/diag"
)

// naming is how a circle of needs is told to whoever wrote it.
type naming struct{ what, hint string }

var asSteps = naming{"steps", "remove one of these needs"}

// checkNeeds reports needs that name no step and cycles among those that do.
func checkNeeds(r *Runbook, needs map[string][]diag.Word, as naming, problems *diag.List) {
	checkNames(r, needs, problems)
	for _, cycle := range cycles(r) {
		reportCycle(cycle, needs, as, problems)
	}
}

// checkNames gives steps the needs that name a step, and reports the others.
func checkNames(r *Runbook, needs map[string][]diag.Word, problems *diag.List) {
	ids := make([]string, len(r.Steps))
	for i, s := range r.Steps {
		ids[i] = s.ID
	}
	for _, s := range r.Steps {
		seen := map[string]diag.Pos{}
		for _, w := range needs[s.ID] {
			switch first, twice := seen[w.Text]; {
			case twice:
				w.Problemf(problems, CodeTwice, "%q is listed twice", w.Text).See(first, "%q is first here", w.Text)
			case r.index[w.Text] == nil:
				w.Problemf(problems, CodeUnknownNeed, "unknown step %q", w.Text).DidYouMean(w.Text, ids)
			default:
				s.Needs = append(s.Needs, w.Text)
			}
			seen[w.Text] = w.Pos
		}
	}
}

// Enough to see what is wrong; a file with more circles or a longer one is not read better in full.
const (
	maxCycles     = 50
	maxCycleNames = 12
	maxCycleNotes = 50
)

// reportCycle names the steps of the cycle, and points at each.
func reportCycle(cycle []*Step, needs map[string][]diag.Word, as naming, problems *diag.List) {
	next := func(i int) string { return cycle[(i+1)%len(cycle)].ID }
	names := make([]string, 0, maxCycleNames+2)
	for _, s := range cycle {
		if len(names) == maxCycleNames {
			names = append(names, "…")
			break
		}
		names = append(names, s.ID)
	}
	names = append(names, cycle[0].ID)
	at := slices.IndexFunc(needs[cycle[0].ID], func(w diag.Word) bool { return w.Text == next(0) })
	p := needs[cycle[0].ID][at].Problemf(problems, CodeCycle, "%s need each other in a circle: %s", as.what, strings.Join(names, " → ")).
		Hintf("%s", as.hint)
	for i := 1; i < min(len(cycle), maxCycleNotes); i++ {
		p.See(cycle[i].Pos, "%s needs %s", cycle[i].ID, next(i))
	}
}

// cycles finds circles of needs, at least one in every group of steps that need each other. Each begins with its step that
// comes first in the file.
func cycles(r *Runbook) [][]*Step {
	const (
		unseen = iota
		open
		closed
	)
	type frame struct {
		step *Step
		next int // which of its needs to follow
	}
	state := make(map[string]int, len(r.Steps))
	var found [][]*Step
	for _, start := range r.Steps {
		if state[start.ID] != unseen {
			continue
		}
		// A chain of needs can be as long as the file, so the path is ours and not the call stack's.
		path := []frame{{step: start}}
		state[start.ID] = open
		for len(path) > 0 {
			top := &path[len(path)-1]
			if top.next == len(top.step.Needs) {
				state[top.step.ID] = closed
				path = path[:len(path)-1]
				continue
			}
			need := r.index[top.step.Needs[top.next]]
			top.next++
			switch state[need.ID] {
			case unseen:
				state[need.ID] = open
				path = append(path, frame{step: need})
			case open:
				var cycle []*Step
				for i := len(path) - 1; i == len(path)-1 || path[i+1].step != need; i-- {
					cycle = append(cycle, path[i].step)
				}
				slices.Reverse(cycle)
				if found = append(found, firstInFront(cycle)); len(found) == maxCycles {
					return found
				}
			}
		}
	}
	return found
}

// firstInFront turns a cycle so that it begins with its earliest step.
func firstInFront(cycle []*Step) []*Step {
	first := 0
	for i, s := range cycle {
		if s.Pos.Compare(cycle[first].Pos) < 0 {
			first = i
		}
	}
	return append(cycle[first:len(cycle):len(cycle)], cycle[:first]...)
}
