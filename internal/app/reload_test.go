package app_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"skift/internal/api"
	"skift/internal/app"
	"skift/internal/runner"
)

// Whoever asks while another revision comes into use is answered by the one or the other: many ask, and the plan goes to and fro.
func TestReloadWhileAsked(t *testing.T) {
	t.Parallel()
	s := newSmall(t, nil, "")
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		if err := s.Run(ctx, app.Mode{Scheduler: true}); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); all.Wait() })
	file := filepath.Join(s.dir, "plan.yaml")
	first, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	second := strings.NewReplacer("let-in: {", "let-through: {", "[up, let-in]", "[up]", "  cutover: {", "  move: {", "milestones: {cutover:", "milestones: {move:").Replace(string(first))
	done := make(chan struct{})
	ask := func(fn func() error) {
		all.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := fn(); err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	ask(func() error { _, err := s.Snapshot(ctx); return err })
	ask(func() error { _, err := s.Check(ctx, api.CheckRequest{Patterns: []string{"readiness"}}); return err })
	ask(func() error { _, err := s.History(ctx, api.HistoryRequest{Latest: true}); return err })
	ask(func() error {
		_, err := s.Do(ctx, runner.Command{Do: runner.DoLog, As: "customer/manager", Reason: "here"})
		if err != nil && strings.Contains(err.Error(), "another revision of the plan came into use meanwhile") {
			return nil
		}
		return err
	})
	for i := range 12 {
		text := []string{second, string(first)}[i%2]
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		r, err := s.Reload(ctx, api.ReloadRequest{})
		if err != nil || !r.Adopted || r.Invalid() || len(r.Changes) == 0 {
			t.Fatalf("reload %d: %+v, %v", i, r, err)
		}
		if s.Plan().Hash != r.Hash {
			t.Fatal("another plan is in use")
		}
	}
	close(done)
}

// What is allowed to be asked follows the plan; a plan with errors, or of another transition, changes nothing and is shown.
func TestReloadRefused(t *testing.T) {
	t.Parallel()
	s := newSmall(t, nil, "")
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { _ = s.Run(ctx, app.Mode{}) })
	t.Cleanup(func() { cancel(); all.Wait() })
	file := filepath.Join(s.dir, "plan.yaml")
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	hash := s.Plan().Hash
	for _, tt := range []struct{ old, new, want string }{
		{"plan: small", "plan: other", "plan was small and is other"},
		{"timezone: UTC", "timezone: Europe/Copenhagen", "timezone was UTC"},
		{"kind: point", "kind: pint", "errors"},
		{"milestones:", "milestones", "errors"},
	} {
		if err := os.WriteFile(file, []byte(strings.Replace(string(good), tt.old, tt.new, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		r, err := s.Reload(ctx, api.ReloadRequest{})
		if got := fmt.Sprint(err, map[bool]string{true: "errors"}[r.Invalid()]); !strings.Contains(got, tt.want) || s.Plan().Hash != hash {
			t.Errorf("%s: %s (%+v)", tt.new, got, r)
		}
	}
	snap, err := s.Snapshot(ctx)
	if err != nil || snap.Rejected == nil || snap.Rejected.First == "" {
		t.Errorf("the errors are not shown: %+v, %v", snap.Rejected, err)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(good), "new: {party: newe, networks: [127.0.0.0/8]}", "new: {party: newe, networks: [192.0.2.0/24]}", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Reload(ctx, api.ReloadRequest{}); err != nil || !r.Invalid() { // its addresses lie outside then
		t.Errorf("%+v, %v", r, err)
	}
	if err := os.WriteFile(file, good, 0o644); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Reload(ctx, api.ReloadRequest{}); err != nil || !r.Unchanged || r.Adopted {
		t.Errorf("%+v, %v", r, err)
	}
	if snap, err = s.Snapshot(ctx); err != nil || snap.Rejected != nil {
		t.Errorf("shown although it is over: %+v, %v", snap.Rejected, err)
	}
}

// Whoever asks before the process has looked for the first time is answered as if it had: its own revision came into use with it.
func TestReloadBeforeTheFirstLook(t *testing.T) {
	t.Parallel()
	s := newSmall(t, nil, "")
	if r, err := s.Reload(t.Context(), api.ReloadRequest{}); err != nil || !r.Unchanged || r.Adopted {
		t.Errorf("%+v, %v", r, err)
	}
}
