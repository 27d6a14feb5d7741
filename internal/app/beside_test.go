package app_test

import (
	"log/slog"
	"testing"

	"skift/checks"
	"skift/internal/api"
	"skift/internal/app"
	"skift/internal/runner"
)

// TestOpenBeside: beside the process that has the directory all is told, nobody is asked, and nothing is changed.
func TestOpenBeside(t *testing.T) {
	s := newSmall(t, nil, "")
	if _, err := s.Check(t.Context(), api.CheckRequest{}); err != nil {
		t.Fatal(err)
	}
	a, err := app.OpenBeside(t.Context(), app.Options{PlanDir: s.dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	asked := s.old.asked.Load()
	r, err := a.Check(t.Context(), api.CheckRequest{Dry: true})
	if err != nil || len(r.Pairs) != 3 || r.Pairs[0].New.Code != checks.OK {
		t.Errorf("%v %+v", err, r)
	}
	if _, err := a.Check(t.Context(), api.CheckRequest{}); err == nil || s.old.asked.Load() != asked {
		t.Errorf("the platform was asked: %v", err)
	}
	if _, err := a.Do(t.Context(), runner.Command{Do: runner.DoPause, Party: "olde"}); err == nil {
		t.Error("something was decided")
	}
	s.do(t, runner.Command{Do: runner.DoPause, Party: "olde"})
	was, err := s.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if is, err := a.Snapshot(t.Context()); err != nil || is.Head == was.Head {
		t.Errorf("what came later is told half: %v %s", err, is.Head)
	}
}
