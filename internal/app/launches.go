package app

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"skift/internal/runner"
)

// keptLaunches is how large the file of launches may grow before it is begun anew.
const keptLaunches = 64 << 10

// launches is a file in the data directory that says which processes were begun: one line for each, written and not synced. Only the end
// of this process must not lose it; with the machine the processes end, too.
type launches struct {
	path string

	mu   sync.Mutex
	file *os.File
	size int
	open int // noted and not forgotten
}

// Note implements runner.Launches.
func (l *launches) Note(n runner.Launch) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		f, err := os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return err
		}
		l.file = f
	}
	// A line begins where the last one ends or was cut off for want of room.
	wrote, err := fmt.Fprintf(l.file, "\n%s %s %d %d %s", n.Run, n.Step, n.Attempt, n.PID, n.StartedAt)
	l.size += wrote
	if err == nil {
		l.open++
	}
	return err
}

// Forget implements runner.Launches.
func (l *launches) Forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.open == 0 && l.size >= keptLaunches && l.file.Truncate(0) == nil { // of a file that stays as it is, nothing is lost
		l.size = 0
	}
}

// Noted implements runner.Launches. A line that is no launch was cut off: the process it was about was stopped.
func (l *launches) Noted() (found []runner.Launch, err error) {
	b, err := os.ReadFile(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	l.size = len(b)
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		var n runner.Launch
		if got, err := fmt.Sscanf(lines.Text(), "%s %s %d %d %s", &n.Run, &n.Step, &n.Attempt, &n.PID, &n.StartedAt); err == nil && got == 5 {
			found = append(found, n)
		}
	}
	return found, nil
}

// close gives the file back.
func (l *launches) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
