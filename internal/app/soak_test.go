package app_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/sim"
)

// soakPlan and its runbooks have a step of every kind: a person's with checks that must agree, commands that may and may not be done twice,
// requests, checks, a copy from platform to platform, waiting, a runbook in a runbook and a mail; two streams, a gate, a switch.
const soakPlan = `plan: soak
title: Soak
timezone: UTC
language: en
parties:
  customer: {role: customer}
  olde: {role: old-supplier, consent: {levels: [sftp-login]}}
  newe: {role: new-supplier, consent: {levels: [sftp-login]}}
seats: {customer/chair: {}, customer/manager: {}, olde/operator: {}, newe/operator: {}}
roster: shifts.csv
contacts: contacts.csv
environments: {prod: {production: true}}
platforms: {old: {party: olde, networks: [127.0.0.0/8]}, new: {party: newe, networks: [127.0.0.0/8]}}
services:
  files: {in: {prod: {old: {addr: "$OLD_SFTP"}, new: {addr: "$NEW_SFTP"}}}}
checks:
  list: {kind: sftp, service: files, level: list, user: skift, key: "file:keys/skift", host_key: {old: ["$OLD_KEY"], new: ["$NEW_KEY"]}}
suites: {readiness: {checks: [list]}}
gates:
  go: {asks: Go?, poll: [newe/operator], decides: customer/chair}
milestones:
  night: {kind: window, from: 2099-01-01, until: 2099-01-02, runbook: every}
audiences:
  board: {to: [customer/chair], report: weekly}
`

const soakEvery = `runbook: every
steps:
  stop: {owner: olde/operator, manual: Stop, verify: [list], change: transition, stream: data}
  turn: {needs: [stop], after_gate: go, owner: newe/operator, command: [./do, turn], switches: [files], change: transition, stream: platform}
  look: {needs: [turn], check: {suite: readiness}, stream: platform}
  post: {needs: [turn], owner: newe/operator, http: {method: POST, url: "$URL/post"}, change: transition, stream: platform}
  poll: {needs: [turn], owner: newe/operator, http: {url: "$URL/poll"}, repeatable: true, on_failure: retry, stream: platform}
  again: {needs: [turn], owner: newe/operator, command: [./do, again], repeatable: true, change: transition, stream: data}
  copy:
    needs: [look]
    owner: olde/operator
    change: transition
    stream: data
    sftp_copy:
      from: {service: files, side: old, user: supplier, key: "file:keys/supplier", host_key: ["$OLD_KEY"], dir: OUT}
      to: {service: files, side: new, user: supplier, key: "file:keys/supplier", host_key: ["$NEW_KEY"], dir: $DIR}
  doze: {needs: [copy, post, poll, again], wait: 50ms}
  in: {needs: [doze], runbook: inner}
  tell: {needs: [in], message: {audience: board, report: weekly}}
`

const soakInner = `runbook: inner
steps:
  shut: {owner: newe/operator, command: [./do, shut], change: transition}
  sign: {needs: [shut], owner: newe/operator, manual: Sign}
`

// soakNeeds says again, for a reader that trusts no other, what must have come before a step and what may be done twice.
var (
	soakNeeds = map[string][]string{"turn": {"stop"}, "look": {"turn"}, "post": {"turn"}, "poll": {"turn"}, "again": {"turn"}, "copy": {"look"},
		"doze": {"copy", "post", "poll", "again"}, "in": {"doze"}, "tell": {"in"}, "sign": {"shut"}}
	soakGated  = map[string]string{"turn": "go"}
	soakDouble = []string{"look", "poll", "again", "copy", "doze"}
)

// soakDo notes that it began and that it is done, with a moment around each in which it can be met.
const soakDo = `#!/bin/sh
echo "$1" >> begun
sleep 0.02
echo "$1" >> done
sleep 0.02
`

// soakSite is what all the soaked weekends share: the program, the platforms, and a desk that takes requests.
type soakSite struct {
	program string
	world   *sim.World
	desk    *httptest.Server
	files   int

	mu     sync.Mutex
	taken  map[string][]string // by seed: the requests that had their effect
	begun  map[string][]string // by seed: the requests that arrived
	strike map[string]func(step, moment string)
}

