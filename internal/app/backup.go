package app

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"skift/internal/journal"
	"skift/internal/store"
)

// backupFormat is in the first file of every backup.
const backupFormat = "skift-backup-1"

// manifestName is the first file of a backup: what else is in it.
const manifestName = "manifest.json"

// Backup is what a backup has, by its first file.
type Backup struct {
	Format  string       `json:"format"`
	Program string       `json:"program"` // the version that made it
	Plan    string       `json:"plan"`
	Head    journal.Head `json:"head"`
	MadeAt  time.Time    `json:"made_at"`
	From    store.Origin `json:"from"`
	Files   []BackupFile `json:"files"`
}

// BackupFile is one file of the data directory.
type BackupFile struct {
	Name   string `json:"name"` // below the data directory, with slashes
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Size is how many bytes the files have.
func (b Backup) Size() int64 {
	var n int64
	for _, f := range b.Files {
		n += f.Size
	}
	return n
}

// ErrDamaged: a backup is not what was written.
var ErrDamaged = errors.New("the backup is damaged")

// ErrThere is a backup that would replace a file: the one before may be the only one that is whole.
var ErrThere = errors.New("it is there already, and is not overwritten")

// MakeBackup writes the whole data directory into one file, while whoever owns it goes on. path names the file, or a directory that gets
// one with the plan and the instant in its name. The file appears under its name once it was read back and found right.
func MakeBackup(ctx context.Context, data, path string, now time.Time) (name string, b Backup, err error) {
	st, err := store.Open(ctx, store.Options{Dir: data, ReadOnly: true})
	if err != nil {
		return "", b, err
	}
	defer st.Close()
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.IsDir() && !info.Mode().IsRegular(): // as root a rename would take /dev/null away from everybody
		return "", b, fmt.Errorf("back up to %s: it is not a file, and is not replaced", path)
	case err == nil && info.IsDir():
		path = filepath.Join(path, fmt.Sprintf("skift-%s-%s.backup", st.Plan(), now.UTC().Format("20060102T150405Z")))
	}
	if _, err := os.Lstat(path); err == nil { // before the work is done; place asks once more
		return path, b, ErrThere
	}
	work, err := os.MkdirTemp(filepath.Dir(path), ".skift-backup-*")
	if err != nil {
		return "", b, fmt.Errorf("back up: %w", err)
	}
	defer os.RemoveAll(work)
	b, err = gather(ctx, st, data, filepath.Join(work, "data"))
	if err != nil {
		return "", b, fmt.Errorf("back up: %w", err)
	}
	b.MadeAt = now.UTC().Truncate(time.Second)
	packed := filepath.Join(work, "packed")
	err = create(packed, func(w io.Writer) error {
		return pack(ctx, w, b, func(name string) (io.ReadCloser, error) { return openPart(work, data, name) })
	})
	if err == nil {
		err = readBack(ctx, packed, b)
	}
	if err == nil {
		err = place(packed, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if errors.Is(err, ErrThere) {
		return path, b, ErrThere
	}
	if err != nil {
		return "", b, fmt.Errorf("back up to %s: %w", path, err)
	}
	return path, b, nil
}

// place gives a backup its name, which nothing has. A rename would replace what another backup put there meanwhile; a second name does
// not, where the file system knows such.
func place(packed, path string) error {
	switch err := os.Link(packed, path); {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist):
		return ErrThere
	}
	if _, err := os.Lstat(path); err == nil {
		return ErrThere
	}
	return os.Rename(packed, path)
}

// gather copies the database and lists everything: the database first, so that what its events name is there already.
func gather(ctx context.Context, st *store.Store, data, work string) (b Backup, err error) {
	b = Backup{Format: backupFormat, Program: Version, Plan: st.Plan()}
	stands, err := st.Stands(ctx)
	if err != nil {
		return b, err
	}
	b.From = stands.Here
	if err := os.Mkdir(work, 0o700); err != nil {
		return b, err
	}
	if b.Head, err = st.Copy(ctx, work); err != nil {
		return b, err
	}
	names := []string{store.FileName}
	root, err := os.OpenRoot(data)
	if err != nil {
		return b, err
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(e.Name(), "."): // what is being written
			if e.IsDir() {
				return fs.SkipDir
			}
		case e.Type().IsRegular() && strings.Contains(name, "/"): // beside the folders lie the database and the lock
			names = append(names, name)
		}
		return nil
	})
	for i := 0; i < len(names) && err == nil; i++ {
		var f BackupFile
		if f, err = measure(ctx, filepath.Dir(work), data, names[i]); err == nil {
			b.Files = append(b.Files, f)
		}
	}
	return b, err
}

