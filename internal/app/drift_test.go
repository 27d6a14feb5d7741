package app_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"skift/checks"
	"skift/internal/api"
	"skift/internal/app"
	"skift/internal/journal"
	"skift/internal/register"
	"skift/internal/store"
)

// frozenPlan has a zone that began some weeks ago.
const frozenPlan = `plan: small
title: A web server that is frozen
timezone: UTC
language: en
parties: {customer: {role: customer}, olde: {role: old-supplier}, newe: {role: new-supplier}}
seats: {customer/manager: {}, olde/operator: {}}
environments: {prod: {production: true}}
platforms: {old: {party: olde, networks: [127.0.0.0/8]}, new: {party: newe, networks: [127.0.0.0/8]}}
services: {web: {server_name: example.com, in: {prod: {old: {addr: "$OLD"}}}}}
checks: {cert: {kind: tls, service: web}}
milestones:
  quiet: {kind: zone, from: "$BEGAN", until: 2099-01-01, allow: [transition], parties: [olde]}
  cutover: {kind: point, date: 2099-01-01 12:00}
`

// TestBaselineOutlivesItsObservations: what a zone found is an event before what was observed then is removed, and what differs is asked in the
// transaction that keeps the answer; once, whatever is asked again and whoever starts again.
func TestBaselineOutlivesItsObservations(t *testing.T) {
	web := httptest.NewTLSServer(http.NotFoundHandler())
	defer web.Close()
	began := time.Now().UTC().Add(-60 * 24 * time.Hour).Truncate(time.Minute)
	dir, data := t.TempDir(), t.TempDir()
	fill := strings.NewReplacer("$OLD", web.Listener.Addr().String(), "$BEGAN", began.Format("2006-01-02 15:04"))
	for name, text := range map[string]string{"plan.yaml": fill.Replace(frozenPlan), "skift.yaml": "contact: check@customer.example\nkeep: 40d\ndata: " + data + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	func() {
		s, err := store.Open(t.Context(), store.Options{Dir: data, Plan: "small"})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		u := checks.Unit{Check: "cert", Side: checks.Old, Addr: web.Listener.Addr().String(), Vantage: "local"}
		r := checks.Result{Unit: u, Outcome: checks.Pass, Verdict: checks.Pass, Code: checks.OK, Want: checks.Allow, StartedAt: began.Add(-time.Hour),
			Facts: map[string]string{"leaf_sha256": "what it was"}}
		if _, err := s.Commit(t.Context(), register.Batch{Observations: []checks.Result{r}}); err != nil {
			t.Fatal(err)
		}
	}()
	for range 2 {
		a, err := app.Open(t.Context(), app.Options{PlanDir: dir, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := a.Check(t.Context(), api.CheckRequest{Patterns: []string{"cert"}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s, err := store.Open(t.Context(), store.Options{Dir: data, Plan: "small", ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if rows, err := s.History(t.Context(), "cert", time.Time{}); err != nil || len(rows) != 1 {
		t.Errorf("what is no longer kept was not removed: %d rows, %v", len(rows), err)
	}
	var of []journal.Event
	if err := s.Events(t.Context(), 0, func(e journal.Event) error {
		if e.Kind == register.SweepDone || e.Kind == register.ZoneBaseline || e.Kind == register.DriftAsked {
			of = append(of, e)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	var bases []register.Baseline
	var asked register.DriftQuestion
	var questions, atOnce int
	for _, e := range of {
		switch e.Kind {
		case register.ZoneBaseline:
			var base register.Baseline
			if err := json.Unmarshal(e.Body, &base); err != nil {
				t.Fatal(err)
			}
			bases = append(bases, base)
		case register.DriftAsked:
			questions++
			if err := json.Unmarshal(e.Body, &asked); err != nil {
				t.Fatal(err)
			}
			for _, o := range of {
				if o.Kind == register.SweepDone && o.At.Equal(e.At) {
					atOnce++
				}
			}
		}
	}
	switch {
	case len(bases) != 2 || questions != 1:
		t.Fatalf("%d baselines and %d questions, want what was there, what was seen later, and one question", len(bases), questions)
	case len(bases[0].Units) != 1 || bases[0].Facts[0]["leaf_sha256"] != "what it was" || !bases[0].Since.Equal(began):
		t.Errorf("baseline: %+v", bases[0])
	case bases[1].Facts[0]["leaf_sha256"] != "" || bases[1].Facts[0]["version"] == "":
		t.Errorf("what was seen later: %+v", bases[1])
	case asked.Before["leaf_sha256"] != "what it was" || len(asked.After["leaf_sha256"]) != 64 || asked.Seat != "olde/operator" || asked.By.IsZero():
		t.Errorf("asked: %+v", asked)
	case atOnce != 1:
		t.Errorf("what is asked is not kept in the transaction of the answer")
	}
}
