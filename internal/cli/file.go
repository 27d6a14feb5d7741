package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// maxFile bounds what a command reads into memory.
const maxFile = 16 << 20

// readCapped reads a file that is to be kept.
func readCapped(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, errors.Unwrap(err)) // the cause: the path is named once
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.IsDir() {
		return nil, usage(name+" is a directory", "name a file")
	}
	return readAll(f, name)
}

func readAll(r io.Reader, name string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(data) > maxFile {
		return nil, usage(name+" is larger than 16 MB", "keep it elsewhere and give a file that names it with its hash")
	}
	return data, nil
}

// replaceFile puts data in place of a file: readers see the old or the new one, never half of it.
func replaceFile(name string, data []byte) error {
	return replaceWith(name, 0o644, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// replaceWith puts what write writes in place of a file, once all of it is on the disk.
// What is no file is not replaced: as root a rename would take /dev/null away from everybody.
func replaceWith(name string, mode os.FileMode, write func(io.Writer) error) error {
	if st, err := os.Stat(name); err == nil && !st.Mode().IsRegular() {
		return usage(name+" is not a file, and is not replaced", "name a file, new or old")
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	b := bufio.NewWriterSize(f, 1<<16)
	err = write(b)
	if err == nil {
		err = b.Flush()
	}
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
