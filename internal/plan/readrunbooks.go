package plan

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"skift/internal/diag"
	"skift/internal/yamldoc"
	"skift/runbooks"
)

// runbookDir is where a plan keeps runbooks of its own.
const runbookDir = "runbooks"

// standardPrefix begins the file names of standard runbooks in positions and Sources; no file of a plan directory can be named so.
const standardPrefix = "standard:"

// readRunbooks reads the plan's own runbooks, then the standard ones that anything names and the plan has none for.
func (l *loader) readRunbooks() {
	for _, name := range l.runbookFiles() {
		l.ownRunbook(name)
	}
	named := map[string]diag.Word{} // where each runbook is named first
	var queue []diag.Word
	name := func(w diag.Word) {
		if _, seen := named[w.Text]; !seen {
			named[w.Text] = w
			queue = append(queue, w)
		}
	}
	for _, r := range l.refs {
		if r.kind == runbooks.RunbookRef {
			name(r.word)
		}
	}
	for _, id := range l.RunbookIDs {
		for _, r := range l.Runbooks[id].Refs {
			if r.Kind == runbooks.RunbookRef {
				name(r.Word)
			}
		}
	}
	for ; len(queue) > 0; queue = queue[1:] {
		w := queue[0]
		if l.Runbooks[w.Text] != nil {
			continue
		}
		r := l.standardRunbook(w)
		if r == nil {
			continue
		}
		for _, ref := range r.Refs {
			if ref.Kind == runbooks.RunbookRef {
				name(diag.Word{Pos: w.Pos, Path: w.Path, Text: ref.Text}) // an author knows only the place where this one is named
			}
		}
	}
	l.reportRunbooks()
	for _, id := range l.RunbookIDs {
		l.resolveRunbook(l.Runbooks[id], named[id])
	}
	for _, id := range l.RunbookIDs {
		l.undoingOrder(l.Runbooks[id])
	}
	l.runbookCycles()
}

// reportRunbooks reports names that no runbook has, at every place.
func (l *loader) reportRunbooks() {
	names := slices.Concat(l.RunbookIDs, runbooks.StandardNames())
	missing := func(w diag.Word) {
		if l.Runbooks[w.Text] == nil {
			l.unknownOf(w, runbooks.RunbookRef, names)
		}
	}
	for _, r := range l.refs {
		if r.kind == runbooks.RunbookRef {
			missing(r.word)
		}
	}
	for _, id := range l.RunbookIDs {
		for _, r := range l.Runbooks[id].Refs {
			if r.Kind == runbooks.RunbookRef && !l.Runbooks[id].Standard {
				missing(r.Word)
			}
		}
	}
}

// runbookFiles lists the plan's own runbook files.
func (l *loader) runbookFiles() []string {
	entries, err := fs.ReadDir(l.files.fsys, runbookDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.files.report(diag.Word{Pos: diag.Pos{File: runbookDir}, Text: runbookDir}, err)
	}
	var names []string
	for _, e := range entries {
		name := path.Join(runbookDir, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case strings.HasSuffix(e.Name(), ".yaml"): // a directory of such a name is reported when it is read
			names = append(names, name)
		case e.IsDir():
		case strings.HasSuffix(e.Name(), ".yml"):
			l.problems.Addf(diag.Pos{File: name}, CodeRunbookName, "a runbook's file name ends in .yaml").
				Hintf("rename it to %s.yaml", strings.TrimSuffix(e.Name(), ".yml"))
		}
	}
	return names
}

func (l *loader) ownRunbook(file string) {
	src, ok := l.files.named(diag.Word{Pos: diag.Pos{File: file}, Text: file})
	if !ok {
		return
	}
	stem := strings.TrimSuffix(path.Base(file), ".yaml")
	r, ok := runbooks.Read(file, src, l.problems)
	if !ok {
		r = &runbooks.Runbook{ID: stem, File: file} // what names it is not wrong as well
	}
	if r.ID != stem && r.ID != "" {
		p := l.problems.Addf(r.Pos, CodeRunbookName, "the runbook is called %q and its file %q", r.ID, path.Base(file)).At("runbook").
			Hintf("rename the file to %s.yaml, or write runbook: %s", r.ID, stem)
		if !yamldoc.IsID(stem) {
			p.Hintf("rename the file to %s.yaml", r.ID)
		}
	}
	if stem == MasterID {
		at := r.Pos
		if at.File == "" {
			at = diag.Pos{File: file}
		}
		l.problems.Addf(at, CodeNameTaken, "%q is what commands call the overall plan, which is made from the milestones", MasterID).
			Hintf("give the file and the runbook another name")
	}
	r.ID = stem
	l.addRunbook(r)
}

func (l *loader) addRunbook(r *runbooks.Runbook) {
	l.Runbooks[r.ID] = r
	l.RunbookIDs = append(l.RunbookIDs, r.ID)
}

// standardRunbook reads the standard runbook of that name, nil if there is none.
func (l *loader) standardRunbook(w diag.Word) *runbooks.Runbook {
	src, ok := runbooks.Standard(w.Text)
	if !ok {
		return nil
	}
	file := standardPrefix + w.Text + ".yaml"
	l.files.read[file] = src
	r, ok := runbooks.Read(file, src, l.problems)
	if !ok {
		return nil
	}
	r.Standard = true
	l.addRunbook(r)
	return r
}

