package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

const lockName = "lock"

// dirLock keeps a second owner out of a data directory for as long as the
// process lives: the kernel lets go of it even after kill -9. The file says who
// holds it; it is never removed, because two processes could then lock two
// files of one name.
type dirLock struct{ file *os.File }

// errHeld says that somebody else has the lock.
var errHeld = errors.New("held")

// lockDir takes the lock or returns a [HeldError].
func lockDir(dir, socket string) (*dirLock, error) {
	path := filepath.Join(dir, lockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	err = tryLock(f)
	if errors.Is(err, errHeld) {
		defer f.Close()
		return nil, &HeldError{Dir: dir, Holder: readHolder(f)}
	}
	if err == nil {
		err = writeHolder(f, Holder{PID: os.Getpid(), Socket: socket, Since: time.Now().UTC()})
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &dirLock{f}, nil
}

func writeHolder(f *os.File, h Holder) error {
	b, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(append(b, '\n'), 0)
	return err
}

// readHolder reads who holds the lock. The holder writes that just after it got
// the lock, so an empty file is looked at again for a moment.
func readHolder(f *os.File) Holder {
	for range 10 {
		b, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<16))
		var h Holder
		if err == nil && json.Unmarshal(b, &h) == nil {
			return h
		}
		time.Sleep(10 * time.Millisecond)
	}
	return Holder{}
}

// Free finds out whether a data directory could be owned, without owning it: a [HeldError] says who has it. A directory that is not there yet
// is free when it could be made. Nothing is made or changed.
func Free(dir string) error {
	above := dir
	for st, err := os.Stat(above); ; st, err = os.Stat(above) {
		if err == nil && !st.IsDir() {
			return fmt.Errorf("%s is no directory", above)
		}
		if err == nil {
			break
		}
		if !errors.Is(err, os.ErrNotExist) || above == filepath.Dir(above) {
			return fmt.Errorf("look at data directory: %w", err)
		}
		above = filepath.Dir(above)
	}
	if err := writable(above); err != nil {
		return fmt.Errorf("%s cannot be written: %w", above, err)
	}
	if err := checkFS(above); err != nil || above != dir {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open lock: %w", err)
	}
	defer f.Close()
	err = tryLock(f)
	if errors.Is(err, errHeld) {
		return &HeldError{Dir: dir, Holder: readHolder(f)}
	}
	return err
}

// release empties the file first, so that nobody reads of a holder that is gone.
func (l *dirLock) release() error {
	return errors.Join(l.file.Truncate(0), l.file.Close())
}
