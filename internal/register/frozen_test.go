package register_test

import (
	"testing"
	"time"

	"skift/internal/journal"
	"skift/internal/register"
)

// What is known of frozen zones may be looked at while the journal goes on: an exception that is confirmed meanwhile is not in it.
func TestFrozenIsACopy(t *testing.T) {
	t.Parallel()
	at := time.Date(2019, 8, 1, 12, 0, 0, 0, time.UTC)
	var f register.Facts
	apply := func(seq int64, kind, seat, person string, body any) {
		t.Helper()
		e := journal.Event{Plan: "p", Seq: seq, At: at, Kind: kind, Subject: "z", Actor: journal.Actor{Seat: seat, Person: person}, Body: register.Body(body)}
		if err := f.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	apply(1, register.WaiverAsked, "kombit/chair", "a", register.Waiver{Class: "fix", Until: at.Add(time.Hour)})
	kept := f.Frozen()
	apply(2, register.WaiverConfirmed, "ibm/operator", "b", register.Confirmed{Event: 1})
	if len(kept.Waivers) != 1 || !kept.Waivers[0].ConfirmedAt.IsZero() {
		t.Errorf("kept: %+v", kept.Waivers)
	}
	if f.Waivers[0].ConfirmedAt.IsZero() {
		t.Error("the journal did not go on")
	}
}
