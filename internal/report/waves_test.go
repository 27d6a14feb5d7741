package report_test

import (
	"strings"
	"testing"
	"time"

	"skift/config"
	"skift/internal/plan"
	"skift/internal/report"
	"skift/internal/snapshot"
	"skift/internal/words"
)

// The weekly report of a plan of waves names meetings by their local times, and is no longer than a mail may be.
func TestWeeklyOfWaves(t *testing.T) {
	t.Parallel()
	fsys, _ := config.Plan("sapa-waves")
	p, problems := plan.Load(fsys)
	if problems.Errors() > 0 {
		t.Fatal(problems.Sorted())
	}
	p.Meetings[4].Cancelled = true
	s := snapshot.Build(snapshot.In{Plan: p, Now: time.Date(2019, 10, 20, 12, 0, 0, 0, time.UTC)})
	r, err := report.Render("weekly", s, report.Options{Lang: words.Da, Words: p.Words, Audience: "steering"})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(r.Text), " ")
	for _, want := range []string{"Møder de næste 14 dage", "KLIK-opfølgning: aflyst", "28. oktober 2019 13.00–14.00 CET", "Bølge 5: Kursus", "Bølge 5: Fakturering · Oprindelig dato: 1. november 2019 ·"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q does not stand in\n%s", want, r.Text)
		}
	}
	if len(r.HTML) > 90_000 {
		t.Errorf("%d bytes of HTML", len(r.HTML))
	}
}
