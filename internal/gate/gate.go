// Package gate answers one question: with these facts, this evidence and these votes, may we go, and if not, what stands
// in the way?
//
// It is pure: evidence is handed in already counted, instants already resolved, and the same input always gives the same
// judgement. One more failing result, missing answer or minute never turns a no-go into a go. It decides nothing by
// itself; runner records what it judged.
package gate

import (
	"math/big"
	"slices"
	"strings"
	"time"

	"skift/checks"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
)

// State is where a gate stands.
type State string

// The states. Closed has not opened yet; Due has passed its deadline without a decision, which is a no-go.
const (
	Closed State = "closed"
	Open   State = "open"
	Due    State = "due"
	Went   State = "go"
	NoGo   State = "no-go"
	Held   State = "hold"
)

// The states of a criterion.
const (
	Met     = "met"
	Unmet   = "unmet"
	Unknown = "unknown" // not observed, stale, not asked: never a pass
)

// SuiteEvidence is what the last observations of a suite add up to.
type SuiteEvidence struct {
	Critical, Others register.Count
	AsOf             time.Time // the oldest answer that counts; zero = none does
	Findings         []register.Finding
	Days             []register.Day // the last whole local days, newest first; as many as some gate asks for
}

// Input is everything a judgement rests on.
type Input struct {
	Gate     *plan.Gate
	Run      string // the rehearsal in which it is practised; "" = the plan's own
	Facts    *register.Facts
	Runs     *run.Facts
	OpensAt  time.Time // zero = opens when asked
	DecideBy time.Time // the plan's deadline; zero = none
	PlanHash string
	Suites   map[string]SuiteEvidence
	// Milestone returns the state word of a milestone: not-started, active, passed …
	Milestone func(id string) string
}

// Judgement is how a gate stands.
type Judgement struct {
	Gate       string                   `json:"gate"`
	Run        string                   `json:"run,omitempty"`
	State      State                    `json:"state"`
	Round      int                      `json:"round"`
	OpensAt    time.Time                `json:"opens_at,omitzero"`
	DecideBy   time.Time                `json:"decide_by,omitzero"`  // with any extension
	Extension  string                   `json:"extension,omitempty"` // why it was extended
	Criteria   []register.CriterionSeen `json:"criteria"`
	Poll       []register.PollAnswer    `json:"poll"`
	Reasons    []register.Reason        `json:"reasons"`         // what stands in the way of a go; empty = a go can be given
	Stale      []string                 `json:"stale,omitempty"` // suites that may be asked again because of it
	Deviations []*register.Deviation    `json:"deviations,omitempty"`
	EnteredBy  map[string]int           `json:"entered_by,omitempty"` // who typed how many of the standing answers
	Decision   *register.Decision       `json:"decision,omitempty"`
}

// MayGo reports whether the deciding seat can say go now.
func (j Judgement) MayGo() bool { return len(j.Reasons) == 0 }

// Judge judges a gate at an instant. decider is the person about to decide ("" when nobody is): one person is one voice,
// so that person's answer to the poll does not count.
func Judge(in Input, decider string, now time.Time) Judgement {
	g := in.Facts.Gate(register.GateKey{Gate: in.Gate.ID, Run: in.Run})
	j := Judgement{Gate: in.Gate.ID, Run: in.Run, Round: g.Round, OpensAt: in.OpensAt, DecideBy: in.DecideBy, Extension: g.Extension, Decision: g.Decision, EnteredBy: map[string]int{}}
	if !g.Until.IsZero() {
		j.DecideBy = g.Until
	}
	j.State = state(j, g, now)
	for _, c := range in.Gate.Criteria {
		seen := judgeCriterion(in, g, c, now)
		seen.Binding = in.Run == ""
		j.Criteria = append(j.Criteria, seen)
		if seen.State == Met {
			continue
		}
		if seen.Binding {
			j.Reasons = append(j.Reasons, register.Reason{Code: "criterion-" + seen.State, Subject: seen.ID, Remark: seen.Reason})
		}
		if c.Kind == plan.SuiteCriterion && c.Rerun && unseen(seen) {
			j.Stale = append(j.Stale, c.Suite)
		}
	}
	j.judgePoll(in, g, decider)
	for _, d := range in.Facts.Deviations {
		if d.InForce(now) {
			j.Deviations = append(j.Deviations, d)
		}
	}
	if j.State == Closed {
		j.Reasons = append(j.Reasons, register.Reason{Code: "not-open", Subject: in.Gate.ID})
	}
	if j.State == Due {
		j.Reasons = append(j.Reasons, register.Reason{Code: "deadline", Subject: in.Gate.ID})
	}
	return j
}

