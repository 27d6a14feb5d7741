package matrix

import (
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
	Sides   []SideWhy          `json:"sides"` // every address that is not simply as wanted, old first; empty = nothing to explain
}

// SideWhy is one address that is not as wanted, or is with something to look at.
type SideWhy struct {
	Side      checks.Side         `json:"side"`
	Addr      string              `json:"addr"`
	Want      checks.Want         `json:"want"`
	Outcome   checks.Verdict      `json:"outcome"` // what was reached
	Verdict   checks.Verdict      `json:"verdict"` // that, taken against Want
	Code      checks.Code         `json:"code"`
	Reason    Reason              `json:"reason,omitempty"`    // why the last answer does not count
	LastCode  checks.Code         `json:"last_code,omitempty"` // of the last answer, when it does not count; "" = never seen
	LastAt    time.Time           `json:"last_at,omitzero"`
	Reached   string              `json:"reached,omitempty"`
	Owner     string              `json:"owner,omitempty"` // the party who must act; "" = us
	Facts     map[string]string   `json:"facts,omitempty"`
	Evidence  checks.Evidence     `json:"evidence,omitzero"`
	Undated   []string            `json:"undated,omitempty"` // dates the certificate could not be asked about
	Missing   []checks.Consent    `json:"missing,omitempty"` // levels of consent that are missing
	Deviation *register.Deviation `json:"deviation,omitempty"`
}

// Why explains a pair of the matrix.
func (m Matrix) Why(p Pair) Why {
	w := Why{Check: p.Check, Service: p.Service, Flow: p.Flow, Party: p.Party, Vantage: p.Vantage, Phase: p.Phase, Verdict: p.Verdict}
	for _, side := range checks.Sides() {
		for _, a := range p.Side(side).Answers {
			if a.Verdict != checks.Pass || len(a.Undated) > 0 {
				w.Sides = append(w.Sides, m.sideWhy(a))
			}
		}
	}
	return w
}

func (m Matrix) sideWhy(a Answer) SideWhy {
	s := SideWhy{Side: a.Side, Addr: a.Addr, Want: a.Want, Outcome: a.Outcome, Verdict: a.Verdict, Code: a.Code, Reason: a.Reason,
		LastAt: a.At(), Owner: m.owner(a), Undated: a.Undated, Deviation: a.Deviation}
	if a.Reason == NeedsConsent {
		s.Missing = a.Missing
	}
	if a.Last != nil {
		s.Reached, s.Facts, s.Evidence = a.Last.Reached, a.Last.Facts, a.Last.Evidence
		if a.Reason != Counts {
			s.LastCode = a.Last.Code
		}
	}
	return s
}

// owner is the party who must act on an answer that is not as wanted: whoever runs the platform that said no or has not
// agreed to be asked, whoever's flow can only be seen from their own place, and nobody but us for what is ours.
func (m Matrix) owner(a Answer) string {
	switch {
	case a.Passed():
		return ""
	case a.Reason == NoVantage:
		return a.Party()
	case a.Reason == NeedsConsent:
		return m.owners[a.Side]
	case a.Reason != Counts, a.Code.Info().Class == checks.ClassOurs, a.Code.Info().Class == checks.ClassBlind:
		return ""
	}
	return m.owners[a.Side]
}

// finding is an answer that is not as wanted, as a gate lists it.
func (m Matrix) finding(p *Pair, a Answer) register.Finding {
	return register.Finding{Check: a.Check, Side: a.Side, Code: a.Code, Word: string(p.Verdict.Word), Service: p.Service,
		Party: p.Party, Flow: p.Flow, Addr: a.Addr, Owner: m.owner(a)}
}
