package timeline_test

import (
	"testing"

	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/timeline"
	"skift/runbooks"
)

// A gate of a runbook with two windows is asked for each at its own time: for the first until that is passed or over. One that belongs to no
// runbook keeps the dates it says, and so does everything where there is one window.
func TestGateOfTwoWindows(t *testing.T) {
	t.Parallel()
	two := []ms{{id: "cutover", kind: "window", from: "2019-11-09 00:00", until: "2019-11-10 18:00", runbook: "weekend"},
		{id: "cutover-2", kind: "window", from: "2019-11-23 00:00", until: "2019-11-24 18:00", runbook: "weekend"}}
	passed := map[string]register.MilestoneFacts{"cutover": {StartedAt: at(t, "2019-11-09"), PassedAt: at(t, "2019-11-09 20:00")}}
	for _, c := range []struct {
		name, now, gate string
		windows         []ms
		set             map[string]register.MilestoneFacts
		opens, decideBy string
	}{
		{"before the first", "2019-11-01", "go", two, nil, "2019-11-08 00:00", "2019-11-08 20:00"},
		{"in the first", "2019-11-09 19:00", "go", two, nil, "2019-11-08 00:00", "2019-11-08 20:00"},
		{"the first is passed", "2019-11-09 21:00", "go", two, passed, "2019-11-22 00:00", "2019-11-22 20:00"},
		{"the first is over", "2019-11-10 18:00", "go", two, nil, "2019-11-22 00:00", "2019-11-22 20:00"},
		{"both are over", "2019-12-01", "go", two, passed, "2019-11-22 00:00", "2019-11-22 20:00"},
		{"one window", "2019-12-01", "go", two[:1], passed, "2019-11-08 00:00", "2019-11-08 20:00"},
		{"another gate", "2019-11-12", "other", two, passed, "2019-11-08 00:00", "2019-11-08 20:00"},
	} {
		p := testPlan(t, c.windows...)
		p.RunbookIDs = []string{"weekend"}
		p.Runbooks = map[string]*runbooks.Runbook{"weekend": {ID: "weekend", Window: "cutover", Steps: []*runbooks.Step{{ID: "stop", AfterGate: "go"}}}}
		g := &plan.Gate{ID: c.gate, Opens: written(t, "cutover.start - 1d"), DecideBy: written(t, "cutover.start - 4h")}
		opens, by := timeline.At(p, facts(at(t, "2019-06-01"), c.set), at(t, c.now)).Gate(nil, g)
		if local(t, opens) != c.opens || local(t, by) != c.decideBy {
			t.Errorf("%s: opens %s, to be decided by %s; want %s and %s", c.name, local(t, opens), local(t, by), c.opens, c.decideBy)
		}
	}
}
