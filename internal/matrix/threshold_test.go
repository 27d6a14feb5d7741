package matrix_test

import (
	"fmt"
	"net/netip"
	"testing"

	"skift/checks"
	"skift/internal/gate"
	"skift/internal/matrix"
	"skift/internal/plan"
	"skift/internal/register"
)

// TestThresholdFromAnswers: a share is of everything that is to be asked. What was not seen, is broken with us or was never asked counts
// against it like a failure; what somebody accepted counts for it.
func TestThresholdFromAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		units int
		bad   []string // how each that did not pass ended
		want  bool
	}{
		{"49 of 50", 50, []string{"fail"}, true},
		{"48 of 50", 50, []string{"fail", "fail"}, false},
		{"50 of 51", 51, []string{"fail"}, true},
		{"49 of 51", 51, []string{"fail", "fail"}, false},
		{"one not seen", 50, []string{"unverified"}, true},
		{"one failed, one not seen", 50, []string{"fail", "unverified"}, false},
		{"one failed, one broken with us", 50, []string{"fail", "error"}, false},
		{"one failed, one never asked", 50, []string{"fail", "never"}, false},
		{"one failed, one accepted", 50, []string{"fail", "accepted"}, true},
		{"a warning passes", 50, []string{"fail", "warn"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := testPlan()
			p.Services["gateway"].In["prod"] = map[checks.Side]plan.Endpoint{checks.New: {Addrs: []string{"203.0.113.10:443"}}}
			p.Vantages, p.VantageIDs, p.Flows = map[string]*plan.Vantage{}, nil, nil
			for i := range tt.units {
				id, source := fmt.Sprint("n", i), netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)})
				p.Flows = append(p.Flows, &plan.Flow{ID: id, Party: "k101", Service: "gateway", Source: source})
				p.Vantages[id] = &plan.Vantage{ID: id, Source: source}
				p.VantageIDs = append(p.VantageIDs, id)
			}
			s := scope(p, "allow")
			n := -1
			recent := answers(s, func(u matrix.Unit, r *checks.Result) bool {
				if n++; n >= len(tt.bad) {
					return true
				}
				switch tt.bad[n] {
				case "fail":
					fails(r, checks.SrvName)
				case "accepted":
					fails(r, checks.SrvName)
					s.Facts.Deviations = append(s.Facts.Deviations, &register.Deviation{Check: "allow", Accepted: register.Accepted{Flow: u.Flow, Until: now.AddDate(0, 0, 1)}})
				case "never":
					return false
				default:
					r.Outcome, r.Code = checks.Verdict(tt.bad[n]), checks.Unobserved
				}
				return true
			})
			e := s.Compare(recent).Tally()
			if e.Others.Total != tt.units {
				t.Fatalf("%+v", e.Others)
			}
			if got := gate.Enough(e.Others, "98%"); got != tt.want {
				t.Errorf("%+v: %v, want %v", e.Others, got, tt.want)
			}
		})
	}
}
