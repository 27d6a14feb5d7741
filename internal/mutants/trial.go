package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// outcome is what became of a mutant.
type outcome string

// The outcomes. Only killed is good; unfit says that the trial proves nothing.
const (
	killed   outcome = "killed"
	survived outcome = "SURVIVED"
	unfit    outcome = "UNFIT"
)

// finding is the outcome of one trial.
type finding struct {
	mutant  mutant
	outcome outcome
	why     string // of an outcome that is not killed
	took    time.Duration
}

// bench is one copy of the tree, used by one trial at a time.
type bench struct{ dir string }

// binary is where the test binary of a bench is built.
func (b bench) binary() string { return filepath.Join(b.dir, ".mutant.test") }

// build compiles the tests of a package. Paths are left out, so that all copies share what the build cache knows.
func (b bench) build(ctx context.Context, pkg string) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-trimpath", "-vet=off", "-ldflags=-s -w", "-o", b.binary(), pkg)
	cmd.Dir = b.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("does not compile: %s", cut(string(out)))
	}
	return nil
}

// run runs the named test out of the binary built last and gives what it printed. The error is how the binary ended, if not well.
func (b bench) run(ctx context.Context, m mutant) (string, error) {
	cmd := exec.CommandContext(ctx, b.binary(), "-test.run=^"+m.run, "-test.v", "-test.count=1", "-test.timeout="+m.within.String())
	cmd.Dir = filepath.Join(b.dir, m.pkg)
	cmd.Env = append(os.Environ(), "SKIFT_REQUIRE="+m.require)
	cmd.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return out.String(), err
}

// unharmed runs a named test on the tree as it is: it must run, and pass.
func (b bench) unharmed(ctx context.Context, m mutant) error {
	out, err := b.run(ctx, m)
	switch {
	case err != nil:
		return fmt.Errorf("%s %s fails without any patch: %s", m.pkg, m.run, cut(out))
	case strings.Contains(out, "--- SKIP: "):
		return fmt.Errorf("%s %s is skipped and proves nothing: %s", m.pkg, m.run, cut(out))
	case !strings.Contains(out, "--- PASS: "+m.test()+" "):
		return fmt.Errorf("%s %s runs nothing", m.pkg, m.run)
	}
	return nil
}

// try applies a mutant, runs its test and takes the mutant away again.
func (b bench) try(ctx context.Context, m mutant) (f finding) {
	began := time.Now()
	f = finding{mutant: m, outcome: unfit}
	defer func() { f.took = time.Since(began) }()
	if err := apply(ctx, b.dir, m.diff); err != nil {
		f.why = err.Error()
		return f
	}
	defer func() {
		if err := apply(context.WithoutCancel(ctx), b.dir, m.diff, "-R"); err != nil {
			f.outcome, f.why = unfit, "cannot be taken away again: it "+err.Error()
		}
	}()
	if err := b.build(ctx, m.pkg); err != nil {
		f.why = err.Error()
		return f
	}
	out, err := b.run(ctx, m)
	if ctx.Err() != nil {
		f.why = context.Cause(ctx).Error()
		return f
	}
	f.outcome, f.why = judge(m, out, err)
	return f
}

var (
	timedOut = regexp.MustCompile(`(?m)^panic: test timed out after `)
	panicked = regexp.MustCompile(`(?m)^(panic|fatal error): `)
)

// judge reads how a mutated test ended. A panic, a time-out or a leak is a failure only where the header says that it is the
// one to come: otherwise the patch broke more than the defence, and nothing is proven.
func judge(m mutant, out string, err error) (outcome, string) {
	seen := byJudgement
	switch {
	case err == nil:
		return survived, m.defence + " Without it " + m.test() + " still passes."
	case !errors.As(err, new(*exec.ExitError)):
		return unfit, err.Error()
	case timedOut.MatchString(out):
		seen = byTimeout
	case panicked.MatchString(out):
		seen = byPanic
	case !strings.Contains(out, "--- FAIL: "+m.test()+" "):
		seen = byLeak
	}
	if seen != m.ends {
		return unfit, fmt.Sprintf("ended by %s instead of %s: %s", orFailing(seen), orFailing(m.ends), cut(out))
	}
	return killed, ""
}

func orFailing(e ending) string {
	if e == byJudgement {
		return "a failing test"
	}
	return "a " + string(e)
}

// cut keeps the lines of an output that say what happened.
func cut(out string) string {
	var kept []string
	for line := range strings.Lines(strings.TrimSpace(out)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- PASS") {
			continue
		}
		if kept = append(kept, line); len(kept) == 12 {
			kept = append(kept, "…")
			break
		}
	}
	return strings.Join(kept, "\n\t")
}
