//go:build unix

package runner_test

import (
	"syscall"
	"testing"
	"time"
)

// slowed tells that this program looks for races: no ratio means anything then. `make test` runs those that ask without it as well.
var slowed bool

// spent is the processor time that this program has used: a machine that has other things to do does not spoil it.
func spent() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestLongChainCostsItsLength: deciding a step of a long chain costs about as much as one of a short chain, or all of them are looked at
// after each.
func TestLongChainCostsItsLength(t *testing.T) {
	if slowed {
		t.Skip("looks for races")
	}
	short, long := chainOf(t, 500), chainOf(t, 5000)
	best := [2]time.Duration{1 << 62, 1 << 62}
	for range 5 {
		began := spent()
		chain(t, short, 500)
		best[0] = min(best[0], spent()-began)
		began = spent()
		chain(t, long, 5000)
		best[1] = min(best[1], spent()-began)
	}
	if best[1] > 30*best[0] {
		t.Errorf("500 steps take %s, 5,000 take %s", best[0], best[1])
	}
}