func newSoakSite(t *testing.T) *soakSite {
	t.Helper()
	w, err := sim.Start(t.Context(), sim.Options{Flows: 1, Files: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	s := &soakSite{program: build(t), world: w, files: len(w.Old.Files().Files("OUT")), taken: map[string][]string{}, begun: map[string][]string{},
		strike: map[string]func(string, string){}}
	w.New.Files().OnWrite(func(name string, _ int) { // a piece of a copy: it is in the middle of it
		if dir, _, _ := strings.Cut(name, "/"); strings.HasPrefix(dir, "IN-") {
			s.struck(strings.TrimPrefix(dir, "IN-"), "copy", "begun")
		}
	})
	s.desk = httptest.NewServer(s)
	t.Cleanup(s.desk.Close)
	return s
}

// ServeHTTP takes /SEED/STEP.
func (s *soakSite) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	seed, step, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	s.note(s.begun, seed, step)
	s.struck(seed, step, "begun")
	s.note(s.taken, seed, step)
	s.struck(seed, step, "done")
}

func (s *soakSite) note(in map[string][]string, seed, step string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in[seed] = append(in[seed], step)
}

// struck tells whoever waits for it that a step has come so far.
func (s *soakSite) struck(seed, step, moment string) {
	s.mu.Lock()
	strike := s.strike[seed]
	s.mu.Unlock()
	if strike != nil {
		strike(step, moment)
	}
}

func (s *soakSite) requests(in map[string][]string, seed string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(in[seed])
}

// soaked is one weekend whose processes are killed at random.
type soaked struct {
	*weekend
	site *soakSite
	seed string
	rand *rand.Rand
	said strings.Builder
}

func newSoaked(t *testing.T, site *soakSite, seed int) *soaked {
	t.Helper()
	w := &soaked{weekend: newWeekend(t, site.program), site: site, seed: strconv.Itoa(seed), rand: rand.New(rand.NewPCG(uint64(seed), 4))}
	kit, err := site.world.WriteKit(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	into := "IN-" + w.seed
	site.world.New.Files().Mkdir(into)
	t.Cleanup(func() { site.world.New.Files().Remove(into) })
	fill := strings.NewReplacer("$OLD_SFTP", site.world.Old.SFTPAddr().String(), "$NEW_SFTP", site.world.New.SFTPAddr().String(), "$OLD_KEY", kit.HostKeys["old"],
		"$NEW_KEY", kit.HostKeys["new"], "$URL", site.desk.URL+"/"+w.seed, "$DIR", into)
	if err := os.Remove(filepath.Join(w.dir, "runbooks", "small.yaml")); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"plan.yaml": soakPlan, "runbooks/every.yaml": soakEvery, "runbooks/inner.yaml": soakInner, "do": soakDo,
		"skift.yaml": "budget: {ssh_gap: 1ms}\n"} {
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(fill.Replace(text)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// fate is how the next process ends: around one of its writes, in the middle of an effect, at some moment, or by itself.
type fate struct {
	write        string
	step, moment string
	after        time.Duration
}

func (w *soaked) fate() fate {
	switch w.rand.IntN(8) {
	case 0, 1, 2:
		return fate{write: fmt.Sprintf("%s:%d", []string{"before", "after"}[w.rand.IntN(2)], 1+w.rand.IntN(16))}
	case 3, 4, 5:
		if w.rand.IntN(6) == 0 {
			return fate{step: "copy", moment: "begun"}
		}
		return fate{step: []string{"turn", "post", "poll", "again", "shut"}[w.rand.IntN(5)], moment: []string{"begun", "done"}[w.rand.IntN(2)]}
	case 6:
		return fate{after: time.Duration(w.rand.IntN(400)) * time.Millisecond}
	}
	return fate{}
}

// process runs skift once, to its end or to its fate.
func (w *soaked) process(args ...string) int {
	w.t.Helper()
	f := w.fate()
	c := w.command(args...)
	if f.write != "" {
		c.Env = append(c.Env, "SKIFT_CRASH_AT_WRITE="+f.write)
	}
	var out output
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		w.t.Fatal(err)
	}
	over := make(chan struct{})
	var killer sync.WaitGroup
	var dead atomic.Bool
	kill := func() { dead.Store(true); _ = c.Process.Kill() }
	if f.step != "" {
		w.site.mu.Lock()
		w.site.strike[w.seed] = func(step, moment string) {
			if step == f.step && moment == f.moment {
				kill()
			}
		}
		w.site.mu.Unlock()
		killer.Go(func() { w.strikeAt(f, over) })
	}
	if f.after > 0 {
		killer.Go(func() {
			select {
			case <-time.After(f.after):
				kill()
			case <-over:
			}
		})
	}
	_ = c.Wait() // its state says it
	close(over)
	killer.Wait()
	w.site.mu.Lock()
	delete(w.site.strike, w.seed)
	w.site.mu.Unlock()
	code := c.ProcessState.ExitCode()
	if code == killed {
		w.dead++
	}
	for _, m := range headLine.FindAllStringSubmatch(out.String(), -1) {
		w.heads = append(w.heads, m[1])
	}
	fmt.Fprintf(&w.said, "skift %v (%+v): %d\n%s", args, f, code, out.String())
	return code
}

// strikeAt watches what the commands note, and strikes when one has come as far as f says.
func (w *soaked) strikeAt(f fate, over <-chan struct{}) {
	count := func() int {
		return len(slices.DeleteFunc(w.lines(f.moment), func(l string) bool { return l != f.step }))
	}
	for before := count(); ; {
		select {
		case <-over:
			return
		case <-time.After(2 * time.Millisecond):
		}
		if count() > before {
			w.site.struck(w.seed, f.step, f.moment)
			return
		}
	}
}

// happened is what a person finds who looks whether the effect of a step came about.
func (w *soaked) happened(step string) bool {
	w.still()
	switch step {
	case "post", "poll":
		return slices.Contains(w.site.requests(w.site.taken, w.seed), step)
	case "copy":
		return len(w.site.world.New.Files().Files("IN-"+w.seed)) == w.site.files
	}
	return slices.Contains(w.lines("done"), step)
}

// asked is what a person does next; nil when nobody is asked for anything.
func (w *soaked) asked() []string {
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
		for _, step := range r.Order {
			answer := map[run.StepState]string{run.WaitingForPerson: "done", run.Failed: "retry", run.Uncertain: "retry"}[r.Steps[step].State]
			if r.Steps[step].State == run.Uncertain && w.happened(step) {
				answer = "done"
			}
			if answer != "" {
				seat := r.Steps[step].Owner
				if seat == "" {
					seat = "customer/manager"
				}
				return []string{"step", id, step, answer, "--as", seat, "--reason", "looked at it"}
			}
		}
	}
	return nil
}

// live runs the weekend to its end, whatever becomes of single processes.
func (w *soaked) live() {
	w.t.Helper()
	for range 120 {
		if f, _ := w.facts(); f != nil && f.Runs.Runs["every-1"] != nil && f.Runs.Runs["every-1"].State.Final() {
			return
		}
		switch code := w.process("run", "every", "--no-wait"); code {
		case 0, 4, killed:
		default:
			w.t.Fatalf("skift run ended with %d", code)
		}
		if args := w.asked(); args != nil {
			if code := w.process(args...); code != 0 && code != killed {
				w.t.Fatalf("skift %v ended with %d", args, code)
			}
		}
	}
	w.t.Fatal("it does not come to an end")
}

// judge holds what must be true after any weekend: by what the world shows, and by a reading of the exported journal that shares no code
// with those who wrote it.
func (w *soaked) judge() {
	t := w.t
	t.Helper()
	did := map[string]int{}
	for _, step := range append(w.lines("done"), w.site.requests(w.site.taken, w.seed)...) {
		did[step]++
	}
	for _, once := range []string{"turn", "post", "shut"} {
		if did[once] != 1 {
			t.Errorf("%s was done %d times", once, did[once])
		}
	}
	if did["poll"] == 0 || did["again"] == 0 {
		t.Errorf("done: %v", did)
	}
	if copied, sent := w.site.world.New.Files().Manifest("IN-"+w.seed), w.site.world.Old.Files().Manifest("OUT"); len(copied) != len(sent) {
		t.Errorf("%d of %d files were copied", len(copied), len(sent))
	}
	code, exported := w.call("journal", "export")
	if code != 0 {
		t.Fatalf("export: %d\n%s", code, exported)
	}
	begun := map[string]int{}
	for _, step := range append(w.lines("begun"), w.site.requests(w.site.begun, w.seed)...) {
		begun[step]++
	}
	for _, problem := range soakProblems(exported, begun) {
		t.Errorf("journal: %s", problem)
	}
	for _, head := range slices.Compact(slices.Sorted(slices.Values(w.heads))) {
		if code, out := w.call("verify", "--head", head); code != 0 {
			t.Errorf("the head %s that was given out is not accepted: %s", head, out)
		}
	}
	if len(w.heads) == 0 {
		t.Error("nothing was promised")
	}
}

// TestSoak kills the processes of a weekend at random, around their writes and between the start and the end of each effect, and lets the
// next ones go on: SKIFT_SOAK seeds, else 20. `make soak` has 1,000.
func TestSoak(t *testing.T) {
	t.Parallel()
	seeds := 20
	if text := os.Getenv("SKIFT_SOAK"); text != "" {
		var err error
		if seeds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	site := newSoakSite(t)
	var dead, processes atomic.Int64
	t.Run("seeds", func(t *testing.T) {
		for seed := range seeds {
			t.Run(strconv.Itoa(seed), func(t *testing.T) {
				t.Parallel()
				w := newSoaked(t, site, seed)
				defer func() {
					if t.Failed() {
						t.Log(w.said.String())
					}
				}()
				w.live()
				w.judge()
				dead.Add(int64(w.dead))
				processes.Add(int64(strings.Count(w.said.String(), "skift [")))
			})
		}
	})
	t.Logf("%d seeds: %d processes, %d of them killed", seeds, processes.Load(), dead.Load())
	if dead.Load() < int64(seeds) {
		t.Errorf("only %d processes were killed", dead.Load())
	}
}
