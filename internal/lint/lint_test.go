package lint

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"skift/checks"
	"skift/config"
	"skift/internal/diag"
	"skift/internal/plan"
	"skift/internal/register"
)

// staffed is the plan in which everything is right, with text replaced: old, new, old, new …
func staffed(t *testing.T, replace ...string) fstest.MapFS {
	t.Helper()
	files := readArchive(t, "testdata/base/staffed.txtar").files(t)
	for i := 0; i < len(replace); i += 2 {
		done := false
		for _, f := range files {
			if strings.Contains(string(f.Data), replace[i]) {
				f.Data = []byte(strings.Replace(string(f.Data), replace[i], replace[i+1], 1))
				done = true
				break
			}
		}
		if !done {
			t.Fatalf("%q stands in no file", replace[i])
		}
	}
	return files
}

// check lints a plan directory.
func check(t *testing.T, files fs.FS, known Known) []diag.Problem {
	t.Helper()
	p, problems := plan.Load(files)
	if problems.Len() > 0 {
		t.Fatalf("the plan has problems of its own:\n%s", lines(problems.Sorted()))
	}
	Check(p, known, &problems)
	return problems.Sorted()
}

// A bundle that is not whole is told, should loading ever let it pass.
func TestABundleThatIsCutOff(t *testing.T) {
	t.Parallel()
	p, problems := plan.Load(staffed(t, "", ""))
	if problems.Len() > 0 {
		t.Fatalf("the plan has problems of its own:\n%s", lines(problems.Sorted()))
	}
	p.Trust = map[string][]byte{"a.pem": []byte("-----BEGIN CERTIFICATE-----\nMII")}
	Check(p, Known{Now: badNow}, &problems)
	if got, found := find(problems.Sorted(), plan.CodeNoCertificate); !found || got.Pos.File != "a.pem" {
		t.Errorf("got:\n%s", lines(problems.Sorted()))
	}
}

func find(problems []diag.Problem, code diag.Code) (diag.Problem, bool) {
	for _, p := range problems {
		if p.Code == code {
			return p, true
		}
	}
	return diag.Problem{}, false
}

