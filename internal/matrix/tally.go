package matrix

import (
	"time"

	"skift/checks"
	"skift/internal/register"
)

// Evidence is what the units of a matrix add up to, for a gate. Units are counted, not pairs: each side and address by itself.
// Unverified, error and never seen ones are in Total and never in Passed.
type Evidence struct {
	Critical, Others register.Count
	AsOf             time.Time          // the oldest answer among those that count; zero = none counts
	Findings         []register.Finding // units neither as wanted nor accepted, those of the worst pairs and, in a pair, what its verdict rests on first
}

// Tally counts the units. A unit that is not as wanted and that an accepted deviation in force covers is counted as accepted,
// whatever kept it from passing: who accepted that it fails has accepted that it is not seen.
func (m Matrix) Tally() Evidence { return m.TallyOn("") }

// TallyOn is Tally of one side; "" = of both.
func (m Matrix) TallyOn(side checks.Side) Evidence {
	var e Evidence
	for i := range m.Pairs {
		p := &m.Pairs[i]
		count := &e.Others
		if p.Spec.Critical {
			count = &e.Critical
		}
		for _, a := range p.worstFirst() {
			if side != "" && a.Side != side {
				continue
			}
			count.Total++
			switch {
			case a.Passed():
				count.Passed++
			case a.Deviation != nil:
				count.Accepted++
			default:
				e.Findings = append(e.Findings, m.finding(p, a))
			}
			if a.Reason == Counts && (e.AsOf.IsZero() || a.At().Before(e.AsOf)) {
				e.AsOf = a.At()
			}
		}
	}
	return e
}

// PairsOK is what `pairs: ok` asks: no pair blocks, regresses or is not observed. Nothing compared proves nothing.
func PairsOK(pairs []Pair) bool {
	for i := range pairs {
		if !pairs[i].Verdict.OK() {
			return false
		}
	}
	return len(pairs) > 0
}

// AllPass reports whether every unit of a side ("" = of both) is as wanted. No unit at all proves nothing.
func (m Matrix) AllPass(side checks.Side) bool {
	any := false
	for i := range m.Pairs {
		for _, s := range checks.Sides() {
			if side != "" && s != side {
				continue
			}
			for _, a := range m.Pairs[i].Side(s).Answers {
				if !a.Passed() {
					return false
				}
				any = true
			}
		}
	}
	return any
}
