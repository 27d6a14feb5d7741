package journal

import (
	"fmt"
	"iter"
	"strings"
)

// Record is an event as it is stored: with the leaf hash written beside it. The
// hash proves nothing by itself, whoever changes the event can change it too,
// but it names the event when only one of the two was changed.
type Record struct {
	Event
	Leaf Hash
}

// Problem is one thing that is wrong with a journal.
type Problem struct {
	Seq  int64 // the first event concerned; 0 when it is the journal as a whole
	Text string
}

// Report is what [Verify] found.
type Report struct {
	Plan     string
	Events   int64     // how many events were read
	Stored   Head      // what the journal says of itself
	Held     *Head     // what it was compared with, if anything
	Problems []Problem // the first of them is where to begin to look; at most maxProblems
}

// maxProblems keeps the report of a ruined journal readable.
const maxProblems = 20

// OK reports whether nothing is wrong.
func (r Report) OK() bool { return len(r.Problems) == 0 }

// String says in whole sentences, one per line, what was found.
func (r Report) String() string {
	if !r.OK() {
		var b strings.Builder
		fmt.Fprintf(&b, "the journal of plan %s cannot be trusted:", r.Plan)
		for _, p := range r.Problems {
			b.WriteString("\n  " + p.Text)
		}
		return b.String()
	}
	if r.Held == nil {
		return fmt.Sprintf("the journal of plan %s is consistent with itself (%d events); only a head held from earlier can prove that nothing was rewritten", r.Plan, r.Events)
	}
	return fmt.Sprintf("the journal of plan %s (%d events) holds the %d events of the held head unchanged and is consistent with itself", r.Plan, r.Events, r.Held.Size)
}

// Verify reads the journal of plan from its first event on and compares it with
// what was stored of its tree and, unless held is nil, with a head that somebody
// kept from earlier. The error is that of records; everything wrong with the
// journal itself is in the report.
func Verify(plan string, records iter.Seq2[Record, error], stored Frontier, held *Head) (Report, error) {
	v := verifier{
		report: Report{Plan: plan, Stored: stored.Head(plan), Held: held},
		whole:  true,
	}
	v.noteHeld()
	for rec, err := range records {
		if err != nil {
			return v.report, err
		}
		v.add(rec)
	}
	v.finish(stored)
	return v.report, nil
}

type verifier struct {
	report   Report
	tree     Frontier // of the events as they are now
	last     int64    // Seq of the last event read
	whole    bool     // no gap so far, so that the tree means something
	heldRoot Hash     // of tree when it had the size of the held head
}

func (v *verifier) problem(seq int64, format string, args ...any) {
	if len(v.report.Problems) < maxProblems {
		v.report.Problems = append(v.report.Problems, Problem{seq, fmt.Sprintf(format, args...)})
	}
}

func (v *verifier) noteHeld() {
	if held := v.report.Held; held != nil && held.Size == v.tree.Size() {
		v.heldRoot = v.tree.Root()
	}
}

func (v *verifier) add(rec Record) {
	v.report.Events++
	switch next := v.last + 1; {
	case rec.Seq > next:
		v.whole = false
		v.problem(next, "%s missing: the next one stored is event %d", span(next, rec.Seq-1), rec.Seq)
	case rec.Seq < next:
		v.whole = false
		v.problem(rec.Seq, "event %d stands after event %d", rec.Seq, v.last)
	}
	v.last = rec.Seq
	if rec.Plan != v.report.Plan {
		v.problem(rec.Seq, "event %d belongs to plan %q", rec.Seq, rec.Plan)
	}
	leaf := LeafHash(rec.Event)
	if leaf != rec.Leaf {
		v.problem(rec.Seq, "event %d (%s) differs from the leaf hash stored with it: one of the two was changed", rec.Seq, describe(rec.Event))
	}
	v.tree.Append(leaf)
	v.noteHeld()
}

func (v *verifier) finish(stored Frontier) {
	size := stored.Size()
	switch {
	case v.last < size:
		v.whole = false
		v.problem(v.last+1, "%s missing at the end: the journal says it has %d", span(v.last+1, size), size)
	case v.last > size:
		v.problem(size+1, "%s stored, but the journal says it has %d", span(size+1, v.last), size)
	case v.whole && v.report.OK():
		if first, last, differ := v.tree.differs(stored); differ {
			v.problem(first, "%s rewritten together with the hashes: the tree has another root than the journal says", span(first, last))
		}
	}
	v.compareHeld()
}

func (v *verifier) compareHeld() {
	held := v.report.Held
	switch {
	case held == nil:
	case held.Plan != v.report.Plan:
		v.problem(0, "the held head is of plan %q, this journal is of plan %q", held.Plan, v.report.Plan)
	case held.Size > v.last:
		v.problem(v.last+1, "rolled back or truncated: the held head was taken at %d events, the journal ends at %d", held.Size, v.last)
	case v.whole && v.heldRoot != held.Root:
		v.problem(0, "the first %d events are not those of the held head: at least one of them was changed since", held.Size)
	}
}

// describe names an event for people. It is cut short and quoted where needed
// because a changed event may hold anything.
func describe(e Event) string {
	s := e.Kind
	if e.Subject != "" {
		s += " " + e.Subject
	}
	return strings.Trim(fmt.Sprintf("%.80q", s), `"`)
}

func span(first, last int64) string {
	if first == last {
		return fmt.Sprintf("event %d is", first)
	}
	return fmt.Sprintf("events %d–%d are", first, last)
}
