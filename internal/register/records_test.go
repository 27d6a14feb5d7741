package register_test

import (
	"testing"
	"time"

	"skift/checks"
	"skift/internal/journal"
	"skift/internal/register"
)

func TestMessageMoves(t *testing.T) {
	t.Parallel()
	states := []register.MessageState{register.MessageQueued, register.MessageSending, register.MessageSent, register.MessageUncertain, register.MessageFailed}
	legal := map[[2]register.MessageState]bool{
		{"queued", "sending"}: true, {"queued", "failed"}: true,
		{"sending", "sent"}: true, {"sending", "queued"}: true, {"sending", "uncertain"}: true, {"sending", "failed"}: true,
		{"uncertain", "sent"}: true, {"uncertain", "queued"}: true, {"uncertain", "failed"}: true,
		{"failed", "queued"}: true,
	}
	for _, from := range states {
		for _, to := range states {
			if got := from.May(to); got != legal[[2]register.MessageState{from, to}] {
				t.Errorf("%s to %s: %v", from, to, got)
			}
		}
		if want := from == register.MessageSent || from == register.MessageFailed; from.Final() != want {
			t.Errorf("%s final: %v", from, !want)
		}
	}
}

func TestTiming(t *testing.T) {
	t.Parallel()
	if (register.Timing{}).Mean() != 0 {
		t.Error("mean of nothing")
	}
	at := time.Date(2019, 11, 9, 0, 0, 0, 1234, time.UTC)
	i := register.Begin(checks.Result{StartedAt: at, Timings: map[string]time.Duration{"tls": 3}})
	first := i
	for n := range 3 {
		i = i.Extend(checks.Result{StartedAt: at.Add(time.Duration(n) * time.Second), Timings: map[string]time.Duration{"tls": time.Duration(4 + n), "auth": 1}})
	}
	if got := i.Timings["tls"]; got != (register.Timing{Count: 4, Min: 3, Max: 6, Sum: 18}) || got.Mean() != 4 {
		t.Errorf("tls %+v", got)
	}
	if got := i.Timings["auth"]; got != (register.Timing{Count: 3, Min: 1, Max: 1, Sum: 3}) {
		t.Errorf("auth %+v", got)
	}
	if first.Timings["tls"].Count != 1 || first.Count != 1 || i.Count != 4 {
		t.Error("extending changed the interval that was extended")
	}
	if want := at.Truncate(time.Microsecond); !i.Since.Equal(want) || !i.Until.Equal(want.Add(2*time.Second)) || !i.StartedAt.Equal(i.Until) {
		t.Errorf("since %v until %v", i.Since, i.Until)
	}
}

func TestContinues(t *testing.T) {
	t.Parallel()
	base := func() checks.Result {
		return checks.Result{
			Unit:    checks.Unit{Check: "c", Side: checks.Old, Addr: "198.51.100.1:22", Vantage: "local"},
			Outcome: checks.Pass, Verdict: checks.Pass, Code: "ok", Reached: "list", Facts: map[string]string{"a": "1"},
			StartedAt: time.Unix(1, 0), ConfigHash: "h", CheckerVersion: "1",
		}
	}
	i := register.Begin(base())
	for name, change := range map[string]func(*checks.Result){
		"start":    func(r *checks.Result) { r.StartedAt = time.Unix(2, 0) },
		"valid":    func(r *checks.Result) { r.ValidUntil = time.Unix(3, 0) },
		"timings":  func(r *checks.Result) { r.Timings = map[string]time.Duration{"op": 1} },
		"address":  func(r *checks.Result) { r.LocalAddr = "192.0.2.1:9" },
		"evidence": func(r *checks.Result) { r.Evidence.Banner = "hi" },
	} {
		r := base()
		if change(&r); !i.Continues(r) {
			t.Errorf("%s begins a new interval", name)
		}
	}
	for name, change := range map[string]func(*checks.Result){
		"unit":    func(r *checks.Result) { r.Unit.Flow = "f" },
		"outcome": func(r *checks.Result) { r.Outcome = checks.Warn },
		"verdict": func(r *checks.Result) { r.Verdict = checks.Warn },
		"code":    func(r *checks.Result) { r.Code = "refused" },
		"want":    func(r *checks.Result) { r.Want = checks.Deny },
		"reached": func(r *checks.Result) { r.Reached = "auth" },
		"fact":    func(r *checks.Result) { r.Facts["a"] = "2" },
		"facts":   func(r *checks.Result) { r.Facts["b"] = "2" },
		"checker": func(r *checks.Result) { r.CheckerVersion = "2" },
		"config":  func(r *checks.Result) { r.ConfigHash = "i" },
		"origin":  func(r *checks.Result) { r.Brought = checks.Brought{By: checks.ByProbe, From: "p", Party: "k"} },
	} {
		r := base()
		if change(&r); i.Continues(r) {
			t.Errorf("another %s continues the interval", name)
		}
	}
}

func TestBatchEmpty(t *testing.T) {
	t.Parallel()
	for n, b := range []register.Batch{
		{Events: []journal.Event{{}}}, {Messages: []register.Message{{}}}, {MessageMoves: []register.MessageMove{{}}},
		{Slots: []register.Slot{{}}}, {SlotMoves: []register.SlotMove{{}}}, {Observations: []checks.Result{{}}},
	} {
		if b.Empty() {
			t.Errorf("batch %d is called empty", n)
		}
	}
	if !(register.Batch{}).Empty() {
		t.Error("nothing is not called empty")
	}
}
