package app_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/store"
)

// build makes the program without the race detector: SQLite is thirteen times slower with it, and what is tested here is what
// a killed process leaves, not its memory.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "skift")
	if out, err := exec.Command("go", "build", "-o", path, "skift/cmd/skift").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

const killPlan = `plan: small
title: Small
timezone: UTC
language: en
parties: {customer: {role: customer}, olde: {role: old-supplier}, newe: {role: new-supplier}}
seats: {customer/chair: {}, customer/manager: {}, olde/operator: {}, newe/operator: {}}
roster: shifts.csv
contacts: contacts.csv
environments: {prod: {production: true}}
platforms:
  old: {name: Old, party: olde, networks: [198.51.100.0/24]}
  new: {name: New, party: newe, networks: [203.0.113.0/24]}
services:
  gateway: {in: {prod: {old: {addr: "198.51.100.10:443"}, new: {addr: "203.0.113.10:443"}}}}
gates:
  go: {asks: Go?, poll: [newe/operator], decides: customer/chair}
milestones:
  night: {kind: window, from: 2099-01-01, until: 2099-01-02, runbook: small}
audiences:
  board: {to: [customer/chair], report: weekly}
`

const killRunbook = `runbook: small
steps:
  one: {owner: newe/operator, command: [./do, one], change: transition}
  two: {needs: [one], owner: newe/operator, command: [./do, two], repeatable: true, change: transition}
  ask: {needs: [two], owner: olde/operator, manual: Do it}
  three: {needs: [ask], after_gate: go, owner: newe/operator, command: [./do, three], switches: [gateway], change: transition}
  past: {needs: [three], wait: {until: "2020-01-01 00:00"}}
  tell: {needs: [past], message: {audience: board, report: weekly}}
`

// do notes that it was begun, waits when it is told to, and does its one thing, which can be counted.
const doScript = `#!/bin/sh
echo "begin $1" >> begun
while [ -e "wait-$1" ]; do sleep 0.02; done
echo "$1" >> done
`

// weekend is a plan directory, and what was promised to those who worked on it.
type weekend struct {
	t     *testing.T
	skift string
	dir   string
	tmp   string
	heads []string
	crash func() string // the crash of the next process; "" = none
	dead  int
}

func newWeekend(t *testing.T, skift string) *weekend {
	t.Helper()
	tmp, err := os.MkdirTemp("", "skift-w")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(tmp) })
	w := &weekend{t: t, skift: skift, dir: t.TempDir(), tmp: tmp, crash: func() string { return "" }}
	if err := os.Mkdir(filepath.Join(w.dir, "runbooks"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"plan.yaml": killPlan, "runbooks/small.yaml": killRunbook, "do": doScript,
		"contacts.csv": "person,name,mail\np-chair,Chair,chair@customer.example\n",
		"shifts.csv":   "seat,from,until,person\ncustomer/chair,2020-01-01,2099-01-01,p-chair\nnewe/operator,2020-01-01,2099-01-01,p-new\nolde/operator,2020-01-01,2099-01-01,p-old\n"} {
		if name == "contacts.csv" {
			text += "p-new,Operator,new@newe.example\np-old,Operator,old@olde.example\n"
		}
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *weekend) command(args ...string) *exec.Cmd {
	c := exec.Command(w.skift, append([]string{"-C", w.dir}, args...)...)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + w.tmp, "XDG_RUNTIME_DIR=" + w.tmp, "HOME=" + w.tmp, "LANG=C.UTF-8", "NO_COLOR=1"}
	return c
}

var headLine = regexp.MustCompile(`(?m)^head (\S+)$`)

// killed is the exit code of a process that a signal ended.
const killed = -1

// call runs one command to its end, or to where it is killed, and keeps the heads it promised.
func (w *weekend) call(args ...string) (code int, out string) {
	w.t.Helper()
	c := w.command(args...)
	if crash := w.crash(); crash != "" {
		c.Env = append(c.Env, "SKIFT_CRASH_AT_WRITE="+crash)
	}
	var b bytes.Buffer
	c.Stdout, c.Stderr = &b, &b
	if err := c.Run(); err != nil {
		if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
			w.t.Fatal(err)
		}
	}
	for _, m := range headLine.FindAllStringSubmatch(b.String(), -1) {
		w.heads = append(w.heads, m[1])
	}
	if code = c.ProcessState.ExitCode(); code == killed {
		w.dead++
	}
	return code, b.String()
}

