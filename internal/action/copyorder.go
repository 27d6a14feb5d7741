package action

import (
	"context"
	"errors"
	"strings"
	"sync"
)

// companions are the suffixes of files that set the file of the same name without it in motion, or answer for it. Whoever looks
// for one takes the file itself to be there: they are copied after all files, in this order.
var companions = []string{".trigger", ".sftpreceipt"}

// rank is when a file's turn comes: 0 for a file, and later for what goes with one, whose name is base.
func rank(name string) (rank int, base string) {
	for i, suffix := range companions {
		if base, is := strings.CutSuffix(name, suffix); is {
			return i + 1, base
		}
	}
	return 0, ""
}

// all copies all files, then their companions, until all are tried or a connection is lost. Files of one rank are copied side by
// side.
func (c *copying) all(ctx context.Context) {
	missing := map[string]bool{}
	for turn := range len(companions) + 1 {
		var rows []*row
		for i := range c.rows {
			r := &c.rows[i]
			switch at, base := rank(r.name); {
			case at != turn:
			case missing[base] && at > 0:
				r.state, r.why = fileBack, "its file was not copied"
				missing[r.name] = true
			default:
				rows = append(rows, r)
			}
		}
		c.abreast(ctx, rows)
		if c.over(ctx) {
			return
		}
		for _, r := range rows {
			missing[r.name] = !r.done()
		}
	}
}

// over reports whether nothing more is tried.
func (c *copying) over(ctx context.Context) bool {
	return ctx.Err() != nil || c.from.gone() || c.to.gone()
}

// abreast copies files, several at once. Every row belongs to one of the workers.
func (c *copying) abreast(ctx context.Context, rows []*row) {
	todo := make(chan *row)
	var workers sync.WaitGroup
	for range min(c.parallel, len(rows)) {
		workers.Go(func() {
			for r := range todo {
				c.try(ctx, r)
			}
		})
	}
	for _, r := range rows {
		todo <- r
	}
	close(todo)
	workers.Wait()
}

// try copies one file, unless nothing more is tried.
func (c *copying) try(ctx context.Context, r *row) {
	if c.over(ctx) {
		return
	}
	defer c.progress.file()
	err := c.one(ctx, r)
	if err == nil {
		return
	}
	r.why = c.a.text(explain(ctx, err))
	if r.state = fileFailed; errors.Is(err, errDiffers) {
		r.state = fileDiffers
	}
}

// Progress is how far a copy has come.
type Progress struct {
	Files, FilesDone int   // done: tried, whatever came of it
	Bytes, BytesDone int64 // of the files as they were listed; done: on the target
}

// progress tells how far a copy has come, as often as something changes.
type progress struct {
	tell func(Progress)

	mu  sync.Mutex
	now Progress
}

func (p *progress) begin(rows []row) {
	for _, r := range rows {
		p.now.Files++
		p.now.Bytes += r.size
	}
	p.change(func(*Progress) {})
}

func (p *progress) add(n int64) { p.change(func(now *Progress) { now.BytesDone += n }) }
func (p *progress) file()       { p.change(func(now *Progress) { now.FilesDone++ }) }

func (p *progress) change(fn func(*Progress)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fn(&p.now)
	if p.tell != nil {
		p.tell(p.now)
	}
}
