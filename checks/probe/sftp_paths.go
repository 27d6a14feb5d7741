package probe

import (
	"context"
	"errors"
	"fmt"
	"os"

	"skift/checks"
)

// places looks for the directories that must be there and for what must not be seen. Each is asked about and never opened.
func (s *sighting) places(ctx context.Context, l *login) {
	for _, d := range l.o.Places.Dirs {
		info, err := l.stat(ctx, d.Path)
		if err != nil {
			s.opFailed(opCode(err), fmt.Errorf("%s: %w", d.Path, err))
			return
		}
		if !info.IsDir() {
			s.opFailed(checks.PathMissing, fmt.Errorf("%s is no directory", d.Path))
			return
		}
		mode := octal(info.Mode())
		s.facts["mode "+fact(d.Path)] = mode
		if d.Mode != "" && d.Mode != mode {
			s.opFailed(checks.PathMode, fmt.Errorf("%s has the permissions %s, agreed are %s", d.Path, mode, d.Mode))
			return
		}
	}
	for _, p := range l.o.Places.NotVisible {
		_, err := l.stat(ctx, p)
		switch {
		case err == nil:
			s.opFailed(checks.PathVisible, fmt.Errorf("%s can be seen", p))
			return
		case !errors.Is(err, os.ErrNotExist) && !errors.Is(err, os.ErrPermission):
			s.opFailed(opCode(err), fmt.Errorf("%s: %w", p, err)) // neither seen nor hidden: nothing is known
			return
		}
	}
	s.reached = string(checks.LevelPerm)
}

func (l *login) stat(ctx context.Context, p string) (info os.FileInfo, err error) {
	err = l.client.Within(ctx, l.t.timeout, func() error {
		info, err = l.files.Stat(p)
		return err
	})
	return info, err
}

// octal is a mode as chmod takes it, with the sticky and set-id bits.
func octal(m os.FileMode) string {
	bits := uint32(m.Perm())
	for bit, of := range map[uint32]os.FileMode{0o4000: os.ModeSetuid, 0o2000: os.ModeSetgid, 0o1000: os.ModeSticky} {
		if m&of != 0 {
			bits |= bit
		}
	}
	return fmt.Sprintf("%04o", bits)
}