// facts folds what is in the data directory; nil when there is nothing yet.
func (w *weekend) facts() (*ledger.Facts, []journal.Event) {
	w.t.Helper()
	ctx := w.t.Context()
	s, err := store.Open(ctx, store.Options{Dir: filepath.Join(w.dir, ".skift"), ReadOnly: true})
	if errors.Is(err, store.ErrNone) || errors.Is(err, store.ErrSchema) { // killed while it was being made: the next process finishes it
		return nil, nil
	}
	if err != nil {
		w.t.Fatal(err)
	}
	defer s.Close()
	f, events := &ledger.Facts{}, []journal.Event{}
	err = s.Events(ctx, 0, func(e journal.Event) error {
		events = append(events, e)
		return errors.Join(f.Runs.Apply(e), f.Register.Apply(e))
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return f, events
}

// lines reads a file of the scripts.
func (w *weekend) lines(name string) []string {
	b, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		w.t.Fatal(err)
	}
	return strings.Fields(string(b))
}

// still waits until no command works in the plan directory any more, as a person does before saying what became of one.
func (w *weekend) still() {
	w.t.Helper()
	for deadline := time.Now().Add(patience); w.working(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatal("a command does not end")
		}
	}
}

func (w *weekend) working() bool {
	cwds, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.ContainsFunc(cwds, func(path string) bool {
		dir, err := os.Readlink(path)
		return err == nil && dir == w.dir
	})
}

// wish is what a person does next; nil when nobody is asked for anything.
func (w *weekend) wish() []string {
	w.t.Helper()
	f, _ := w.facts()
	if f == nil {
		return nil
	}
	if g := f.Register.Gate(register.GateKey{Gate: "go"}); g.Round > 0 && g.Decision == nil {
		if g.Votes["newe/operator"].Answer == "" {
			return []string{"vote", "go", "ready", "--as", "newe/operator"}
		}
		return []string{"vote", "go", "go", "--as", "customer/chair"}
	}
	for _, id := range f.Runs.Order {
		r := f.Runs.Runs[id]
		for _, sid := range r.Order {
			answer := map[run.StepState]string{run.WaitingForPerson: "done", run.Failed: "retry", run.Uncertain: "retry"}[r.Steps[sid].State]
			if r.Steps[sid].State == run.Uncertain {
				w.still()
				if slices.Contains(w.lines("done"), sid) {
					answer = "done"
				}
			}
			if answer != "" {
				return []string{"step", id, sid, answer, "--as", r.Steps[sid].Owner, "--reason", "looked at it"}
			}
		}
	}
	return nil
}

// work runs the weekend to its end, whatever becomes of single processes.
func (w *weekend) work() {
	w.t.Helper()
	var said strings.Builder
	for range 60 {
		if f, _ := w.facts(); f != nil && f.Runs.Runs["small-1"] != nil && f.Runs.Runs["small-1"].State.Final() {
			w.look() // killed after the last write: the same command would begin another run
			return
		}
		code, out := w.call("run", "small", "--no-wait")
		fmt.Fprintf(&said, "skift run: %d\n%s", code, out)
		switch code {
		case 0:
			w.look()
			return
		case 4, killed:
		default:
			w.t.Fatalf("skift run ended with %d:\n%s", code, said.String())
		}
		if args := w.wish(); code == 4 && args != nil {
			code, out := w.call(args...)
			fmt.Fprintf(&said, "skift %v: %d\n%s", args, code, out)
			if code != 0 && code != killed {
				w.t.Fatalf("skift %v ended with %d:\n%s", args, code, said.String())
			}
		} else if code == 4 {
			w.t.Fatalf("it waits, and nobody is asked for anything:\n%s", said.String())
		}
	}
	w.t.Fatalf("it does not come to an end:\n%s", said.String())
}

// look holds that everything came to its end, once, and that every promise was kept.
func (w *weekend) look() {
	t := w.t
	t.Helper()
	f, events := w.facts()
	if len(f.Runs.Order) != 1 || f.Runs.Runs["small-1"].State != run.RunDone {
		t.Errorf("runs: %v", f.Runs.Order)
	}
	did := map[string]int{}
	for _, line := range w.lines("done") {
		did[line]++
	}
	if did["one"] != 1 || did["three"] != 1 || did["two"] < 1 {
		t.Errorf("done: %v, want one and three once", did)
	}
	if f.Register.Phase("prod", "gateway", "") != "fallback" {
		t.Error("the gateway was not switched")
	}
	queued := 0
	for _, e := range events {
		if e.Kind == register.ReportQueued {
			queued++
		}
	}
	if queued != 1 {
		t.Errorf("the report was queued %d times", queued)
	}
	w.crash = func() string { return "" }
	for _, head := range slices.Compact(slices.Sorted(slices.Values(w.heads))) {
		if code, out := w.call("verify", "--head", head); code != 0 {
			t.Errorf("the head %s that was given out is not accepted: %s", head, out)
		}
	}
	if len(w.heads) == 0 {
		t.Error("nothing was promised")
	}
}

