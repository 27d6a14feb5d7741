package snapshot_test

import (
	"encoding/json"
	"flag"
	"os"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/journal"
	"skift/internal/matrix"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/snapshot"
	"skift/internal/timeline"
)

var update = flag.Bool("update", false, "write golden files")

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s differs; run with -update to accept:\n%s", file, d)
	}
}

// now is an hour into the cut-over weekend.
var now = time.Date(2019, 11, 9, 1, 0, 0, 0, time.UTC)

const planText = `
plan: moving
title: {da: Flytning, en: The move}
timezone: Europe/Copenhagen
language: da
parties:
  customer: {name: The customer, role: customer}
  oldco: {name: Oldco, role: old-supplier, consent: {levels: [sftp-login]}}
  newco: {name: Newco, role: new-supplier, consent: {levels: [sftp-login]}}
  towns: {role: user, members: towns.csv}
seats:
  customer/chair: {title: {da: Formand, en: Chair}}
  customer/manager: {deputies: [customer/chair], answer_within: 15m}
  oldco/operator: {}
  newco/operator: {}
roster: shifts.csv
contacts: contacts.csv
environments: {test: {}, prod: {production: true}}
platforms:
  old: {party: oldco, networks: [198.51.100.0/24]}
  new: {party: newco, networks: [203.0.113.0/24]}
services:
  gateway:
    title: {da: Porten, en: The gateway}
    in:
      prod: {old: {addr: "198.51.100.10:443"}, new: {addr: ["203.0.113.10:443", "203.0.113.74:443"]}}
      test: {old: {addr: "198.51.100.20:443"}, new: {addr: "203.0.113.20:443"}}
  files:
    in:
      prod: {old: {addr: "198.51.100.11:22"}, new: {addr: "203.0.113.11:22"}}
flows: flows.csv
vantages:
  t1: {party: t1, source_ip: 192.0.2.10, control: ["192.0.2.1:443"]}
  t2: {party: t2, source_ip: 192.0.2.11, control: ["192.0.2.1:443"]}
checks:
  cert: {kind: tls, service: gateway, critical: true}
  allow: {kind: reach, service: gateway, for_each: flows, proof: tls, critical: true}
  banner: {kind: sftp, service: files, level: banner}
suites:
  readiness: {title: {da: Klar, en: Ready}, checks: [cert, allow, banner], every: 30m}
  trial: {checks: [cert], environment: test}
milestones:
  freeze: {kind: zone, from: 2019-10-01, until: hypercare.passed, allow: [incident-a, transition]}
  second-freeze: {kind: zone, from: 2019-11-15, until: 2019-12-24, applies_to: [new], allow: [incident-a]}
  trial: {kind: phase, from: 2019-10-01, until: 2019-10-25, owner: newco/operator}
  training: {kind: phase, from: 2019-10-01, until: 2019-10-30, exit: trained}
  cutover: {kind: window, from: "2019-11-09 00:00", until: "2019-11-10 18:00", runbook: weekend}
  hypercare: {kind: phase, from: cutover.end, until: "cutover.end + 26d"}
  next-release: {kind: release, date: unset, change: scope}
gates:
  trained: {asks: Is everybody trained?, opens: 2019-10-25, decide_by: "2019-11-08 12:00", decides: customer/manager}
  go:
    asks: {da: "Skal vi skifte?", en: "Do we switch?"}
    opens: cutover.start - 24h
    decide_by: cutover.start + 4h
    scope: {services: [gateway, files]}
    criteria:
      - {suite: readiness, critical: all, others: 50%, max_age: 2h}
      - {milestone: trial}
      - {attested: staffed, by: newco/operator}
      - {attested: told, by: customer/manager}
    poll: [customer/manager, oldco/operator, newco/operator]
    decides: customer/chair
  open: {asks: Open?, decides: customer/chair}
thresholds: {yellow: 2d, red: 5d}
`

const weekend = `
runbook: weekend
title: {da: Skifteweekend, en: The weekend}
back_out: back
steps:
  stop: {owner: oldco/operator, takes: 20m, manual: {da: Stop indtag, en: Stop the intake}, change: transition}
  copy: {needs: [stop], owner: oldco/operator, command: [./copy], change: transition}
  switch: {needs: [copy], after_gate: go, owner: newco/operator, command: [./switch], switches: [gateway], change: transition}
  notice: {needs: [stop], owner: customer/manager, manual: Tell everybody, change: transition}
  open: {needs: [switch, notice], after_gate: open, owner: newco/operator, manual: Open, point_of_no_return: true, change: transition}
`

