//go:build linux

package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"skift/checks"
	"skift/internal/accesslog"
	"skift/internal/api"
	"skift/internal/app"
	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/matrix"
	"skift/internal/outbox"
	"skift/internal/plan"
	"skift/internal/probefile"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/runner"
	"skift/internal/sim"
	"skift/runbooks"
)

// shutPlan forbids everything: from the zone "shut" nobody makes an exception, from "soft" somebody may. A window begins in it by itself.
const shutPlan = `plan: shut
title: A zone that allows nothing
timezone: UTC
language: en
parties:
  customer: {role: customer}
  olde: {role: old-supplier}
  newe: {role: new-supplier}
  k101: {role: user}
seats: {customer/chair: {}, newe/operator: {}, olde/operator: {}}
roster: shifts.csv
contacts: contacts.csv
environments: {prod: {production: true}}
platforms: {old: {party: olde, networks: [127.0.0.0/8]}, new: {party: newe, networks: [127.0.0.0/8]}}
services:
  web: {in: {prod: {old: {addr: "$WEB"}, new: {addr: "$WEB"}}}}
  files: {in: {prod: {old: {addr: "$SFTP"}, new: {addr: "$SFTP"}}}}
flows: flows.csv
vantages:
  v1: {source_ip: 127.0.0.2}
checks:
  up: {kind: reach, service: web, proof: http}
  let-in: {kind: reach, service: web, proof: http, for_each: flows}
suites: {readiness: {checks: [up], every: 6h}}
milestones:
  shut: {kind: zone, from: 2000-01-01, until: 2000-03-01, allow: [$ALLOW], hard: true, owner: customer/chair}
  soft: {kind: zone, from: 2000-01-01, until: 2000-03-01, allow: [$ALLOW], owner: customer/chair}
  cutover: {kind: window, from: "2000-01-01 05:00", until: "2000-01-09 00:00", runbook: scheduled}
  early: {kind: phase, from: 2000-01-01, until: 2000-02-01, owner: customer/chair}
  settled: {kind: phase, from: 2000-01-01, until: 2000-01-20, exit: passed, owner: customer/chair}
gates:
  go: {asks: Go?, decides: customer/chair}
  passed: {asks: Passed?, decides: customer/chair, criteria: [{attested: seen, by: newe/operator}]}
audiences:
  board: {to: [customer/chair], report: weekly}
`

// shutSteps is a step of each kind that changes something.
var shutSteps = map[runbooks.Kind]string{
	runbooks.Manual:   "owner: newe/operator, manual: Switch, switches: [web], rehearse: run",
	runbooks.Command:  "owner: newe/operator, command: [./effect], change: emergency, rehearse: run",
	runbooks.HTTP:     `owner: newe/operator, http: {method: POST, url: "http://$WEB/flip"}, change: fix, rehearse: run`,
	runbooks.SFTPCopy: `owner: olde/operator, change: certificate, rehearse: run, sftp_copy: {from: {service: files, side: old, user: u, key: "file:key", host_key: ["SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]}, to: {service: files, side: new, user: u, key: "file:key", host_key: ["SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]}}`,
	runbooks.Check:    "check: up, switches: [files]",
	runbooks.Wait:     "wait: 1m, closes: [web]",
	runbooks.Nested:   "runbook: command",
	runbooks.Message:  "message: {audience: board, report: weekly}", // a mail changes no platform: it is no effect here
}

// shut is that plan with the effects it counts.
type shut struct {
	t             *testing.T
	dir           string
	web           *httptest.Server
	flips, copies atomic.Int64
	books         []string // runbooks that change something
	app           *app.App
	server        *api.Server
	given         api.ExportReply // what a party is asked
	answered      map[string]bool // routes that gave an answer and no refusal
	asked         []int64         // exceptions that a second seat may confirm, once for each
	taken         map[string]int  // command → how often it was carried out
	named         map[string]bool // commands of whose answers one named the zone
}

