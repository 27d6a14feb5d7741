package gate_test

import (
	"testing"

	"skift/checks"
	"skift/internal/gate"
	"skift/internal/plan"
	"skift/internal/register"
)

// TestGreenDays: each of the days must have been looked at throughout, and none may have failed. What is not known is no green day.
func TestGreenDays(t *testing.T) {
	t.Parallel()
	failed := []register.Finding{{Check: "cert", Side: checks.New, Code: "refused"}}
	green := register.Day{Units: 3}
	for _, c := range []struct {
		name          string
		days          []register.Day
		state, reason string
		findings      int
	}{
		{"three green", []register.Day{green, green, green}, gate.Met, "", 0},
		{"and worse before them", []register.Day{green, green, green, {Units: 3, Red: failed}}, gate.Met, "", 0},
		{"one red", []register.Day{green, {Units: 3, Red: failed}, green}, gate.Unmet, "red-day", 1},
		{"one blind", []register.Day{green, green, {Units: 3, Blind: failed}}, gate.Unknown, "blind-day", 1},
		{"one red, one blind", []register.Day{{Units: 3, Blind: failed}, green, {Units: 3, Red: failed}}, gate.Unmet, "red-day", 2},
		{"too few", []register.Day{green, green}, gate.Unknown, "blind-day", 0},
		{"nothing critical", []register.Day{{}, {}, {}}, gate.Unknown, "blind-day", 0},
		{"nothing known", nil, gate.Unknown, "blind-day", 0},
	} {
		in := good()
		in.Gate.Criteria = []plan.Criterion{{Kind: plan.GreenDaysCriterion, ID: "green-days-readiness", Suite: "readiness", GreenDays: 3}}
		evidence(&in, func(e *gate.SuiteEvidence) { e.Days = c.days })
		j := gate.Judge(in, "p-9", now)
		if got := j.Criteria[0]; got.State != c.state || got.Reason != c.reason || len(got.Findings) != c.findings {
			t.Errorf("%s: %+v, want %s (%s)", c.name, got, c.state, c.reason)
		}
		if j.MayGo() != (c.state == gate.Met) || len(j.Stale) > 0 {
			t.Errorf("%s: may go %v, asks again %v", c.name, j.MayGo(), j.Stale)
		}
	}
}
