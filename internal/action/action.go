// Package action does the effect of one runbook step: it runs a command, sends an HTTP request, copies files from
// one SFTP server to another, or looks once at a file that is waited for.
//
// It answers "what came of it". It must not know runs, gates, freezes, rehearsals or people: whether a step may be done
// was decided before, and what follows from the outcome is decided after. It never repeats an effect by itself: what
// cannot be told done from not done is Uncertain, and waits for a person.
//
// Everything another program or host says is made harmless before it leaves this package: secrets and civil
// registration numbers are masked, terminal escapes removed, lengths capped. Network connections go through package
// dial only. No shell is ever involved.
//
// An Actions is not changed after it is made and may be used concurrently. No goroutine and, where the system lets us,
// no process outlives the Do that started it.
package action

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"skift/internal/bug"
	"skift/internal/dial"
	"skift/internal/secret"
	"skift/runbooks"
)

// How long an effect may take when its step gives no timeout.
const (
	CommandTimeout = time.Hour
	HTTPTimeout    = 30 * time.Second
	CopyTimeout    = 12 * time.Hour
)

// Config is what Actions work with. PlanDir is needed; Dialer is needed for http and sftp_copy.
type Config struct {
	PlanDir string           // programs, working directories and CA bundles lie in it and nowhere else
	Dialer  *dial.Dialer     // the only way out; nil = no host may be asked
	Secrets *secret.Resolver // needed for tokens and keys
	Masker  *secret.Masker   // knows the secrets to be masked: the one Secrets tells; nil = none
	Version string           // of skift, told to servers
	Contact string           // whom a server's owner may ask about our requests, told to servers; "" = not told
	Log     *slog.Logger
	// Path is the PATH of commands; "" = this process's, without its relative entries.
	Path string
	// Lang is the LANG of commands; "" = C.UTF-8.
	Lang string
	// Grace is how long a command that has to stop is given between SIGTERM and SIGKILL, and how long output is
	// waited for when the command has ended but something it left behind still holds it. 0 = 5 s.
	Grace time.Duration
	// OutputCap is how many bytes of a command's output are kept: its beginning and its end. 0 = 10 MB.
	OutputCap int
	// Stall is how long an SFTP server may say nothing before the copy gives up. 0 = 1 min.
	Stall time.Duration
}

// Actions does effects. Make it with New.
type Actions struct {
	cfg Config
}

// New makes Actions. The error says that PlanDir cannot be made absolute.
func New(cfg Config) (*Actions, error) {
	dir, err := filepath.Abs(cfg.PlanDir)
	if err != nil {
		return nil, fmt.Errorf("locate plan directory: %w", err)
	}
	cfg.PlanDir = dir
	if cfg.Dialer == nil {
		cfg.Dialer = &dial.Dialer{}
	}
	if cfg.Masker == nil {
		cfg.Masker = &secret.Masker{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Path == "" {
		cfg.Path = ownPath()
	}
	if cfg.Lang == "" {
		cfg.Lang = "C.UTF-8"
	}
	if cfg.Grace <= 0 {
		cfg.Grace = 5 * time.Second
	}
	if cfg.OutputCap <= 0 {
		cfg.OutputCap = 10 << 20
	}
	if cfg.Stall <= 0 {
		cfg.Stall = time.Minute
	}
	return &Actions{cfg: cfg}, nil
}

// Request is one effect to do: one attempt of one step of one run.
type Request struct {
	Run     string
	Step    *runbooks.Step
	Attempt int // from 1
	// Env goes to a command besides SKIFT_RUN, SKIFT_STEP and SKIFT_ATTEMPT; every name begins with SKIFT_.
	Env map[string]string
	// Addr resolves a service's side to the address to connect to and the name the server goes by. Needed by sftp_copy.
	Addr func(service, side string) (addr, serverName string, err error)
	// Started is told a command's process right after it was started, so that it can be recorded before we wait
	// for it; hand both to Alive after a crash. When it gives an error the process is stopped. nil = nobody asks.
	Started func(pid int, startedAt string) error
	// Progress is told how far a copy has come, from several goroutines but one at a time. nil = nobody asks.
	Progress func(Progress)
}

// Outcome is what came of an effect.
type Outcome struct {
	OK      bool
	Summary string // one line for a person: what happened, and what to do when it was not OK
	// Uncertain says that the effect may or may not have happened. OK is false then.
	Uncertain bool
	ExitCode  int    // command: its exit status; -1 when it has none
	Output    []byte // what was said or copied, capped, masked and harmless on a terminal
	Facts     map[string]string
}

// Do does the effect of the request's step. A failing effect is an Outcome that is not OK; an error means a bug of ours
// or that ctx was done before the effect came to its end, and wraps context.Cause(ctx). The Outcome that comes with
// such an error tells how far it got; it is Uncertain when something may have been done.
func (a *Actions) Do(ctx context.Context, req Request) (Outcome, error) {
	if req.Step == nil {
		return Outcome{}, errors.New("do step: the request has no step")
	}
	if ctx.Err() != nil {
		return Outcome{}, fmt.Errorf("do step %s: %w", req.Step.ID, context.Cause(ctx))
	}
	effect, limit, err := a.effect(req.Step.Kind)
	if err != nil {
		return Outcome{}, err
	}
	if req.Step.Timeout > 0 {
		limit = req.Step.Timeout
	}
	timed, cancel := context.WithTimeoutCause(ctx, limit, &timeout{limit})
	defer cancel()
	var out Outcome
	err = bug.Caught(func() (err error) {
		out, err = effect(timed, req)
		return err
	})
	if b := (*bug.Error)(nil); errors.As(err, &b) { // how far it got is not known, and what it says may quote anything
		b.Value, out.OK, out.Uncertain = a.text(fmt.Sprint(b.Value)), false, true
	}
	out = a.harmless(out)
	if err != nil {
		return out, fmt.Errorf("do step %s: %w", req.Step.ID, err)
	}
	return out, nil
}

type effect func(context.Context, Request) (Outcome, error)

func (a *Actions) effect(k runbooks.Kind) (effect, time.Duration, error) {
	switch k {
	case runbooks.Command:
		return a.command, CommandTimeout, nil
	case runbooks.HTTP:
		return a.http, HTTPTimeout, nil
	case runbooks.SFTPCopy:
		return a.copy, CopyTimeout, nil
	case runbooks.Wait: // for a file
		return a.look, LookTimeout, nil
	}
	return nil, 0, fmt.Errorf("do step: %q is no kind of step that is done by this package", k)
}

// timeout is the cause of a context whose step took too long. It is the step's failure, not an error of ours.
type timeout struct{ after time.Duration }

func (t *timeout) Error() string { return fmt.Sprintf("it took longer than %v", t.after) }

// timedOut gives the time-out that ended ctx, or nil when it goes on or was ended by somebody else.
func timedOut(ctx context.Context) *timeout {
	t, _ := context.Cause(ctx).(*timeout)
	return t
}

// interrupted is the cause for which somebody else ended ctx, or nil.
func interrupted(ctx context.Context) error {
	if ctx.Err() == nil || timedOut(ctx) != nil {
		return nil
	}
	return context.Cause(ctx)
}

// failed is the outcome of an effect of which nothing was done, or which said itself that it failed.
func failed(format string, args ...any) Outcome {
	return Outcome{Summary: fmt.Sprintf(format, args...), ExitCode: -1}
}
