package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"skift/internal/bug"
	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/register"
	"skift/internal/secret"
	"skift/internal/term"
)

// bugLog is the log of the loops. What one of them says of a bug of ours is handed on, to be kept in the journal: whoever reads the
// story of a night must see that something of it was given up, and that is in nobody's log file a week later.
type bugLog struct {
	slog.Handler
	masker *secret.Masker // of what somebody's panic quotes
	met    chan string
}

// keptBugs is how many different bugs are kept of one process. One that comes again and again is kept once.
const keptBugs = 20

func newBugLog(to *slog.Logger, masker *secret.Masker) *bugLog {
	h := slog.Handler(slog.DiscardHandler)
	if to != nil {
		h = to.Handler()
	}
	return &bugLog{h, masker, make(chan string, keptBugs)}
}

// Enabled implements slog.Handler: bugs are told as errors, and are kept whoever reads the log.
func (l *bugLog) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn || l.Handler.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (l *bugLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &bugLog{l.Handler.WithAttrs(attrs), l.masker, l.met}
}

// WithGroup implements slog.Handler.
func (l *bugLog) WithGroup(name string) slog.Handler {
	return &bugLog{l.Handler.WithGroup(name), l.masker, l.met}
}

// Handle implements slog.Handler. The log gets the stack, the journal one line.
func (l *bugLog) Handle(ctx context.Context, r slog.Record) error {
	var b *bug.Error
	told := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		err, _ := a.Value.Any().(error)
		if errors.As(err, &b) {
			a = slog.String(a.Key, l.masker.Mask(err.Error()))
			select {
			case l.met <- secret.MaskCivil(term.Line(r.Message + ": " + a.Value.String())):
			default: // enough are waiting
			}
		}
		told.AddAttrs(a)
		return true
	})
	if b != nil {
		told.AddAttrs(slog.String("stack", l.masker.Mask(string(b.Stack))))
	}
	if !l.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return l.Handler.Handle(ctx, told)
}

// keepBugs records bugs as they are met, until ctx ends.
func (a *App) keepBugs(ctx context.Context) error {
	for {
		select {
		case text := <-a.bugs.met:
			a.keepBug(ctx, text)
		case <-ctx.Done():
			return nil
		}
	}
}

// lastBugs records those that were met while the loops ended. keepBugs has returned.
func (a *App) lastBugs() {
	for {
		select {
		case text := <-a.bugs.met:
			a.keepBug(context.Background(), text)
		default:
			return
		}
	}
}

// keepBug records one bug, once.
func (a *App) keepBug(ctx context.Context, text string) {
	if a.keptBugs[text] || len(a.keptBugs) >= keptBugs {
		return
	}
	a.keptBugs[text] = true
	_, err := a.ledger.Decide(ctx, func(tx *ledger.Tx) error {
		_, err := tx.Emit(register.Logged, "", "", journal.Actor{Via: journal.ViaEngine}, register.Body(register.LogBody{Text: text}))
		return err
	})
	if err != nil {
		a.log.Warn("a bug was not recorded", "bug", text, "because", fmt.Sprint(err))
	}
}