// TestKilled is kill -9 of the real program.
func TestKilled(t *testing.T) {
	t.Parallel()
	skift := build(t)
	t.Run("at every write", func(t *testing.T) { killedAtEveryWrite(t, skift) })
	t.Run("inside a command", func(t *testing.T) { killedInsideACommand(t, skift) })
}

// killedAtEveryWrite kills the nth process of the weekend around its every write. Each time the others bring it to its end.
func killedAtEveryWrite(t *testing.T, skift string) {
	t.Parallel()
	plain := newWeekend(t, skift)
	processes := 0
	plain.crash = func() string { processes++; return "" }
	plain.work()
	if t.Failed() || processes < 5 {
		t.Fatalf("it does not work unharmed, in %d processes", processes)
	}
	var deaths sync.Map
	t.Run("processes", func(t *testing.T) {
		for nth := 1; nth <= processes; nth++ {
			for _, where := range []string{"before", "after"} {
				t.Run(fmt.Sprintf("%d %s", nth, where), func(t *testing.T) {
					t.Parallel()
					for write, dead := 1, true; dead; write++ { // until a process has no such write any more
						w := newWeekend(t, skift)
						call := 0
						w.crash = func() string {
							if call++; call != nth {
								return ""
							}
							return fmt.Sprintf("%s:%d", where, write)
						}
						w.work()
						if dead = w.dead > 0; dead {
							deaths.Store(fmt.Sprint(nth, where, write), true)
						}
						if t.Failed() {
							t.Fatalf("killed %s write %d of process %d", where, write, nth)
						}
					}
				})
			}
		}
	})
	n := 0
	deaths.Range(func(any, any) bool { n++; return true })
	if n < 30 { // a command that is over at once takes one write
		t.Errorf("only %d kills: the weekend is too small", n)
	}
}

// killedInsideACommand kills the process while a command works, which goes on: it is uncertain and not begun beside itself.
func killedInsideACommand(t *testing.T, skift string) {
	t.Parallel()
	for _, step := range []string{"one", "two", "three"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			w := newWeekend(t, skift)
			gate := filepath.Join(w.dir, "wait-"+step)
			if err := os.WriteFile(gate, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			begun := func() bool { return slices.Contains(w.lines("begun"), step) }
			for !begun() {
				c := w.command("run", "small", "--no-wait")
				if err := c.Start(); err != nil {
					t.Fatal(err)
				}
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					_ = c.Wait() // ProcessState says it
				}()
				for alive := true; alive && !(begun() && w.launched(step)); {
					select {
					case <-ended:
						alive = false
					case <-time.After(5 * time.Millisecond):
					}
				}
				if begun() {
					_ = c.Process.Kill()
				} else if args := w.wish(); args != nil {
					if code, out := w.call(args...); code != 0 {
						t.Fatalf("skift %v: %d\n%s", args, code, out)
					}
				}
				<-ended
			}
			if code, out := w.call("run", "small", "--no-wait"); code != 4 || !strings.Contains(out, "uncertain") {
				t.Errorf("beside a command that works: %d\n%s", code, out)
			}
			retry := []string{"step", "small-1", step, "retry", "--as", "newe/operator", "--reason", "again"}
			if code, out := w.call(retry...); code == 0 || !strings.Contains(out, "still runs") {
				t.Errorf("it is begun a second time beside itself: %d\n%s", code, out)
			}
			if err := os.Remove(gate); err != nil {
				t.Fatal(err)
			}
			w.work()
			if n := len(slices.DeleteFunc(w.lines("done"), func(l string) bool { return l != step })); n != 1 {
				t.Errorf("%s was done %d times", step, n)
			}
		})
	}
}

// launched reports whether the process of a step was noted, which is before the journal knows it.
func (w *weekend) launched(step string) bool {
	b, _ := os.ReadFile(filepath.Join(w.dir, ".skift", "launched"))
	return strings.Contains(string(b), "small-1 "+step+" 1 ")
}
