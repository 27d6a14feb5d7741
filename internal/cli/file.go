package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
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
