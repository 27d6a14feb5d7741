package app_test

import (
	"errors"
	"testing"
	"time"

	"skift/checks"
	"skift/internal/api"
	"skift/internal/runner"
)

func TestHistory(t *testing.T) {
	s := newSmall(t, nil, "")
	ask := func(q api.HistoryRequest) api.HistoryReply {
		t.Helper()
		r, err := s.History(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := ask(api.HistoryRequest{}); len(r.Units) != 6 || len(r.Units[0].Bands) != 0 || r.Environment != "prod" {
		t.Fatalf("before anything was asked: %+v", r)
	}
	check := func() {
		t.Helper()
		if _, err := s.Check(t.Context(), api.CheckRequest{Patterns: []string{"up"}}); err != nil {
			t.Fatal(err)
		}
	}
	check()
	check()
	s.new.Close()
	check()
	r := ask(api.HistoryRequest{Patterns: []string{"up"}, Side: checks.New})
	if len(r.Units) != 1 || len(r.Units[0].Bands) != 2 {
		t.Fatalf("%+v", r.Units)
	}
	u := r.Units[0]
	was, is := u.Bands[0], u.Bands[1]
	if was.Code != checks.OK || was.Count != 2 || !was.Current || was.Timings["connect"].Count != 2 || !was.Until.After(was.Since) || is.Code != checks.Refused || is.Count != 1 {
		t.Errorf("%+v\n%+v", was, is)
	}
	if u.Kind != checks.Reach || u.Service != "web" || u.MaxAge != checks.DefaultMaxAge || u.Check != "up" {
		t.Errorf("%+v", u)
	}
	if r := ask(api.HistoryRequest{Patterns: []string{"up"}, Side: checks.New, Latest: true}); len(r.Units[0].Bands) != 1 || r.Units[0].Bands[0].Code != checks.Refused {
		t.Errorf("the latest alone: %+v", r.Units)
	}
	if r := ask(api.HistoryRequest{Patterns: []string{"up"}, Side: checks.New, Since: is.Since.Add(-time.Nanosecond)}); len(r.Units[0].Bands) != 1 {
		t.Errorf("since the last: %+v", r.Units)
	}
	if r := ask(api.HistoryRequest{Flow: "f2"}); len(r.Units) != 2 || r.Units[0].Party != "k102" {
		t.Errorf("one flow: %+v", r.Units)
	}
	for _, q := range []api.HistoryRequest{{Patterns: []string{"upp"}}, {Environment: "prd"}, {Side: "newe"}} {
		var refusal *runner.Refusal
		if _, err := s.History(t.Context(), q); !errors.As(err, &refusal) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}
