package cli

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"skift/internal/freeze"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/runner"
	"skift/internal/signed"
)

// How old a calendar is, is asked of the clock: a question about yesterday makes no old one young, and one about tomorrow no young one old.
func TestAnOldCalendarAllowsNothing(t *testing.T) {
	t.Parallel()
	text, err := signed.NewKey(rand.NewChaCha8([32]byte{1}))
	if err != nil {
		t.Fatal(err)
	}
	key, err := signed.ReadKey(text)
	if err != nil {
		t.Fatal(err)
	}
	line, err := signed.Public("move", key)
	if err != nil {
		t.Fatal(err)
	}
	made := time.Date(2019, 8, 1, 12, 0, 0, 0, time.UTC)
	c := freeze.CalendarFor(&plan.Plan{ID: "move", Zone: time.UTC}, &register.Facts{}, "sse", made)
	c.ValidUntil = made.Add(24 * time.Hour)
	data, err := c.Write(func(m []byte) []byte { return ed25519.Sign(key, m) })
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "freeze-sse.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		now  time.Time
		at   string
		want string // "" = the question is answered
	}{
		{"young", made, "", ""},
		{"young, about next month", made, "2019-09-01 12:00", ""},
		{"old", made.Add(24 * time.Hour), "", "held until 2019-08-02T12:00:00Z"},
		{"old, about when it was young", made.Add(25 * time.Hour), "2019-08-01 13:00", "held until 2019-08-02T12:00:00Z"},
		{"yet to come", made.Add(-time.Hour), "2019-08-01 13:00", "the clock of this host says 2019-08-01T11:00:00Z"},
	} {
		var out bytes.Buffer
		s := &session{out: &out, err: &out}
		err := s.freezeCheckFile(file, line, freeze.Question{Class: plan.Scope}, tt.at, tt.now)
		var refusal *runner.Refusal
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.want != "" && (!errors.As(err, &refusal) || refusal.Kind != runner.Refused || !strings.Contains(refusal.Message, tt.want)):
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}
