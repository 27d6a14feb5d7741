package app_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"skift/internal/app"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/runner"
	"skift/internal/sim"
)

// block is one file of a plan in the plan reference.
var block = regexp.MustCompile("(?ms)^```\\w+ file:([^\n]+)\n(.*?)^```$")

// referencePlan writes one complete plan of docs/plan-reference.md into a directory, with texts replaced.
func referencePlan(t *testing.T, name string, replace *strings.Replacer) string {
	t.Helper()
	doc, err := os.ReadFile("../../docs/plan-reference.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := 0
	for _, m := range block.FindAllStringSubmatch(string(doc), -1) {
		file, ok := strings.CutPrefix(m[1], name+"/")
		if !ok {
			continue
		}
		files++
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(replace.Replace(m[2])), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if files == 0 {
		t.Fatalf("the plan reference has no plan %q", name)
	}
	return dir
}

// The plan "one-night" of the plan reference reaches GO on the simulated platforms: it is rehearsed in its test environment
// and voted on, with its addresses and dates moved and nothing else.
func TestReferencePlanReachesGo(t *testing.T) {
	t.Setenv("REGISTER_TOKEN", "a-secret-of-the-example")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	world, err := sim.Start(ctx, sim.Options{ServerName: "register.example"})
	if err != nil {
		t.Fatal(err)
	}
	defer world.Close()
	old, new := world.Old.GatewayAddr().String(), world.New.GatewayAddr().String()
	at := func(d time.Duration) string { return time.Now().UTC().Add(d).Format("2006-01-02 15:04") }
	day := func(d time.Duration) string { return time.Now().UTC().Add(d).Format("2006-01-02") }
	dir := referencePlan(t, "one-night", strings.NewReplacer(
		"198.51.100.10:443", old, "203.0.113.10:443", new, "198.51.100.20:443", old, "203.0.113.20:443", new,
		"198.51.100.0/24", "127.0.0.0/8", "203.0.113.0/24", "127.0.0.0/8", "Europe/Copenhagen", "UTC",
		"2031-01-11 20:00", at(6*time.Hour), "2031-01-12 06:00", at(16*time.Hour),
		"2030-12-01", day(-40*24*time.Hour), "2031-01-31", day(40*24*time.Hour)))
	for _, program := range []string{"copy-register", "drop-copy"} {
		if err := os.WriteFile(filepath.Join(dir, program), []byte("#!/bin/sh\ntest -n \"$REGISTER_TOKEN$SKIFT_RUN\"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	a, err := app.Open(ctx, app.Options{PlanDir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	loops, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- a.Run(loops, app.Mode{}) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()

	do := func(c runner.Command) runner.Reply {
		t.Helper()
		r, err := a.Do(ctx, c)
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		return r
	}
	rehearsal := do(runner.Command{Do: runner.DoStart, Runbook: "night", Environment: "test", Rehearsal: true}).Run
	vote := func(run, seat, answer string) runner.Reply {
		return do(runner.Command{Do: runner.DoVote, Gate: "go", Run: run, As: seat, Answer: answer})
	}
	for _, where := range []string{rehearsal, ""} {
		for _, seat := range []string{"agency/lead", "before/operator", "after/operator"} {
			vote(where, seat, "ready")
		}
		r := vote(where, "agency/head", "go")
		if r.Decision != string(register.Go) {
			t.Fatalf("the gate in %q said %q", where, r.Decision)
		}
		if where != "" {
			answerSteps(ctx, t, a, rehearsal)
		}
	}
}

// answerSteps says done for every step that waits for a person until the run has ended well.
func answerSteps(ctx context.Context, t *testing.T, a *app.App, id string) {
	t.Helper()
	after := int64(0)
	for {
		snap, err := a.Snapshot(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range snap.Runs {
			if r.ID != id {
				continue
			}
			if r.State == run.RunDone {
				return
			}
			if r.State != run.RunRunning {
				t.Fatalf("%s is %s: %s", id, r.State, r.Reason)
			}
			for _, s := range r.Steps {
				if s.State == run.WaitingForPerson {
					if _, err := a.Do(ctx, runner.Command{Do: runner.DoStep, Run: id, Step: s.ID, As: s.Owner, Answer: "done"}); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		events, err := a.Events(ctx, max(after, snap.Events), true)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			after = e.Seq
		}
	}
}
