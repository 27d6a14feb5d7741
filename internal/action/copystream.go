package action

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"
	"time"
)

// partial is a file being written under its unfinished name.
type partial struct {
	*remoteFile
	has int64     // bytes it holds already, from an attempt before
	sum hash.Hash // of the source's first has bytes
}

// stream reads the source once and writes what it reads to a file on the target, from where an earlier attempt stopped.
func (c *copying) stream(ctx context.Context, r *row, temp string) error {
	in, err := c.from.openFile(ctx, path.Join(c.from.dir, r.name), os.O_RDONLY)
	if err != nil {
		return fmt.Errorf("read from %s: %w", c.from.label, err)
	}
	defer in.close(ctx)
	out, err := c.partial(ctx, r, in, temp)
	if err != nil {
		return err
	}
	r.resumed = out.has
	n, err := io.CopyBuffer(onlyWriter{counted{out, c.progress}}, io.TeeReader(in, out.sum), make([]byte, chunk))
	if closed := out.close(ctx); err == nil && closed != nil {
		err = fmt.Errorf("write to %s: %w", c.to.label, closed)
	}
	if err != nil {
		return err
	}
	if n += out.has; n != r.size {
		return fmt.Errorf("it changed while it was copied: %d bytes were listed, %d were read", r.size, n)
	}
	r.sha256 = hex.EncodeToString(out.sum.Sum(nil))
	return nil
}

// partial opens the unfinished file for writing: a new one, or the one an earlier attempt of this step left, if it holds the
// beginning of the source. It never opens for reading and writing at once, which folders that only take files refuse, and never
// writes over a file that is there.
func (c *copying) partial(ctx context.Context, r *row, in *remoteFile, temp string) (*partial, error) {
	const create = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	f, err := c.to.openFile(ctx, temp, create)
	if err == nil {
		return &partial{f, 0, sha256.New()}, nil
	}
	if p := c.resume(ctx, r, in, temp); p != nil {
		return p, nil
	}
	if ctx.Err() == nil && !c.from.gone() && c.to.remove(ctx, temp) == nil {
		f, err = c.to.openFile(ctx, temp, create)
	}
	if err == nil {
		err = in.rewind()
	}
	if err != nil {
		return nil, fmt.Errorf("write to %s: %w", c.to.label, err)
	}
	return &partial{f, 0, sha256.New()}, nil
}

// resume goes on with the unfinished file of an earlier attempt; nil when there is none that holds the source's first bytes.
func (c *copying) resume(ctx context.Context, r *row, in *remoteFile, temp string) *partial {
	there, err := c.to.stat(ctx, temp)
	if err != nil || there == nil || !there.Mode().IsRegular() || there.Size() == 0 || there.Size() > r.size {
		return nil
	}
	has, size, err := c.to.hash(ctx, temp)
	if err != nil || size != there.Size() {
		return nil
	}
	sum := sha256.New()
	if n, err := io.CopyBuffer(onlyWriter{sum}, io.LimitReader(in, size), make([]byte, chunk)); err != nil || n != size || hex.EncodeToString(sum.Sum(nil)) != has {
		return nil
	}
	f, err := c.to.openFile(ctx, temp, os.O_WRONLY)
	if err != nil {
		return nil
	}
	if err := f.seek(size); err != nil {
		_ = f.close(ctx)
		return nil
	}
	c.progress.add(size)
	return &partial{f, size, sum}
}

// abandoned decides what becomes of an unfinished file: one that only wants its rest is kept for the next attempt, any other is
// removed.
func (c *copying) abandoned(ctx context.Context, temp string, err error) {
	cut := ctx.Err() != nil || c.from.gone() || c.to.gone()
	if cut && !errors.Is(err, errDiffers) {
		c.leave(temp)
		return
	}
	c.clean(ctx, temp)
}

// clean removes an unfinished file; what it cannot remove it remembers.
func (c *copying) clean(ctx context.Context, temp string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := c.to.remove(ctx, temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		c.leave(temp)
	}
}

func (c *copying) leave(temp string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leftover = append(c.leftover, temp)
}

// counted counts what is written.
type counted struct {
	io.Writer
	progress *progress
}

func (w counted) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.progress.add(int64(n))
	return n, err
}
