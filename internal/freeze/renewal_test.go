package freeze_test

import (
	"testing"
	"time"

	"skift/internal/freeze"
	"skift/internal/timeline"
)

// A zone that waits for an event is in force at any later date; a certificate that ends long after its planned end is not inside it.
func TestRenewal(t *testing.T) {
	t.Parallel()
	waits, unknown := zone("waits", 6, nil), zone("unknown", 6, nil)
	waits.Until.Certainty, waits.Until.Latest = timeline.Event, time.Time{}
	unknown.Until = timeline.Instant{Certainty: timeline.Event}
	for _, tt := range []struct {
		name string
		zone timeline.InForce
		end  time.Time
		want bool
	}{
		{"before the planned end", waits, waits.Until.At.Add(-time.Hour), true},
		{"at the planned end", waits, waits.Until.At, false},
		{"a root that ends decades later", waits, waits.Until.At.AddDate(30, 0, 0), false},
		{"an end nobody knows", unknown, waits.Until.At, false},
	} {
		if got := freeze.Renewal([]timeline.InForce{tt.zone}, "", tt.end) != nil; got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}
