package lint_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/lint"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
)

// revised is the shipped plan, and the same with parts of its text replaced.
func revised(t *testing.T, pairs ...string) (before, after *plan.Plan) {
	t.Helper()
	read := func(replace bool) *plan.Plan {
		files := fstest.MapFS{}
		for _, name := range []string{"plan.yaml", "contacts.csv", "data-sources.csv", "flows.csv", "municipalities.csv", "shifts.csv", "user-systems.csv", "pki/oces.pem"} {
			data, err := os.ReadFile("../../config/serviceplatformen/" + name)
			if err != nil {
				t.Fatal(err)
			}
			if replace && name == plan.File {
				for i := 0; i < len(pairs); i += 2 {
					if !strings.Contains(string(data), pairs[i]) {
						t.Fatalf("the plan has no %q", pairs[i])
					}
				}
				data = []byte(strings.NewReplacer(pairs...).Replace(string(data)))
			}
			files[name] = &fstest.MapFile{Data: data}
		}
		p, problems := plan.Load(files)
		if err := problems.Err(); err != nil {
			t.Fatal(err)
		}
		return p
	}
	return read(false), read(true)
}

func ends(check string, side checks.Side, addr, notAfter string) register.Interval {
	return register.Interval{Result: checks.Result{Unit: checks.Unit{Check: check, Side: side, Addr: addr}, Facts: map[string]string{"not_after": notAfter}}}
}

// toNextYear moves the weekend to 2020-11-07.
var toNextYear = []string{`from: "2019-11-09 00:00", until: {at: "2019-11-10 18:00"`, `from: "2020-11-07 00:00", until: {at: "2020-11-08 18:00"`}

