package snapshot_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"skift/checks"
	"skift/internal/register"
	"skift/internal/snapshot"
)

// differing is the weekend with a question to each supplier, of which the new one's is answered.
func differing(t *testing.T) snapshot.In {
	in := weekendStory(t)
	f := &facts{register: *in.Register}
	for _, side := range checks.Sides() {
		party := map[checks.Side]string{checks.Old: "oldco", checks.New: "newco"}[side]
		f.add(t, 30*time.Hour, register.DriftAsked, "", "freeze", "", register.DriftQuestion{ID: "id-" + party, Owner: party, Seat: party + "/operator", Service: "gateway",
			Unit: checks.Unit{Check: "cert", Side: side, Addr: "192.0.2.1:443"}, Since: now.Add(-30 * time.Hour), By: now.Add(-6 * time.Hour),
			Before: map[string]string{"serial": canary(party, "before")}, After: map[string]string{"serial": canary(party, "after")}})
	}
	f.add(t, time.Hour, register.DriftAnswered, "", "freeze", "customer/chair", register.DriftAnswer{ID: "id-newco", Word: register.Breach, Reason: canary("customer", "answer")})
	in.Register = &f.register
	return in
}

// TestDifferencesAreOwed: who owes a word about what changed in a frozen zone, by when, and that this is late.
func TestDifferencesAreOwed(t *testing.T) {
	t.Parallel()
	s := snapshot.Build(differing(t))
	var owed []snapshot.Needed
	for _, n := range s.Needed {
		if n.Kind == snapshot.NeedDrift {
			owed = append(owed, n)
		}
	}
	if len(owed) != 1 || owed[0].Subject != "id-oldco" || owed[0].Seat != "oldco/operator" || owed[0].Person != "p-old" || !owed[0].By.Before(now) {
		t.Errorf("owed: %+v", owed)
	}
	why := map[string]string{}
	for _, r := range s.Status.Reasons {
		why[r.Code] = r.Owner
	}
	if why[snapshot.WhyDrift] != "oldco" || why[snapshot.WhyBreach] != "newco" {
		t.Errorf("the light does not say so: %v", why)
	}
}

// TestDifferencesOfOthers: a party sees what it is asked itself, and not the words of others about it.
func TestDifferencesOfOthers(t *testing.T) {
	t.Parallel()
	for viewer, want := range map[string]int{"": 2, "customer": 2, "oldco": 1, "newco": 1, "t1": 0, "stranger": 0} {
		in := differing(t)
		in.Viewer = viewer
		s := snapshot.Build(in)
		if len(s.Drifts) != want {
			t.Errorf("%q sees %d differences, want %d", viewer, len(s.Drifts), want)
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, party := range []string{"oldco", "newco"} {
			if sees, may := strings.Contains(string(text), canary(party, "after")), want == 2 || viewer == party; sees != may {
				t.Errorf("%q sees the difference of %s: %v", viewer, party, sees)
			}
		}
		if want < 2 && strings.Contains(string(text), canary("customer", "answer")) {
			t.Errorf("%q sees what the customer said", viewer)
		}
	}
}
