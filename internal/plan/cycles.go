package plan

import (
	"slices"
	"strings"

	"skift/internal/diag"
	"skift/runbooks"
)

// dateCycles reports dates that hang on each other in a circle. A point hangs on the date that gives it: the start on `from`, the
// end on `until` (or, where there is none, on the start), and passed on the end.
func (l *loader) dateCycles() {
	dates := func(r Ref) (When, Ref, bool) {
		m := l.Milestones[r.Milestone]
		if m == nil {
			return When{}, Ref{}, false
		}
		switch r.Point {
		case Start:
			return m.From, m.From.Ref, m.From.Ref != Ref{}
		case End:
			if m.Kind == Release || m.Kind == Point {
				return When{}, Ref{m.ID, Start}, true
			}
			return m.Until, m.Until.Ref, m.Until.Ref != Ref{}
		}
		return When{}, Ref{m.ID, End}, true
	}
	done := map[Ref]bool{}
	for _, id := range l.MilestoneIDs {
		for _, point := range []string{Start, End} {
			l.dateCycle(Ref{id, point}, dates, done)
		}
	}
}

// dateCycle follows one chain of dates to its end. Each point has one date, so a chain never branches.
func (l *loader) dateCycle(from Ref, next func(Ref) (When, Ref, bool), done map[Ref]bool) {
	var path []Ref
	var written []When
	for at, ok := from, true; ok && !done[at]; {
		if i := slices.Index(path, at); i >= 0 {
			l.reportDateCycle(path[i:], written[i:])
			break
		}
		w, to, more := next(at)
		path, written = append(path, at), append(written, w)
		at, ok = to, more
	}
	for _, r := range path {
		done[r] = true
	}
}

func (l *loader) reportDateCycle(path []Ref, written []When) {
	names := make([]string, 0, len(path)+1)
	for _, r := range path {
		names = append(names, r.String())
	}
	names = append(names, path[0].String())
	var p *diag.Problem
	for i, w := range written {
		switch {
		case w.IsZero():
		case p == nil:
			p = l.problems.Addf(w.Pos, CodeDateCycle, "dates hang on each other in a circle: %s", strings.Join(names, " → ")).
				At("milestones." + path[i].Milestone).Wide(len(w.Text)).
				Hintf("give one of them a date of its own, or unset")
		default:
			p.See(w.Pos, "%s is %s", path[i], w.Text)
		}
	}
}

// runbookCycles reports runbooks that start each other as steps in a circle.
func (l *loader) runbookCycles() {
	state := map[string]int{} // 1 = on the path, 2 = done
	var path []runbooks.Ref
	var visit func(id string)
	visit = func(id string) {
		state[id] = 1
		for _, ref := range l.Runbooks[id].Refs {
			if ref.Kind != runbooks.RunbookRef || ref.Step == "" || l.Runbooks[ref.Text] == nil {
				continue
			}
			path = append(path, ref)
			switch state[ref.Text] {
			case 0:
				visit(ref.Text)
			case 1:
				l.reportRunbookCycle(path, ref.Text)
			}
			path = path[:len(path)-1]
		}
		state[id] = 2
	}
	for _, id := range l.RunbookIDs {
		if state[id] == 0 {
			visit(id)
		}
	}
}

// reportRunbookCycle reports the part of path that leads from a runbook back to it.
func (l *loader) reportRunbookCycle(path []runbooks.Ref, back string) {
	last := path[len(path)-1]
	from := len(path) - 1
	for from > 0 && path[from-1].Text != back {
		from--
	}
	names := []string{back}
	for _, ref := range path[from:] {
		names = append(names, ref.Text)
	}
	p := last.Problemf(l.problems, CodeRunbookCycle, "runbooks start each other in a circle: %s", strings.Join(names, " → ")).
		Hintf("remove one of these steps")
	for _, ref := range path[from : len(path)-1] {
		p.See(ref.Pos, "%s is started here", ref.Text)
	}
}
