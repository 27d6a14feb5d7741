package demo

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"skift/internal/app"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/runner"
	"skift/internal/sim"
)

// staged is the demo's plan in a directory, with everything it names running.
func staged(t *testing.T) (dir string, theatre *theatre) {
	t.Helper()
	shipped, p, err := shippedPlan()
	if err != nil {
		t.Fatal(err)
	}
	if theatre, err = raise(t.Context(), p, time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(theatre.down)
	c, err := newClock(p, time.Now(), 1, anchors())
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "plan")
	if err := newStager(dir, shipped, p, theatre, c).write(); err != nil {
		t.Fatal(err)
	}
	return dir, theatre
}

// A rehearsal in production is asked, timed and told step by step, and changes nothing anywhere.
func TestRehearsalInProductionChangesNothing(t *testing.T) {
	t.Parallel()
	dir, theatre := staged(t)
	a, err := app.Open(t.Context(), app.Options{PlanDir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	loops, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(loops, app.Mode{}) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s := newStory(Options{Fault: NoFault, Dir: filepath.Dir(dir), Out: io.Discard}, a, theatre)
	r, err := s.do(ctx, runner.Command{Do: runner.DoStart, Runbook: cutoverRunbook, Rehearsal: true, As: "kombit/cutover-manager"})
	if err != nil {
		t.Fatal(err)
	}
	simulated, state := rehearse(ctx, t, s, r.Run)
	if state != run.RunDone {
		t.Fatalf("%s ended %q", r.Run, state)
	}
	for _, step := range []string{stepStopIntake, stepCopy, stepTryCompare, stepCompare, stepSwitch, stepOpen, "tell"} {
		if !simulated[step] {
			t.Errorf("%s was not simulated", step)
		}
	}
	untouched(t, dir, theatre)
	snap, err := a.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range snap.Phases {
		if p.Phase != "before" {
			t.Errorf("%s in %s is %s", p.Service, p.Environment, p.Phase)
		}
	}
}

// rehearse answers for everybody until the run ends: whoever is asked says done and does nothing. It returns which steps were simulated.
func rehearse(ctx context.Context, t *testing.T, s *story, runID string) (simulated map[string]bool, state run.State) {
	t.Helper()
	simulated = map[string]bool{}
	for after := int64(0); ; {
		events, err := s.app.Events(ctx, after, true)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			after = e.Seq
			if e.Run != runID {
				continue
			}
			switch e.Kind {
			case run.StepStarted:
				b := body[run.Begun](t, e.Body)
				simulated[e.Subject] = b.Simulated
				if b.State == run.WaitingForPerson {
					answer(ctx, t, s, runner.Command{Do: runner.DoStep, Run: runID, Step: e.Subject, Answer: "done", As: owner(s.plan, e.Subject)})
				}
			case register.GateOpened:
				g := s.plan.Gates[e.Subject]
				for _, seat := range g.Poll {
					answer(ctx, t, s, runner.Command{Do: runner.DoVote, Run: runID, Gate: g.ID, Answer: "ready", As: seat})
				}
				answer(ctx, t, s, runner.Command{Do: runner.DoVote, Run: runID, Gate: g.ID, Answer: "go", As: g.Decides})
			case run.RunWasHeld, run.RunEnded:
				return simulated, body[run.Ended](t, e.Body).State
			}
		}
	}
}

func owner(p *plan.Plan, step string) string { return p.Runbooks[cutoverRunbook].Step(step).Owner }

func answer(ctx context.Context, t *testing.T, s *story, c runner.Command) {
	t.Helper()
	if _, err := s.do(ctx, c); err != nil {
		t.Fatalf("%+v: %v", c, err)
	}
}

func body[B any](t *testing.T, data []byte) (b B) {
	t.Helper()
	if err := json.Unmarshal(data, &b); err != nil {
		t.Fatal(err)
	}
	return b
}

// untouched looks for any trace of a change: in every request the platforms got, and in the files of the plan directory.
func untouched(t *testing.T, dir string, theatre *theatre) {
	t.Helper()
	for env, stage := range theatre.stages {
		platforms := []*sim.Platform{stage.Old, stage.New}
		for _, sides := range stage.beside {
			for _, p := range sides {
				platforms = append(platforms, p)
			}
		}
		asked := 0
		for _, p := range platforms {
			asked += len(p.Log())
			for _, r := range p.Mutating() {
				t.Errorf("%s: %s was asked for a change: %s", env, p.Name(), r)
			}
		}
		for _, r := range stage.Mutating() {
			t.Errorf("%s: %s", env, r)
		}
		if env == production && asked == 0 {
			t.Error("no platform was asked anything: this test proves nothing")
		}
		if n := len(stage.Mail.Messages()); n > 0 {
			t.Errorf("%s: %d mails were sent", env, n)
		}
		for service := range stage.leads {
			if leads, err := os.ReadFile(filepath.Join(dir, namesDir, zone(env, service))); err != nil || string(leads) != "old\n" {
				t.Errorf("%s: the zone file of %s says %q (%v)", env, service, leads, err)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, listsDir)); !os.IsNotExist(err) {
		t.Errorf("something handed over lists (%v)", err)
	}
}
