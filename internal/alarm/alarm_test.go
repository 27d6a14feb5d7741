package alarm_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"skift/internal/alarm"
)

// TestRest: a loop rests to the second, asks each nap whether what it knew still holds, and hears who wakes it at once.
func TestRest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		next, wakes, ends, news time.Duration // news: since when something is not as it was
		want                    time.Duration
		asked                   int
	}{
		"to the second":              {next: 26*time.Hour + time.Second, want: 26*time.Hour + time.Second, asked: 26 * 120},
		"shorter than a nap":         {next: time.Second, want: time.Second},
		"one nap":                    {next: alarm.Nap, want: alarm.Nap},
		"what has passed":            {next: -time.Hour},
		"now":                        {},
		"woken":                      {next: time.Hour, wakes: 70 * time.Second, want: 70 * time.Second, asked: 2},
		"the end":                    {next: time.Hour, ends: 70 * time.Second, want: 70 * time.Second, asked: 2},
		"what changed and woke none": {next: time.Hour, news: 70 * time.Second, want: 90 * time.Second, asked: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				woken, began, asked := make(chan struct{}, 1), time.Now(), 0
				if c.wakes > 0 {
					time.AfterFunc(c.wakes, func() { woken <- struct{}{} })
				}
				if c.ends > 0 {
					time.AfterFunc(c.ends, cancel)
				}
				alarm.Rest(ctx, began.Add(c.next), woken, func() bool {
					asked++
					return c.news == 0 || time.Since(began) < c.news
				})
				if got := time.Since(began); got != c.want || asked != c.asked {
					t.Errorf("rested %s and asked %d times, want %s and %d", got, asked, c.want, c.asked)
				}
			})
		})
	}
}
