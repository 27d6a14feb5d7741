package app

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
)

// told is a journal.
type told []journal.Event

// Events implements eventReader.
func (l told) Events(_ context.Context, _ int64, fn func(journal.Event) error) error {
	for _, e := range l {
		if err := fn(e); err != nil {
			return err
		}
	}
	return nil
}

func dated(t *testing.T, date string) *plan.Plan {
	t.Helper()
	p, problems := plan.Load(fstest.MapFS{"plan.yaml": &fstest.MapFile{Data: []byte("plan: p\ntitle: P\ntimezone: UTC\nparties: {c: {role: customer}}\n" +
		"environments: {prod: {production: true}}\nmilestones: {a: {kind: point, date: " + date + "}}\n")}})
	if problems.Errors() > 0 {
		t.Fatal(problems.Sorted())
	}
	return p
}

// Calendars are made from every revision that was in use, as the data directory kept it, and not from files that nobody has taken into
// use. One that is lost leaves its changes untold; without the newest there is nothing to tell.
func TestRevisions(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	first, second, edited := dated(t, "2019-08-01"), dated(t, "2019-08-02"), dated(t, "2019-08-03")
	kept := revisions{dir: filepath.Join(data, "revisions")}
	for _, p := range []*plan.Plan{first, second} {
		if err := kept.keep(p); err != nil {
			t.Fatal(err)
		}
	}
	at := time.Date(2019, 6, 1, 0, 0, 0, 0, time.UTC)
	adopted := func(n int, p *plan.Plan) journal.Event {
		return journal.Event{At: at.AddDate(0, 0, n), Kind: register.PlanAdopted, Body: register.Body(register.Adopted{Hash: p.Hash})}
	}
	log := told{
		adopted(0, first),
		{At: at.AddDate(0, 0, 1), Kind: register.MilestoneStarted, Subject: "a", Body: register.Body(register.Passed{})},
		adopted(2, second),
	}
	got, err := Revisions(t.Context(), log, edited, data)
	if err != nil || len(got) != 2 || got[0].Plan.Hash != first.Hash || got[1].Plan.Hash != second.Hash || !got[1].At.Equal(at.AddDate(0, 0, 2)) {
		t.Fatalf("%+v, %v", got, err)
	}
	if err := os.Remove(kept.path(first.Hash)); err != nil {
		t.Fatal(err)
	}
	if got, err = Revisions(t.Context(), log, edited, data); err != nil || len(got) != 1 {
		t.Errorf("without an older revision: %+v, %v", got, err)
	}
	if err := os.Remove(kept.path(second.Hash)); err != nil {
		t.Fatal(err)
	}
	if got, err = Revisions(t.Context(), log, edited, data); err == nil {
		t.Errorf("without the newest revision: %+v", got)
	}
	if got, err = Revisions(t.Context(), log, second, data); err != nil || len(got) != 1 {
		t.Errorf("the plan of the directory is the newest revision: %+v, %v", got, err)
	}
}
