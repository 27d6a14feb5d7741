package action

import (
	"errors"
	"strings"
	"testing"

	"skift/internal/bug"
	"skift/internal/secret"
)

// A bug of ours in the middle of an effect leaves its outcome unknown, no process behind, and no secret in what is said of it.
func TestABugInAnEffect(t *testing.T) {
	t.Parallel()
	masker := &secret.Masker{}
	masker.Add(secret.NewValue("canary-token"))
	a := newActions(t, Config{Masker: masker})
	var pid int
	o, err := a.Do(t.Context(), Request{Run: "r", Step: commandStep("./play-sleep"), Started: func(p int, _ string) error {
		pid = p
		panic("no line for canary-token\nand 010190-1234")
	}})
	var b *bug.Error
	if !errors.As(err, &b) || len(b.Stack) == 0 || o.OK || !o.Uncertain {
		t.Errorf("%+v, %v", o, err)
	}
	if text := err.Error(); !strings.HasPrefix(text, "do step switch: a bug in skift: no line for *** and ******-**** (internal/action/bug_test.go:") {
		t.Error(text)
	}
	if pid == 0 || groupLives(pid) {
		t.Errorf("process %d lives on", pid)
	}
}
