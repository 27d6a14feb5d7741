package register_test

import (
	"strings"
	"testing"

	"skift/internal/register"
)

// FuzzParseFinding: what a step keeps of a finding is read as it was written, and nothing else is a finding.
func FuzzParseFinding(f *testing.F) {
	f.Add(register.Finding{Check: "cert", Side: "new", Code: "srv_expired", Service: "gateway", Addr: "203.0.113.10:443", Owner: "ibm"}.String())
	f.Add("allow|old|filtered_drop|gap-on-new|gateway|m-101|flow-1|198.51.100.10:443|m-101")
	f.Add("true")
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := register.ParseFinding(text)
		n := strings.Count(text, "|")
		if ok != (n == 8 || n == 9) {
			t.Fatalf("%q: read %v", text, ok)
		}
		if n == 8 {
			text += "|" // what was written before there was a reason
		}
		if ok && got.String() != text {
			t.Errorf("%q was read as %q", text, got)
		}
	})
}
