package register

import (
	"slices"
	"time"

	"skift/checks"
	"skift/internal/journal"
)

// DriftAnswered is the kind of event by which a person says what a difference in a frozen zone is. Event.Subject names the zone.
const DriftAnswered = "drift.answered"

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

// Drift returns the last answer to a question; nil = nobody has answered.
func (f *Facts) Drift(id string) *DriftFacts {
	for _, d := range slices.Backward(f.Drifts) {
		if d.ID == id {
			return d
		}
	}
	return nil
}

func (f *Facts) applyDrift(e journal.Event, b DriftAnswer) error {
	f.Drifts = append(f.Drifts, &DriftFacts{DriftAnswer: b, Zone: e.Subject, Seq: e.Seq, At: e.At, Actor: e.Actor})
	return nil
}
