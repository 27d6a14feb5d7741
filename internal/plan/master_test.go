package plan

import (
	"strings"
	"testing"
	"testing/fstest"

	"skift/runbooks"
)

const masterHead = `plan: p
title: T
timezone: Europe/Copenhagen
parties: {c: {role: customer}}
seats: {c/chair: {}}
environments: {prod: {production: true}}
milestones:
`

// Milestones that begin when each other has passed never begin: the plan is refused where the dates stand. What passes by the clock is a date.
func TestMilestonesThatWaitForEachOther(t *testing.T) {
	t.Parallel()
	src := masterHead + `  a: {kind: phase, from: c.passed, until: 2026-05-01, exit: ok}
  b: {kind: phase, from: a.passed, until: unset}
  c: {kind: phase, from: b.passed, until: 2026-07-01, exit: ok}
  d: {kind: phase, from: a.passed - 1d, until: 2026-07-01}
  e: {kind: phase, from: f.passed, until: 2026-07-01}
  f: {kind: phase, from: e.passed, until: 2026-07-01}
gates: {ok: {asks: Done?, decides: c/chair}}
`
	p, problems := Load(fstest.MapFS{File: {Data: []byte(src)}})
	var got []string
	for _, pr := range problems.Sorted() {
		if pr.Code == runbooks.CodeCycle {
			got = append(got, pr.String())
		}
	}
	want := "plan.yaml:8:26: milestones.a: milestones need each other in a circle: a → c → b → a"
	if len(got) != 1 || got[0] != want {
		t.Errorf("told:\n%s\nwant:\n%s", strings.Join(got, "\n"), want)
	}
	if book := Master(p); len(book.Steps) != 6 {
		t.Errorf("%d steps", len(book.Steps))
	}
}

// Every expression of a compiled step can be read, and every name in it is one of the plan.
func TestWhatIsCompiledCanBeRead(t *testing.T) {
	t.Parallel()
	src := masterHead + `  a: {kind: phase, from: 2026-01-01, until: 2026-05-01}
  b: {kind: phase, from: a.passed + 1d - 2h, until: a.start + 3wd}
  c: {kind: zone, from: b.end + 1d, until: b.passed + 2d, allow: [fix]}
  d: {kind: point, date: {about: 2026-08-01..2026-08-04}, owner: c/chair}
  e: {kind: release, date: d.start + 1d, change: fix}
  f: {kind: phase, from: unset, until: unset}
`
	p, problems := Load(fstest.MapFS{File: {Data: []byte(src)}})
	if problems.Errors() > 0 {
		t.Fatalf("does not load: %v", problems.Sorted())
	}
	want := map[string]string{
		"a": "wait not before a.start, until a.end", "b": "wait not before a.passed + 1d - 2h, until b.end", "c": "wait not before b.end + 1d, until b.passed + 2d",
		"d": "manual not before d.start, until ", "e": "wait not before d.start + 1d, until ", "f": "wait not before f.start, until ",
	}
	if once, again := Master(p), Master(p); once != again {
		t.Error("it is compiled anew each time it is asked for")
	}
	for _, s := range Master(p).Steps {
		if got := string(s.Kind) + " not before " + s.NotBefore + ", until " + s.Ends.Until; got != want[s.ID] {
			t.Errorf("%s: %s, want %s", s.ID, got, want[s.ID])
		}
		for _, expr := range []string{s.NotBefore, s.Ends.Until, s.WaitBody.Until} {
			if w, err := ParseWhen(expr, p.Zone); expr != "" && (err != nil || p.Milestones[w.Ref.Milestone] == nil) {
				t.Errorf("%s: %q cannot be read: %v", s.ID, expr, err)
			}
		}
	}
}
