package runner

import "time"

// SetJump replaces how far the wall clock was set.
func (r *Runner) SetJump(jump func() time.Duration) { r.clock.jump = jump }

// Jumped is for tests.
var Jumped = jumped
