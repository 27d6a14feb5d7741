package register_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/diag"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
)

// desk is a plan with two platforms, a service, and a zone in which clocks change.
func desk(t testing.TB) *plan.Plan {
	t.Helper()
	p, problems := plan.Load(fstest.MapFS{"plan.yaml": {Data: []byte(`
plan: test
title: Test
timezone: Europe/Copenhagen
parties: {kombit: {role: customer}, sse: {role: old-supplier}, ibm: {role: new-supplier}}
environments: {prod: {production: true}}
platforms: {old: {name: SSE, party: sse, networks: [198.51.100.0/24]}, new: {name: IBM, party: ibm, networks: [203.0.113.0/24]}}
services: {gateway: {in: {prod: {old: {addr: "198.51.100.10:443"}, new: {addr: "203.0.113.10:443"}}}}}
`)}})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return p
}

var monday = time.Date(2019, 11, 18, 8, 0, 0, 0, time.UTC)

func TestReadIncidents(t *testing.T) {
	t.Parallel()
	p := desk(t)
	at := func(day, hour int) time.Time { return time.Date(2019, 11, day, hour, 15, 0, 0, time.UTC) }
	want := []register.IncidentRow{
		{ID: "INC-1", Incident: register.Incident{Class: plan.IncidentA, Platform: checks.New, Service: "gateway", Title: "no; receipts", OpenedAt: at(12, 7)}},
		{ID: "INC-2", Incident: register.Incident{Class: plan.IncidentC, Platform: checks.Old, OpenedAt: at(12, 7), ClosedAt: at(13, 8)}},
	}
	for name, src := range map[string]string{
		"commas":      "id,class,platform,opened,closed,title,service\nINC-1,A,new,2019-11-12 08:15,,no; receipts,gateway\nINC-2,C,old,2019-11-12 08:15,2019-11-13 09:15,,\n",
		"a sheet's":   "\ufeffid;class;platform;opened;closed;title;service\r\nINC-1;a;IBM;12-11-2019 08:15;;\"no; receipts\";gateway\r\nINC-2;c;sse;12.11.2019 08:15;13-11-2019 09.15;;\r\n",
		"zones named": "id,class,platform,opened,closed,title,service\nINC-1,incident-a,new,2019-11-12T07:15:00Z,,no; receipts,gateway\nINC-2,C,OLD,2019-11-12T09:15:00+02:00,2019-11-13T08:15:00Z,,\n",
	} {
		var problems diag.List
		got := register.ReadIncidents("list.csv", []byte(src), p, monday, &problems)
		if d := cmp.Diff(want, got); d != "" || problems.Len() > 0 {
			t.Errorf("%s: %v\n%s", name, problems.Sorted(), d)
		}
	}
	for row, want := range map[string]string{
		",A,new,2019-11-12,":                           "2:1: id: is empty",
		"INC 1,A,new,2019-11-12,":                      "2:1: id: the number of an incident has no spaces",
		strings.Repeat("x", 65) + ",A,new,2019-11-12,": "2:1: id: the number of an incident has at most 64 letters",
		"INC-1,,new,2019-11-12,":                       "2:7: class: is empty",
		"INC-1,AB,new,2019-11-12,":                     `2:7: class: "AB" is not one of A, B, C`,
		"INC-1,A,both,2019-11-12,":                     `2:9: platform: "both" is neither old nor new`,
		"INC-1,A,new,,":                                "2:13: opened: is empty",
		"INC-1,A,new,11/31/2019,":                      `2:13: opened: "11/31/2019" is no time`,
		"INC-1,A,new,2019-11-18 10:00,":                "2:13: opened: 2019-11-18 10:00 lies ahead",
		"INC-1,A,new,2019-11-12,2019-11-11":            "2:24: closed: lies before it was opened",
		"INC-1,A,new,2019-11-12,,":                     "2:25: the row has 6 cells, the header names 5",
	} {
		var problems diag.List
		register.ReadIncidents("list.csv", []byte("id,class,platform,opened,closed\n"+row+"\n"), p, monday, &problems)
		if got := problems.Sorted(); len(got) != 1 || got[0].String() != "list.csv:"+want {
			t.Errorf("%s: %v, want %s", row, got, want)
		}
	}
}

