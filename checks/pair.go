package checks

// Word names how a pair of answers stands. One word, one cell of the table.
type Word string

// The words.
const (
	WordReady        Word = "ready"          // the new side may take over
	WordOK           Word = "ok"             // as it should be in this phase
	WordOKNote       Word = "ok-note"        // new is fine; old was broken
	WordGap          Word = "gap-on-new"     // old lets in, new does not
	WordCommonCause  Word = "common-cause"   // both fail alike: suspect our credential or vantage first
	WordOneFile      Word = "one-file"       // both sides have the same file, and it is not as it should be
	WordBothFailed   Word = "both-failed"    // both fail, each in its own way
	WordRegression   Word = "regression"     // not as expected after the switch, or against the check's own expectation
	WordNoWayBack    Word = "no-way-back"    // switched, and old would not take over again
	WordDown         Word = "down"           // nobody is let in anywhere
	WordOldStillOpen Word = "old-still-open" // closed, yet old lets in
	WordDenyUnproven Word = "deny-unproven"  // old fails, but not in a way that proves a deny
	WordNotObserved  Word = "not-observed"   // we could not look
	WordDiffers      Word = "differs"        // each side is well by itself, but a rule of the check about both does not hold
)

// Words lists the words of a pair, best first.
func Words() []Word {
	return []Word{WordReady, WordOK, WordOKNote, WordOldStillOpen, WordDenyUnproven, WordNotObserved,
		WordDiffers, WordGap, WordRegression, WordNoWayBack, WordOneFile, WordCommonCause, WordBothFailed, WordDown}
}

// Severity is how loud a pair is shown: by shape and word first, by colour last.
type Severity string

// The severities.
const (
	SeverityOK      Severity = "ok"
	SeverityWarn    Severity = "warn"
	SeverityBad     Severity = "bad"
	SeverityUnknown Severity = "unknown"
)

// Whose says on whose side a pair is not as it should be.
type Whose string

// Whose it is. Nobody is the zero value.
const (
	Nobody    Whose = ""
	WhoseOld  Whose = "old"
	WhoseNew  Whose = "new"
	WhoseBoth Whose = "both"
	WhoseOurs Whose = "ours" // our credential, configuration or vantage comes first
)

// PairVerdict is how the answers of both sides compare in a phase.
type PairVerdict struct {
	Word   Word     `json:"word"`
	Also   Word     `json:"also,omitempty"` // a second thing to say: old-still-open beside a regression
	Blocks bool     `json:"blocks"`         // a go decision may not rest on it
	Level  Severity `json:"level"`
	Whose  Whose    `json:"whose,omitempty"`
}

// OK reports whether the pair meets a demand of `pairs: ok`: it does not block, does not regress and was observed.
func (p PairVerdict) OK() bool {
	return !p.Blocks && p.Word != WordNotObserved && p.Word != WordRegression
}

// Differing is the verdict when a rule about a fact of both sides does not hold. It speaks only where the table finds nothing wrong:
// what fails, or was not observed, is said first.
func (p PairVerdict) Differing() PairVerdict {
	if p.Word != WordReady && p.Word != WordOK {
		return p
	}
	return PairVerdict{Word: WordDiffers, Blocks: true, Level: SeverityBad, Whose: WhoseNew}
}

// OneFile is the verdict when both answers are about the same file: that it fails twice is one fault, and points neither at us nor at a
// platform.
func (p PairVerdict) OneFile() PairVerdict {
	switch p.Word {
	case WordCommonCause, WordBothFailed, WordDown:
		p.Word, p.Whose = WordOneFile, WhoseBoth
	}
	return p
}

// TwoFiles is the verdict when the answers are about two files: that both fail alike is two faults, for no file can spoil the other, and
// nothing of ours stands between us and a file.
func (p PairVerdict) TwoFiles() PairVerdict {
	if p.Word == WordCommonCause {
		p.Word, p.Whose = WordBothFailed, WhoseBoth
	}
	return p
}

