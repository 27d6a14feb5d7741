package register

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"skift/checks"
	"skift/internal/journal"
)

// The kinds of event about what changes while a zone is in force. Event.Subject names the zone.
const (
	ZoneBaseline  = "zone.baseline"  // what units showed when it began, or when they were first seen in it
	DriftAsked    = "drift.asked"    // a unit shows something else, and its owner is asked
	DriftExcepted = "drift.excepted" // a unit shows something else, and an exception covers it: nobody is asked
	DriftAnswered = "drift.answered" // a person says what a difference is
)

// Baseline is the body of zone.baseline. It holds the facts themselves: observations are removed after a while, and a difference is told by what
// was before.
type Baseline struct {
	Since  time.Time           `json:"since"`  // when the zone came into force
	Digest string              `json:"digest"` // hex SHA-256 over each unit, of when its facts are, and these
	Facts  []map[string]string `json:"facts"`  // each once, however many units show them
	Units  []Showing           `json:"units"`
}

// Showing is that a unit shows facts; of one that was seen before, those that it did not show then.
type Showing struct {
	Unit  checks.Unit `json:"unit"`
	At    time.Time   `json:"at"`    // of when they are
	Facts int         `json:"facts"` // which of the facts of the baseline
}

// DriftQuestion is the body of drift.asked and drift.excepted: everything that the owner is asked.
type DriftQuestion struct {
	ID        string            `json:"id"` // names this difference
	Unit      checks.Unit       `json:"unit"`
	Service   string            `json:"service,omitempty"`
	Owner     string            `json:"owner"`               // the party
	Seat      string            `json:"seat,omitempty"`      // of the owner, who is asked; missing where it has none
	Baseline  time.Time         `json:"baseline"`            // of when the facts before are
	Since     time.Time         `json:"since"`               // when the difference was seen first
	By        time.Time         `json:"answer_by,omitzero"`  // missing where nobody is asked
	Exception int64             `json:"exception,omitempty"` // event of the exception that covers it
	Before    map[string]string `json:"before"`
	After     map[string]string `json:"after"`
}

// DriftWord is what a person makes of a difference.
type DriftWord string

// The words.
const (
	Breach   DriftWord = "breach"   // somebody changed what the zone protects
	Expected DriftWord = "expected" // it was known and is well: from now on the new facts are what is compared with
)

// DriftAnswer is the body of drift.answered. It holds the difference itself, so that the journal shows what was answered.
type DriftAnswer struct {
	ID     string            `json:"id"`
	Unit   checks.Unit       `json:"unit"`
	Before map[string]string `json:"before"`
	After  map[string]string `json:"after"`
	Word   DriftWord         `json:"state"`
	Reason string            `json:"reason"`
}

// DriftFacts is an answer that was given.
type DriftFacts struct {
	DriftAnswer
	Zone  string        `json:"zone"`
	Seq   int64         `json:"event"`
	At    time.Time     `json:"at"`
	Actor journal.Actor `json:"actor"`
}

// ZoneFacts is what is known of units that a zone protects.
type ZoneFacts struct {
	Since  time.Time                     // of the baseline: when the zone came into force
	Held   map[checks.Unit]Held          // the baseline
	Asked  map[checks.Unit][]*AskedFacts // the differences of each unit, oldest first
	Events []int64                       // those that say what the baseline is
}

// Held is what a unit showed.
type Held struct {
	At    time.Time
	Facts map[string]string    // shared: not to be changed
	Later map[string]time.Time // of when those facts are that were not seen at first; shared too
}

// Of is of when the youngest of these facts is.
func (h Held) Of(facts map[string]string) time.Time {
	at := h.At
	for k := range facts {
		if later, ok := h.Later[k]; ok && later.After(at) {
			at = later
		}
	}
	return at
}

// with adds facts that were not seen before.
func (h Held) with(u Showing, facts map[string]string) Held {
	out := Held{h.At, maps.Clone(h.Facts), maps.Clone(h.Later)}
	if out.Later == nil {
		out.Later = map[string]time.Time{}
	}
	for k, v := range facts {
		if _, known := h.Facts[k]; !known {
			out.Facts[k], out.Later[k] = v, u.At
		}
	}
	return out
}

// AskedFacts is a difference that was found, and asked about unless an exception covers it.
type AskedFacts struct {
	DriftQuestion
	Zone string
	Seq  int64
	At   time.Time
}

// Drift returns the last answer to a question; nil = nobody has answered.
func (f *Facts) Drift(id string) *DriftFacts {
	for _, d := range slices.Backward(f.Drifts) {
		if d.ID == id {
			return d
		}
	}
	return nil
}

// Asked lists every difference that was found in a zone, oldest first.
func (f *Facts) Asked() (out []*AskedFacts) {
	for _, z := range f.Zones {
		for _, of := range z.Asked {
			out = append(out, of...)
		}
	}
	slices.SortFunc(out, func(a, b *AskedFacts) int { return cmp.Compare(a.Seq, b.Seq) })
	return out
}

// clone returns a copy that stays as it is. What it holds of one unit is never changed.
func (z *ZoneFacts) clone() *ZoneFacts {
	c := &ZoneFacts{Since: z.Since, Held: maps.Clone(z.Held), Asked: maps.Clone(z.Asked), Events: slices.Clip(z.Events)}
	for u, asked := range c.Asked {
		c.Asked[u] = slices.Clip(asked)
	}
	return c
}

// zone is what is known of units that a zone protects.
func (f *Facts) zone(id string) *ZoneFacts {
	if f.Zones[id] == nil {
		f.putZone(id, &ZoneFacts{Held: map[checks.Unit]Held{}, Asked: map[checks.Unit][]*AskedFacts{}})
	}
	return f.Zones[id]
}

func (f *Facts) putZone(id string, z *ZoneFacts) {
	if f.Zones == nil {
		f.Zones = map[string]*ZoneFacts{}
	}
	f.Zones[id] = z
}

// applyBaseline adds to the baseline of a zone. One that came into force at another time has another baseline.
func (f *Facts) applyBaseline(e journal.Event, b Baseline) error {
	z := f.zone(e.Subject)
	if !z.Since.Equal(b.Since) {
		z.Since, z.Held, z.Events = b.Since, map[checks.Unit]Held{}, nil
	}
	for _, u := range b.Units {
		if u.Facts < 0 || u.Facts >= len(b.Facts) {
			return fmt.Errorf("%s shows facts %d of %d", u.Unit, u.Facts, len(b.Facts))
		}
		if held, known := z.Held[u.Unit]; known {
			z.Held[u.Unit] = held.with(u, b.Facts[u.Facts])
		} else {
			z.Held[u.Unit] = Held{At: u.At, Facts: b.Facts[u.Facts]}
		}
	}
	z.Events = append(z.Events, e.Seq)
	return nil
}

func (f *Facts) applyAsked(e journal.Event, b DriftQuestion) error {
	z := f.zone(e.Subject)
	z.Asked[b.Unit] = append(z.Asked[b.Unit], &AskedFacts{DriftQuestion: b, Zone: e.Subject, Seq: e.Seq, At: e.At})
	return nil
}

func (f *Facts) applyDrift(e journal.Event, b DriftAnswer) error {
	f.Drifts = append(f.Drifts, &DriftFacts{DriftAnswer: b, Zone: e.Subject, Seq: e.Seq, At: e.At, Actor: e.Actor})
	return nil
}
