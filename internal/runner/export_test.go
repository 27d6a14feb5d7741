package runner

import (
	"slices"
	"time"
)

// SetJump replaces how far the wall clock was set.
func (r *Runner) SetJump(jump func() time.Duration) { r.clock.jump = jump }

// Jumped is for tests.
var Jumped = jumped

// Commands lists what a Command can want.
func Commands() (out []string) {
	for do := range commands {
		out = append(out, do)
	}
	slices.Sort(out)
	return out
}

// Says lists what a person can say of a step.
func Says() []string {
	out := []string{"add"}
	for say := range marks {
		out = append(out, say)
	}
	for say := range says {
		out = append(out, say)
	}
	slices.Sort(out)
	return out
}
