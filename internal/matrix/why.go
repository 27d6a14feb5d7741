package matrix

import (
	"cmp"
	"slices"
	"time"

	"skift/checks"
	"skift/internal/register"
)

// Why explains a pair as data; the sentences are the catalogue's, under the words and codes given here.
type Why struct {
	Check   string             `json:"check"`
	Service string             `json:"service"`
	Flow    string             `json:"flow,omitempty"`
	Party   string             `json:"party,omitempty"` // whose flow; "" = nobody's in particular
	Vantage string             `json:"vantage,omitempty"`
	Phase   checks.Phase       `json:"phase"`
	Verdict checks.PairVerdict `json:"verdict"`
	// Differences are the facts in which the two answers that the verdict rests on differ, those that break a rule of the check first.
	Differences []Difference `json:"differences,omitempty"`
	Sides       []SideWhy    `json:"sides"` // every address that is not simply as wanted, what the verdict rests on first; empty = nothing to explain
}

// SideWhy is one address that is not as wanted, or is with something to look at.
type SideWhy struct {
	Side        checks.Side         `json:"side"`
	Addr        string              `json:"addr"`
	Want        checks.Want         `json:"want"`
	Outcome     checks.Verdict      `json:"outcome"` // what was reached
	Verdict     checks.Verdict      `json:"verdict"` // that, taken against Want
	Code        checks.Code         `json:"code"`
	Reason      Reason              `json:"reason,omitempty"`    // why the last answer does not count
	LastCode    checks.Code         `json:"last_code,omitempty"` // of the last answer, when it does not count; "" = never seen
	LastAt      time.Time           `json:"last_at,omitzero"`
	Reached     string              `json:"reached,omitempty"`
	Owner       string              `json:"owner,omitempty"` // the party who must act; "" = us
	Facts       map[string]string   `json:"facts,omitempty"`
	Evidence    checks.Evidence     `json:"evidence,omitzero"`
	Brought     checks.Brought      `json:"brought,omitzero"`  // how the last answer came to us; missing = it was asked from here
	Undated     []string            `json:"undated,omitempty"` // dates the certificate could not be asked about
	Missing     []checks.Consent    `json:"missing,omitempty"` // levels of consent that are missing
	Deviation   *register.Deviation `json:"deviation,omitempty"`
	IdleSince   time.Time           `json:"idle_since,omitzero"`   // when the entry on the list was last seen working, if it may be deleted for want of use
	PausedFor   string              `json:"paused_for,omitempty"`  // the party for whose sake it is not asked now
	PausedAt    time.Time           `json:"paused_at,omitzero"`    // since when
	SparedUntil time.Time           `json:"spared_until,omitzero"` // until when no schedule repeats the login that was refused
	Flapping    int                 `json:"flapping,omitempty"`    // how many of Attempts were not as wanted, though the last one is
	Attempts    []Attempt           `json:"attempts,omitempty"`    // the last answers, oldest first, when some were not as wanted
}

// The sentences of answers that count and yet are not told by their outcome code alone.
const (
	LetIn      = "let-in"      // let in where a deny is wanted
	Unproven   = "unproven"    // kept out where a deny is wanted, in a way that proves none
	Decays     = "decaying"    // not seen working for so long that the entry on the list may be deleted
	Flaps      = "flapping"    // as wanted now, and not each time lately
	WasPaused  = "was-paused"  // not asked during a pause that is over, and not since
	OtherPlace = "other-place" // asked from another address than the plan's, and nobody told how others see it
	NoWayOut   = "no-way-out"  // not observed, because nothing answers from that place, not even the control
)

// Sentence is the catalogue's key, below "why.", of the sentence that says why the answer is not as wanted; "" = that of its outcome code.
func (s SideWhy) Sentence() string {
	class := s.Code.Info().Class
	switch {
	case !s.IdleSince.IsZero() && s.Verdict != checks.Fail && s.Reason != IsPaused && s.Reason != NeedsConsent:
		return Decays
	case s.Reason == IsPaused && s.PausedFor == "":
		return WasPaused
	case s.Reason != Counts:
		return string(s.Reason)
	case s.Code == checks.Unobserved && s.Facts[checks.FactControl] == checks.ControlSilent:
		return NoWayOut
	case s.Code == checks.Unobserved && s.Facts[checks.FactEgress] == checks.EgressUnknown:
		return OtherPlace
	case s.Flapping > 0 && s.Outcome != checks.Warn:
		return Flaps
	case s.Want != checks.Deny:
		return ""
	case s.Outcome == checks.Pass, s.Outcome == checks.Warn:
		return LetIn
	case s.Verdict == checks.Unverified && (class == checks.ClassPath || class == checks.ClassTarget):
		return Unproven
	}
	return ""
}

