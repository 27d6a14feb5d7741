package register_test

import (
	"testing"
	"time"

	"skift/checks"
	"skift/internal/journal"
	"skift/internal/register"
)

// What is known of frozen zones may be looked at while the journal goes on: an exception that is confirmed meanwhile is not in it, nor is a unit
// that was seen or a difference that was asked.
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
	u := checks.Unit{Check: "cert", Side: checks.Old, Addr: "192.0.2.1:443"}
	base := register.Baseline{Since: at, Facts: []map[string]string{{"serial": "1"}}, Units: []register.Showing{{Unit: u}}}
	asked := register.DriftQuestion{ID: "a", Unit: u}
	apply(10, register.ZoneBaseline, "", "", base)
	apply(11, register.DriftAsked, "", "", asked)
	kept := f.Frozen()
	apply(2, register.WaiverConfirmed, "ibm/operator", "b", register.Confirmed{Event: 1})
	if len(kept.Waivers) != 1 || !kept.Waivers[0].ConfirmedAt.IsZero() {
		t.Errorf("kept: %+v", kept.Waivers)
	}
	base.Units[0].Unit.Addr, asked.ID = "192.0.2.2:443", "b"
	apply(12, register.ZoneBaseline, "", "", base)
	apply(13, register.DriftAsked, "", "", asked)
	if z := kept.Zones["z"]; len(z.Held) != 1 || len(z.Events) != 1 || len(kept.Asked()) != 1 {
		t.Errorf("kept: %+v", z)
	}
	if len(f.Zones["z"].Held) != 2 || len(f.Asked()) != 2 {
		t.Error("the journal did not go on")
	}
	if f.Waivers[0].ConfirmedAt.IsZero() {
		t.Error("the journal did not go on")
	}
}
