package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"syscall"

	"skift/internal/api"
	"skift/internal/app"
	"skift/internal/bug"
	"skift/internal/diag"
	"skift/internal/gate"
	"skift/internal/ledger"
	"skift/internal/register"
	"skift/internal/runner"
	"skift/internal/store"
	"skift/internal/term"
	"skift/internal/words"
)

// The exit codes: DESIGN and docs/exit-codes.md.
const (
	ExitOK       = 0 // fine, or go
	ExitFailed   = 1 // a check or a run failed
	ExitUsage    = 2 // wrong usage or an invalid file
	ExitNoGo     = 3 // no-go, or refused by a gate or a freeze
	ExitHeld     = 4 // held: a person is waited for
	ExitNotKnown = 5 // could not observe, or an error of ours
)

// exit is an error that only carries an exit code: what it means is printed already.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// explain prints an error the way a tired person can use and gives its exit code. It is the one table of exit codes.
func (s *session) explain(err error) int {
	var (
		code    exit
		wrong   *usageError
		refusal *runner.Refusal
		plan    *app.PlanError
		held    *store.HeldError
		ours    *bug.Error
	)
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &plan):
		s.problems(plan)
		return ExitUsage
	case errors.As(err, &wrong):
		return s.say(ExitUsage, wrong.message, wrong.hint)
	case errors.As(err, &refusal):
		return s.refused(refusal)
	case errors.As(err, &ours):
		return s.bug(ours)
	case errors.As(err, &held):
		return s.say(ExitNotKnown, held.Error(),
			"it does not answer where it was looked for: a service is reached with the XDG_RUNTIME_DIR that its unit gives it, such as /run/skift",
			"else wait until it has ended, or stop it")
	case errors.Is(err, api.ErrLost):
		return s.say(ExitNotKnown, err.Error(), "what was asked may or may not have been done: look with skift runs before you ask again")
	case errors.Is(err, api.ErrSilent):
		return s.say(ExitNotKnown, err.Error(), "look what it does; if it hangs, end it: nothing acknowledged is lost, and `skift run` or skift serve goes on")
	case errors.Is(err, store.ErrNone), errors.Is(err, store.ErrOtherPlan):
		return s.say(ExitUsage, err.Error(), "name the plan directory with -C, or the data directory with --data")
	case errors.Is(err, store.ErrStranger):
		return s.say(ExitHeld, err.Error(), "it can be read: skift verify, skift journal export, skift backup", "skift restore --take-over --reason …")
	case errors.Is(err, ledger.ErrBroken):
		return s.say(ExitNotKnown, err.Error(), "see to the disk, then give the same command again: what was in flight is asked about")
	case errors.Is(err, store.ErrFull), errors.Is(err, syscall.ENOSPC):
		return s.say(ExitNotKnown, err.Error(), "make room where the data directory lies, then give the same command again")
	case errors.Is(err, context.Canceled):
		return s.say(ExitHeld, "stopped")
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission), errors.Is(err, syscall.ENOTDIR):
		return s.say(ExitUsage, err.Error())
	}
	return s.say(ExitNotKnown, err.Error())
}

// bug says that we failed ourselves. Its stack is for who mends it; one that another process met is in that process's log.
func (s *session) bug(e *bug.Error) int {
	s.say(ExitNotKnown, e.Error(), "nothing acknowledged is lost; look with skift runs what was done, then give the same command again",
		"report it with what the running skift logged")
	if len(e.Stack) > 0 {
		fmt.Fprintf(s.err, "%s\n", term.Strip(string(e.Stack)))
	}
	return ExitNotKnown
}

// refused says why a command was not done; at a gate, everything that stands in the way, one line each.
func (s *session) refused(r *runner.Refusal) int {
	code := ExitUsage
	if r.Kind == runner.Refused {
		code = ExitNoGo
	}
	if r.Gate == nil {
		return s.say(code, r.Message, r.Hints...)
	}
	s.say(code, fmt.Sprintf("go cannot be given at %s: %s in the way", r.Gate.Gate, stand(len(r.Gate.Reasons))))
	for _, reason := range r.Gate.Reasons {
		fmt.Fprintf(s.err, "  %s %s\n", term.Fail.Shape(), term.Line(reasonText(words.In("en"), reason)))
		s.findings(words.In(words.En), s.err, findingsOf(r.Gate, reason.Subject))
	}
	return s.hints(code, r.Hints)
}

func stand(n int) string {
	if n == 1 {
		return "1 thing stands"
	}
	return fmt.Sprintf("%d things stand", n)
}

// reasonText is why a gate cannot be passed, in one line.
func reasonText(c *words.Catalogue, r register.Reason) string {
	text := r.Subject + ": " + c.T("why."+r.Code)
	switch key := "why." + r.Remark; {
	case r.Remark == "":
	case c.Has(key):
		text += " (" + c.T(key) + ")"
	default:
		text += " (" + r.Remark + ")"
	}
	return text
}

func findingsOf(j *gate.Judgement, criterion string) []register.Finding {
	for _, c := range j.Criteria {
		if c.ID == criterion {
			return telling(c)
		}
	}
	return nil
}

func (s *session) say(code int, message string, hints ...string) int {
	fmt.Fprintf(s.err, "skift: %s\n", term.Line(message))
	return s.hints(code, hints)
}

func (s *session) hints(code int, hints []string) int {
	for _, h := range hints {
		if h != "" {
			fmt.Fprintf(s.err, "hint: %s\n", term.Line(h))
		}
	}
	return code
}

// note tells something on stderr that changes nothing.
func (s *session) note(format string, args ...any) {
	fmt.Fprintf(s.err, "skift: %s\n", term.Line(fmt.Sprintf(format, args...)))
}

// problems prints diagnostics with their snippets.
func (s *session) problems(e *app.PlanError) {
	_ = diag.Render(s.err, e.Problems, e.Sources, s.screen.Colour)
	fmt.Fprintf(s.err, "skift: %s\n", numbered(len(e.Problems), "problem"))
}

// logger writes what the loops have to say to stderr, plain.
func (s *session) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// printf prints to stdout. Text that others wrote goes through term.Line or term.Strip first.
func (s *session) printf(format string, args ...any) {
	fmt.Fprint(s.out, term.Loose(fmt.Sprintf(format, args...)))
}

// upper is a state as it is shouted.
func upper(s string) string { return strings.ToUpper(s) }