func date(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestNothingToSayAboutASoundPlan(t *testing.T) {
	t.Parallel()
	if got := check(t, staffed(t), Known{Now: badNow}); len(got) > 0 {
		t.Errorf("problems:\n%s", lines(got))
	}
}

func TestShippedPlansAreSound(t *testing.T) {
	t.Parallel()
	for _, name := range config.Plans() {
		for _, now := range []string{"2019-05-01T12:00:00Z", "2019-11-08T12:00:00Z", "2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z"} {
			files, _ := config.Plan(name)
			if got := check(t, files, Known{Now: date(t, now)}); len(got) > 0 {
				t.Errorf("%s at %s:\n%s", name, now, lines(got))
			}
		}
	}
}

// TestFoundOrNot holds each finding against the nearest plan without it.
func TestFoundOrNot(t *testing.T) {
	t.Parallel()
	const (
		noOld    = "o/operator,2030-01-12 06:00,2030-01-13 08:00,p-3\n"
		oldSeat  = "o/operator: {}"
		deputise = "o/operator: {deputies: [n/operator]}"
		suite    = "{suite: all, max_age: 2h}"
		unasked  = "exit: accepted"
		switches = "switches: [web], change: transition"
	)
	for name, c := range map[string]struct {
		code    diag.Code
		replace []string
		found   bool
		severe  diag.Severity
	}{
		"seat empty":                          {CodeUnstaffed, []string{noOld, ""}, true, diag.Error},
		"seat empty, a deputy is there":       {CodeUnstaffed, []string{noOld, "", oldSeat, deputise}, false, 0},
		"gap in the window, no gate":          {CodeSeatGap, []string{"n/operator,2030-01-12 06:00,2030-01-13 08:00", "n/operator,2030-01-12 06:00,2030-01-13 05:59"}, true, diag.Warning},
		"gap beside a gate only":              {CodeSeatGap, []string{"o/operator,2030-01-12 06:00,", "o/operator,2030-01-12 12:00,"}, false, 0},
		"suite fresh at the last moment":      {CodeSuiteStale, []string{suite, "{suite: all, max_age: 1h, rerun: false}"}, false, 0},
		"suite too rare":                      {CodeSuiteStale, []string{suite, "{suite: all, max_age: 1h, rerun: false}", "every: 1h", `cron: "1 * 1 * *"`}, true, diag.Error},
		"suite too rare, the gate asks again": {CodeSuiteStale, []string{suite, "{suite: all, max_age: 1h}", "every: 1h", `cron: "1 * 1 * *"`}, false, 0},
		"suite never by itself":               {CodeSuiteStale, []string{suite, "{suite: all, rerun: false}", ", every: 1h", ""}, true, diag.Error},
		"suite outside its period":            {CodeSuiteStale, []string{suite, "{suite: all, max_age: 2h, rerun: false}", "every: 1h", "every: 1h, during: [{from: 2029-12-01, until: 2029-12-20}]"}, true, diag.Error},
		"suite as old as its checks allow":    {CodeSuiteStale, []string{suite, "{suite: all, rerun: false}", "every: 1h", `cron: "15 6 * * *"`}, false, 0},
		"suite older than its checks allow":   {CodeSuiteStale, []string{suite, "{suite: all, rerun: false}", "every: 1h", `cron: "15 6 * * *"`, "kind: tls,", "kind: tls, max_age: 6h,"}, true, diag.Error},
		"deadline at the opening":             {CodeGateClosed, []string{"opens: night.start - 12h", "opens: night.start - 2h"}, true, diag.Error},
		"milestone begins at the deadline":    {CodeTooLate, []string{"{milestone: trial}", "{id: n, milestone: night}", "decide_by: night.start - 2h", "decide_by: night.start"}, true, diag.Error},
		"milestone wanted active":             {CodeEndsLate, []string{"{milestone: trial}", "{id: n, milestone: night, state: active}", "decide_by: night.start - 2h", "decide_by: night.start + 1h"}, false, 0},
		"rehearsal of what changes nothing":   {CodeOnlySimulated, []string{"environment: test}", "environment: prod}", "command: [./switch], " + switches, "manual: Look", "message: {audience: board, report: cutover-done}", "wait: 1m"}, false, 0},
		"rehearsal executed on purpose":       {CodeOnlySimulated, []string{"environment: test}", "environment: prod}", switches, switches + ", rehearse: run", "message: {audience: board, report: cutover-done}", "wait: 1m"}, false, 0},
		"gate asked by its opening":           {CodeNeverAsked, []string{unasked, "owner: c/chair", "{asks: Accepted?,", "{asks: Accepted?, opens: 2029-12-20,"}, false, 0},
		"release outside the zone":            {CodeNoClass, []string{", change: scope", ""}, false, 0},
		"class inside one that is allowed":    {CodeNotAllowed, []string{"date: 2029-12-20, change: scope", "date: 2030-01-02, change: incident-a"}, false, 0},
		"step not allowed":                    {CodeNotAllowed, []string{"change: transition", "change: scope"}, true, diag.Error},
		"step without a class":                {CodeStepNoClass, []string{switches, "switches: [web]"}, true, diag.Error},
		"step without a class, no zone":       {CodeStepNoClass, []string{switches, "switches: [web]", "from: 2030-01-01, until: night.passed", "from: 2029-12-21, until: 2029-12-30"}, false, 0},
		"step in another environment":         {CodeNotAllowed, []string{"change: transition", "change: scope", "runbook: night}", "runbook: night, environment: test}"}, false, 0},
		"zone begins within the window":       {CodeNotAllowed, []string{"from: 2030-01-01, until: night.passed, allow: [incident-a, transition]", `from: "2030-01-13 01:00", until: 2030-02-01, allow: [incident-a]`}, true, diag.Warning},
		"zone over before the release":        {CodeNotAllowed, []string{"date: 2029-12-20, change: scope", "date: 2030-01-20, change: scope"}, false, 0},
		"consent given":                       {CodeNoConsent, []string{"kind: tls, service: web", `kind: sftp, service: web, level: auth, user: u, key: env:K, host_key: {new: ["SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]}`}, false, 0},
		"nobody's flow has a mail address":    {CodeUnreachable, []string{"user-1,web,p-4", "user-1,web,"}, true, diag.Warning},
		"report only made by hand":            {CodeUnreachable, []string{"user-1,web,p-4", "user-1,web,", `report: own-flows, cron: "0 8 * * MON"`, "report: own-flows"}, false, 0},
		"chair's deputy has a mail address":   {CodeUnreachable, []string{"c/chair: {}", "c/chair: {deputies: [n/operator]}", "p-1,Chair,chair@customer.example", "p-1,Chair,"}, false, 0},
		"one person in two seats, apart":      {CodeTwoSeats, []string{"o/operator,2030-01-12 06:00,2030-01-13 08:00,p-3", "o/operator,2030-01-11 06:00,2030-01-11 08:00,p-2\no/operator,2030-01-12 06:00,2030-01-13 08:00,p-3"}, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := check(t, staffed(t, c.replace...), Known{Now: badNow})
			p, found := find(got, c.code)
			if found != c.found || found && p.Severity != c.severe {
				t.Errorf("%s found %t (%s), want %t (%s):\n%s", c.code, found, p.Severity, c.found, c.severe, lines(got))
			}
			if found && p.Hint == "" {
				t.Errorf("%s does not say what to do", c.code)
			}
		})
	}
}