// Seen is what one side of a pair gave, reduced to what the comparison needs.
type Seen struct {
	Outcome Verdict // what was reached: pass = let in
	Code    Code
	Denied  bool    // the failure proves that the asker is kept out
	Judged  Verdict // Outcome taken against what is expected of this side in this phase
	Stated  bool    // the check itself says what it expects of this side in this phase
}

// Seen reduces a result to what Pair needs, under the check's expectation in the phase the service is in now.
func (r Result) Seen(e Expect, phase Phase) *Seen {
	side := r.Unit.Side
	return &Seen{Outcome: r.Outcome, Code: r.Code, Denied: ProvesDeny(r.Code, r.Facts),
		Judged: r.Judged(e.Of(side, phase)), Stated: e.States(side, phase)}
}

// NotSeen is what Pair needs of a side that is asked but has given no result yet, or only a stale one.
func NotSeen(side Side, e Expect, phase Phase) *Seen {
	return &Seen{Outcome: Unverified, Code: Unobserved, Judged: Unverified, Stated: e.States(side, phase)}
}

// Pair compares what was reached on the old and the new side, for every combination and phase.
//
// A nil side is one the check does not ask (the service has no address there): it is taken to be as wanted. It is not
// a side without a result, which is NotSeen. With both nil nothing was observed.
// Where the check states its own expectation for either side in this phase, both are first judged against what is
// expected of them, and the pair says only whose side is not as expected.
func Pair(old, new *Seen, phase Phase) PairVerdict {
	if old == nil && new == nil {
		return notObserved(unseen, unseen, phase == Before || phase == Switching)
	}
	if old != nil && old.Stated || new != nil && new.Stated {
		return ownExpect(old, new, phase)
	}
	o, n := stateOf(old, phase == Closed), stateOf(new, false)
	var v PairVerdict
	switch phase {
	case Fallback:
		v = inFallback(o, n)
	case Closed:
		v = afterClose(o, n, sameCode(old, new))
	default:
		v = beforeSwitch(o, n, sameCode(old, new))
	}
	return noted(v, old, new)
}

// state is an answer as the table reads it.
type state int

const (
	in      state = iota // let in
	out                  // not let in
	outHard              // not let in, and proven to be a deny; asked only of old in Closed
	unseen               // we could not look
	broken               // ours is broken
)

// stateOf reads an answer; proven says whether a proven deny is told apart from other failures.
func stateOf(s *Seen, proven bool) state {
	switch {
	case s == nil && proven:
		return outHard
	case s == nil:
		return in
	case s.Outcome == Pass, s.Outcome == Warn:
		return in
	case s.Outcome == Fail && proven && s.Denied:
		return outHard
	case s.Outcome == Fail:
		return out
	case s.Outcome == Error:
		return broken
	}
	return unseen
}

func (s state) blind() bool { return s == unseen || s == broken }

func sameCode(old, new *Seen) bool { return old != nil && new != nil && old.Code == new.Code }

// beforeSwitch is the table for Before and Switching: new must become able, old carries the users.
// An old side that is broken or unseen does not hold the move up; a new side that is, does.
func beforeSwitch(o, n state, same bool) PairVerdict {
	switch {
	case n.blind():
		return notObserved(o, n, true)
	case n == in && o == in:
		return PairVerdict{Word: WordReady, Level: SeverityOK}
	case n == in && o == out:
		return PairVerdict{Word: WordOKNote, Level: SeverityWarn, Whose: WhoseOld}
	case n == in:
		return notObserved(o, n, false)
	case o == out && same:
		return PairVerdict{Word: WordCommonCause, Blocks: true, Level: SeverityBad, Whose: WhoseOurs}
	case o == out:
		return PairVerdict{Word: WordBothFailed, Blocks: true, Level: SeverityBad, Whose: WhoseBoth}
	}
	return PairVerdict{Word: WordGap, Blocks: true, Level: SeverityBad, Whose: WhoseNew}
}