// resolveRunbook finds what the runbook names. What its own file names is reported there; what a standard one names and the plan
// lacks is reported where the plan names that runbook.
func (l *loader) resolveRunbook(r *runbooks.Runbook, named diag.Word) {
	twins := l.twins(r.ID)
	for _, ref := range r.Refs {
		ok := l.resolveRef(r, ref, twins)
		switch {
		case ok:
		case r.Standard:
			step := ""
			if ref.Step != "" {
				step = " (step " + ref.Step + ")"
			}
			name := ref.Text
			if ref.Kind == runbooks.SeatRef {
				name = l.seatOfRole(name)
			}
			named.Problemf(l.problems, CodeStandardUses, "the standard runbook %s needs the %s %q%s", r.ID, ref.Kind, name, step).
				Hintf("add it to the plan, or write a runbook of your own as %s/%s.yaml", runbookDir, r.ID)
		default:
			l.reportRef(r, ref, twins)
		}
	}
	for _, s := range r.Steps {
		s.Switches, s.Closes = matching(s.Switches, l.ServiceIDs), matching(s.Closes, l.ServiceIDs)
	}
}

// twins are the runbooks that r backs out.
func (l *loader) twins(id string) []*runbooks.Runbook {
	var out []*runbooks.Runbook
	for _, other := range l.RunbookIDs {
		if l.Runbooks[other].BackOut == id {
			out = append(out, l.Runbooks[other])
		}
	}
	return out
}

// resolveRef finds one name, and reports whether it is there.
func (l *loader) resolveRef(r *runbooks.Runbook, to runbooks.Ref, twins []*runbooks.Runbook) bool {
	switch to.Kind {
	case runbooks.SeatRef:
		seat := l.seatOfRole(to.Text)
		r.Step(to.Step).Owner = seat
		return l.Seats[seat] != nil
	case runbooks.ServiceRef:
		return len(matching([]string{to.Text}, l.ServiceIDs)) > 0
	case runbooks.CheckRef:
		return len(matching([]string{to.Text}, l.CheckIDs)) > 0
	case runbooks.VerifyRef:
		return l.Suites[to.Text] != nil || len(matching([]string{to.Text}, l.CheckIDs)) > 0
	case runbooks.MilestoneRef:
		m := l.Milestones[to.Text]
		return m != nil && m.Kind == Window
	case runbooks.UndoneRef:
		return slices.ContainsFunc(twins, func(t *runbooks.Runbook) bool { return t.Step(to.Text) != nil })
	case runbooks.MomentRef:
		w, err := ParseWhen(to.Text, l.Zone)
		return err == nil && (w.Kind == Exact || w.Kind == Day || w.Ref != Ref{} && l.Milestones[w.Ref.Milestone] != nil)
	case runbooks.FileRef:
		l.find(ref{kind: to.Kind, word: to.Word})
		return true // reported already
	case runbooks.RunbookRef:
		return l.Runbooks[to.Text] != nil || !r.Standard // reported already
	}
	return l.known(to.Kind, to.Text)
}

// reportRef reports a name in an own runbook that could not be found.
func (l *loader) reportRef(r *runbooks.Runbook, ref runbooks.Ref, twins []*runbooks.Runbook) {
	switch ref.Kind {
	case runbooks.SeatRef:
		l.reportSeat(ref.Word)
	case runbooks.CheckRef, runbooks.ServiceRef, runbooks.VerifyRef:
		names := l.names(ref.Kind)
		l.matches(ref.Word, names, ref.Kind)
	case runbooks.MilestoneRef:
		if m := l.Milestones[ref.Text]; m != nil {
			ref.Problemf(l.problems, CodeNotAWindow, "%q is not a window but a %s", ref.Text, m.Kind).See(m.Pos, "it is described here").
				Hintf("a runbook is bound by a milestone of kind window")
			return
		}
		l.unknown(ref.Word, ref.Kind)
	case runbooks.UndoneRef:
		if len(twins) == 0 {
			ref.Problemf(l.problems, CodeUndoesNothing, "no runbook names %s as its back_out", r.ID).
				Hintf("undoes is for runbooks that back another one out: add back_out: %s there, or remove undoes", r.ID)
			return
		}
		var steps []string
		for _, t := range twins {
			for _, s := range t.Steps {
				steps = append(steps, s.ID)
			}
		}
		l.unknownOf(ref.Word, ref.Kind, steps)
	case runbooks.MomentRef:
		l.moment(ref.Word)
	default:
		l.unknown(ref.Word, ref.Kind)
	}
}

// seatOfRole gives the seat a step's owner means: old-supplier/operator is the operator's seat of the one party with that role, unless
// a party is called so. That is how a standard runbook names seats of parties it cannot know.
func (l *loader) seatOfRole(seat string) string {
	role, name, _ := strings.Cut(seat, "/")
	if _, is := l.partyPos(role); is {
		return seat
	}
	if parties := l.withRole(Role(role)); len(parties) == 1 {
		return parties[0] + "/" + name
	}
	return seat
}

func (l *loader) withRole(role Role) []string {
	var out []string
	for _, id := range l.PartyIDs {
		if l.Parties[id].Role == role {
			out = append(out, id)
		}
	}
	return out
}

func (l *loader) reportSeat(w diag.Word) {
	role, name, _ := strings.Cut(w.Text, "/")
	_, isParty := l.partyPos(role)
	switch parties := l.withRole(Role(role)); {
	case isParty || len(parties) == 0:
		l.unknown(w, runbooks.SeatRef)
	case len(parties) > 1:
		w.Problemf(l.problems, CodeRoleNotOne, "%d parties have the role %s: %s", len(parties), role, list(parties)).
			Hintf("name the one that is meant: %s/%s", parties[0], name)
	default:
		w.Problemf(l.problems, CodeUnknownName, "unknown seat %q", parties[0]+"/"+name).
			Hintf("%s is the party with the role %s", parties[0], role)
	}
}
