package app

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"skift/internal/journal"
	"skift/internal/runner"
	"skift/internal/store"
	"skift/internal/term"
)

// maxManifest bounds the memory that reading somebody's backup can take.
const maxManifest = 64 << 20

// unpack reads a backup to its end. each gets every file after the manifest; what it leaves is read all the same. The error is
// ErrDamaged when anything is not what the manifest says.
func unpack(ctx context.Context, r io.Reader, each func(BackupFile, io.Reader) error) (Backup, error) {
	damaged := func(format string, args ...any) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("%w: %w", ErrDamaged, fmt.Errorf(format, args...))
	}
	packed := bufio.NewReader(during(ctx, r))
	z, err := gzip.NewReader(packed)
	if err != nil {
		return Backup{}, damaged("it is no backup: %w", err)
	}
	z.Multistream(false)
	t := tar.NewReader(z)
	b, err := readManifest(t)
	if err != nil {
		return b, damaged("%w", err)
	}
	for _, f := range b.Files {
		h, err := t.Next()
		if err != nil {
			return b, damaged("%s is not in it: %w", term.Line(f.Name), err)
		}
		if h.Name != f.Name || h.Typeflag != tar.TypeReg || h.Size != f.Size {
			return b, damaged("%s stands where %s of %d bytes must", term.Line(h.Name), term.Line(f.Name), f.Size)
		}
		sha := sha256.New()
		part := io.TeeReader(readerFunc(func(p []byte) (int, error) {
			n, err := t.Read(p)
			if err != nil && err != io.EOF {
				err = damaged("%s: %w", term.Line(f.Name), err)
			}
			return n, err
		}), sha)
		if err := each(f, part); err != nil {
			return b, err
		}
		if _, err := io.Copy(io.Discard, part); err != nil {
			return b, err
		}
		if sum(sha) != f.SHA256 {
			return b, damaged("%s was changed", term.Line(f.Name))
		}
	}
	if _, err := t.Next(); err != io.EOF {
		return b, damaged("there is more in it than it says")
	}
	if _, err := io.Copy(io.Discard, z); err != nil { // the sum at the end
		return b, damaged("%w", err)
	}
	if _, err := packed.ReadByte(); err != io.EOF {
		return b, damaged("something follows it")
	}
	return b, nil
}

// readerFunc is a function that reads.
type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// readManifest reads the first file. Names in it lie below the data directory, each once, and one of them is the journal.
func readManifest(t *tar.Reader) (b Backup, err error) {
	h, err := t.Next()
	if err != nil || h.Name != manifestName || h.Size > maxManifest {
		return b, errors.Join(errors.New("it does not begin with "+manifestName), err)
	}
	dec := json.NewDecoder(t)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&b); err != nil || b.Format != backupFormat {
		return b, errors.Join(fmt.Errorf("%s is not that of a %s", manifestName, backupFormat), err)
	}
	seen := map[string]bool{}
	for _, f := range b.Files {
		if !fs.ValidPath(f.Name) || !filepath.IsLocal(filepath.FromSlash(f.Name)) || f.Name == "." || seen[f.Name] || f.Size < 0 {
			return b, fmt.Errorf("%q is no name of a file in it", f.Name)
		}
		seen[f.Name] = true
	}
	if !seen[store.FileName] {
		return b, errors.New("there is no journal in it")
	}
	return b, nil
}

// Restore makes a data directory from a backup. dir appears once everything was checked; it may be there and empty before: then what is in it
// appears, and dir stays the folder that it is, which may be a mount point, and which a service's user owns in a folder that is not its own.
// The journal in it is owned by nobody before somebody takes it over. held may be nil.
func Restore(ctx context.Context, file, dir string, held *journal.Head) (Backup, error) {
	dir = filepath.Clean(dir)
	beside := filepath.Dir(dir)
	switch entries, err := os.ReadDir(dir); {
	case err == nil && len(entries) > 0:
		return Backup{}, &runner.Refusal{Kind: runner.Usage, Message: dir + " is not empty", Hints: []string{"name a directory that is not there yet, or an empty one"}}
	case err == nil:
		beside = dir
	case !errors.Is(err, fs.ErrNotExist):
		return Backup{}, err
	}
	f, err := os.Open(file)
	if err != nil {
		return Backup{}, fmt.Errorf("read backup: %w", err)
	}
	defer f.Close()
	work, err := os.MkdirTemp(beside, ".skift-restore-*")
	if err != nil {
		return Backup{}, fmt.Errorf("restore: %w", err)
	}
	defer os.RemoveAll(work)
	b, err := restoreInto(ctx, f, work, held)
	switch {
	case err != nil:
	case beside == dir:
		err = moveUp(work, dir)
	default:
		err = os.Rename(work, dir)
	}
	if err == nil {
		err = syncDir(beside)
	}
	if err != nil {
		return b, fmt.Errorf("restore %s: %w", file, err)
	}
	return b, nil
}

// moveUp moves what is in a folder to the folder around it, the journal last: before it is there, nothing is.
func moveUp(work, dir string) error {
	entries, err := os.ReadDir(work)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != store.FileName {
			err = errors.Join(err, os.Rename(filepath.Join(work, e.Name()), filepath.Join(dir, e.Name())))
		}
	}
	if err != nil {
		return err
	}
	return os.Rename(filepath.Join(work, store.FileName), filepath.Join(dir, store.FileName))
}

func restoreInto(ctx context.Context, f *os.File, work string, held *journal.Head) (Backup, error) {
	packed, err := unseal(ctx, f)
	if err != nil {
		return Backup{}, err
	}
	root, err := os.OpenRoot(work)
	if err != nil {
		return Backup{}, err
	}
	defer root.Close()
	b, err := unpack(ctx, packed, func(f BackupFile, part io.Reader) error {
		if err := root.MkdirAll(filepath.Dir(filepath.FromSlash(f.Name)), 0o700); err != nil {
			return err
		}
		w, err := root.OpenFile(filepath.FromSlash(f.Name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(w, part)
		if err == nil {
			err = w.Sync()
		}
		return errors.Join(err, w.Close())
	})
	if err != nil {
		return b, err
	}
	head, err := store.Check(ctx, work, held)
	if errors.Is(err, store.ErrStorage) {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if err == nil && head != b.Head {
		err = fmt.Errorf("%w: its journal has another head than it says", ErrDamaged)
	}
	if err == nil {
		err = store.MarkRestored(ctx, work, b.Plan, b.From)
	}
	return b, err
}
