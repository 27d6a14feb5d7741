package app

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing/fstest"

	"skift/config"
	"skift/internal/plan"
)

// ErrWritten says that somebody else wrote the plan at the same time: what was decided on is not what is there.
var ErrWritten = errors.New("the plan was changed meanwhile")

// ReadAs reads a directory as if one of its files had another text.
func ReadAs(dir, name string, src []byte) (Reading, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Reading{}, fmt.Errorf("read plan: %w", err)
	}
	defer root.Close()
	return readFrom(instead{root.FS(), name, fstest.MapFS{name: {Data: src}}}), nil
}

// instead is a file system in which one file is another.
type instead struct {
	fs.FS
	name  string
	other fs.FS
}

// Open implements fs.FS.
func (i instead) Open(name string) (fs.File, error) {
	if name == i.name {
		return i.other.Open(name)
	}
	return i.FS.Open(name)
}

func readFrom(fsys fs.FS) Reading {
	r := Reading{Settings: config.Default()}
	r.Plan, r.Problems = plan.Load(fsys)
	src := plan.Beside(fsys, config.File, &r.Problems)
	if src != nil {
		r.Settings = config.Read(src, &r.Problems)
		r.Settings.CheckFiles(fsys, &r.Problems)
	}
	r.Sources = sources(r.Plan, src)
	return r
}

// Rewrite puts another text in place of a file of the plan that was read: whole, or not at all. The error is ErrWritten when it is another by
// now, or somebody else is writing it.
func Rewrite(dir, file string, before, after []byte) error {
	name := filepath.Join(dir, filepath.FromSlash(file))
	unlock, err := lockFolder(dir)
	if err != nil {
		return err
	}
	defer unlock()
	st, err := os.Lstat(name)
	if err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("write plan: %s is a link and is not replaced; name the directory in which the file itself is", name)
	}
	now, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	if !bytes.Equal(now, before) {
		return ErrWritten
	}
	return writeAs(name, after, st.Mode().Perm())
}
