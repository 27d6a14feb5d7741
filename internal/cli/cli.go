// Package cli is the command line: flags in, text or JSON out, an exit code back.
//
// It holds no rules. A command asks a desk (the process that owns the data directory, over its socket, or else itself) and
// prints the answer. Only this package prints, and one table turns errors into exit codes. Reports and outcome sentences
// come from the catalogue in the plan's language; flags, diagnostics and command errors are English.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"skift/internal/app"
	"skift/internal/diag"
	"skift/internal/runner"
	"skift/internal/store"
	"skift/internal/term"
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

// session is one call of the program.
type session struct {
	in          io.Reader
	out, err    io.Writer
	screen      term.Screen
	dir, data   string
	json        bool
	interrupted <-chan struct{} // closed at the first Ctrl-C
	force       <-chan struct{} // closed at the second
}

// Main runs one command and returns its exit code.
func Main(args []string, in io.Reader, out, stderr io.Writer) int {
	ctx, interrupted, force, stop := signals()
	defer stop()
	s := &session{in: in, out: out, err: stderr, interrupted: interrupted, force: force}
	if f, ok := out.(*os.File); ok {
		s.screen = term.Detect(f)
	}
	root := s.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(stderr)
	return s.explain(root.ExecuteContext(ctx))
}

// signals: the first Ctrl-C or SIGTERM asks to stop, the second to stop now.
func signals() (ctx context.Context, interrupted, force <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	got := make(chan os.Signal, 4)
	signal.Notify(got, os.Interrupt, syscall.SIGTERM)
	first, second := make(chan struct{}), make(chan struct{})
	done := make(chan struct{})
	go func() {
		n := 0
		for {
			select {
			case <-got:
				if n++; n == 1 {
					close(first)
					cancel()
				} else if n == 2 {
					close(second)
				}
			case <-done:
				return
			}
		}
	}()
	return ctx, first, second, func() { signal.Stop(got); close(done); cancel() }
}

func (s *session) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "skift",
		Short: "Move an IT platform from one supplier to another without a bad weekend",
		Long: "skift runs the transition of an IT platform from an old supplier's hosts to a new one's: plan, frozen zones, checks of both\n" +
			"platforms, go/no-go, the cut-over weekend's runbook, and status reports. Start with `skift demo`.",
		SilenceUsage: true, SilenceErrors: true, Version: app.Version,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetVersionTemplate("skift {{.Version}}\n")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage(err.Error(), "skift "+strings.TrimPrefix(c.CommandPath(), "skift ")+" --help lists the flags")
	})
	root.PersistentFlags().StringVarP(&s.dir, "plan", "C", ".", "plan directory")
	root.PersistentFlags().StringVar(&s.data, "data", "", "data directory (default: what skift.yaml says, else .skift in the plan directory)")
	for _, command := range s.commands() {
		root.AddCommand(command)
	}
	root.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(c, args[0])
		}
		return c.Help()
	}
	root.Args = cobra.ArbitraryArgs
	return root
}

func unknownCommand(c *cobra.Command, name string) error {
	var names []string
	for _, sub := range c.Commands() {
		names = append(names, sub.Name())
	}
	hint := "skift --help lists the commands"
	if near := diag.Suggest(name, names); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return usage(fmt.Sprintf("there is no command %q", name), hint)
}

// usageError is wrong usage of the command line.
type usageError struct{ message, hint string }

func (e *usageError) Error() string { return e.message }

func usage(message, hint string) error { return &usageError{message, hint} }

// explain prints an error the way a tired person can use and gives its exit code. It is the one table of exit codes.
func (s *session) explain(err error) int {
	var (
		code    exit
		wrong   *usageError
		refusal *runner.Refusal
		plan    *app.PlanError
		held    *store.HeldError
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
		return s.say(refusalCode(refusal), refusal.Message, refusal.Hints...)
	case errors.As(err, &held):
		return s.say(ExitNotKnown, held.Error(), "it does not answer on its socket: stop it, or wait until it has ended")
	case errors.Is(err, context.Canceled):
		return s.say(ExitHeld, "stopped")
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission):
		return s.say(ExitUsage, err.Error())
	}
	return s.say(ExitNotKnown, err.Error())
}

func refusalCode(r *runner.Refusal) int {
	if r.Kind == runner.Refused {
		return ExitNoGo
	}
	return ExitUsage
}

func (s *session) say(code int, message string, hints ...string) int {
	fmt.Fprintf(s.err, "skift: %s\n", message)
	for _, h := range hints {
		if h != "" {
			fmt.Fprintf(s.err, "hint: %s\n", h)
		}
	}
	return code
}

// problems prints diagnostics with their snippets.
func (s *session) problems(e *app.PlanError) {
	_ = diag.Render(s.err, e.Problems, e.Sources, s.screen.Colour)
	fmt.Fprintf(s.err, "skift: %d problems\n", len(e.Problems))
}

// logger writes what the loops have to say to stderr, plain.
func (s *session) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func (s *session) printf(format string, args ...any) { fmt.Fprintf(s.out, format, args...) }
