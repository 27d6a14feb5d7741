package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"skift/internal/api"
	"skift/internal/plan"
	"skift/internal/store"
	"skift/internal/term"
)

// How often a watch shows or asks, and how often it may at most: asking is felt by the platforms.
const (
	showEvery = 2 * time.Second
	askEvery  = time.Minute
	leastShow = time.Second
	leastAsk  = 10 * time.Second
)

// watchCheck shows checks again and again until it is ended. Each round reaches the data directory anew, so that others can act
// meanwhile, and a process that restarts is found again. It ends with how things last were.
func (s *session) watchCheck(ctx context.Context, q checking) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	live := s.live()
	if in, ok := s.in.(*os.File); ok && live {
		done := term.OnKey(ctx, in, func(key byte) {
			if key == 'q' || key == 'Q' {
				cancel()
			}
		})
		defer done()
		defer cancel()
	}
	w := watching{session: s, checking: q, live: live, code: ExitNotKnown}
	for {
		if err := w.round(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			if w.code != ExitOK {
				return exit(w.code)
			}
			return nil
		case <-time.After(q.watch):
		}
	}
}

// live reports whether output goes to a terminal that may be drawn on.
func (s *session) live() bool {
	f, ok := s.out.(*os.File)
	return ok && term.Interactive(f, os.Getenv)
}

// watching is a watch under way.
type watching struct {
	*session
	checking
	live bool
	last string // what was shown, but for its time
	code int    // how it last was
}

// round shows once more. That nobody answers just now is told and not the end: what was shown last stays.
func (w *watching) round(ctx context.Context) error {
	var text, same string
	s, rows := *w.session, 0
	if f, ok := w.out.(*os.File); ok && w.live { // which may have been made larger or smaller
		s.screen, rows = term.Detect(f), term.Rows(f)
	}
	var b strings.Builder
	s.out = &b
	err := w.atDesk(ctx, w.purpose(), func(d api.Desk, p *plan.Plan) error {
		s.plan = p
		r, err := d.Check(ctx, w.CheckRequest)
		if err != nil {
			return err
		}
		if err := s.showCheck(ctx, d, r, w.checking); err != nil {
			return err
		}
		w.code = checkExit(r)
		text = b.String()
		same = strings.NewReplacer(localTime(p, r.At), "", ageText(speak(p), r), "", r.Head, "").Replace(text)
		key := "screen.watch"
		if w.ask {
			key = "screen.watch.ask"
		}
		if w.live {
			text += w.screen.Dim(speak(p).T(key, "every", speak(p).Duration(w.watch))) + "\n"
			text = fit(text, rows, func(n int) string { return speak(p).N("screen.watch.more", n) })
		}
		if w.prom != "" {
			return s.writeProm(ctx, d, r, w.checking)
		}
		return nil
	})
	var held *store.HeldError
	switch {
	case ctx.Err() != nil:
		return nil
	case errors.Is(err, api.ErrLost), errors.Is(err, api.ErrSilent), errors.As(err, &held):
		w.note("%v; what is shown may be old, it is tried again", err)
		return nil
	case err != nil:
		return err
	case w.live:
		_, err = io.WriteString(w.out, term.ClearScreen+text)
	case same != w.last: // a file or a pipe is told of changes
		_, err = io.WriteString(w.out, text)
	}
	w.last = same
	if err != nil {
		return fmt.Errorf("show: %w", err)
	}
	return nil
}

// footLines is how many lines at the end of what is shown stay on the screen: how many are how, when that was, and how to end it.
const footLines = 4

// fit leaves out what does not fit on a screen of so many rows, just above the foot: the worst stands first and must not scroll away.
func fit(text string, rows int, more func(left int) string) string {
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	shown := rows - footLines - 3 // the line that tells of the others, the one the cursor stands in, and a long head's second
	if rows <= 0 || len(lines) < rows || shown < 1 {
		return text
	}
	left := len(lines) - shown - footLines
	return strings.Join(lines[:shown], "") + more(left) + "\n" + strings.Join(lines[len(lines)-footLines:], "") + "\n"
}
