package snapshot

import (
	"maps"
	"slices"
	"testing"

	"skift/checks"
	"skift/internal/plan"
)

// TestContradictionOfOwn: of what speaks against a step a supplier sees what is its own to mend, on its own platform or its own connections.
func TestContradictionOfOwn(t *testing.T) {
	t.Parallel()
	p := &plan.Plan{Platforms: map[checks.Side]*plan.Platform{checks.Old: {Party: "sse"}, checks.New: {Party: "ibm"}}}
	facts := map[string]string{
		"finding.01": "cert|new|srv_expired||gateway|||203.0.113.10:443|ibm",
		"finding.02": "cert|old|srv_expired||gateway|||198.51.100.10:443|sse",
		"finding.03": "allow|new|filtered_drop||gateway|m-101|flow-1|203.0.113.10:443|m-101",
		"finding.04": "allow|old|filtered_drop||gateway|m-101|flow-1|198.51.100.10:443|ibm",
		"observed":   "true", "note": "sse is to blame",
	}
	for viewer, want := range map[string][]string{"ibm": {"finding.01", "finding.04"}, "sse": {"finding.02"}, "m-101": {"finding.03", "finding.04"}, "m-102": nil} {
		b := &builder{In: In{Plan: p, Viewer: viewer}}
		if got := slices.Sorted(maps.Keys(b.ownFindings(facts))); !slices.Equal(got, want) {
			t.Errorf("%s sees %v, want %v", viewer, got, want)
		}
	}
}
