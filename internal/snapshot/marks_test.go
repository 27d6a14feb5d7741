package snapshot_test

import (
	"strings"
	"testing"
	"time"

	"skift/internal/journal"
	"skift/internal/run"
	"skift/internal/snapshot"
)

// TestWordsAboutSteps: what is said about a step and why a run stands is shown, to another party without its words.
func TestWordsAboutSteps(t *testing.T) {
	t.Parallel()
	in := weekendStory(t)
	const id = "weekend-2"
	for i, e := range []struct {
		kind, step string
		body       any
	}{
		{run.StepFlagged, "switch", run.Flagged{Reason: canary("customer", "issue"), Fix: time.Hour}},
		{run.StepNoted, "switch", run.Noted{Text: canary("customer", "note"), File: "notes/x"}},
		{run.RunPaused, "", run.Pausing{Reason: canary("customer", "pause")}},
		{run.RunWasHeld, "", run.Ended{Reason: canary("customer", "hold")}},
	} {
		seq := int64(len(in.Events) + 1 + i)
		if err := in.Runs.Apply(journal.Event{Plan: in.Plan.ID, Seq: seq, At: now, Kind: e.kind, Run: id, Subject: e.step,
			Actor: journal.Actor{Seat: "customer/manager", Person: "p-man"}, Body: run.Body(e.body)}); err != nil {
			t.Fatal(err)
		}
	}
	text := func(viewer string) string {
		in.Viewer = viewer
		return string(jsonOf(t, snapshot.Build(in)))
	}
	for _, word := range []string{"issue", "note", "pause", "hold"} {
		if !strings.Contains(text(""), canary("customer", word)) {
			t.Errorf("the %s is not shown", word)
		}
		if strings.Contains(text("newco"), canary("customer", word)) {
			t.Errorf("another party reads the %s", word)
		}
	}
	in.Viewer = "newco"
	for _, r := range snapshot.Build(in).Runs {
		if r.ID != id {
			continue
		}
		if len(r.Paused) != 1 || r.HeldBy.Seat != "customer/manager" || r.HeldBy.Person != "" {
			t.Errorf("that it stands is told: %+v %+v", r.Paused, r.HeldBy)
		}
		for _, st := range r.Steps {
			if st.ID == "switch" && (st.Issue == nil || st.Issue.Fix != time.Hour || len(st.Notes) != 0) {
				t.Errorf("switch: %+v %v", st.Issue, st.Notes)
			}
		}
	}
}