// inFallback is the table for Fallback: new carries the users, old must be able to take them back.
func inFallback(o, n state) PairVerdict {
	switch {
	case n.blind():
		return notObserved(o, n, o == out) // an old side that fails leaves no way back, whatever new does
	case n == in && o == in:
		return PairVerdict{Word: WordOK, Level: SeverityOK}
	case n == in && o == out:
		return PairVerdict{Word: WordNoWayBack, Blocks: true, Level: SeverityBad, Whose: WhoseOld}
	case n == in:
		return notObserved(o, n, false)
	case o == out:
		return PairVerdict{Word: WordDown, Blocks: true, Level: SeverityBad, Whose: WhoseBoth}
	}
	return regression(WhoseNew)
}

// afterClose is the table for Closed: new carries the users, old must deny.
func afterClose(o, n state, same bool) PairVerdict {
	switch {
	case n.blind():
		return notObserved(o, n, false)
	case n == in && o == in:
		return PairVerdict{Word: WordOldStillOpen, Level: SeverityWarn, Whose: WhoseOld}
	case n == in && o == outHard:
		return PairVerdict{Word: WordOK, Level: SeverityOK}
	case n == in && o == out:
		return PairVerdict{Word: WordDenyUnproven, Level: SeverityWarn, Whose: WhoseOld}
	case n == in:
		return notObserved(o, n, false)
	case o == in:
		v := regression(WhoseBoth)
		v.Also = WordOldStillOpen
		return v
	case !o.blind() && same:
		return PairVerdict{Word: WordDown, Blocks: true, Level: SeverityBad, Whose: WhoseBoth}
	}
	return regression(WhoseNew)
}

// ownExpect is the table of checks that state their own expectation: both as expected is ok, one that is not is its side's regression.
func ownExpect(old, new *Seen, phase Phase) PairVerdict {
	o, n := judged(old), judged(new)
	oldBad, newBad := o == out, n == out
	early := phase == Before || phase == Switching
	switch {
	case oldBad && newBad && early && sameCode(old, new) && old.Code != OK:
		return PairVerdict{Word: WordCommonCause, Blocks: true, Level: SeverityBad, Whose: WhoseOurs}
	case oldBad && newBad:
		return PairVerdict{Word: WordBothFailed, Blocks: true, Level: SeverityBad, Whose: WhoseBoth}
	case newBad:
		return regression(WhoseNew)
	case n.blind():
		return notObserved(o, n, early || oldBad)
	case oldBad:
		return regression(WhoseOld)
	case o.blind():
		return notObserved(o, n, false)
	}
	return noted(PairVerdict{Word: WordOK, Level: SeverityOK}, old, new)
}

// judged reads an answer as "as expected" (in), "not as expected" (out) or not observed.
func judged(s *Seen) state {
	if s == nil {
		return in
	}
	return stateOf(&Seen{Outcome: s.Judged}, false)
}

func regression(whose Whose) PairVerdict {
	return PairVerdict{Word: WordRegression, Blocks: true, Level: SeverityBad, Whose: whose}
}

func notObserved(o, n state, blocks bool) PairVerdict {
	v := PairVerdict{Word: WordNotObserved, Blocks: blocks, Level: SeverityUnknown}
	switch {
	case o == broken || n == broken:
		v.Whose = WhoseOurs
	case o.blind() && n.blind():
		v.Whose = WhoseBoth
	case n.blind():
		v.Whose = WhoseNew
	default:
		v.Whose = WhoseOld
	}
	return v
}

// noted raises a good pair to a warning when a side passed with something to look at.
func noted(v PairVerdict, old, new *Seen) PairVerdict {
	warnOld, warnNew := old != nil && old.Outcome == Warn, new != nil && new.Outcome == Warn
	if v.Level != SeverityOK || !warnOld && !warnNew {
		return v
	}
	v.Level = SeverityWarn
	switch {
	case warnOld && warnNew:
		v.Whose = WhoseBoth
	case warnOld:
		v.Whose = WhoseOld
	default:
		v.Whose = WhoseNew
	}
	return v
}
