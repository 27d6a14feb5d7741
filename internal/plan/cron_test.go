package plan

import "testing"

// The library's parser panics on a zone that nothing follows; for an author that is one more expression that is no schedule.
func TestParserThatPanics(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"CRON_TZ=Europe/Copenhagen", "TZ=0"} {
		if s, err := parseCron(text); err == nil {
			t.Errorf("%q is read as %v", text, s)
		}
	}
}
