package lint

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"skift/internal/diag"
	"skift/internal/plan"
)

// TestMistakesOfBothKinds: what cannot be read does not hide what cannot work.
func TestMistakesOfBothKinds(t *testing.T) {
	t.Parallel()
	files := staffed(t,
		"checks: {cert: {kind: tls, service: web}}", "checks: {cert: {kind: tls, service: wep}}", // cannot be read: a reference
		"{milestone: trial}", "{milestone: later}", // cannot work
		"night.start - 12h", "night.start - 1h", // cannot work
		"n/operator,2030-01-12 06:00,2030-01-13 08:00,p-2\n", "", // cannot work
		"allow: [incident-a, transition]", "allow: [incident-a]", // cannot work
		`cron: "0 8 * * MON"}`+"\n  users", `cron: "0 8 * *"}`+"\n  users", // cannot be read: a schedule
	)
	p, problems := plan.Load(files)
	if problems.Errors() == 0 {
		t.Fatal("the plan was meant to have errors of reading")
	}
	Check(p, Known{Now: badNow}, &problems)
	for _, want := range []string{
		`checks.cert.service: unknown service "wep"`, "audiences.board.cron: ",
		"gates.go.decide_by: the deadline (2030-01-12 18:00) is not after the opening (2030-01-12 19:00)",
		"gates.go.criteria[2]: later begins 2030-01-13 06:00, and the gate must be decided by 2030-01-12 18:00",
		"seats.n/operator: nobody sits in n/operator from 2030-01-12 20:00 to 2030-01-13 06:00",
		"steps.switch: step switch (night) is a change of class transition, which frozen does not allow",
	} {
		if got := lines(problems.Sorted()); !strings.Contains(got, want) {
			t.Errorf("%q is not said:\n%s", want, got)
		}
	}
}

// TestNothingFollowsFromOneMistake spoils every word of the sound plan in turn. Where that is an error of reading, it must be all
// that is told: what was understood of such a plan may not be blamed for what is missing in it.
func TestNothingFollowsFromOneMistake(t *testing.T) {
	t.Parallel()
	word := regexp.MustCompile(`[A-Za-z0-9_./:@*-]+`)
	base := staffed(t, "change: scope", "change: transition")
	spoiled := 0
	for _, name := range slices.Sorted(maps.Keys(base)) {
		src := string(base[name].Data)
		for _, at := range word.FindAllStringIndex(src, -1) {
			bare := strings.TrimRight(src[at[0]:at[1]], ":")
			for _, other := range []string{bare + "x", "[" + bare + "]", ""} {
				files := maps.Clone(base)
				files[name] = &fstest.MapFile{Data: []byte(src[:at[0]] + other + src[at[0]+len(bare):])}
				p, problems := plan.Load(files)
				if problems.Errors() == 0 {
					continue
				}
				spoiled++
				before := lines(problems.Sorted())
				Check(p, Known{Now: badNow}, &problems)
				if after := lines(problems.Sorted()); after != before {
					t.Errorf("%s: %q for %q at %d:\nread:\n%s\nwith what follows:\n%s", name, other, bare, at[0], before, after)
				}
			}
		}
	}
	if spoiled < 500 {
		t.Errorf("only %d spoiled plans: is the plan still there?", spoiled)
	}
}

// TestOverBeforeItBegins: dates that hang on others can lie the wrong way round as well.
func TestOverBeforeItBegins(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		old, text, want string
	}{
		"phase":         {"until: unset}\n  sometime", "until: night.start}\n  sometime", "milestones.later.until: this end (2030-01-12 20:00) is not after the beginning (2030-01-13 06:00)"},
		"empty window":  {`from: "2030-01-12 20:00"`, "from: night.end", "milestones.night.until: this end (2030-01-13 06:00) is not after the beginning (2030-01-13 06:00)"},
		"zone":          {"until: night.passed", "until: night.start - 12d", "milestones.frozen.until: this end (2029-12-31 20:00) is not after the beginning (2030-01-01 00:00)"},
		"suite":         {"every: 1h}", "every: 1h, during: [{from: night.end, until: night.start}]}", "suites.all.during: this end (2030-01-12 20:00) is not after the beginning (2030-01-13 06:00)"},
		"after a month": {"until: unset}\n  sometime", "until: night.end + 1d}\n  sometime", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := lines(check(t, staffed(t, c.old, c.text), Known{Now: badNow}))
			if c.want == "" && strings.Contains(got, "not after the beginning") || !strings.Contains(got, c.want) {
				t.Errorf("want %q:\n%s", c.want, got)
			}
		})
	}
}

// TestEmptyRoster: a roster without a shift leaves every seat empty; a plan without a roster has only not come so far.
func TestEmptyRoster(t *testing.T) {
	t.Parallel()
	files := staffed(t)
	files["shifts.csv"] = &fstest.MapFile{Data: []byte("seat,from,until,person\n")}
	if got := lines(check(t, files, Known{Now: badNow})); !strings.Contains(got, "seats.n/operator: nobody sits in n/operator") {
		t.Errorf("problems:\n%s", got)
	}
	p, ok := find(check(t, staffed(t, "roster: shifts.csv\n", ""), Known{Now: badNow}), CodeNoRoster)
	if !ok || p.Severity != diag.Warning {
		t.Errorf("without a roster: %v", p)
	}
}
