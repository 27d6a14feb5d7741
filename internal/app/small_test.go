package app_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"skift/internal/app"
)

// smallPlan asks one web server on each platform, for nobody and for two flows of two parties.
const smallPlan = `plan: small
title: Two web servers
timezone: UTC
language: en
parties:
  customer: {role: customer}
  olde: {role: old-supplier}
  newe: {role: new-supplier}
  k101: {role: user}
  k102: {role: user}
seats: {customer/manager: {}}
environments: {prod: {production: true}}
platforms: {old: {party: olde, networks: [127.0.0.0/8]}, new: {party: newe, networks: [127.0.0.0/8]}}
services:
  web: {in: {prod: {old: {addr: "$OLD"}, new: {addr: "$NEW"}}}}
flows: flows.csv
vantages:
  v1: {source_ip: 127.0.0.2}
  v2: {source_ip: 127.0.0.3}
checks:
  up: {kind: reach, service: web, proof: http}
  let-in: {kind: reach, service: web, proof: http, for_each: flows}
suites: {readiness: {checks: [up, let-in]}}
milestones: {cutover: {kind: point, date: 2099-01-01 12:00}}
`

// small is that plan, opened, and its platforms.
type small struct {
	*app.App
	dir      string
	old, new *web
}

// web is a server that counts who asks it.
type web struct {
	*httptest.Server
	asked atomic.Int64
	hold  chan struct{} // requests wait for it; nil = none does
}

func newWeb(t *testing.T, hold chan struct{}) *web {
	w := &web{hold: hold}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.asked.Add(1)
		if w.hold != nil {
			select {
			case <-w.hold:
			case <-r.Context().Done():
			}
		}
	}))
	t.Cleanup(w.Close)
	return w
}

// newSmall opens the plan; extra lines go into its skift.yaml.
func newSmall(t *testing.T, hold chan struct{}, settings string) *small {
	t.Helper()
	s := &small{dir: t.TempDir(), old: newWeb(t, hold), new: newWeb(t, hold)}
	fill := strings.NewReplacer("$OLD", s.old.Listener.Addr().String(), "$NEW", s.new.Listener.Addr().String())
	for name, text := range map[string]string{
		"plan.yaml":  fill.Replace(smallPlan),
		"skift.yaml": "contact: check@customer.example\n" + settings,
		"flows.csv":  "id,party,service,source_ip\nf1,k101,web,127.0.0.2\nf2,k102,web,127.0.0.3\n",
	} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	a, err := app.Open(t.Context(), app.Options{PlanDir: s.dir, Log: slog.New(slog.DiscardHandler)})
	var bad *app.PlanError
	if errors.As(err, &bad) {
		t.Fatal(bad.Problems)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	s.App = a
	return s
}
