package cli

import (
	"testing"
	"time"

	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/words"
)

// TestToldInBothLanguages: every kind of event that a shift is told of has its sentence, and hostile text in it moves no cursor.
func TestToldInBothLanguages(t *testing.T) {
	t.Parallel()
	for _, kind := range told {
		for _, lang := range words.Langs() {
			if !words.In(lang).Has("told." + kind) {
				t.Errorf("%s is not told in %s", kind, lang)
			}
		}
	}
	e := journal.Event{Kind: run.StepFinished, Run: "w-1", Subject: "copy", At: time.Unix(1, 0), Actor: journal.Actor{Seat: "a/b"},
		Body: []byte(`{"state":"failed","reason":"exit 1\u001b[2J"}`)}
	for lang, want := range map[words.Lang]string{words.Da: "copy i w-1: fejlet: exit 1␛[2J (a/b)", words.En: "copy of w-1: failed: exit 1␛[2J (a/b)"} {
		if got := tell(words.In(lang), &plan.Plan{}, e); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	// What was practised, or done elsewhere, cannot be taken for the night itself.
	for _, x := range []struct {
		kind, run, body, want string
	}{
		{register.GateDecided, "w-1", `{"decision":"go"}`, "gate go: Go (practised in w-1)"},
		{register.GateDecided, "", `{"decision":"go"}`, "gate go: Go"},
		{run.RunStarted, "w-1", `{"environment":"test","rehearsal":true}`, "run w-1 began (test, rehearsal)"},
		{run.RunStarted, "w-2", `{"environment":"prod"}`, "run w-2 began (prod)"},
		{register.PhaseMoved, "w-1", `{"environment":"test","services":["a","b"],"phase":"switching"}`, "a, b: switching (test)"},
		{register.MilestoneStarted, "", `{}`, "milestone go began"},
		{run.RunPaused, "w-1", `{"stream":"net","reason":"late"}`, "stream net of w-1 was paused: late"},
		{run.RunResumed, "w-1", `{"step":"s1"}`, "further attempts of s1 of w-1 are no longer paused"},
		{run.StepAdded, "w-1", `{"step":{"id":"go"},"text":"manual: x","reason":"forgotten"}`, "go was added to w-1: forgotten"},
		{run.StepChanged, "w-1", `{"takes":5400000000000,"owner":"a/b","reason":"slow"}`, "go of w-1 is planned otherwise: takes 1 h 30 min, owner a/b: slow"},
		{run.StepCleared, "w-1", `{"reason":"found"}`, "the issue of go of w-1 is cleared: found"},
	} {
		if got := tell(words.In(words.En), &plan.Plan{}, journal.Event{Kind: x.kind, Run: x.run, Subject: "go", Body: []byte(x.body)}); got != x.want {
			t.Errorf("%s: %q, want %q", x.kind, got, x.want)
		}
	}
	e = journal.Event{Kind: register.MessageSettled, Body: []byte(`{"state":"sent"}`)}
	if got := tell(words.In(words.En), &plan.Plan{}, e); got != "" {
		t.Errorf("what is as it must be is told: %q", got)
	}
}

func TestParsePast(t *testing.T) {
	t.Parallel()
	now := time.Date(2019, 11, 9, 8, 0, 0, 0, time.UTC)
	p := &plan.Plan{Zone: time.UTC}
	if at, err := parsePast(p, "-8h", now); err != nil || !at.Equal(now.Add(-8*time.Hour)) {
		t.Error(at, err)
	}
	if at, err := parsePast(p, "2019-11-09 02:00", now); err != nil || !at.Equal(now.Add(-6*time.Hour)) {
		t.Error(at, err)
	}
	for _, bad := range []string{"-", "-8", "yesterday"} {
		if _, err := parsePast(p, bad, now); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
