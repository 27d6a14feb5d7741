package plan

import (
	"maps"
	"slices"

	"skift/internal/diag"
	"skift/runbooks"
)

// resolve finds every name that was noted. What cannot be found is reported where it stands.
func (l *loader) resolve() {
	for _, r := range l.refs {
		l.find(r)
	}
}

func (l *loader) find(r ref) {
	switch r.kind {
	case runbooks.FileRef:
		if pem, ok := l.files.trust(r.word); ok {
			l.Trust[r.word.Text] = pem
		}
	case runbooks.MomentRef:
		l.moment(r.word)
	case groupRef:
		l.group(r.word)
	case runbooks.RunbookRef: // reported when the runbooks were read
	default:
		if !l.known(r.kind, r.word.Text) {
			l.unknown(r.word, r.kind)
		}
	}
}

// known reports whether something of the kind has the name.
func (l *loader) known(kind runbooks.RefKind, name string) bool {
	var ok bool
	switch kind {
	case partyRef:
		_, ok = l.partyPos(name)
	case personRef:
		_, ok = l.Contacts.Person(name)
	case environmentRef:
		ok = l.Environments[name] != nil
	case vantageRef:
		ok = l.Vantages[name] != nil
	case runbooks.SeatRef:
		ok = l.Seats[name] != nil
	case runbooks.ServiceRef:
		ok = l.Services[name] != nil
	case runbooks.CheckRef:
		ok = l.Checks[name] != nil
	case runbooks.SuiteRef:
		ok = l.Suites[name] != nil
	case runbooks.GateRef:
		ok = l.Gates[name] != nil
	case runbooks.MilestoneRef:
		ok = l.Milestones[name] != nil
	case runbooks.AudienceRef:
		ok = l.Audiences[name] != nil
	case runbooks.RunbookRef:
		ok = l.Runbooks[name] != nil
	case runbooks.AreaRef:
		ok = slices.Contains(l.Areas, name)
	case runbooks.ClassRef:
		ok = slices.Contains(classNames, name)
	case runbooks.ReportRef:
		ok = slices.Contains(Reports(), name)
	}
	return ok
}

// names lists what there is of a kind, for suggestions.
func (l *loader) names(kind runbooks.RefKind) []string {
	switch kind {
	case partyRef:
		return l.partyNames()
	case personRef:
		return l.Contacts.IDs()
	case environmentRef:
		return l.EnvIDs
	case vantageRef:
		return l.VantageIDs
	case runbooks.SeatRef:
		return l.SeatIDs
	case runbooks.ServiceRef:
		return l.ServiceIDs
	case runbooks.CheckRef:
		return l.CheckIDs
	case runbooks.SuiteRef:
		return l.SuiteIDs
	case runbooks.VerifyRef:
		return slices.Concat(l.CheckIDs, l.SuiteIDs)
	case runbooks.GateRef:
		return l.GateIDs
	case runbooks.MilestoneRef:
		return l.MilestoneIDs
	case runbooks.AudienceRef:
		return l.AudienceIDs
	case runbooks.RunbookRef:
		return slices.Sorted(maps.Keys(l.Runbooks))
	case runbooks.AreaRef:
		return l.Areas
	case runbooks.ClassRef:
		return classNames
	case runbooks.ReportRef:
		return Reports()
	}
	return nil
}

func (l *loader) unknown(w diag.Word, kind runbooks.RefKind) { l.unknownOf(w, kind, l.names(kind)) }

// unknownOf reports a name that nothing has.
func (l *loader) unknownOf(w diag.Word, kind runbooks.RefKind, names []string) {
	if l.unread[kind] {
		return
	}
	p := w.Problemf(l.problems, CodeUnknownName, "unknown %s %q", kind, w.Text)
	if l.problems.Len() > diag.Max {
		return // nobody sees it any more, and comparing with every name takes time
	}
	switch few := 8; {
	case len(names) == 0:
		p.Hintf("the plan has none")
	case len(names) <= few:
		p.Hintf("there is %s", list(names))
	}
	p.DidYouMean(w.Text, names)
}

// list writes names as a sentence has them: "a, b and c".
func list(names []string) string {
	out := ""
	for i, n := range names {
		switch {
		case i == 0:
		case i == len(names)-1:
			out += " and "
		default:
			out += ", "
		}
		out += n
	}
	return out
}

// group demands a party that has members.
func (l *loader) group(w diag.Word) {
	p := l.Parties[w.Text]
	switch {
	case p == nil:
		l.unknown(w, partyRef)
	case p.membersFile.Text == "":
		w.Problemf(l.problems, CodeNotAGroup, "party %q has no members", w.Text).
			See(p.Pos, "it is described here").Hintf("add members: FILE.csv to the party, or write to: with seats instead of for_each")
	}
}

// moment checks a time expression that stays text in the plan, because it is resolved anew each time it is needed.
func (l *loader) moment(w diag.Word) {
	when, err := ParseWhen(w.Text, l.Zone)
	if err != nil {
		whenProblem(func(code diag.Code, format string, args ...any) *diag.Problem {
			return w.Problemf(l.problems, code, format, args...)
		}, err)
		return
	}
	switch when.Kind {
	case Relative, Event:
		if l.Milestones[when.Ref.Milestone] == nil {
			l.unknown(diag.Word{Pos: w.Pos, Path: w.Path, Text: when.Ref.Milestone}, runbooks.MilestoneRef)
		}
	case Month, About, Unset:
		w.Problemf(l.problems, CodeTooVague, "%q does not say when that is", w.Text).
			Hintf("write a day, a time, or a point of a milestone such as cutover.end")
	}
}