func TestWhatIsOverNeedsNobody(t *testing.T) {
	t.Parallel()
	files := staffed(t, "o/operator,2030-01-12 06:00,2030-01-13 08:00,p-3\n", "", "n/operator,2030-01-12 06:00,2030-01-13 08:00,p-2\n", "")
	if _, found := find(check(t, files, Known{Now: badNow}), CodeUnstaffed); !found {
		t.Fatal("an empty seat is not found before it is needed")
	}
	if got := check(t, files, Known{Now: date(t, "2030-01-14T00:00:00Z")}); len(got) > 0 {
		t.Errorf("after the night:\n%s", lines(got))
	}
}

func TestPassedMilestoneWasInTime(t *testing.T) {
	t.Parallel()
	files := staffed(t, "{milestone: trial}", "{id: n, milestone: night}", "decide_by: night.start - 2h", "decide_by: night.start + 2h")
	passed := date(t, "2030-01-12T19:30:00Z")
	facts := &register.Facts{Milestones: map[string]*register.MilestoneFacts{"night": {StartedAt: passed.Add(-time.Hour), PassedAt: passed}}}
	if _, found := find(check(t, files, Known{Now: badNow}), CodeEndsLate); !found {
		t.Fatal("a milestone planned to end after the gate is not found")
	}
	if got := check(t, files, Known{Now: passed.Add(time.Minute), Facts: facts}); len(got) > 0 {
		t.Errorf("although it has passed:\n%s", lines(got))
	}
}

