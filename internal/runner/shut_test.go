package runner_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"skift/internal/run"
	"skift/internal/runner"
	"skift/runbooks"
)

// shut is the plan with a zone that allows nothing and has no exceptions.
var shut = strings.Replace(base, "milestones:\n", "milestones:\n  shut: {kind: zone, from: 2000-01-01, until: 2000-03-01, allow: [], hard: true, owner: kombit/chair}\n", 1)

// changing are steps of each kind that would change something: of every class, and of none.
var changing = map[runbooks.Kind][]string{
	runbooks.Manual:   {"owner: ibm/operator, manual: Do it, change: emergency", "owner: ibm/operator, manual: Switch, switches: [gateway]"},
	runbooks.Command:  {"owner: ibm/operator, command: [./x], change: transition", "owner: ibm/operator, command: [./x]", "owner: ibm/operator, command: [./x], change: incident-a, repeatable: true, on_failure: retry", "owner: ibm/operator, command: [./x], change: fix, idempotent_check: [cert]"},
	runbooks.HTTP:     {`owner: ibm/operator, http: {method: POST, url: "https://api.example/flip"}, change: scope`, `owner: ibm/operator, http: {method: DELETE, url: "https://api.example/flip"}`},
	runbooks.SFTPCopy: {`owner: sse/operator, change: certificate, ` + copying, `owner: sse/operator, ` + copying},
	runbooks.Nested:   {"runbook: inner"},
	runbooks.Check:    {"check: {suite: readiness}, switches: [gateway]", "check: {suite: readiness}, closes: [sftp]"},
	runbooks.Wait:     {"wait: 1m, closes: [gateway]"},
	runbooks.Message:  {}, // a mail changes no platform
}

const copying = `repeatable: true, sftp_copy: {from: {service: sftp, side: old, user: u, key: env:K, host_key: ["SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]}, to: {service: sftp, side: new, user: u, key: env:K, host_key: ["SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]}}`

// everything is each command there is, and each thing that can be said of a step, meant to get the step x of a run going.
func everything(id, book string, until time.Time) map[string][]runner.Command {
	c := func(do string, change func(*runner.Command)) runner.Command {
		c := runner.Command{Do: do, Run: id, As: "kombit/chair", Reason: "it must be", Until: &until}
		if change != nil {
			change(&c)
		}
		return c
	}
	one := func(do string, change func(*runner.Command)) []runner.Command {
		return []runner.Command{c(do, change)}
	}
	out := map[string][]runner.Command{
		runner.DoStart: {c(runner.DoStart, func(c *runner.Command) { c.Runbook = book }), c(runner.DoStart, func(c *runner.Command) { c.Runbook, c.Milestone = book, "cutover" }),
			c(runner.DoStart, func(c *runner.Command) { c.Runbook, c.Rehearsal, c.Speed = book, true, 100 }), c(runner.DoStart, func(c *runner.Command) { c.Runbook, c.Rehearsal = book, true }),
			c(runner.DoStart, func(c *runner.Command) { c.Runbook = "inner" })},
		runner.DoVote:   {c(runner.DoVote, func(c *runner.Command) { c.Gate, c.Answer = "go", "go" }), c(runner.DoVote, func(c *runner.Command) { c.Gate, c.Answer, c.As = "go", "ready", "ibm/operator" })},
		runner.DoAttest: one(runner.DoAttest, func(c *runner.Command) { c.Gate, c.Criterion, c.As = "strict", "staffed", "ibm/operator" }),
		runner.DoAccept: one(runner.DoAccept, func(c *runner.Command) { c.Check = "cert" }),
		runner.DoMilestone: {c(runner.DoMilestone, func(c *runner.Command) { c.Milestone, c.Answer = "shut", "pass" }), c(runner.DoMilestone, func(c *runner.Command) { c.Milestone, c.Answer = "settled", "pass" }),
			c(runner.DoMilestone, func(c *runner.Command) { c.Milestone, c.Answer = "cutover", "pass" })},
		runner.DoLog:     one(runner.DoLog, nil),
		runner.DoStatus:  one(runner.DoStatus, func(c *runner.Command) { c.Answer = "green" }),
		runner.DoHold:    one(runner.DoHold, nil),
		runner.DoRelease: one(runner.DoRelease, nil),
		runner.DoPause:   {c(runner.DoPause, nil), c(runner.DoPause, func(c *runner.Command) { c.Step = "x" })},
		runner.DoResume:  {c(runner.DoResume, nil), c(runner.DoResume, func(c *runner.Command) { c.Step = "x" })},
		runner.DoRevoke:  one(runner.DoRevoke, func(c *runner.Command) { c.Export = "e" }),
		runner.DoBackOut: {c(runner.DoBackOut, nil), c(runner.DoBackOut, func(c *runner.Command) { c.Step = "x" }), c(runner.DoBackOut, func(c *runner.Command) { c.Runbook = "undo" })},
		runner.DoAbort:   one(runner.DoAbort, func(c *runner.Command) { c.Stop = true }),
	}
	row := incident("INC-1", "incident-a", "new")
	out[runner.DoIncident] = []runner.Command{c(runner.DoIncident, func(c *runner.Command) { c.Answer, c.Incident = "add", &row })}
	for _, do := range runner.Commands() { // also those that nobody thought of here
		if out[do] == nil {
			out[do] = one(do, func(c *runner.Command) { c.Step, c.Runbook, c.Zone, c.Drift = "x", book, "shut", "x" })
		}
	}
	for _, class := range []string{"scope", "transition", "emergency", "certificate"} {
		out[runner.DoWaive] = append(out[runner.DoWaive], c(runner.DoWaive, func(c *runner.Command) { c.Zone, c.Class, c.Run = "shut", class, "" }))
	}
	for n := int64(1); n < 12; n++ {
		out[runner.DoConfirm] = append(out[runner.DoConfirm], c(runner.DoConfirm, func(c *runner.Command) { c.Event, c.As = n, "ibm/operator" }))
	}
	for _, say := range runner.Says() {
		out[runner.DoStep] = append(out[runner.DoStep], c(runner.DoStep, func(c *runner.Command) { c.Step, c.Answer = "x", say }))
	}
	for i, text := range []string{"owner: ibm/operator\ncommand: [./more]\nchange: transition\n", "owner: ibm/operator\ncommand: [./more]\n", "owner: ibm/operator\ncommand: [./more]\nchange: incident-a\nrehearse: run\n"} {
		out[runner.DoStep] = append(out[runner.DoStep], c(runner.DoStep, func(c *runner.Command) { c.Step, c.Answer, c.File = fmt.Sprint("more-", i), "add", []byte(text) }))
	}
	// What ends a step without doing it comes last.
	slices.SortStableFunc(out[runner.DoStep], func(a, b runner.Command) int { return strings.Compare(ends[a.Answer], ends[b.Answer]) })
	return out
}

