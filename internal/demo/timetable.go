package demo

import "skift/internal/timeline"

// anchors are the seconds at which the story's dates come. Everything else of the plan lies between them as it did; what comes after
// the last keeps its distance. The acceptance test lasts longer than the shortest schedule, so that a scheduled sweep falls into it.
func anchors() []anchor {
	return []anchor{
		{milestone: "frozen-zone-1", edge: timeline.Begin, second: 2},
		{milestone: "frozen-zone-2", edge: timeline.Begin, second: 4},
		{milestone: "delivery-test", edge: timeline.Begin, second: 5},
		{milestone: "acceptance-test", edge: timeline.Begin, second: 6},
		{gate: "acceptance-passed", edge: timeline.Begin, second: 16},
		{gate: "acceptance-passed", edge: timeline.Finish, second: 20},
		{gate: goGate, edge: timeline.Begin, second: 20},
		{gate: goGate, edge: timeline.Finish, second: 28},
		{milestone: "cutover", edge: timeline.Begin, second: 28},
		{milestone: "cutover", edge: timeline.Finish, second: 300},
		{milestone: "hypercare", edge: timeline.Finish, second: 1200},
	}
}

// The gates that the story knows by name, and the suite that the first and the last ask for.
const (
	goGate         = "cutover-go"
	switchGate     = "switch-go"
	openGate       = "open-go"
	suiteReadiness = "readiness"
)
