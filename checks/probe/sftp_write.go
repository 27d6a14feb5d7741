package probe

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"github.com/pkg/sftp"

	"skift/checks"
	"skift/internal/sshdial"
)

// FactLeftover is the path of a file of ours that could not be removed.
const FactLeftover = "leftover"

// writing is one inert file on its way: a few bytes under a name that was never used and has no trigger, so that nobody takes
// it for a delivery.
type writing struct {
	*login
	ctx   context.Context // cancelling it ends the writing between two operations, never within one
	dir   string
	names []string // where the file stands or, when an answer was lost, may stand
	sum   [sha256.Size]byte
	size  int64
}

// errCancelled ends a writing early; what was written is still removed.
var errCancelled = errors.New("cancelled between two operations")

// write writes our file, does with it what the level says and removes it. It is not done where the plan does not allow it, nor
// where it is expected that we are kept out.
func (s *sighting) write(ctx context.Context, l *login) {
	if !l.o.Writing.In(l.t.Unit.Side, l.t.Phase) || l.t.Want == checks.Deny {
		s.facts["write"] = "denied"
		return
	}
	w := &writing{login: l, ctx: ctx}
	err := w.room()
	if err == nil {
		err = w.put()
	}
	if err == nil {
		s.reached = string(checks.LevelWrite)
		if l.o.Level.AtLeast(checks.LevelRoundtrip) {
			err = w.back(s)
		}
	}
	if err != nil {
		s.opFailed(w.code(err), err)
	}
	if left, why := w.remove(); left != "" {
		s.leftover(left, why)
	} else if err == nil {
		s.reached = string(l.o.Level)
	}
}

// leftover reports a file that stays behind; what went wrong before is kept beside it.
func (s *sighting) leftover(left string, why error) {
	if s.code != checks.OK {
		s.facts["seen"] = string(s.code)
	}
	s.facts[FactLeftover] = printable([]byte(left))
	s.opFailed(checks.OpLeftover, fmt.Errorf("%s is left behind: %w", left, why))
}

// do runs one operation to its end. A cancelled sweep does not cut it off, or nobody would know whether the file is there.
func (w *writing) do(fn func() error) error {
	if w.ctx.Err() != nil {
		return errCancelled
	}
	return w.finish(fn)
}

func (w *writing) finish(fn func() error) error {
	return w.client.Within(context.WithoutCancel(w.ctx), w.t.timeout, fn)
}

// errFull says that the server reported no room before anything was written.
var errFull = errors.New("the server reports no room")

// room resolves the directory and asks whether it has room, where the server can tell.
func (w *writing) room() error {
	dir, _ := w.o.Writing.Dir.In(w.t.Flow)
	return w.do(func() (err error) {
		if w.dir, err = w.files.RealPath(dir); err != nil {
			return err
		}
		return w.full()
	})
}

func (w *writing) full() error {
	if _, ok := w.files.HasExtension(extStatVFS); !ok {
		return nil
	}
	v, err := w.files.StatVFS(w.dir)
	if err != nil {
		return nil // a server that does not tell is not full
	}
	if v.Bavail == 0 && v.Blocks > 0 || v.Favail == 0 && v.Files > 0 { // some file systems count no files
		return errFull
	}
	return nil
}

// code reads what went wrong. Status 4 says nothing: whether the server is full is asked again.
func (w *writing) code(err error) checks.Code {
	switch code := opCode(err); {
	case errors.Is(err, errFull):
		return checks.Quota
	case errors.Is(err, errDiffers):
		return checks.ContentDiffers
	case code == checks.OpFailed && errors.As(err, new(*sftp.StatusError)) && errors.Is(w.do(w.full), errFull):
		return checks.Quota
	default:
		return code
	}
}

// put creates the file: for writing only, since drop folders let nobody read, and only when it is not there.
func (w *writing) put() error {
	id := rand.Text()
	text := []byte("skift " + id + "\n")
	name := path.Join(w.dir, w.o.Writing.Prefix+id)
	return w.do(func() error {
		w.names = []string{name}
		f, err := w.files.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
		if err != nil {
			if answered(err) {
				w.names = nil
			}
			return err
		}
		h := sha256.New()
		n, err := io.MultiWriter(h, only{f}).Write(text)
		w.size = int64(n)
		h.Sum(w.sum[:0])
		return errors.Join(err, f.Close())
	})
}

// only hides every method but Write: the library's other ways of writing stat the file or write concurrently.
type only struct{ io.Writer }

// answered reports whether the server said no, as opposed to not answering.
func answered(err error) bool {
	return errors.As(err, new(*sftp.StatusError)) || errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission)
}

// errDiffers says that what came back is not what was written.
var errDiffers = errors.New("what is read back is not what was written")

// back renames the file where the server can do so safely, measures it and reads it, once and from the beginning to the end.
func (w *writing) back(s *sighting) error {
	name := w.names[0]
	if _, ok := w.files.HasExtension(extPosixRename); ok {
		to := name + "-2"
		w.names = append(w.names, to)
		if err := w.do(func() error { return w.files.PosixRename(name, to) }); err != nil {
			return fmt.Errorf("rename: %w", err)
		}
		w.names, name = []string{to}, to
		s.facts["renamed"] = "true"
	}
	return w.do(func() error {
		info, err := w.files.Lstat(name)
		if err != nil {
			return fmt.Errorf("the file just written: %w", err)
		}
		if info.Size() != w.size {
			return fmt.Errorf("%w: %d bytes of %d", errDiffers, info.Size(), w.size)
		}
		f, err := w.files.Open(name)
		if err != nil {
			return fmt.Errorf("read back: %w", err)
		}
		h := sha256.New()
		_, err = io.Copy(h, io.LimitReader(f, w.size+1))
		if err = errors.Join(err, f.Close()); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("read back: %w", err)
		}
		if [sha256.Size]byte(h.Sum(nil)) != w.sum {
			return errDiffers
		}
		return nil
	})
}

// remove takes the file away. When the connection is lost a second one tries once more: a file of ours on somebody's production
// is worse than one connection too many. It gives the name of what may still be there, and why.
func (w *writing) remove() (left string, why error) {
	if len(w.names) == 0 {
		return "", nil
	}
	err := w.finish(func() error { return removeAll(w.files, w.names) })
	if err != nil && !answered(err) {
		err = w.again()
	}
	if err != nil {
		return w.names[len(w.names)-1], err
	}
	return "", nil
}

// removeAll removes what is there of the names. Some servers take a file away once it has been read: what is gone is removed.
func removeAll(files *subsystem, names []string) error {
	for _, name := range names {
		if err := files.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (w *writing) again() error {
	ctx := context.WithoutCancel(w.ctx)
	client, _, err := sshdial.Dial(ctx, w.p.dialer, w.t.addr, w.cfg)
	if err != nil {
		return err
	}
	defer client.Close()
	return client.Within(ctx, w.t.timeout, func() error {
		files, err := openSubsystem(client)
		if files != nil {
			defer files.close()
		}
		if err != nil {
			return err
		}
		return removeAll(files, w.names)
	})
}
