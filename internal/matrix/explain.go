package matrix

import "skift/checks"

// AnswerWhy is one address with what its answer means, also when it is as wanted.
type AnswerWhy struct {
	Answer Answer
	Why    SideWhy
	Stated bool // the check itself says what it wants of this side in this phase; else the phase does
}

// Answers explains every address of a pair, what the verdict rests on first.
func (m Matrix) Answers(p Pair) []AnswerWhy {
	out := []AnswerWhy{}
	for _, a := range p.worstFirst() {
		out = append(out, AnswerWhy{a, m.sideWhy(&p, a), a.Spec.Expect.States(a.Side, a.Phase)})
	}
	return out
}

// Current reports whether the last answer is one to the question that is asked now.
func (a Answer) Current() bool { return a.Last != nil && a.Last.ConfigHash == a.ask.Hash() }

// Asked is the question as it would be put now: from which address, to which name.
func (a Answer) Asked() checks.Ask { return a.ask }
