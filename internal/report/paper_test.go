package report_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"skift/internal/diag"
	"skift/internal/forecast"
	"skift/internal/gate"
	"skift/internal/people"
	"skift/internal/plan"
	"skift/internal/report"
	"skift/internal/run"
	"skift/internal/snapshot"
	"skift/internal/timeline"
	"skift/internal/yamldoc"
	"skift/runbooks"
)

// night is a plan with a runbook, its way back and a gate, in which every free text is the same.
func night(text, lang string) (*plan.Plan, snapshot.Snapshot) {
	said := yamldoc.Text{Da: text, En: text}
	at := func(hour, minute int) time.Time { return time.Date(2019, 11, 9, hour, minute, 0, 0, time.UTC) }
	p := &plan.Plan{ID: "move", Title: said, Language: lang, Zone: time.UTC, Hash: "0123456789abcdef", RunbookIDs: []string{"back", "weekend"},
		Contacts: contacts("p-1,The Operator,+45 00 00 00 01"),
		Gates:    map[string]*plan.Gate{"go": {ID: "go", Poll: []string{"a/b"}}},
		Runbooks: map[string]*runbooks.Runbook{
			"weekend": {ID: "weekend", Title: said, Window: "w", BackOut: "back", Steps: []*runbooks.Step{
				{ID: "stop", Title: said, Kind: runbooks.Manual, Owner: "a/b", AfterGate: "go", Takes: 20 * time.Minute, Instruction: said},
				{ID: "open", Title: said, Kind: runbooks.Command, Argv: []string{"./open", text}, Needs: []string{"stop"}, PointOfNoReturn: true}}},
			"back":  {ID: "back", Title: said, Steps: []*runbooks.Step{{ID: "again", Title: said, Kind: runbooks.Manual, Undoes: "stop"}}},
			"other": {ID: "other", Steps: []*runbooks.Step{{ID: "daily", Title: said, Kind: runbooks.Manual}}},
		}}
	f := &forecast.Forecast{End: at(3, 20), Gates: []forecast.Gate{{ID: "go", Latest: at(2, 40)}}, Steps: []forecast.Step{
		{ID: "stop", Start: at(1, 10), End: at(1, 30)}, {ID: "open", Start: at(2, 50), End: at(3, 15)}}}
	s := snapshot.Snapshot{At: at(2, 0), Head: "skift1:move:3:x",
		Milestones: []snapshot.Milestone{{ID: "w", Title: said, Kind: "window", State: timeline.Active, Start: exact(at(0, 0)), End: exact(at(18, 0))},
			{ID: "frozen", Kind: "zone", State: timeline.Active, Start: exact(at(0, 0)), End: day(2019, 12, 6), Allow: []string{"fix"}}},
		Titles: map[string]yamldoc.Text{"milestone/w": said},
		Gates:  []snapshot.Gate{{Judgement: gate.Judgement{Gate: "go", State: gate.Open, DecideBy: at(2, 30)}, Title: said, Decides: "a/b"}},
		Duty:   []snapshot.Duty{{Seat: "a/b", Person: "p-1", Until: at(8, 0), Next: "p-2"}},
		Runs: []snapshot.Run{
			{ID: "weekend-3", Runbook: "weekend", Environment: "test", Steps: []snapshot.Step{{ID: "stop", State: run.Failed}}},
			{ID: "weekend-2", Runbook: "weekend", Production: true, Rehearsal: true, Steps: []snapshot.Step{{ID: "stop", State: run.Failed}}},
			{ID: "weekend-1", Runbook: "weekend", Production: true, State: run.RunRunning, Forecast: f, Steps: []snapshot.Step{
				{ID: "stop", Name: said, State: run.Done, FinishedAt: at(1, 30), Owner: "a/b", AfterGate: "go", Takes: 20 * time.Minute},
				{ID: "open", Name: said, State: run.Waiting, Needs: []string{"stop"}, NoReturn: true, Takes: 25 * time.Minute},
				{ID: "added", Name: said, State: run.Waiting, Added: true}}}}}
	return p, s
}

// contacts are people as a plan's file has them.
func contacts(rows ...string) people.Contacts {
	return people.ReadContacts("contacts.csv", []byte("person,name,phone\n"+strings.Join(rows, "\n")+"\n"), &diag.List{})
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

// TestPaper: the plan, the runbooks of the night with their way back, the gates, the telephone list, and room for a pen; as the live run
// stands, with when the rest is expected.
func TestPaper(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string][]string{
		"en": {"done Sat 9 Nov 01:30", "20 min", "gate go", "■ point of no return", "Telephone list", "As it stood at Sat 9 Nov 2019 02:00 UTC", "began at", "expected to end Sat 9 Nov 2019 03:20",
			"Sat 9 Nov<br>02:50–03:15<br>25 min", "9 November 2019 18:00", "5 December 2019", "fix", "<td>Sat 9 Nov 2019 02:30</td><td>Sat 9 Nov 2019 02:40</td>"},
		"da": {"udført lør. 9. nov. 01.30", "beslutning go", "■ herfra ingen vej tilbage", "Telefonliste", "Som det stod lør. 9. nov. 2019 02.00 UTC", "begyndt kl.", "lør. 9. nov.<br>02.50–03.15<br>25 min.",
			"9. november 2019 18.00", "fejlrettelse"},
	} {
		page := paper(t, "Stop it", lang)
		for _, w := range append(want, "<b>stop</b>", "<b>again</b>", "<b>added</b>", "skift1:move:3:x", `<html lang="`+lang+`">`, `<th scope="col" class="pen">`, `<b class="tel">&#43;45 00 00 00 01</b>`, "./open Stop it") {
			if !strings.Contains(page, w) {
				t.Errorf("%s: the page lacks %q", lang, w)
			}
		}
		if strings.Contains(page, "daily") || strings.Contains(page, "failed") || strings.Contains(page, "fejlet") || strings.Index(page, "<b>again</b>") < strings.Index(page, "<b>open</b>") {
			t.Errorf("%s: not what the night needs, or not in its order:\n%s", lang, page)
		}
	}
}

// TestPaperBeforeTheNight: what has no run yet is expected to begin with its window.
func TestPaperBeforeTheNight(t *testing.T) {
	t.Parallel()
	p, s := night("Stop it", "en")
	s.Ahead = map[string]*forecast.Forecast{"weekend": s.Runs[2].Forecast}
	s.Runs = s.Runs[:2]
	var b bytes.Buffer
	if err := report.Paper(&b, p, s); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Sat 9 Nov<br>01:10–01:30<br>20 min", "Sat 9 Nov<br>02:50–03:15", "■ point of no return"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, b.String())
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
