package matrix

import (
	"slices"
	"time"

	"skift/checks"
)

// FactPaused is the fact that says for whose sake a unit was not asked: the party whose probing was paused.
const FactPaused = "paused"

// Stops lists, for every unit of the scope, the parties whose pause stops it: who answers for what is asked, whose flow it is, whose
// place it is asked from, and the groups they belong to.
func (s Scope) Stops() map[checks.Unit][]string {
	out := map[checks.Unit][]string{}
	for _, u := range s.Units() {
		out[u.Unit] = s.stops(u)
	}
	return out
}

func (s Scope) stops(u Unit) []string {
	parties := []string{u.Party()}
	if u.Spec != nil {
		parties = append(parties, s.Plan.Owner(u.Spec.Service, u.Side))
	}
	if u.From != nil {
		parties = append(parties, u.From.Party)
	}
	for _, p := range parties[:len(parties):len(parties)] {
		if m, ok := s.Plan.Member(p); ok {
			parties = append(parties, m.Group)
		}
	}
	parties = slices.DeleteFunc(parties, func(p string) bool { return p == "" })
	slices.Sort(parties)
	return slices.Compact(parties)
}

// Pause is a party of which nothing is asked now, and since when. While it lasts, what we asked before does not count: nobody could see
// whether it still holds. What somebody else saw and brought keeps its age.
type Pause struct {
	Party string
	At    time.Time
}

// pause is what keeps a unit from being asked now.
func (s Scope) pause(u Unit) Pause {
	party := s.paused(u)
	if party == "" {
		return Pause{}
	}
	return Pause{party, s.Facts.Paused[party].At}
}

// paused is the party whose pause stops the unit now; "" = none.
func (s Scope) paused(u Unit) string {
	if s.Facts == nil || len(s.Facts.Paused) == 0 {
		return ""
	}
	return s.Facts.PausedAmong(s.stops(u))
}

// Pause is the party for whose sake the unit may not be asked now, from here or from elsewhere; "" = none.
func (s Scope) Pause(u Unit) string { return s.paused(u) }

// Paused is the result of a question that was not put because probing of a party is paused: unverified, code skipped.
func Paused(ask checks.Ask, party string) checks.Result {
	want := ask.Want
	if want == "" {
		want = checks.Allow
	}
	return checks.Result{
		Unit: ask.Unit, Outcome: checks.Unverified, Verdict: checks.Unverified, Code: checks.Skipped, Want: want,
		Facts:     map[string]string{FactPaused: party},
		StartedAt: ask.At, ValidUntil: ask.At.Add(MaxAge(ask.Spec)), ConfigHash: ask.Hash(),
	}
}