const back = `
runbook: back
steps:
  undo: {owner: newco/operator, manual: Switch back, undoes: switch, change: transition}
`

// story is a plan in the middle of its weekend.
func story(t testing.TB) *plan.Plan {
	t.Helper()
	files := map[string]string{
		"plan.yaml": planText, "runbooks/weekend.yaml": weekend, "runbooks/back.yaml": back,
		"towns.csv":    "id,name\nt1,Town 1\nt2,Town 2\n",
		"contacts.csv": "person,name,login,phone,mail,language\np-chair,Ada Byron,ada,+45 00 00 00 01,ada@customer.example,da\np-man,Max Born,,+45 00 00 00 02,max@customer.example,da\np-old,Lise Meitner,,,lise@oldco.example,en\np-new,Emmy Noether,,,emmy@newco.example,en\np-t1,Tycho Brahe,,,tycho@t1.example,da\n",
		"shifts.csv":   "seat,from,until,person\ncustomer/chair,2019-11-08,2019-11-10,p-chair\noldco/operator,2019-11-08,2019-11-10,p-old\nnewco/operator,2019-11-08,2019-11-09,p-new\nnewco/operator,2019-11-10,2019-11-10,p-new\n",
		"flows.csv":    "id,party,user_system,service,direction,source_ip,contact\nf1,t1,cases,gateway,in,192.0.2.10,p-t1\nf2,t2,cases,gateway,in,192.0.2.11,\nf3,t1,archive,files,in,,p-t1\n",
	}
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	p, problems := plan.Load(fsys)
	if err := problems.Err(); err != nil {
		for _, pr := range problems.Sorted() {
			t.Errorf("%s: %s", pr.Pos, pr.Message)
		}
		t.Fatal(err)
	}
	return p
}

// facts are both folds of a story's events.
type facts struct {
	runs     run.Facts
	register register.Facts
	events   []journal.Event
}

// add folds one event; at is how long before now.
func (f *facts) add(t testing.TB, before time.Duration, kind, runID, subject, seat string, body any) int64 {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	persons := map[string]string{"customer/chair": "p-chair", "customer/manager": "p-man", "oldco/operator": "p-old", "newco/operator": "p-new"}
	e := journal.Event{Plan: "moving", Seq: int64(len(f.events) + 1), At: now.Add(-before), Kind: kind, Run: runID, Subject: subject, Body: b}
	if seat != "" {
		e.Actor = journal.Actor{Seat: seat, Person: persons[seat], EnteredBy: "p-man", Via: journal.ViaPhone}
	}
	for _, fold := range []func(journal.Event) error{f.runs.Apply, f.register.Apply} {
		if err := fold(e); err != nil {
			t.Fatal(err)
		}
	}
	f.events = append(f.events, e)
	return e.Seq
}

// answers makes an interval for every unit of the production checks: outcome by side, evidence naming whose it is.
func answers(p *plan.Plan, f *register.Facts, outcome func(u matrix.Unit) (checks.Verdict, checks.Code, string)) []register.Interval {
	tl := timeline.At(p, f, now)
	var out []register.Interval
	for _, env := range p.EnvIDs {
		for _, u := range (matrix.Scope{Plan: p, Environment: env, Checks: p.CheckIDs, Facts: f, Now: now, Moment: tl.Moment, Within: tl.Within}).Units() {
			v, code, said := outcome(u)
			if v == "" {
				continue
			}
			r := checks.Result{Unit: u.Unit, Outcome: v, Verdict: v, Code: code, Want: checks.Allow, StartedAt: now.Add(-10 * time.Minute), ConfigHash: u.Ask().Hash(),
				Facts: map[string]string{"said": said}, Evidence: checks.Evidence{Banner: said, Err: said}}
			i := register.Begin(r)
			i.Since = now.Add(-3 * time.Hour)
			out = append(out, i)
		}
	}
	return out
}

// build makes the snapshot of the story as a viewer sees it.
func build(t testing.TB, viewer string) snapshot.Snapshot {
	t.Helper()
	in := weekendStory(t)
	in.Viewer = viewer
	return snapshot.Build(in)
}
