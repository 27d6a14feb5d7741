package plan

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// TestRunbookNames reads a runbook in which every sort of name is wrong, beside a sound plan.
func TestRunbookNames(t *testing.T) {
	t.Parallel()
	fsys := readBundle(t, lintdata+"/base/minimal.txtar").fsys()
	fsys["runbooks/extra.yaml"] = &fstest.MapFile{Data: []byte(`runbook: extra
window: nigth
back_out: bakc
steps:
  a: {after_gate: goo, owner: n/operatr, manual: x, area: dat, change: transitoin}
  b: {owner: new-supplier/boss, manual: x, verify: [all, cert, "c*", crt, "x*"], switches: [wbe, "w*"]}
  c: {check: {suite: al}}
  d: {check: {checks: [crt, "c*"]}}
  e: {wait: {until: later.strat}}
  f: {wait: {until: latr.start}}
  g: {wait: {until: 2030-01}}
  h: {message: {audience: bord, report: Weekly}}
  i: {runbook: nigt}
  j: {owner: customer/chair, command: [x], closes: ["*"]}
  k: {http: {url: "https://x.example/", ca: x.pem}}
  l: {wait: {until: "2030-01-12 18:00"}}
  m: {owner: user/operator, manual: x}
`)}
	p, problems := Load(fsys)
	var got []string
	for _, problem := range problems.Sorted() {
		got = append(got, strings.TrimPrefix(problem.String(), "runbooks/extra.yaml:")+" ["+problem.Hint+"]")
	}
	want := []string{
		`2:9: window: unknown milestone "nigth" [did you mean "night"?]`,
		`3:11: back_out: unknown runbook "bakc" [did you mean "back"?]`,
		`5:19: steps.a.after_gate: unknown gate "goo" [did you mean "go"?]`,
		`5:31: steps.a.owner: unknown seat "n/operatr" [did you mean "n/operator"?]`,
		`5:59: steps.a.area: unknown area "dat" [did you mean "data"?]`,
		`5:72: steps.a.change: unknown change class "transitoin" [did you mean "transition"?]`,
		`6:14: steps.b.owner: unknown seat "n/boss" [n is the party with the role new-supplier]`,
		`6:70: steps.b.verify[4]: unknown check or suite "crt" [did you mean "cert"?]`,
		`6:75: steps.b.verify[5]: "x*" matches no check or suite []`,
		`6:93: steps.b.switches[1]: unknown service "wbe" [did you mean "web"?]`,
		`7:22: steps.c.check.suite: unknown suite "al" [did you mean "all"?]`,
		`8:24: steps.d.check.checks[1]: unknown check "crt" [did you mean "cert"?]`,
		`9:21: steps.e.wait.until: unknown point "strat" of later [did you mean "start"?]`,
		`10:21: steps.f.wait.until: unknown milestone "latr" [did you mean "later"?]`,
		`11:21: steps.g.wait.until: "2030-01" does not say when that is [write a day, a time, or a point of a milestone such as cutover.end]`,
		`12:27: steps.h.message.audience: unknown audience "bord" [did you mean "board"?]`,
		`12:41: steps.h.message.report: "Weekly" cannot be a name [a name has 1 to 63 small letters a–z, digits and hyphens, not beginning with a hyphen: "weekly"]`,
		`13:16: steps.i.runbook: unknown runbook "nigt" [did you mean "night"?]`,
		`15:45: steps.k.http.ca: there is no file "x.pem" in the plan directory []`,
		`17:14: steps.m.owner: unknown seat "user/operator" [there is c/chair, n/operator and o/operator]`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	extra := p.Runbooks["extra"]
	equal(t, "switches", []string{"web"}, extra.Step("b").Switches)
	equal(t, "owner", "c/chair", extra.Step("j").Owner)
}

// Members are parties: their names are taken, and can be used.
func TestMembers(t *testing.T) {
	t.Parallel()
	fsys := fstest.MapFS{
		File: {Data: []byte(`plan: p
title: P
timezone: UTC
parties: {c: {role: customer}, towns: {role: user, members: towns.csv}, more: {role: user, members: more.csv}}
seats: {north/clerk: {}, nort/clerk: {}}
environments: {prod: {production: true}}
vantages: {here: {party: south}, there: {party: soth}}
`)},
		"towns.csv": {Data: []byte("id,name,wave\nnorth,North,wave-1\nsouth,South,\nc,See,\nØst,East,\nwest,West,Wave 2\n")},
		"more.csv":  {Data: []byte("id,name\nnorth,North again\n")},
	}
	_, problems := Load(fsys)
	var got []string
	for _, problem := range problems.Sorted() {
		got = append(got, problem.String())
	}
	want := []string{
		`more.csv:2:1: id: "north" is the name of another party`,
		`plan.yaml:5:26: seats.nort/clerk: unknown party "nort"`,
		`plan.yaml:7:49: vantages.there.party: unknown party "soth"`,
		`towns.csv:4:1: id: "c" is the name of another party`,
		`towns.csv:5:1: id: "Øst" cannot be a name`,
		`towns.csv:6:11: wave: "Wave 2" cannot be a name`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// A date that hangs on itself is a circle as well; one that only ends on an event is not.
func TestDateCycles(t *testing.T) {
	t.Parallel()
	for milestones, want := range map[string]string{
		"{a: {kind: phase, from: 2030-01-01, until: a.start + 3d}}":                                                              "",
		"{a: {kind: phase, from: 2030-01-01, until: unset}, b: {kind: point, date: a.passed}}":                                   "",
		"{a: {kind: phase, from: 2030-01-01, until: a.passed}}":                                                                  "a.end → a.passed → a.end",
		"{a: {kind: point, date: a.start}}":                                                                                      "a.start → a.start",
		"{a: {kind: point, date: b.end}, b: {kind: release, date: a.end}}":                                                       "a.start → b.end → b.start → a.end → a.start",
		"{a: {kind: phase, from: b.start, until: b.end}, b: {kind: phase, in: 2030-01}}":                                         "",
		"{a: {kind: zone, from: 2030-01-01, until: b.passed, allow: [fix]}, b: {kind: phase, from: a.end, until: b.start + 1d}}": "a.end → b.passed → b.end → b.start → a.end",
	} {
		_, problems := Load(fstest.MapFS{File: {Data: []byte("plan: p\ntitle: P\ntimezone: UTC\nparties: {c: {role: customer}}\nenvironments: {prod: {production: true}}\nmilestones: " + milestones + "\n")}})
		all := problems.Sorted()
		switch {
		case want == "" && len(all) > 0:
			t.Errorf("%s: %v", milestones, all)
		case want != "" && (len(all) != 1 || all[0].Code != CodeDateCycle || !strings.HasSuffix(all[0].Message, ": "+want)):
			t.Errorf("%s: %v", milestones, all)
		}
	}
}
