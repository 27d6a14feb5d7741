package matrix

import (
	"cmp"
	"slices"
	"time"

	"skift/checks"
	"skift/internal/register"
)

// Reason says why an answer does not count.
type Reason string

// The reasons. The zero value means that it counts.
const (
	Counts       Reason = ""
	TooOld       Reason = "too-old"
	OtherConfig  Reason = "other-config" // something else was asked then: another address book, bundle or date
	NeverSeen    Reason = "never-seen"
	NoValue      Reason = "no-value"   // not asked: the flow's column that is asked with is empty
	NoVantage    Reason = "no-vantage" // never seen, and there is no vantage here to see it from
	IsPaused     Reason = "paused"     // not asked: probing of a party was paused
	NeedsConsent Reason = "consent"    // not asked: the target's party has not agreed
)

// Answer is the last that is known of one unit, and what it is worth now.
type Answer struct {
	Unit
	Last      *register.Interval // what was last seen, also when it no longer counts; nil = nothing
	Outcome   checks.Verdict     // what was reached: unverified when Last does not count
	Verdict   checks.Verdict     // Outcome taken against what is wanted in the present phase
	Code      checks.Code
	Reason    Reason
	Deviation *register.Deviation // accepted and in force; it never changes a verdict
	Attempts  []Attempt           // the last answers, oldest first, of one that is as wanted
	Flapping  int                 // how many of Attempts were not as wanted; then Verdict is a warning
	// IdleSince is when the entry on the allow-list was last seen working, where that is so long ago that it may be deleted; zero = it is not.
	IdleSince time.Time
	// Pause is what keeps the unit from being asked now; the zero value is none.
	Pause Pause
	// SparedUntil is until when no schedule asks, because the login was refused a short while ago; zero = it may.
	SparedUntil time.Time

	seen  checks.Seen
	facts map[string]string // of what is shown
}

// Passed reports whether the unit is as wanted. A warning is.
func (a Answer) Passed() bool { return a.Verdict == checks.Pass || a.Verdict == checks.Warn }

// At is when the unit was last asked; zero = never.
func (a Answer) At() time.Time {
	if a.Last == nil {
		return time.Time{}
	}
	return a.Last.Until
}

// SideView is one side of a pair: every address asked, and the one the verdict rests on. Worst is nil when the side has no address.
type SideView struct {
	Answers []Answer
	Worst   *Answer
}

// Pair is what both sides answered to the same question from the same place for the same flow.
type Pair struct {
	Check, Vantage, Flow string
	Service, Party       string // Party: whose flow; "" = nobody's in particular
	Spec                 *checks.Spec
	Phase                checks.Phase
	Verdict              checks.PairVerdict
	Old, New             SideView
	AsOf                 time.Time // the older of what the verdict rests on; zero = something was never seen
	Deviations           []*register.Deviation
	Differences          []Difference // between the two answers the verdict rests on

	rules []checks.Comparison // what the check demands of both sides together
}

// Side returns one side's view.
func (p *Pair) Side(side checks.Side) *SideView {
	if side == checks.Old {
		return &p.Old
	}
	return &p.New
}

// Fresh reports whether every answer of the pair counts.
func (p *Pair) Fresh() bool {
	for _, side := range checks.Sides() {
		for _, a := range p.Side(side).Answers {
			if a.Reason != Counts {
				return false
			}
		}
	}
	return true
}

// Matrix is the comparison, worst pair first.
type Matrix struct {
	Environment string
	Pairs       []Pair
}

// Compare judges the last answers of the scope. Of several intervals of a unit the newest counts, and the others say whether the
// unit flaps; those of units outside the scope are ignored.
func (s Scope) Compare(recent []register.Interval) Matrix {
	known := make(map[checks.Unit][]*register.Interval, len(recent))
	for i := range recent {
		known[recent[i].Unit] = append(known[recent[i].Unit], &recent[i])
	}
	m := Matrix{Environment: s.Environment}
	refused := s.refused(recent, s.AuthWait)
	index := map[string]int{}
	for _, u := range s.Units() {
		i, ok := index[u.pair]
		if !ok {
			i = len(m.Pairs)
			index[u.pair] = i
			m.Pairs = append(m.Pairs, Pair{Check: u.Check, Vantage: s.places(u), Flow: u.Flow,
				Service: u.Spec.Service, Party: u.Party(), Spec: u.Spec, Phase: u.Phase, rules: u.Spec.Comparisons()})
		}
		side := m.Pairs[i].Side(u.Side)
		a := s.answer(u, known[u.Unit])
		if l, ok := u.login(); ok {
			a.SparedUntil = refused[l]
		}
		side.Answers = append(side.Answers, a)
	}
	m.elsewhere()
	s.decays(&m)
	for i := range m.Pairs {
		m.Pairs[i].judge()
	}
	slices.SortStableFunc(m.Pairs, func(a, b Pair) int {
		return cmp.Or(worse(a.Verdict, b.Verdict), critical(b)-critical(a))
	})
	return m
}

func critical(p Pair) int {
	if p.Spec.Critical {
		return 1
	}
	return 0
}

