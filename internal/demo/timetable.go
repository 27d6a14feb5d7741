package demo

import (
	"time"

	"skift/internal/timeline"
)

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
		{milestone: "cutover", edge: timeline.Finish, second: 90},
		{milestone: "hypercare", edge: timeline.Finish, second: 600},
	}
}

// pace is how much further apart the dates lie on a machine that took this long to prepare the demo: one that is busy with other work
// needs more time for the same story. Clocks run as ever.
func pace(prepared time.Duration) float64 {
	const idle, busy = 250 * time.Millisecond, time.Second
	return 1 + min(1, max(0, float64(prepared-idle)/float64(busy-idle)))
}

// The gates that the story knows by name.
const (
	goGate   = "cutover-go"
	openGate = "open-go"
)
