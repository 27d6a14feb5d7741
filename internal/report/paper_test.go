package report_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"skift/internal/gate"
	"skift/internal/plan"
	"skift/internal/report"
	"skift/internal/run"
	"skift/internal/snapshot"
	"skift/internal/yamldoc"
	"skift/runbooks"
)

// night is a plan with a runbook, its way back and a gate, in which every free text is the same.
func night(text, lang string) (*plan.Plan, snapshot.Snapshot) {
	said := yamldoc.Text{Da: text, En: text}
	p := &plan.Plan{ID: "move", Title: said, Language: lang, Zone: time.UTC, Hash: "0123456789abcdef", RunbookIDs: []string{"back", "weekend"},
		Gates: map[string]*plan.Gate{"go": {ID: "go", Poll: []string{"a/b"}}},
		Runbooks: map[string]*runbooks.Runbook{
			"weekend": {ID: "weekend", Title: said, Window: "w", BackOut: "back", Steps: []*runbooks.Step{
				{ID: "stop", Title: said, Kind: runbooks.Manual, Owner: "a/b", AfterGate: "go", Takes: 20 * time.Minute},
				{ID: "open", Title: said, Kind: runbooks.Manual, Needs: []string{"stop"}, PointOfNoReturn: true}}},
			"back":  {ID: "back", Title: said, Steps: []*runbooks.Step{{ID: "again", Title: said, Kind: runbooks.Manual, Undoes: "stop"}}},
			"other": {ID: "other", Steps: []*runbooks.Step{{ID: "daily", Title: said, Kind: runbooks.Manual}}},
		}}
	s := snapshot.Snapshot{At: time.Date(2019, 11, 9, 2, 0, 0, 0, time.UTC), Head: "skift1:move:3:x",
		Gates: []snapshot.Gate{{Judgement: gate.Judgement{Gate: "go", State: gate.Open}, Title: said, Decides: "a/chair"}},
		Duty:  []snapshot.Duty{{Seat: "a/b", Person: "p-1", Until: time.Date(2019, 11, 9, 8, 0, 0, 0, time.UTC), Next: "p-2"}},
		Runs: []snapshot.Run{
			{ID: "weekend-2", Runbook: "weekend", Rehearsal: true, Steps: []snapshot.Step{{ID: "stop", State: run.Failed}}},
			{ID: "weekend-1", Runbook: "weekend", State: run.RunRunning, Steps: []snapshot.Step{{ID: "stop", State: run.Done, FinishedAt: time.Date(2019, 11, 9, 1, 30, 0, 0, time.UTC)}}}}}
	return p, s
}

func paper(t *testing.T, text, lang string) string {
	t.Helper()
	var b bytes.Buffer
	p, s := night(text, lang)
	if err := report.Paper(&b, p, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestPaper: the runbooks of the night with their way back, the gate, the telephone list, and room for a pen; as the live run stands.
func TestPaper(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string][]string{
		"en": {"done 09/11 01:30", "20 min", "gate go", "■ point of no return", "Telephone list", "As it stood at 2019-11-09 02:00 UTC", "began at"},
		"da": {"udført 09/11 01:30", "beslutning go", "■ herfra ingen vej tilbage", "Telefonliste", "Som det stod 2019-11-09 02:00 UTC", "begyndt kl."},
	} {
		page := paper(t, "Stop it", lang)
		for _, w := range append(want, "<b>stop</b>", "<b>again</b>", "skift1:move:3:x", `<html lang="`+lang+`">`, `<th scope="col" class="pen">`) {
			if !strings.Contains(page, w) {
				t.Errorf("%s: the page lacks %q", lang, w)
			}
		}
		if strings.Contains(page, "daily") || strings.Contains(page, "failed") || strings.Index(page, "<b>again</b>") < strings.Index(page, "<b>open</b>") {
			t.Errorf("%s: not what the night needs, or not in its order:\n%s", lang, page)
		}
	}
}

// TestPaperIsText: what anybody wrote stays text, and the page asks for nothing from anywhere.
func TestPaperIsText(t *testing.T) {
	t.Parallel()
	want := dom(t, paper(t, "plain", "en")).shape()
	for _, payload := range payloads {
		page := paper(t, payload, "en")
		if got := dom(t, page).shape(); !slices.Equal(want, got) {
			t.Errorf("%q changed what the page is made of", payload)
		}
	}
	for _, outside := range []string{"http:", "https:", "src=", "url(", "@import", "<script", "<link"} {
		if strings.Contains(paper(t, "plain", "en"), outside) {
			t.Errorf("the page has %q", outside)
		}
	}
}
