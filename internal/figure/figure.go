// Package figure says in plain words whether a benchmark's ratio is what is promised.
//
// A figure is a ratio of two things measured in one run of the program, in turns: a machine that is slow or busy slows both. What is
// promised stands in the text, so that whoever reads the output of `make bench` needs no table beside it. It is for benchmarks and tests only.
package figure

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
)

// AtMost reports a ratio that is promised to be no more than a bound.
func AtMost(b *testing.B, unit string, got, bound float64, what string) {
	b.Helper()
	say(b, unit, got, got <= bound, fmt.Sprintf("%s: %s, at most %s is promised", what, number(got), number(bound)))
}

// AtLeast reports a ratio that is promised to be no less than a bound.
func AtLeast(b *testing.B, unit string, got, bound float64, what string) {
	b.Helper()
	say(b, unit, got, got >= bound, fmt.Sprintf("%s: %s, at least %s is promised", what, number(got), number(bound)))
}

// Told reports a ratio of which nothing is promised.
func Told(b *testing.B, unit string, got float64, what string) {
	b.Helper()
	b.ReportMetric(got, unit)
	b.Logf("told   · %s: %s", what, number(got))
}

func say(b *testing.B, unit string, got float64, kept bool, text string) {
	b.Helper()
	b.ReportMetric(got, unit)
	word := "kept  "
	if !kept {
		word = "MISSED"
	}
	b.Logf("%s · %s", word, text)
}

// number has as many digits as matter in a ratio.
func number(x float64) string {
	if x >= 100 {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// Median is the middle one of some values, of which it changes the order.
func Median[T cmp.Ordered](of []T) T {
	slices.Sort(of)
	return of[len(of)/2]
}