// What was good enough for 2019 and is not for 2020 is told; what was bad before, or lasts, is not.
func TestCompare(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time {
		v, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	now := at("2019-10-01T08:00:00Z")
	rehearsed := &run.Facts{Order: []string{"cutover-weekend-1"}, Runs: map[string]*run.Run{"cutover-weekend-1": {ID: "cutover-weekend-1", State: run.RunDone,
		EndedAt: at("2019-10-20T12:00:00Z"), Started: run.Started{Runbook: "cutover-weekend", Environment: "exttest", Rehearsal: true, Speed: 1}}}}
	for _, tt := range []struct {
		name  string
		pairs []string
		known lint.Known
		want  []string
	}{
		{"the weekend alone", toNextYear, lint.Known{}, []string{"exit-too-early in-operation open-go"}},
		{"certificates", toNextYear, lint.Known{Latest: []register.Interval{
			ends("gateway-cert", checks.New, "203.0.113.10:443", "2020-03-31T12:00:00Z"),
			ends("gateway-cert", checks.New, "203.0.113.74:443", "2019-10-31T12:00:00Z"), // is too short already
			ends("sts-admin-cert", checks.New, "203.0.113.12:443", "2020-11-20T12:00:00Z"),
			ends("sts-admin-cert", checks.Old, "198.51.100.12:443", "2021-11-20T12:00:00Z"),
		}}, []string{"exit-too-early in-operation open-go", "certificate gateway-cert cutover.end", "certificate sts-admin-cert hypercare.end"}},
		{"rehearsed too long ago", toNextYear, lint.Known{Runs: rehearsed}, []string{"exit-too-early in-operation open-go", "rehearsal cutover-go cutover-weekend-1"}},
		{"a holiday", []string{`from: "2019-11-09 00:00", until: {at: "2019-11-10 18:00"`, `from: "2020-04-11 00:00", until: {at: "2020-04-12 18:00"`}, lint.Known{},
			[]string{"exit-too-early in-operation open-go", "holiday cutover Påskedag"}},
		{"clocks change", []string{`from: "2019-11-09 00:00", until: {at: "2019-11-10 18:00"`, `from: "2020-10-24 00:00", until: {at: "2020-10-25 18:00"`}, lint.Known{},
			[]string{"exit-too-early in-operation open-go", "clock-change cutover"}},
		{"in the past", []string{`from: "2019-11-09 00:00", until: {at: "2019-11-10 18:00"`, `from: "2019-09-07 00:00", until: {at: "2019-09-08 18:00"`}, lint.Known{},
			[]string{"past hypercare", "past cutover"}},
		{"consent and zone", append([]string{"until: hypercare.passed, ref: referat 14", "until: 2019-12-31, ref: referat 14", "until: hypercare.passed, allow: [incident-a, incident-b, transition]", "until: 2019-12-31, allow: [incident-a, incident-b, transition]"}, toNextYear...), lint.Known{},
			[]string{"exit-too-early in-operation open-go", "consent sse cutover", "zone-ends frozen-zone-2 cutover"}},
		{"nothing moves", []string{"decides: kombit/chair", "decides: kombit/cutover-manager"}, lint.Known{}, nil},
	} {
		before, after := revised(t, tt.pairs...)
		tt.known.Now = now
		var got []string
		for _, h := range lint.Compare(before, after, tt.known).Hindrances {
			got = append(got, strings.TrimSpace(h.Code+" "+h.Subject+" "+h.Other))
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
		if again := lint.Compare(after, after, tt.known); len(again.Hindrances)+len(again.Problems) > 0 && tt.name != "in the past" {
			t.Errorf("%s: against itself: %+v", tt.name, again)
		}
	}
}

// A window on another weekday than before and at first is told, and hinders nothing; one that only ends later is not. One that is new is looked at as well.
func TestCompareWeekday(t *testing.T) {
	t.Parallel()
	known := lint.Known{Now: time.Date(2019, 5, 1, 0, 0, 0, 0, time.UTC)}
	for _, tt := range []struct {
		is   string
		want string
	}{
		{`from: "2019-11-12 00:00", was: [{from: "2019-11-09 00:00", until: "2019-11-10 18:00", moved: 2019-05-01, reason: late}], until: {at: "2019-11-13 18:00"`, "weekday cutover"},
		{`from: "2019-11-16 00:00", was: [{from: "2019-11-09 00:00", until: "2019-11-10 18:00", moved: 2019-05-01, reason: late}], until: {at: "2019-11-17 18:00"`, ""},
		{`from: "2019-11-09 00:00", until: {at: "2019-11-11 18:00"`, ""},
		{`from: "2019-11-12 00:00", until: {at: "2019-11-13 18:00"`, "weekday cutover"}, // its first date is not kept
	} {
		before, after := revised(t, toNextYear[0], tt.is)
		said, got := lint.Compare(before, after, known), ""
		for _, h := range said.Cautions {
			got += h.Code + " " + h.Subject
		}
		if got != tt.want || slices.ContainsFunc(said.Hindrances, func(h lint.Hindrance) bool { return h.Code == "weekday" }) {
			t.Errorf("%s: %q, want %q; impossible: %+v", tt.is, got, tt.want, said.Hindrances)
		}
	}
	window := `{kind: window, from: "2019-11-09 00:00"`
	before, after := revised(t, "  cutover:\n    "+window, `  cutover-2: {kind: window, from: "2019-12-24 00:00", until: "2019-12-25 00:00", runbook: cutover-weekend}`+"\n  cutover:\n    "+window)
	if h := lint.Compare(before, after, known).Hindrances; !slices.ContainsFunc(h, func(h lint.Hindrance) bool { return h.Subject == "cutover-2" && h.Code == "half-day" }) {
		t.Errorf("a second window on a half holiday: %+v", h)
	}
}

// A window that is new is looked at as one that moved: one set of rules.
func TestCompareSecondWindow(t *testing.T) {
	t.Parallel()
	const consent, zone = "until: hypercare.passed, ref: referat 14", "until: hypercare.passed, allow: [incident-a, incident-b, transition]"
	window := `{kind: window, from: "2019-11-09 00:00"`
	for _, tt := range []struct {
		name, from, until string
		also              []string
		want              []string
	}{
		{"a week later", "2019-11-16 00:00", "2019-11-17 18:00", nil, []string{"exit-too-early in-operation open-go"}},
		{"with the day of operation", "2019-11-16 00:00", "2019-11-17 18:00", []string{"date: 2019-11-11", "date: 2019-11-18"}, nil},
		{"Christmas", "2019-12-24 00:00", "2019-12-25 18:00", nil, []string{"exit-too-early in-operation open-go", "half-day cutover-2 Juleaftensdag", "holiday cutover-2 Juledag"}},
		{"outside production", "2019-11-16 00:00", `2019-11-17 18:00", environment: "exttest`, nil, nil},
		{"in the past", "2019-09-14 00:00", "2019-09-15 18:00", nil, []string{"past cutover-2"}},
		{"consent and zone", "2020-01-11 00:00", "2020-01-12 18:00", []string{consent, "until: 2019-12-31, ref: referat 14", zone, "until: 2019-12-31, allow: [incident-a, incident-b, transition]"},
			[]string{"exit-too-early in-operation open-go", "consent sse cutover-2", "zone-ends frozen-zone-2 cutover-2"}},
	} {
		pairs := append([]string{"  cutover:\n    " + window, `  cutover-2: {kind: window, from: "` + tt.from + `", until: "` + tt.until + `", runbook: cutover-weekend}` + "\n  cutover:\n    " + window}, tt.also...)
		before, after := revised(t, pairs...)
		var got []string
		for _, h := range lint.Compare(before, after, lint.Known{Now: time.Date(2019, 10, 1, 8, 0, 0, 0, time.UTC)}).Hindrances {
			got = append(got, strings.TrimSpace(h.Code+" "+h.Subject+" "+h.Other))
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}