// openPart opens the copied database, or a file of the data directory.
func openPart(work, data, name string) (io.ReadCloser, error) {
	if name == store.FileName {
		data = filepath.Join(work, "data")
	}
	root, err := os.OpenRoot(data)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.Open(filepath.FromSlash(name))
}

func measure(ctx context.Context, work, data, name string) (BackupFile, error) {
	r, err := openPart(work, data, name)
	if err != nil {
		return BackupFile{}, err
	}
	defer r.Close()
	h := sha256.New()
	n, err := io.Copy(h, during(ctx, r))
	return BackupFile{name, n, sum(h)}, err
}

func sum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// pack writes the manifest and the files as a compressed tape archive, and seals it.
func pack(ctx context.Context, w io.Writer, b Backup, open func(name string) (io.ReadCloser, error)) error {
	whole := sha256.New()
	z := gzip.NewWriter(io.MultiWriter(w, whole))
	t := tar.NewWriter(z)
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	put := func(name string, size int64, r io.Reader) error {
		if err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: b.MadeAt}); err != nil {
			return err
		}
		_, err := io.CopyN(t, during(ctx, r), size)
		return err
	}
	if err := put(manifestName, int64(len(text)), strings.NewReader(string(text))); err != nil {
		return err
	}
	for _, f := range b.Files {
		r, err := open(f.Name)
		if err != nil {
			return err
		}
		err = put(f.Name, f.Size, r)
		r.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	if err := errors.Join(t.Close(), z.Close()); err != nil {
		return err
	}
	_, err = w.Write(seal(whole))
	return err
}

// seal ends a backup: an empty part of the archive, which every program that unpacks passes over, with the sum of all before it as its
// comment. The sums inside are of what unpacking gives, and many a changed bit of a compressed file unpacks to the same.
func seal(whole hash.Hash) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Comment = "sha256 " + sum(whole)
	_ = z.Close() // a buffer takes all
	return out.Bytes()
}

// unseal is what stands before the seal. The error is ErrDamaged when one byte of the file is not what was written.
func unseal(ctx context.Context, f *os.File) (io.Reader, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	whole := sha256.New()
	size := info.Size() - int64(len(seal(whole)))
	if size < 0 {
		return nil, fmt.Errorf("%w: it is no backup, or was cut off: it is too short", ErrDamaged)
	}
	if _, err := io.Copy(whole, during(ctx, io.NewSectionReader(f, 0, size))); err != nil {
		return nil, err
	}
	want := seal(whole)
	got := make([]byte, len(want))
	if _, err := f.ReadAt(got, size); err != nil {
		return nil, err
	}
	if !bytes.Equal(got, want) {
		return nil, fmt.Errorf("%w: it is no backup, or was changed or cut off: it does not end with the sum of what stands in it", ErrDamaged)
	}
	return io.NewSectionReader(f, 0, size), nil
}

// readBack reads a backup from its first byte to its last and holds it against what was to be in it.
func readBack(ctx context.Context, path string, want Backup) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	packed, err := unseal(ctx, f)
	if err != nil {
		return err
	}
	got, err := unpack(ctx, packed, func(BackupFile, io.Reader) error { return nil })
	if err == nil && (got.Head != want.Head || !slices.Equal(got.Files, want.Files)) {
		err = fmt.Errorf("%w: it was read back otherwise than it was written", ErrDamaged)
	}
	return err
}

// create makes a file of a name that is free; what write writes is on the disk when it returns.
func create(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// during reads until ctx ends.
func during(ctx context.Context, r io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		return r.Read(p)
	})
}