func newShut(t *testing.T, allow string) *shut {
	t.Helper()
	s := &shut{t: t, dir: roomy(t), answered: map[string]bool{}, named: map[string]bool{}, taken: map[string]int{}}
	s.web = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { s.flips.Add(1) }))
	t.Cleanup(s.web.Close)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan struct{})
	t.Cleanup(func() { ln.Close(); <-closed })
	go func() {
		defer close(closed)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			s.copies.Add(1)
			c.Close()
		}
	}()
	key, err := sim.NewUserKey("copy")
	if err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("$WEB", s.web.Listener.Addr().String(), "$SFTP", ln.Addr().String(), "$ALLOW", allow)
	files := map[string]string{"plan.yaml": shutPlan, "effect": "#!/bin/sh\necho \"$SKIFT_RUN/$SKIFT_STEP\" >>effects\n", "key": string(key.Private),
		"flows.csv":                "id,party,service,source_ip\nf1,k101,web,127.0.0.2\n",
		"shifts.csv":               "seat,from,until,person\ncustomer/chair,1999-12-01,2001-01-01,p-all\nnewe/operator,1999-12-01,2001-01-01,p-all\nolde/operator,1999-12-01,2001-01-01,p-two\n",
		"contacts.csv":             "person,name,mail,language\np-all,Whoever may everything,all@customer.example,en\np-two,Whoever confirms it,two@olde.example,en\n",
		"runbooks/undo.yaml":       "runbook: undo\nsteps:\n  back: {owner: newe/operator, command: [./effect], change: transition, undoes: x, rehearse: run}\n",
		"runbooks/gated.yaml":      "runbook: gated\nsteps:\n  x: {after_gate: go, owner: newe/operator, command: [./effect], change: emergency, rehearse: run}\n",
		"runbooks/scheduled.yaml":  "runbook: scheduled\nsteps:\n  x: {owner: newe/operator, command: [./effect], change: transition}\n",
		"runbooks/no-class.yaml":   "runbook: no-class\nsteps:\n  x: {owner: newe/operator, command: [./effect]}\n",
		"runbooks/in-flight.yaml":  "runbook: in-flight\nsteps:\n  first: {wait: 2h}\n  x: {needs: [first], owner: newe/operator, command: [./effect], change: scope}\n",
		"runbooks/asked.yaml":      "runbook: asked\nsteps:\n  first: {owner: newe/operator, manual: Look}\n  x: {needs: [first], owner: newe/operator, command: [./effect], change: scope}\n",
		"runbooks/repeatable.yaml": "runbook: repeatable\nsteps:\n  x: {owner: newe/operator, command: [./effect], repeatable: true, on_failure: retry, change: incident-a}\n"}
	s.books = []string{"gated", "no-class", "in-flight", "asked", "repeatable"}
	for _, kind := range runbooks.Kinds() {
		step, known := shutSteps[kind]
		if !known {
			t.Errorf("nobody says what a step of kind %s changes", kind)
		}
		book := strings.ReplaceAll(string(kind), "_", "-")
		files["runbooks/"+book+".yaml"] = "runbook: " + book + "\nback_out: undo\nsteps:\n  x: {" + step + "}\n"
		if kind != runbooks.Message {
			s.books = append(s.books, book)
		}
	}
	for name, text := range files {
		path := filepath.Join(s.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := map[string]os.FileMode{"effect": 0o755, "key": 0o600}[name]
		if err := os.WriteFile(path, []byte(fill.Replace(text)), max(mode, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// Run implements sweeper.Prober: everybody answers.
func (s *shut) Run(_ context.Context, ask checks.Ask) (checks.Result, error) {
	now := time.Now()
	r := checks.Result{Unit: ask.Unit, Outcome: checks.Pass, Code: checks.OK, Want: ask.Want, StartedAt: now, ValidUntil: now.Add(matrix.MaxAge(ask.Spec)),
		CheckerVersion: "played/1", ConfigHash: ask.Hash()}
	r.Verdict = checks.Judge(r.Outcome, r.Code, r.Facts, r.Want)
	return r, nil
}

// Send implements outbox.Sender: nobody knows of a mail whether it left.
func (s *shut) Send(context.Context, register.Message) outbox.Answer {
	return outbox.Answer{Outcome: outbox.Uncertain}
}

// doubtful is a mail of which it is not known whether it left; "" = there is none.
func (s *shut) doubtful() string {
	mails, err := s.app.Store().Messages(s.t.Context(), register.MessageFilter{States: []register.MessageState{register.MessageUncertain}, Brief: true})
	if err != nil || len(mails) == 0 {
		return ""
	}
	return mails[0].ID
}

// serve runs a process on what is on the disk while fn asks it.
func (s *shut) serve(t *testing.T, fn func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	a, err := app.OpenSimulated(ctx, app.Simulated{Options: app.Options{PlanDir: s.dir, Log: slog.New(slog.NewTextHandler(logOf{t}, &slog.HandlerOptions{Level: slog.LevelError}))},
		Prober: s, Sender: s})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	s.t, s.app = t, a
	s.server = api.New(a, func(string) string { return "p-all" }, slog.New(slog.DiscardHandler))
	force, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- a.Simulate(ctx, force) }()
	synctest.Wait()
	fn()
	cancel()
	close(force)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := s.server.Close(); err != nil {
		t.Error(err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

// ask sends one request to a route of the server's table.
func (s *shut) ask(route, path string, body any) (status int, answer string) {
	s.t.Helper()
	method, pattern, _ := strings.Cut(route, " ")
	if path == "" {
		path = pattern
	}
	text, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	w := httptest.NewRecorder()
	s.server.Handler().ServeHTTP(w, httptest.NewRequestWithContext(s.t.Context(), method, path, bytes.NewReader(text)))
	if w.Code == http.StatusOK {
		s.answered[route] = true
	}
	return w.Code, w.Body.String()
}

// do gives a command as each seat there is.
func (s *shut) do(c runner.Command) (run string) {
	s.t.Helper()
	for _, seat := range s.app.Plan().SeatIDs {
		c.As = seat
		switch {
		case c.Do == runner.DoConfirm && len(s.asked) > 0:
			c.Event, s.asked = s.asked[0], s.asked[1:]
		case c.Do == runner.DoMail:
			c.Mail, c.Answer = s.doubtful(), "sent"
		}
		status, answer := s.ask("POST /v1/do", "", c)
		s.named[c.Do] = s.named[c.Do] || strings.Contains(answer, "a frozen zone in force does not allow: shut (")
		var r runner.Reply
		if status == http.StatusOK && json.Unmarshal([]byte(answer), &r) == nil {
			run, s.taken[c.Do] = r.Run, s.taken[c.Do]+1
			if c.Do == runner.DoWaive {
				s.asked = append(s.asked, r.Event, r.Event, r.Event)
			}
		}
		if status >= http.StatusInternalServerError {
			s.t.Errorf("%s as %s: %d %s", c.Do, seat, status, answer)
		}
	}
	return run
}

// saidLast is what ends a step, in the order in which as much as possible is said of it before.
var saidLast = map[string]int{"fail": 1, "retry": 2, "release": 3, "done": 4}

// commands are what can be wanted of a run of one of the books, in an order that leaves it going as long as it can: each command there is.
func (s *shut) commands(id, book string) (out []runner.Command) {
	until := time.Now().Add(48 * time.Hour)
	of := map[string][]runner.Command{
		runner.DoStart:     {{Runbook: book}, {Runbook: book, Rehearsal: true}, {Runbook: book, Rehearsal: true, Speed: 50}, {Runbook: "undo"}},
		runner.DoVote:      {{Gate: "go", Answer: "go"}, {Gate: "passed", Answer: "go"}},
		runner.DoAttest:    {{Gate: "passed", Criterion: "seen"}},
		runner.DoAccept:    {{Check: "up"}},
		runner.DoMilestone: {{Milestone: "shut", Answer: "pass"}, {Milestone: "settled", Answer: "pass"}, {Milestone: "early", Answer: "pass"}, {Milestone: "early", Answer: "reopen"}},
		runner.DoStatus:    {{Answer: "green"}},
		runner.DoBackOut:   {{}, {Step: "x"}, {Runbook: "undo"}},
		runner.DoWaive:     {{Zone: "shut", Class: "transition"}, {Zone: "soft", Class: "transition"}, {Zone: "soft", Class: "fix"}},
		runner.DoIncident:  {{Answer: "open", Incident: &register.IncidentRow{ID: "INC-1", Incident: register.Incident{Class: "incident-a", Platform: "new", OpenedAt: time.Now()}}}},
		runner.DoPause:     {{}, {Step: "x"}, {Party: "newe"}},
		runner.DoResume:    {{}, {Step: "x"}, {Party: "newe"}},
		runner.DoAbort:     {{Stop: true}},
		runner.DoRevoke:    {{Export: s.given.ID}},
	}
	says := runner.Says()
	slices.SortStableFunc(says, func(a, b string) int { return saidLast[a] - saidLast[b] })
	for _, step := range []string{"first", "x"} {
		for _, say := range says {
			if say != "add" && say != "skip" {
				of[runner.DoStep] = append(of[runner.DoStep], runner.Command{Step: step, Answer: say, Takes: time.Hour})
			}
		}
	}
	for i, class := range []string{"change: transition", "change: incident-a", "rehearse: run"} {
		of[runner.DoStep] = append(of[runner.DoStep], runner.Command{Step: fmt.Sprint("more-", i), Answer: "add", File: []byte("owner: newe/operator\ncommand: [./effect]\n" + class + "\n")})
	}
	of[runner.DoStep] = append(of[runner.DoStep], runner.Command{Step: "x", Answer: "skip"})
	last := []string{runner.DoConfirm, runner.DoBackOut, runner.DoAbort} // what others asked for, and what ends it
	order := slices.DeleteFunc(runner.Commands(), func(do string) bool { return slices.Contains(last, do) })
	for _, do := range append(order, last...) {
		if of[do] == nil { // also one that nobody thought of here
			of[do] = []runner.Command{{Step: "x", Runbook: book, Zone: "shut", Drift: "x"}}
		}
		for _, c := range of[do] {
			c.Do, c.Reason = do, "it must be"
			if do == runner.DoWaive || do == runner.DoAccept {
				c.Until = &until
			}
			if do != runner.DoWaive && do != runner.DoStart && c.Party == "" && c.Gate == "" {
				c.Run = id
			}
			out = append(out, c)
		}
	}
	return out
}

// routes says how each route of the server's table is walked; a route that is not here fails the test.
func (s *shut) routes() map[string]func(route string) {
	chair := api.Acting{As: "customer/chair"}
	ask := func(body any) func(string) { return func(route string) { s.ask(route, "", body) } }
	get := func(path string) func(string) { return func(route string) { s.ask(route, path, nil) } }
	return map[string]func(route string){
		"POST /v1/do":      s.everyCommand,
		"POST /v1/check":   ask(api.CheckRequest{Patterns: []string{"readiness"}, Cause: "walked"}),
		"POST /v1/history": ask(api.HistoryRequest{Latest: true}),
		"POST /v1/explain": ask(api.ExplainRequest{Patterns: []string{"up"}}),
		"POST /v1/report":  ask(api.ReportRequest{Audience: "board", Send: true}),
		"POST /v1/what-if": ask(api.WhatIfRequest{Run: "scheduled-1", Step: "x", By: time.Hour}),
		"POST /v1/reload":  func(route string) { s.reload(route, chair) },
		"POST /v1/observe": ask(api.ObserveRequest{Acting: chair, Side: checks.New, Service: "web", Summary: accesslog.Summary{Digest: strings.Repeat("0f", 32), Lines: 1,
			Sources: []accesslog.Source{{Addr: netip.MustParseAddr("127.0.0.2"), Allowed: 1, AllowedAt: time.Now(), FirstAt: time.Now(), LastAt: time.Now()}}}}),
		"POST /v1/probe/export": func(route string) {
			_, answer := s.ask(route, "", api.ExportRequest{Acting: chair, Patterns: []string{"*"}, For: "k101", Expires: time.Hour})
			if err := json.Unmarshal([]byte(answer), &s.given); err != nil {
				s.t.Errorf("%s: %s", route, answer)
			}
		},
		"POST /v1/probe/import": func(route string) {
			e, err := probefile.ReadExport(s.given.File) // "export" comes before "import"
			if err != nil {
				s.t.Fatal(err)
			}
			s.ask(route, "", api.ImportRequest{Acting: chair, File: letIn(s.t, e, time.Second)})
		},
		"GET /v1/snapshot":     get("/v1/snapshot"),
		"GET /v1/gates/{gate}": get("/v1/gates/go"),
		"GET /v1/events":       get("/v1/events?after=0&wait=1"),
		"GET /healthz":         get("/healthz"),
	}
}

func (s *shut) everyCommand(route string) {
	for _, book := range s.books {
		id := s.do(runner.Command{Do: runner.DoStart, Runbook: book})
		if id == "" {
			s.t.Errorf("%s was not begun", book)
			continue
		}
		for _, c := range s.commands(id, book) {
			s.do(c)
		}
		time.Sleep(3 * time.Hour) // whatever waits for time comes
		synctest.Wait()
	}
}

// reload takes other revisions up: one that says the same of zones, and one that cannot be read.
func (s *shut) reload(route string, chair api.Acting) {
	file := filepath.Join(s.dir, "plan.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, title := range []string{"title: Another title", "title: [", "title: A zone that allows nothing"} {
		if err := os.WriteFile(file, bytes.Replace(text, []byte("title: A zone that allows nothing"), []byte(title), 1), 0o644); err != nil {
			s.t.Fatal(err)
		}
		s.ask(route, "", api.ReloadRequest{Acting: chair})
		time.Sleep(time.Hour)
		synctest.Wait()
	}
}

// effects are what was done: each thing that reached what it was aimed at, each service that was moved, and each intent to do so.
func (s *shut) effects() (out []string) {
	s.t.Helper()
	if b, err := os.ReadFile(filepath.Join(s.dir, "effects")); err == nil {
		out = append(out, "command "+string(b))
	}
	if n := s.flips.Load(); n > 0 {
		out = append(out, fmt.Sprint("http ", n))
	}
	if n := s.copies.Load(); n > 0 {
		out = append(out, fmt.Sprint("sftp_copy ", n))
	}
	err := s.app.Store().Events(s.t.Context(), 0, func(e journal.Event) error {
		var b run.Begun
		switch {
		case e.Kind == register.PhaseMoved:
			out = append(out, "moved "+string(e.Body))
		case e.Kind == run.StepStarted && (e.Subject == "x" || e.Subject == "back" || strings.HasPrefix(e.Subject, "more-")) && json.Unmarshal(e.Body, &b) == nil && !b.Simulated:
			if k := s.kind(e.Run, e.Subject); k != runbooks.Message && k != runbooks.Nested { // these change nothing by themselves
				out = append(out, fmt.Sprintf("%s of %s was begun", e.Subject, e.Run))
			}
		}
		return nil
	})
	if err != nil {
		s.t.Error(err)
	}
	return out
}

// kind is what a step of a run is.
func (s *shut) kind(id, step string) (kind runbooks.Kind) {
	s.app.Ledger().Read(func(f *ledger.Facts) { kind = runbooks.Kind(f.Runs.Runs[id].Steps[step].Kind) })
	return kind
}

// TestNoRouteReachesAnEffectInAShutZone walks every route that the socket's server has, and gives each command there is by a person who may
// everything, while a zone in force allows nothing; before and after the process is ended and another takes up what it left.
func TestNoRouteReachesAnEffectInAShutZone(t *testing.T) {
	t.Parallel()
	s := newShut(t, "")
	synctest.Test(t, func(t *testing.T) {
		for range 2 {
			s.serve(t, func() {
				walked := s.routes()
				table := slices.Sorted(maps.Keys(s.server.Routes()))
				for _, route := range table {
					if walked[route] == nil {
						t.Errorf("the server has a route %s, and this test does not know how to walk it", route)
						continue
					}
					walked[route](route)
				}
				if len(walked) != len(table) {
					t.Errorf("the test walks %d routes, the server has %d: %v", len(walked), len(table), table)
				}
				time.Sleep(12 * time.Hour)
				synctest.Wait()
				if got := s.effects(); len(got) > 0 {
					t.Errorf("effects in a zone that allows nothing: %q", got)
				}
			})
		}
		for _, route := range slices.Sorted(maps.Keys(s.server.Routes())) {
			if !s.answered[route] {
				t.Errorf("%s answered with refusals alone: it was not walked", route)
			}
		}
		for _, do := range runner.Commands() {
			if s.taken[do] == 0 && do != runner.DoDrift { // of which there is none to be judged
				t.Errorf("%s was refused whenever it was given: it was not tried", do)
			}
		}
		for _, do := range []string{runner.DoStart, runner.DoStep, runner.DoRelease, runner.DoResume} {
			if !s.named[do] {
				t.Errorf("%s: no answer names the zone that stands in the way", do)
			}
		}
	})
}

// TestTheRoutesReachEffectsOtherwise: with zones that allow everything the same runs do what the other test counts.
func TestTheRoutesReachEffectsOtherwise(t *testing.T) {
	t.Parallel()
	var classes []string
	for _, c := range plan.Classes() {
		classes = append(classes, string(c))
	}
	s := newShut(t, strings.Join(classes, ", "))
	synctest.Test(t, func(t *testing.T) {
		s.serve(t, func() {
			for _, book := range s.books {
				s.do(runner.Command{Do: runner.DoStart, Runbook: book})
			}
			time.Sleep(12 * time.Hour)
			synctest.Wait()
			got := strings.Join(s.effects(), "\n")
			for _, want := range []string{"command ", "command-1/x", "repeatable-1/x", "in-flight-1/x", "scheduled-1/x", "http 1", "sftp_copy ", `moved {`, "x of manual-1 was begun", "x of check-1 was begun", "x of wait-1 was begun"} {
				if !strings.Contains(got, want) {
					t.Errorf("no %q among the effects of zones that allow everything:\n%s", want, got)
				}
			}
		})
	})
}