// unseen reports whether asking again may help: what there is is too old, or some of it was never seen.
func unseen(c register.CriterionSeen) bool {
	return c.Reason == "stale" || slices.ContainsFunc(c.Findings, func(f register.Finding) bool {
		return f.Code == checks.Stale || f.Code == checks.Unobserved
	})
}

func state(j Judgement, g *register.GateFacts, now time.Time) State {
	switch {
	case g.Decision != nil && g.Decision.Decision == register.Go:
		return Went
	case g.Decision != nil && g.Decision.Decision == register.NoGo:
		return NoGo
	case !j.OpensAt.IsZero() && now.Before(j.OpensAt): // also where it was asked for an earlier date: no deadline of that one decides it
		return Closed
	case !j.DecideBy.IsZero() && !now.Before(j.DecideBy):
		return Due
	case slices.ContainsFunc(votes(g), func(v register.Vote) bool { return v.Answer == register.HoldVote }):
		return Held
	}
	return Open
}

func votes(g *register.GateFacts) []register.Vote {
	out := make([]register.Vote, 0, len(g.Votes))
	for _, v := range g.Votes {
		out = append(out, v)
	}
	return out
}

// judgePoll lists the answers of the seats asked, in the plan's order, and says which do not count.
func (j *Judgement) judgePoll(in Input, g *register.GateFacts, decider string) {
	spoke := map[string]string{} // person → seat
	if decider != "" {
		spoke[decider] = in.Gate.Decides
	}
	for _, seat := range in.Gate.Poll {
		a := register.PollAnswer{Seat: seat}
		if v, ok := g.Votes[seat]; ok {
			a.Person, a.Answer, a.Remark, a.By, a.Via = v.Actor.Person, v.Answer, v.Remark, v.Actor.EnteredBy, v.Actor.Via
			j.EnteredBy[v.Actor.EnteredBy]++
			a.Void = void(g, v, in, spoke)
			if a.Void == "" {
				spoke[v.Actor.Voice()] = seat
			}
		}
		j.Poll = append(j.Poll, a)
		switch {
		case a.Answer == "":
			j.Reasons = append(j.Reasons, register.Reason{Code: "not-answered", Subject: seat})
		case a.Void != "":
			j.Reasons = append(j.Reasons, register.Reason{Code: a.Void, Subject: seat, Remark: a.Person})
		case a.Answer != register.Ready:
			j.Reasons = append(j.Reasons, register.Reason{Code: "not-ready", Subject: seat, Remark: a.Remark})
		}
	}
}

// void says why an answer does not count: the plan it was given on has changed, or the same person spoke already.
func void(g *register.GateFacts, v register.Vote, in Input, spoke map[string]string) string {
	if !g.Counts(v.PlanHash, in.PlanHash) {
		return "plan-changed"
	}
	if _, twice := spoke[v.Actor.Voice()]; twice {
		return "same-person"
	}
	return ""
}

// Enough reports whether count reaches need: "all", "" (nothing needed) or a percentage such as "98%". Accepted
// deviations stand in for passes here, and only here. Nothing at all to count is never enough.
func Enough(c register.Count, need string) bool {
	if need == "" {
		return true
	}
	if need == "all" {
		need = "100%"
	}
	percent, ok := new(big.Rat).SetString(strings.TrimSuffix(need, "%")) // exact: 33 of 375 are 8.8 %, and in floating point not quite
	if !ok || c.Total == 0 {
		return ok && percent.Sign() == 0
	}
	return new(big.Rat).SetInt64(int64(c.Passed+c.Accepted)*100).Cmp(percent.Mul(percent, new(big.Rat).SetInt64(int64(c.Total)))) >= 0
}
