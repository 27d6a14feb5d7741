package plan

import "testing"

func TestMatchChecks(t *testing.T) {
	t.Parallel()
	p := full(t)
	for word, want := range map[string][]string{
		"files":     {"files"},
		"gateway-*": {"gateway-cert", "gateway-allow"},
		"nightly":   {"gateway-cert", "files"},
		"file":      nil,
		"[":         nil,
	} {
		equal(t, word, want, p.MatchChecks([]string{word}))
		if unmatched := p.Unmatched([]string{word}); (len(unmatched) == 1) != (want == nil) {
			t.Errorf("%s: unmatched %v", word, unmatched)
		}
	}
	equal(t, "file order, once each", []string{"gateway-cert", "files"}, p.MatchChecks([]string{"files", "nightly", "*-cert"}))
}
