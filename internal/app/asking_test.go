package app_test

import (
	"errors"
	"path/filepath"
	"testing"

	"skift/internal/api"
	"skift/internal/runner"
)

// Who only asks is told of pauses, and of nothing else, for as long as it asks.
func TestAskingIsToldOfPauses(t *testing.T) {
	s := newSmall(t, nil, "")
	path, err := api.AskingPath(filepath.Join(s.dir, ".skift"))
	if err != nil {
		t.Fatal(err)
	}
	err = s.Asking(func() error {
		c, err := api.Dial(path)
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Do(t.Context(), runner.Command{Do: runner.DoStart, Runbook: "any"})
		if refused, ok := errors.AsType[*runner.Refusal](err); !ok || refused.Kind != runner.Conflict {
			t.Errorf("it begins runs: %v", err)
		}
		_, err = c.Do(t.Context(), runner.Command{Do: runner.DoPause, Party: "olde", Reason: "they asked for it"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.Dial(path); !errors.Is(err, api.ErrNobody) {
		t.Errorf("afterwards: %v", err)
	}
	if _, err := s.Check(t.Context(), api.CheckRequest{}); err != nil {
		t.Fatal(err)
	}
	if got := s.pausedBy(t); got["up  old"] != "olde" || got["up  new"] != "" {
		t.Errorf("paused: %v", got)
	}
	if err := s.Asking(func() error { return errBoom }); err != errBoom {
		t.Errorf("the error of who asks became %v", err)
	}
}

var errBoom = errors.New("boom")
