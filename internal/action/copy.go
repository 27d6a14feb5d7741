package action

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"skift/internal/secret"
	"skift/internal/term"
)

// What became of one file.
const (
	fileCopied  = "copied"
	fileThere   = "already there" // under its name, with the same content
	fileDiffers = "differs"       // under its name, with another content: left alone
	fileFailed  = "failed"
	fileBack    = "held back" // a trigger whose file was not copied
	fileLeft    = "not tried"
)

// row is one file of the manifest.
type row struct {
	name    string
	size    int64
	sha256  string // "" until the whole file was read
	state   string
	why     string
	resumed int64 // bytes of it that were there from an earlier attempt
}

// done reports whether the target has the file now.
func (r row) done() bool { return r.state == fileCopied || r.state == fileThere }

// copying is one copy from one server to the other.
type copying struct {
	a        *Actions
	from, to *end
	run      string // run and step: what is unfinished is recognised by it when the step is repeated
	rows     []row
	parallel int // files copied side by side
	progress *progress

	mu       sync.Mutex
	leftover []string // unfinished files on the target: kept for the next attempt, or not to be removed
}

// copy copies the files that match from one SFTP server to another, through this process and never through its disk.
// A repetition converges: what is there with the same content is left, what is there with another is named and left.
func (a *Actions) copy(ctx context.Context, req Request) (Outcome, error) {
	body := req.Step.CopyBody
	pattern := cmp.Or(body.Files, "*")
	if _, err := path.Match(pattern, ""); err != nil {
		return failed("nothing was copied: %q is not a pattern for file names", pattern), nil
	}
	from, err := a.open(ctx, req.Addr, copyEnd(body.From))
	if err != nil {
		return a.nothingCopied(ctx, copyEnd(body.From).label(), err)
	}
	defer from.close()
	to, err := a.open(ctx, req.Addr, copyEnd(body.To))
	if err != nil {
		return a.nothingCopied(ctx, copyEnd(body.To).label(), err)
	}
	defer to.close()
	c := &copying{a: a, from: from, to: to, run: req.Run + "/" + req.Step.ID, parallel: max(body.Parallel, 1), progress: &progress{tell: req.Progress}}
	if err := c.list(ctx, pattern); err != nil {
		return a.nothingCopied(ctx, c.from.label, err)
	}
	if err := c.to.isDir(ctx); err != nil {
		return a.nothingCopied(ctx, c.to.label, err)
	}
	if len(c.rows) == 0 {
		return failed("nothing was copied: no file in %s of %s matches %s; if that is as it should be, say that the step is done",
			a.text(body.From.Dir), c.from.label, pattern), nil
	}
	c.progress.begin(c.rows)
	c.all(ctx)
	return c.outcome(ctx)
}

func (a *Actions) nothingCopied(ctx context.Context, label string, err error) (Outcome, error) {
	o := failed("nothing was copied: %s: %s", label, a.text(explain(ctx, err)))
	return o, interrupted(ctx)
}

// list finds the files to copy, in the order in which they are: what sets a file in motion comes after it.
func (c *copying) list(ctx context.Context, pattern string) error {
	infos, err := c.from.list(ctx)
	if err != nil {
		return err
	}
	for _, fi := range infos {
		name := fi.Name()
		// Names come from the other host: only those that stay in the directory are names.
		if name == "." || name == ".." || strings.ContainsAny(name, "/\x00") || unfinished(name) || !fi.Mode().IsRegular() {
			continue
		}
		if ok, _ := path.Match(pattern, name); ok {
			c.rows = append(c.rows, row{name: name, size: fi.Size(), state: fileLeft})
		}
	}
	slices.SortFunc(c.rows, func(x, y row) int {
		rx, _ := rank(x.name)
		ry, _ := rank(y.name)
		return cmp.Or(cmp.Compare(rx, ry), cmp.Compare(x.name, y.name))
	})
	return nil
}

// errDiffers says that another file has the name on the target.
var errDiffers = errors.New("another file of that name is there")

// one copies one file, or finds that it is there.
func (c *copying) one(ctx context.Context, r *row) error {
	final := path.Join(c.to.dir, r.name)
	there, err := c.to.stat(ctx, final)
	if err != nil {
		return fmt.Errorf("look for it on %s: %w", c.to.label, err)
	}
	if there != nil {
		return c.compare(ctx, r, final, there)
	}
	temp := path.Join(c.to.dir, unfinishedName(c.run, r.name))
	if err := c.stream(ctx, r, temp); err != nil {
		c.abandoned(ctx, temp, err)
		return err
	}
	if err := c.finish(ctx, r, temp, final); err != nil {
		c.abandoned(ctx, temp, err)
		return err
	}
	r.state = fileCopied
	return nil
}

