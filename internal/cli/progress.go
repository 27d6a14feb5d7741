package cli

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"skift/internal/term"
	"skift/internal/words"
)

// Whoever does not look at a terminal is told in lines: not before quietFor, then every lineEvery.
const (
	quietFor  = 2 * time.Second
	lineEvery = 5 * time.Second
)

// progress tells on standard error how far a sweep is: a bar with count and time left on a terminal, else a plain line now and then.
type progress struct {
	c    *words.Catalogue
	out  io.Writer
	live bool // a terminal that may be drawn on

	mu           sync.Mutex
	bar          *progressbar.ProgressBar
	began, lined time.Time
	ended        bool
}

func (s *session) progress(c *words.Catalogue) *progress {
	p := &progress{c: c, out: s.err, began: time.Now()}
	if f, ok := s.err.(*os.File); ok {
		p.live = term.Interactive(f, os.Getenv)
	}
	return p
}

// tell is called after each answer.
func (p *progress) tell(done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.ended:
	case p.live:
		if p.bar == nil {
			p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(p.out), progressbar.OptionSetDescription(p.c.T("screen.asking")),
				progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true), progressbar.OptionSetWidth(20),
				progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
		}
		_ = p.bar.Set(done) // what cannot be drawn is not worth an error
	default:
		p.line(done, total, time.Now())
	}
}

// line writes a plain line when the last is long enough ago.
func (p *progress) line(done, total int, now time.Time) {
	if now.Sub(p.began) < quietFor || now.Sub(p.lined) < lineEvery || done == total {
		return
	}
	p.lined = now
	text := p.c.T("screen.progress", "done", done, "total", total)
	if done > 0 {
		left := now.Sub(p.began) / time.Duration(done) * time.Duration(total-done)
		text += ", " + p.c.T("screen.progress.left", "left", p.c.Duration(left.Round(time.Second)))
	}
	fmt.Fprintf(p.out, "skift: %s\n", text)
}

// end takes the bar away.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