func TestObservedCertificates(t *testing.T) {
	t.Parallel()
	seen := func(side checks.Side, addr, notAfter, chain string) register.Interval {
		return register.Interval{Result: checks.Result{Unit: checks.Unit{Check: "cert", Side: side, Addr: addr},
			Facts: map[string]string{"not_after": notAfter, "best_chain_min": chain, "subject": "CN=web"}}}
	}
	const (
		inside = "2030-01-06T00:00:00Z"
		before = "2029-12-31T00:00:00Z"
		after  = "2031-01-01T00:00:00Z"
	)
	for name, c := range map[string]struct {
		latest []register.Interval
		allow  string
		want   int
	}{
		"ends before the zone":                   {[]register.Interval{seen(checks.New, "203.0.113.1:443", before, before)}, "", 0},
		"ends after the zone":                    {[]register.Interval{seen(checks.New, "203.0.113.1:443", after, after)}, "", 0},
		"ends inside":                            {[]register.Interval{seen(checks.New, "203.0.113.1:443", inside, inside)}, "", 1},
		"its issuer ends inside":                 {[]register.Interval{seen(checks.New, "203.0.113.1:443", after, inside)}, "", 1},
		"the chain is not known":                 {[]register.Interval{seen(checks.New, "203.0.113.1:443", inside, "")}, "", 1},
		"the same at two addresses is told once": {[]register.Interval{seen(checks.New, "203.0.113.1:443", inside, inside), seen(checks.New, "203.0.113.2:443", inside, inside)}, "", 1},
		"both sides":                             {[]register.Interval{seen(checks.New, "203.0.113.1:443", inside, inside), seen(checks.Old, "198.51.100.1:443", inside, inside)}, "", 2},
		"the zone allows renewal":                {[]register.Interval{seen(checks.New, "203.0.113.1:443", inside, inside)}, "certificate, ", 0},
		"nothing was presented":                  {[]register.Interval{{Result: checks.Result{Unit: checks.Unit{Check: "cert"}}}}, "", 0},
		"of a check that is gone":                {[]register.Interval{{Result: checks.Result{Unit: checks.Unit{Check: "gone"}, Facts: map[string]string{"not_after": inside}}}}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := staffed(t, "allow: [incident-a, transition]", "allow: ["+c.allow+"incident-a, transition]")
			got := check(t, files, Known{Now: badNow, Latest: c.latest})
			if len(got) != c.want {
				t.Errorf("%d problems, want %d:\n%s", len(got), c.want, lines(got))
			}
			for _, p := range got {
				if p.Code != CodeEndsInZone || p.Severity != diag.Error {
					t.Errorf("unexpected: %s", p)
				}
			}
		})
	}
}

func TestZoneOfOneSide(t *testing.T) {
	t.Parallel()
	files := staffed(t, "allow: [incident-a, transition]", "allow: [incident-a, transition], applies_to: [old]")
	latest := []register.Interval{{Result: checks.Result{Unit: checks.Unit{Check: "cert", Side: checks.New, Addr: "203.0.113.1:443"},
		Facts: map[string]string{"not_after": "2030-01-06T00:00:00Z"}}}}
	if got := check(t, files, Known{Now: badNow, Latest: latest}); len(got) > 0 {
		t.Errorf("the zone binds the old side only:\n%s", lines(got))
	}
	latest[0].Unit.Side = checks.Old
	if got := check(t, files, Known{Now: badNow, Latest: latest}); len(got) != 1 {
		t.Errorf("the zone binds the old side:\n%s", lines(got))
	}
}

// TestStandardRunbook: an author cannot change a standard runbook, so the problem stands at the milestone that uses it.
func TestStandardRunbook(t *testing.T) {
	t.Parallel()
	files, _ := config.Plan("serviceplatformen")
	src, err := fs.ReadFile(files, plan.File)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.ReplaceAll(string(src), ", transition]", "]")
	over := fstest.MapFS{plan.File: &fstest.MapFile{Data: []byte(changed)}}
	p, problems := plan.Load(layered{over, files})
	if problems.Len() > 0 {
		t.Fatalf("the plan has problems of its own:\n%s", lines(problems.Sorted()))
	}
	Check(p, Known{Now: date(t, "2019-06-01T00:00:00Z")}, &problems)
	for _, problem := range problems.Sorted() {
		if problem.File != plan.File {
			t.Errorf("stands outside the author's files: %s", problem)
		}
		if problem.Code == CodeNotAllowed && strings.Contains(problem.Message, "standard runbook cutover-weekend") {
			return
		}
	}
	t.Errorf("the cut-over in a zone that does not allow it is not found:\n%s", lines(problems.Sorted()))
}

// layered is one file system over another.
type layered struct{ over, under fs.FS }

func (l layered) Open(name string) (fs.File, error) {
	if f, err := l.over.Open(name); err == nil && name != "." {
		return f, nil
	}
	return l.under.Open(name)
}
