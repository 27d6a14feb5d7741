package cli

import (
	"strings"
	"testing"
	"time"

	"skift/internal/words"
)

// Whoever does not look at a terminal is told in lines: none when it is quick, then one now and then, with the time left.
func TestProgressInLines(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	p := (&session{err: &out}).progress(words.In(words.En))
	if p.live {
		t.Fatal("a builder is no terminal")
	}
	for _, tt := range []struct {
		after time.Duration
		done  int
		want  string
	}{
		{time.Second, 10, ""},
		{3 * time.Second, 30, "skift: 30 of 90 asked, about 6 s left\n"},
		{4 * time.Second, 40, ""},
		{8 * time.Second, 60, "skift: 60 of 90 asked, about 4 s left\n"},
		{20 * time.Second, 90, ""},
	} {
		out.Reset()
		p.line(tt.done, 90, p.began.Add(tt.after))
		if out.String() != tt.want {
			t.Errorf("after %s: %q, want %q", tt.after, out.String(), tt.want)
		}
	}
	p.end()
	p.began = time.Now().Add(-time.Minute)
	p.lined = time.Time{}
	out.Reset()
	if p.tell(50, 90); out.Len() > 0 {
		t.Errorf("told after the end: %q", out.String())
	}
}