// compare reads both files when a file of that name is there.
func (c *copying) compare(ctx context.Context, r *row, final string, there os.FileInfo) error {
	if !there.Mode().IsRegular() || there.Size() != r.size {
		return fmt.Errorf("%w: it has %d bytes, this one has %d", errDiffers, there.Size(), r.size)
	}
	sum, size, err := c.from.hash(ctx, path.Join(c.from.dir, r.name))
	if err != nil {
		return fmt.Errorf("read from %s: %w", c.from.label, err)
	}
	r.size, r.sha256 = size, sum
	got, _, err := c.to.hash(ctx, final)
	if err != nil {
		return fmt.Errorf("read from %s: %w", c.to.label, err)
	}
	if got != sum {
		return fmt.Errorf("%w: its sha256 is %s, this one's is %s", errDiffers, got, sum)
	}
	r.state = fileThere
	c.progress.add(size)
	return nil
}

// finish reads back what was written and, when it is the same, gives it its name.
func (c *copying) finish(ctx context.Context, r *row, temp, final string) error {
	got, size, err := c.to.hash(ctx, temp)
	if err != nil {
		return fmt.Errorf("read back from %s: %w", c.to.label, err)
	}
	if got != r.sha256 || size != r.size {
		return fmt.Errorf("what %s has is not what was written: %d bytes with sha256 %s instead of %d with %s", c.to.label, size, got, r.size, r.sha256)
	}
	// The protocol's rename must not replace a file, but some servers do; posix-rename does by design and is not used.
	if there, err := c.to.stat(ctx, final); err != nil || there != nil {
		return cmp.Or(err, fmt.Errorf("%w: it came while this one was copied", errDiffers))
	}
	if err := c.to.rename(ctx, temp, final); err != nil {
		return fmt.Errorf("give it its name on %s: %w", c.to.label, err)
	}
	return nil
}

// outcome counts the rows and writes the manifest.
func (c *copying) outcome(ctx context.Context) (Outcome, error) {
	count := map[string]int{}
	var bytes, resumed int64
	var bad []string
	for _, r := range c.rows {
		count[r.state]++
		switch {
		case r.done():
			bytes += r.size
			resumed += r.resumed
		case r.state != fileLeft:
			bad = append(bad, fmt.Sprintf("%s %s: %s", c.a.text(r.name), r.state, r.why))
		}
	}
	good := count[fileCopied] + count[fileThere]
	o := Outcome{ExitCode: -1, OK: good == len(c.rows), Output: c.manifest(), Facts: map[string]string{
		"from": c.from.label, "to": c.to.label,
		"files": strconv.Itoa(len(c.rows)), "copied": strconv.Itoa(count[fileCopied]), "already_there": strconv.Itoa(count[fileThere]),
		"not_copied": strconv.Itoa(len(c.rows) - good), "bytes": strconv.FormatInt(bytes, 10),
	}}
	o.Summary = fmt.Sprintf("%d of %d files are on %s with the same content as on %s", good, len(c.rows), c.to.label, c.from.label)
	if count[fileThere] > 0 {
		o.Summary += fmt.Sprintf(", %d of them were there before", count[fileThere])
	}
	if resumed > 0 {
		o.Facts["resumed_bytes"] = strconv.FormatInt(resumed, 10)
		o.Summary += fmt.Sprintf(", %d bytes had come before", resumed)
	}
	if shown := bad[:min(len(bad), 3)]; len(shown) > 0 {
		o.Summary += "; " + strings.Join(shown, "; ")
	}
	if more := len(bad) - 3; more > 0 {
		o.Summary += fmt.Sprintf("; and %d more, see the output", more)
	}
	if n := count[fileLeft]; n > 0 {
		o.Summary += fmt.Sprintf("; %d were not tried any more; repeating the step goes on where it stopped", n)
	}
	if len(c.leftover) > 0 {
		o.Facts["leftover"] = c.a.text(strings.Join(c.leftover, " "))
		o.Summary += fmt.Sprintf("; left unfinished on %s, for a repetition to go on with: %s", c.to.label, o.Facts["leftover"])
	}
	cause := interrupted(ctx)
	if o.OK {
		cause = nil // it was over before
	}
	o.Uncertain = cause != nil
	return o, cause
}

// manifest is one line for each file: name,size,sha256,state,reason. Names are compared as they are and masked only here.
func (c *copying) manifest() []byte {
	kept := newCapture(c.a.cfg.OutputCap)
	w := csv.NewWriter(kept)
	_ = w.Write([]string{"name", "size", "sha256", "state", "reason"}) // a capture takes everything
	for _, r := range c.rows {
		name := term.Line(c.a.cfg.Masker.Mask(secret.MaskCivil(r.name)))
		_ = w.Write([]string{name, strconv.FormatInt(r.size, 10), r.sha256, r.state, r.why})
	}
	w.Flush()
	return kept.bytes(func(s string) string { return s })
}

// unfinishedName is the name under which a file is written before it is complete. It is the same when the step is
// repeated, and says nothing about the file, whose name may be long or personal.
func unfinishedName(run, name string) string {
	sum := sha256.Sum256([]byte(run + "/" + name))
	return ".skift-" + hex.EncodeToString(sum[:8]) + ".part"
}

func unfinished(name string) bool {
	return strings.HasPrefix(name, ".skift-") && strings.HasSuffix(name, ".part")
}
