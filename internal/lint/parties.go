package lint

import (
	"slices"
	"strings"

	"skift/checks"
	"skift/internal/plan"
	"skift/runbooks"
)

// consents looks for checks that will be skipped because the platform's party has not agreed to them.
func (l *linter) consents() {
	type missing struct {
		party string
		level checks.Consent
	}
	told := map[missing]bool{}
	for _, id := range l.p.CheckIDs {
		spec := l.p.Checks[id]
		for _, side := range checks.Sides() {
			platform := l.p.Platforms[side]
			if platform == nil || !l.answers(spec.Service, side) {
				continue
			}
			party := l.p.Parties[platform.Party]
			for _, level := range spec.Consents(side) {
				m := missing{platform.Party, level}
				if party == nil || told[m] || party.Consent != nil && slices.Contains(party.Consent.Levels, string(level)) {
					continue
				}
				told[m] = true
				l.problems.Warnf(spec.Pos, CodeNoConsent, "%s has not consented to %s: on the %s side this is skipped and counts as not observed", platform.Party, level, side).
					At("checks."+id).Wide(len(id)).See(party.Pos, "%s is here", platform.Party).
					Hintf("once agreed, write consent: {levels: [%s], ref: where it is written down}", level)
			}
		}
	}
}

// answers reports whether a service has an address on a side anywhere.
func (l *linter) answers(service string, side checks.Side) bool {
	s := l.p.Services[service]
	if s == nil {
		return false
	}
	for _, sides := range s.In {
		if len(sides[side].Addrs) > 0 {
			return true
		}
	}
	return false
}

// audiences looks for reports that will reach nobody.
func (l *linter) audiences() {
	told := l.told()
	for _, id := range l.p.AudienceIDs {
		a := l.p.Audiences[id]
		if a.Cron == "" && !told[id] || l.reachable(a) {
			continue
		}
		who := "nobody who sits in " + strings.Join(a.To, ", ") + " has a mail address"
		hint := "add shifts for the seats and mail addresses in the contacts"
		if a.ForEach != "" {
			who = "no member or flow of " + a.ForEach + " has a contact with a mail address"
			hint = "name a contact per member or flow, with a mail address in the contacts"
		}
		l.problems.Warnf(a.Pos, CodeUnreachable, "%s", who).At("audiences."+id).Wide(len(id)).Hintf("%s", hint)
	}
}

// told are the audiences that a step writes to.
func (l *linter) told() map[string]bool {
	out := map[string]bool{}
	for _, r := range l.p.Runbooks {
		for _, s := range r.Steps {
			if s.Kind == runbooks.Message {
				out[s.MessageBody.Audience] = true
			}
		}
	}
	return out
}

func (l *linter) reachable(a *plan.Audience) bool {
	if a.ForEach != "" {
		for _, m := range l.p.Told(a) {
			if l.hasMail(m.Contact) {
				return true
			}
		}
		return slices.ContainsFunc(l.p.Flows, func(f *plan.Flow) bool {
			m, ok := l.p.Member(f.Party)
			return (f.Party == a.ForEach || ok && m.Group == a.ForEach && (a.Wave == "" || m.Wave == a.Wave)) && l.hasMail(f.Contact)
		})
	}
	for _, seat := range a.To {
		seats := append([]string{seat}, l.p.Seats[seat].Deputies...)
		for _, sh := range l.p.Roster.Shifts() {
			if slices.Contains(seats, sh.Seat) && l.hasMail(sh.Person) {
				return true
			}
		}
	}
	return len(l.p.Roster.Shifts()) == 0 // that nobody is known at all is told of the seats
}

func (l *linter) hasMail(person string) bool {
	p, ok := l.p.Contacts.Person(person)
	return ok && p.Mail != ""
}