// newest is the interval that ended last; nil = there is none.
func newest(intervals []*register.Interval) *register.Interval {
	var last *register.Interval
	for _, i := range intervals {
		if last == nil || i.Until.After(last.Until) {
			last = i
		}
	}
	return last
}

// answer says what the last interval of a unit is worth now.
func (s Scope) answer(u Unit, intervals []*register.Interval) Answer {
	last := newest(intervals)
	a := Answer{Unit: u, Last: last, Deviation: s.deviation(u)}
	r := checks.Result{Unit: u.Unit, Outcome: checks.Unverified, Code: checks.Unobserved}
	switch {
	case last == nil && u.From == nil:
		a.Reason = NoVantage
	case u.lacksValue():
		a.Reason, r.Code = NoValue, checks.Skipped
	case s.pause(u).Party != "" && (last == nil || last.Brought.By == ""):
		a.Reason, r.Code = IsPaused, checks.Skipped
	case last == nil && len(u.Missing) > 0:
		a.Reason, r.Code = NeedsConsent, checks.Skipped
	case last == nil:
		a.Reason = NeverSeen
	case s.Now.Sub(last.Until) > MaxAge(u.Spec):
		a.Reason, r.Code = TooOld, checks.Stale
	case last.ConfigHash != u.ask.Hash():
		a.Reason, r.Code = OtherConfig, checks.Stale
	default:
		r = last.Result
		if r.Code == checks.Skipped {
			a.Reason = NeverSeen
		}
		if r.Code == checks.Skipped && len(u.Missing) > 0 {
			a.Reason = NeedsConsent
		}
		if r.Code == checks.Skipped && r.Facts[FactPaused] != "" {
			a.Reason = IsPaused
		}
	}
	a.Pause = s.pause(u)
	a.take(r)
	a.flap(s.attempts(u, intervals))
	return a
}

// take judges a result in the unit's present phase.
func (a *Answer) take(r checks.Result) {
	a.Outcome, a.Code, a.facts = r.Outcome, r.Code, r.Facts
	a.Verdict = r.Judged(a.Want)
	a.seen = *r.Seen(a.Spec.Expect, a.Phase)
}

// lacksValue reports whether a column of the flow that is asked with is empty: there is nothing to ask then.
func (u Unit) lacksValue() bool {
	return u.For != nil && slices.ContainsFunc(u.Spec.Columns(), func(c string) bool { return u.For.Columns[c] == "" })
}

// deviation finds the accepted deviation in force that covers the unit, the one that lasts longest if there are several.
func (s Scope) deviation(u Unit) *register.Deviation {
	if s.Facts == nil {
		return nil
	}
	var best *register.Deviation
	for _, d := range s.Facts.Deviations {
		covers := d.Check == u.Check && (d.Side == "" || d.Side == u.Side) && (d.Flow == "" || d.Flow == u.Flow)
		if covers && d.InForce(s.Now) && (best == nil || d.Until.After(best.Until)) {
			best = d
		}
	}
	return best
}

// judge takes the worst of every combination of an old and a new address: a platform that is active on two sites is as good as the
// site its users happen to reach.
func (p *Pair) judge() {
	first := true
	for _, o := range orNone(p.Old.Answers) {
		for _, n := range orNone(p.New.Answers) {
			v := p.compare(o, n)
			if first || worse(v, p.Verdict) < 0 {
				first, p.Verdict, p.Old.Worst, p.New.Worst = false, v, o, n
			}
		}
	}
	p.Differences = differences(p.rules, p.Old.Worst, p.New.Worst)
	p.markDiffering()
	for _, a := range []*Answer{p.Old.Worst, p.New.Worst} {
		if a == nil {
			continue
		}
		if a.Last == nil {
			p.AsOf = time.Time{}
			break
		}
		if p.AsOf.IsZero() || a.At().Before(p.AsOf) {
			p.AsOf = a.At()
		}
	}
	for _, side := range checks.Sides() {
		for _, a := range p.Side(side).Answers {
			if a.Deviation != nil && !slices.Contains(p.Deviations, a.Deviation) {
				p.Deviations = append(p.Deviations, a.Deviation)
			}
		}
	}
}

// orNone points at each answer; a side without an address is the one answer nil.
func orNone(answers []Answer) []*Answer {
	if len(answers) == 0 {
		return []*Answer{nil}
	}
	out := make([]*Answer, len(answers))
	for i := range answers {
		out[i] = &answers[i]
	}
	return out
}

func seenOf(a *Answer) *checks.Seen {
	if a == nil {
		return nil
	}
	return &a.seen
}

// worse orders verdicts, worst first: what blocks, then how loud it is, then by word.
func worse(a, b checks.PairVerdict) int {
	return cmp.Or(
		cmp.Compare(rank(b), rank(a)),
		cmp.Compare(slices.Index(checks.Words(), b.Word), slices.Index(checks.Words(), a.Word)))
}

func rank(v checks.PairVerdict) int {
	n := slices.Index([]checks.Severity{checks.SeverityOK, checks.SeverityWarn, checks.SeverityUnknown, checks.SeverityBad}, v.Level)
	if v.Blocks {
		n += 10
	}
	return n
}
