package app_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/api"
	"skift/internal/matrix"
	"skift/internal/runner"
)

// pausedBy says of every unit whose pause kept it from being asked; "" = it was asked.
func (s *small) pausedBy(t *testing.T) map[string]string {
	t.Helper()
	r, err := s.History(t.Context(), api.HistoryRequest{Latest: true})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, u := range r.Units {
		b := u.Bands[0]
		out[u.Check+" "+u.Flow+" "+string(u.Side)] = b.Facts[matrix.FactPaused]
		if paused := b.Facts[matrix.FactPaused] != ""; paused && (b.Code != checks.Skipped || b.Verdict != checks.Unverified) || !paused && b.Code == checks.Skipped {
			t.Errorf("%s: %s %s", u.Unit, b.Verdict, b.Code)
		}
	}
	return out
}

func (s *small) do(t *testing.T, c runner.Command) {
	t.Helper()
	if _, err := s.Do(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// TestPause: nothing of a paused party is asked by anybody: not on its platform, not for its flows; and what was not asked is not green.
func TestPause(t *testing.T) {
	s := newSmall(t, nil, "")
	check := func() (api.CheckReply, map[string]string) {
		t.Helper()
		r, err := s.Check(t.Context(), api.CheckRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return r, s.pausedBy(t)
	}
	if _, got := check(); got["up  old"] != "" || len(got) != 6 {
		t.Fatalf("%v", got)
	}
	s.do(t, runner.Command{Do: runner.DoPause, Party: "olde", Reason: "they asked for it"})
	before := s.old.asked.Load()
	r, got := check()
	want := map[string]string{"up  old": "olde", "up  new": "", "let-in f1 old": "olde", "let-in f1 new": "", "let-in f2 old": "olde", "let-in f2 new": ""}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if s.old.asked.Load() != before {
		t.Error("the paused platform was asked")
	}
	for _, p := range r.Pairs {
		if p.Verdict.Word != checks.WordNotObserved || len(p.Why.Sides) != 1 || p.Why.Sides[0].Sentence() != "paused" {
			t.Errorf("%s %s: %+v", p.Check, p.Flow, p.Why)
		}
	}
	s.do(t, runner.Command{Do: runner.DoResume, Party: "olde"})
	s.do(t, runner.Command{Do: runner.DoPause, Party: "k102"})
	_, got = check()
	want = map[string]string{"up  old": "", "up  new": "", "let-in f1 old": "", "let-in f1 new": "", "let-in f2 old": "k102", "let-in f2 new": "k102"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	s.do(t, runner.Command{Do: runner.DoResume, Party: "k102"})
	if _, got = check(); got["let-in f2 old"] != "" {
		t.Errorf("after the pause: %v", got)
	}
	for _, c := range []runner.Command{{Do: runner.DoPause}, {Do: runner.DoPause, Party: "oldee"}, {Do: runner.DoResume, Party: "olde"}} {
		var refusal *runner.Refusal
		if _, err := s.Do(t.Context(), c); !errors.As(err, &refusal) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	s.do(t, runner.Command{Do: runner.DoPause, Party: "olde"})
	var refusal *runner.Refusal
	if _, err := s.Do(t.Context(), runner.Command{Do: runner.DoPause, Party: "olde"}); !errors.As(err, &refusal) || refusal.Kind != runner.Conflict {
		t.Errorf("paused twice: %v", err)
	}
}

// TestPauseDuringASweep: what is being asked of a party is broken off at once, the rest goes on.
func TestPauseDuringASweep(t *testing.T) {
	hold := make(chan struct{})
	s := newSmall(t, hold, "")
	asked := make(chan error, 1)
	go func() {
		_, err := s.Check(t.Context(), api.CheckRequest{Side: checks.Old})
		asked <- err
	}()
	for s.old.asked.Load() == 0 {
		select {
		case err := <-asked:
			t.Fatal(err)
		case <-time.After(time.Millisecond):
		}
	}
	began := time.Now()
	s.do(t, runner.Command{Do: runner.DoPause, Party: "olde"})
	if err := <-asked; err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("took %v", took)
	}
	close(hold)
	if _, err := s.Check(t.Context(), api.CheckRequest{Side: checks.New}); err != nil {
		t.Fatal(err)
	}
	if got := s.pausedBy(t); got["up  old"] != "olde" || got["let-in f1 old"] != "olde" || got["up  new"] != "" {
		t.Errorf("%v", got)
	}
}
