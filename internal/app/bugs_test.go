package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"testing"

	"skift/internal/app"
	"skift/internal/bug"
	"skift/internal/register"
	"skift/internal/secret"
)

// TestABugIsRecorded: a bug that a loop met and survived is in the journal, once, whoever reads the log.
func TestABugIsRecorded(t *testing.T) {
	s := newSmall(t, nil, "")
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- s.Run(ctx, app.Mode{Ready: func() { close(ready) }}) }()
	<-ready
	met := fmt.Errorf("compose: %w", &bug.Error{Value: "no line for 010190-1234", Where: "internal/report/page.go:7"})
	s.Logger().Error("work audience/board", "err", met)
	s.Logger().Error("work audience/board", "err", met)
	s.Logger().Error("work audience/board", "err", errors.New("no network")) // no bug
	kept := func() (texts []string) {
		events, err := s.Events(t.Context(), 0, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Kind == register.Logged {
				texts = append(texts, string(e.Actor.Via)+" "+string(e.Body))
			}
		}
		return texts
	}
	s.Logger().Error("tidy", "err", &bug.Error{Value: "last"})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	want := []string{
		`engine {"text":"work audience/board: compose: a bug in skift: no line for ******-**** (internal/report/page.go:7)"}`,
		`engine {"text":"tidy: a bug in skift: last"}`,
	}
	if got := kept(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("kept %q, want %q", got, want)
	}
}

// TestBugLog: the log has the stack and no secret; what is no bug passes through.
func TestBugLog(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	masker := &secret.Masker{}
	masker.Add(secret.NewValue("canary-token"))
	log, met := app.NewBugLog(slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelWarn})), masker)
	log = log.With("node", "a").WithGroup("g")
	err := bug.Caught(func() error { panic("lost canary-token") })
	log.Error("work", "err", err)
	log.Warn("plain", "err", errors.New("no network"), "n", 1)
	log.Info("nothing")
	text := b.String()
	for _, want := range []string{"level=ERROR msg=work node=a g.err=\"a bug in skift: lost *** (internal/app_test/bugs_test.go:", "g.stack=\"goroutine ", "TestBugLog",
		"level=WARN msg=plain node=a g.err=\"no network\" g.n=1\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, "canary") || strings.Contains(text, "nothing") {
		t.Error(text)
	}
	select {
	case line := <-met:
		if !strings.HasPrefix(line, "work: a bug in skift: lost *** (") {
			t.Error(line)
		}
	default:
		t.Error("it was not handed on")
	}
	if len(met) != 0 {
		t.Errorf("%d more", len(met))
	}
}

// TestABugWhileStoring is a bug of ours at one write after another: the program ends, says so, and the next one goes on.
func TestABugWhileStoring(t *testing.T) {
	t.Parallel()
	skift := build(t)
	for n := 1; ; n++ {
		w := newWeekend(t, skift)
		c := w.command("run", "small", "--no-wait")
		c.Env = append(c.Env, fmt.Sprintf("SKIFT_CRASH_AT_WRITE=panic:%d", n))
		out, err := c.CombinedOutput()
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		code, text := c.ProcessState.ExitCode(), string(out)
		if code == 4 { // it has no such write
			if n < 5 {
				t.Errorf("only %d writes: the run is too small", n)
			}
			return
		}
		if code != 5 || !strings.Contains(text, "a bug in skift: asked for by SKIFT_CRASH_AT_WRITE (internal/app/crash.go:") || !strings.Contains(text, "hint: ") {
			t.Errorf("write %d: %d\n%s", n, code, text)
		}
		for _, m := range headLine.FindAllStringSubmatch(text, -1) {
			w.heads = append(w.heads, m[1])
		}
		w.work()
		if t.Failed() {
			t.Fatalf("after a bug at write %d", n)
		}
	}
}