// TestCompareIncidents: what is as it was is no news, an empty cell says nothing, and what a list lacks is named and stays.
func TestCompareIncidents(t *testing.T) {
	t.Parallel()
	inc := func(class plan.Class, side checks.Side, closed time.Time) register.Incident {
		return register.Incident{Class: class, Platform: side, Title: "t", OpenedAt: monday.Add(-99 * time.Hour), ClosedAt: closed}
	}
	f := &register.Facts{}
	seq := int64(0)
	apply := func(kind, id string, body any) error {
		seq++
		return f.Apply(journal.Event{Seq: seq, Kind: kind, Subject: id, At: monday.Add(-time.Hour), Body: register.Body(body)})
	}
	for id, i := range map[string]register.Incident{"SAME": inc(plan.IncidentA, checks.New, time.Time{}), "GRAVER": inc(plan.IncidentB, checks.New, time.Time{}),
		"OVER": inc(plan.IncidentB, checks.New, time.Time{}), "AGAIN": inc(plan.IncidentB, checks.New, monday.Add(-9*time.Hour)),
		"GONE": inc(plan.IncidentB, checks.New, time.Time{}), "DONE": inc(plan.IncidentB, checks.New, monday.Add(-9*time.Hour)), "THEIRS": inc(plan.IncidentB, checks.Old, time.Time{})} {
		if err := apply(register.IncidentOpened, id, i); err != nil {
			t.Fatal(err)
		}
	}
	said := inc(plan.IncidentA, checks.New, time.Time{})
	said.Title = ""
	n := f.Compare([]register.IncidentRow{{ID: "SAME", Incident: said}, {ID: "GRAVER", Incident: inc(plan.IncidentA, checks.New, time.Time{})}, {ID: "OVER", Incident: inc(plan.IncidentB, checks.New, monday.Add(-2*time.Hour))},
		{ID: "AGAIN", Incident: inc(plan.IncidentB, checks.New, time.Time{})}, {ID: "NEW", Incident: said}}, []checks.Side{checks.New}, monday)
	ids := func(rows []register.IncidentRow) (out []string) {
		for _, r := range rows {
			out = append(out, r.ID)
		}
		return out
	}
	for what, d := range map[string]string{"opened": cmp.Diff([]string{"NEW"}, ids(n.Opened)), "changed": cmp.Diff([]string{"GRAVER", "AGAIN"}, ids(n.Changed)),
		"closed": cmp.Diff([]string{"OVER"}, ids(n.Closed)), "missing": cmp.Diff([]string{"GONE"}, n.Missing)} {
		if d != "" {
			t.Errorf("%s (-want +got):\n%s", what, d)
		}
	}
	for what, err := range map[string]error{
		"opened twice":      apply(register.IncidentOpened, "SAME", said),
		"changed unknown":   apply(register.IncidentChanged, "X", said),
		"closed unknown":    apply(register.IncidentClosed, "X", register.Closing{ClosedAt: monday}),
		"closed twice":      apply(register.IncidentClosed, "DONE", register.Closing{ClosedAt: monday}),
		"a class of change": apply(register.IncidentOpened, "Y", inc(plan.Fix, checks.New, time.Time{})),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

// TestLowered: an incident in a lesser class than it ever had says from which, and by whose word, until it is back there.
func TestLowered(t *testing.T) {
	t.Parallel()
	f, seq := &register.Facts{}, int64(0)
	for _, c := range []struct {
		class plan.Class
		title string
		seat  string
		want  *register.Lowered
	}{
		{plan.IncidentB, "t", "ibm/operator", nil},
		{plan.IncidentA, "t", "ibm/operator", nil},
		{plan.IncidentC, "t", "ibm/operator", &register.Lowered{ID: "I", From: plan.IncidentA, To: plan.IncidentC, Seat: "ibm/operator", Reason: "why", Event: 3}},
		{plan.IncidentC, "u", "kombit/manager", &register.Lowered{ID: "I", From: plan.IncidentA, To: plan.IncidentC, Seat: "ibm/operator", Reason: "why", Event: 3}},
		{plan.IncidentB, "u", "kombit/manager", &register.Lowered{ID: "I", From: plan.IncidentA, To: plan.IncidentB, Seat: "kombit/manager", Reason: "why", Event: 5}},
		{plan.IncidentA, "u", "kombit/manager", nil},
	} {
		seq++
		kind := register.IncidentChanged
		if seq == 1 {
			kind = register.IncidentOpened
		}
		body := register.Incident{Class: c.class, Platform: checks.New, Title: c.title, OpenedAt: monday, Reason: "why"}
		if err := f.Apply(journal.Event{Seq: seq, Kind: kind, Subject: "I", At: monday, Actor: journal.Actor{Seat: c.seat}, Body: register.Body(body)}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, f.Incidents["I"].Lowered); diff != "" {
			t.Errorf("event %d (-want +got):\n%s", seq, diff)
		}
	}
}

// FuzzReadIncidents reads whatever a service desk may export: nothing panics, every problem lies inside the file, and what is read without one
// can be told from nothing.
func FuzzReadIncidents(f *testing.F) {
	f.Add("id,class,platform,opened,closed\nINC-1,A,new,2019-11-12 08:15,\n")
	f.Add("\ufeffid;class;platform;opened;closed;title;service\r\nINC-1;a;IBM;12-11-2019 08:15;;\"no; receipts\";gateway\r\n")
	f.Add("id,class,platform,opened,closed\nINC-1,,both,31-02-2019,2019-10-27 02:30\n\"")
	p := desk(f)
	f.Fuzz(func(t *testing.T, src string) {
		var problems diag.List
		rows := register.ReadIncidents("list.csv", []byte(src), p, monday, &problems)
		for _, x := range problems.Sorted() {
			if at := diag.Inside([]byte(strings.TrimPrefix(src, "\ufeff")), x.Pos); x.Line > 0 && at != x.Pos {
				t.Errorf("%s lies outside the file", x)
			}
		}
		if problems.Errors() > 0 {
			return
		}
		for _, r := range rows {
			if register.BadIncidentID(r.ID) != "" || r.Class == "" || r.Platform == "" || r.OpenedAt.IsZero() || r.OpenedAt.After(monday.Add(time.Hour)) {
				t.Errorf("read %+v", r)
			}
		}
		if n := (&register.Facts{}).Compare(rows, checks.Sides(), monday); len(n.Opened) != len(rows) {
			t.Errorf("%d of %d are news", len(n.Opened), len(rows))
		}
	})
}