// Why explains a pair of the matrix.
func (m Matrix) Why(p Pair) Why {
	w := Why{Check: p.Check, Service: p.Service, Flow: p.Flow, Party: p.Party, Vantage: p.Vantage, Phase: p.Phase, Verdict: p.Verdict, Differences: p.Differences, Sides: []SideWhy{}}
	for _, a := range p.worstFirst() {
		if a.Verdict != checks.Pass || len(a.Undated) > 0 {
			w.Sides = append(w.Sides, m.sideWhy(&p, a))
		}
	}
	return w
}

// worstFirst lists the answers of both sides: of the side whose the verdict is before the other's, the worse before the better.
func (p *Pair) worstFirst() []Answer {
	all := slices.Concat(p.Old.Answers, p.New.Answers)
	slices.SortStableFunc(all, func(a, b Answer) int {
		return cmp.Or(cmp.Compare(p.distance(a), p.distance(b)), cmp.Compare(badness(b), badness(a)))
	})
	return all
}

// distance is 0 for an answer of the side whose the verdict is, 1 for one of the other.
func (p *Pair) distance(a Answer) int {
	if w := p.Verdict.Whose; (w == checks.WhoseOld || w == checks.WhoseNew) && string(w) != string(a.Side) {
		return 1
	}
	return 0
}

// badness orders verdicts by how much they ask for attention: a failure is certain, what is not seen may be one.
func badness(a Answer) int {
	return slices.Index([]checks.Verdict{checks.Pass, checks.Warn, checks.Unverified, checks.Error, checks.Fail}, a.Verdict)
}

func (m Matrix) sideWhy(p *Pair, a Answer) SideWhy {
	s := SideWhy{Side: a.Side, Addr: a.Addr, Want: a.Want, Outcome: a.Outcome, Verdict: a.Verdict, Code: a.Code, Reason: a.Reason,
		LastAt: a.At(), Owner: m.owner(p, a), Undated: a.Undated, Deviation: a.Deviation}
	s.IdleSince, s.SparedUntil = a.IdleSince, a.SparedUntil
	s.PausedFor, s.PausedAt = a.Pause.Party, a.Pause.At
	if a.Flapping > 0 {
		s.Flapping, s.Attempts = a.Flapping, a.Attempts
	}
	if a.Reason == NeedsConsent {
		s.Missing = a.Missing
	}
	if a.Last != nil {
		s.Reached, s.Facts, s.Evidence, s.Brought = a.Last.Reached, a.Last.Facts, a.Last.Evidence, a.Last.Brought
		if a.Reason != Counts {
			s.LastCode = a.Last.Code
		} else {
			s.Facts = a.facts
		}
	}
	return s
}

// owner is the party who must act on an answer that is not as wanted: whoever runs the platform that said no or has not
// agreed to be asked, whoever's flow can only be seen from their own place, and nobody but us for what is ours, such as a
// failure that both platforms show alike or a deny that lacks its proof. A service on neither platform is its own party's: there both sides
// ask the same.
func (m Matrix) owner(p *Pair, a Answer) string {
	switch {
	case a.Passed():
		return ""
	case a.Reason == Counts && a.Code.OfParty():
		return a.Party()
	case a.Reason == Counts && (a.Verdict != checks.Fail || p.Verdict.Word == checks.WordCommonCause && !served(a.Code) && !a.external):
		return ""
	case a.Reason == NoVantage, a.Reason == NoValue:
		return a.Party()
	case a.Reason == NeedsConsent:
		return a.Owner
	case a.Reason != Counts, a.Code.Info().Class == checks.ClassOurs, a.Code.Info().Class == checks.ClassBlind:
		return ""
	}
	if a.pathOut() {
		return a.From.Party
	}
	return a.Owner
}

// pathOut reports whether a way that says no may just as well end where it begins: on the way out of somebody else's place to a service
// that lies on neither platform, with no control that shows the place to be open.
func (a Answer) pathOut() bool {
	return a.Code.Info().Class == checks.ClassPath && a.From != nil && a.From.Party != "" && a.For == nil && a.external &&
		a.facts[checks.FactControl] != checks.ControlAnswered
}

// served reports whether a code speaks of what a server presents by itself: no key, source address or setting of ours can be the
// cause, also when both servers present the like; nor when another of our sources is let in.
func served(c checks.Code) bool {
	return slices.Contains([]checks.Code{checks.WhitelistMissing, checks.SrvExpired, checks.SrvExpires, checks.SrvNotYet, checks.SrvWeak, checks.SrvParse,
		checks.SrvUsage, checks.SrvConstraint}, c)
}

// finding is an answer that is not as wanted, as a gate lists it.
func (m Matrix) finding(p *Pair, a Answer) register.Finding {
	return register.Finding{Check: a.Check, Side: a.Side, Code: a.Code, Word: string(p.Verdict.Word), Service: p.Service,
		Party: p.Party, Flow: p.Flow, Addr: a.Addr, Owner: m.owner(p, a), Why: m.sideWhy(p, a).Sentence()}
}