var ends = map[string]string{"fail": "1", "skip": "2"}

// TestNothingReachesAnEffectInAShutZone gives every command there is, with every kind of step that changes something, live and in rehearsals
// that really run, by themselves and inside another run, before and after a crash, while a zone in force allows nothing.
func TestNothingReachesAnEffectInAShutZone(t *testing.T) {
	t.Parallel()
	for _, kind := range runbooks.Kinds() {
		steps, known := changing[kind]
		if !known {
			t.Errorf("nobody says what a step of kind %s changes", kind)
		}
		for i, step := range steps {
			for way, change := range map[string]func(*runner.Command){"live": func(*runner.Command) {}, "rehearsal": rehearsal, "speed": func(c *runner.Command) { c.Rehearsal, c.Speed = true, 50 }} {
				if (kind == runbooks.Check || kind == runbooks.Wait) && way != "live" {
					continue // these moves a rehearsal in production only pretends
				}
				t.Run(fmt.Sprint(kind, i, "-", way), func(t *testing.T) {
					t.Parallel()
					more := ""
					if kind != runbooks.Nested && kind != runbooks.Check && kind != runbooks.Wait {
						more = ", rehearse: run"
					}
					books := map[string]string{
						"book":  "runbook: book\nback_out: undo\nsteps:\n  x: {" + step + more + "}\n",
						"inner": "  y: {owner: ibm/operator, command: [./y], change: transition, rehearse: run}\n",
						"undo":  "  back: {owner: ibm/operator, command: [./back], change: transition, undoes: x, rehearse: run}\n",
						"outer": "  in: {runbook: book}\n",
					}
					tell(t, shut, books, func(w *world) { w.tryEverything(change) })
				})
			}
		}
	}
}

func (w *world) tryEverything(change func(*runner.Command)) {
	w.t.Helper()
	tried := 0
	for _, book := range []string{"book", "outer"} {
		for _, again := range []func(){func() {}, w.restart} {
			again()
			outer := w.begin(book, change)
			id := outer
			if book == "outer" {
				id = w.inside(outer)
			}
			all := everything(id, book, time.Now().Add(48*time.Hour))
			for _, do := range runner.Commands() {
				if do == runner.DoAbort || do == runner.DoMail { // the end comes last; a mail is no change, and its outbox is none here
					continue
				}
				for _, c := range all[do] {
					if _, err := w.try(c); err == nil {
						tried++
					}
				}
			}
			time.Sleep(3 * time.Hour)
			synctest.Wait()
			for _, c := range all[runner.DoAbort] {
				_, _ = w.try(c)
			}
		}
	}
	if got := w.actions.made(); len(got) > 0 {
		w.t.Errorf("effects in a zone that allows nothing: %v", got)
	}
	for _, service := range []string{"gateway", "sftp"} {
		if p := w.phase("prod", service); p != "before" {
			w.t.Errorf("%s is %s", service, p)
		}
	}
	for _, e := range w.events() {
		if e.Kind == run.StepStarted && slices.Contains([]string{"x", "y", "back", "more-0", "more-1", "more-2"}, e.Subject) && !strings.Contains(string(e.Body), `"simulated":true`) && !w.nested(e.Run, e.Subject) {
			w.t.Errorf("%s of %s was begun", e.Subject, e.Run)
		}
	}
	if tried < 20 {
		w.t.Errorf("only %d commands were taken: the test tries too little", tried)
	}
}

// inside is the run inside the only step of a run.
func (w *world) inside(id string) (child string) { return w.stepFacts(id, "in").Child }

// nested reports whether a step only begins another run.
func (w *world) nested(id, step string) bool {
	return w.stepFacts(id, step).Kind == string(runbooks.Nested)
}
