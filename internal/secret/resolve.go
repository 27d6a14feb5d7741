package secret

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"unicode/utf8"
)

// MaxBytes is how large a secret may be.
const MaxBytes = 64 << 10

// Reason says why a secret cannot be had.
type Reason string

// The reasons.
const (
	NotSet     Reason = "not-set"    // the variable, file or credentials directory does not exist
	Empty      Reason = "empty"      // it is there, with nothing in it
	TooLarge   Reason = "too-large"  // more than MaxBytes
	TooOpen    Reason = "too-open"   // a private key that others may read
	NotAFile   Reason = "not-a-file" // a directory, pipe or device
	Unreadable Reason = "unreadable" // not permitted, outside the plan directory, or an I/O error
)

// ResolveError says which secret cannot be had and why. It never holds any of
// the secret.
type ResolveError struct {
	Ref    Ref
	Reason Reason
	Hint   string // what to do about it; may be ""
	detail string
}

// Error is one sentence.
func (e *ResolveError) Error() string {
	return fmt.Sprintf("secret %s %s", e.Ref, e.detail)
}

// Resolver fetches secrets at the moment they are used; it keeps none.
type Resolver struct {
	dir    string
	env    func(string) (string, bool)
	masker *Masker
}

// NewResolver makes a resolver for a plan directory. env is [os.LookupEnv] or
// the like. Every secret that is fetched is made known to masker, which may be
// nil.
func NewResolver(dir string, env func(string) (string, bool), masker *Masker) *Resolver {
	return &Resolver{dir: dir, env: env, masker: masker}
}

// Resolve fetches a secret. Line breaks at the end of a text are dropped, as
// editors add them. Files are opened below the plan directory and nowhere
// else, unless their path is absolute. The error is a [*ResolveError].
func (r *Resolver) Resolve(ref Ref) (Value, error) {
	text, err := r.fetch(ref)
	if err != nil {
		return Value{}, err
	}
	if utf8.ValidString(text) {
		text = strings.TrimRight(text, "\r\n")
	}
	if text == "" {
		return Value{}, &ResolveError{Ref: ref, Reason: Empty, detail: "is empty"}
	}
	v := NewValue(text)
	if r.masker != nil {
		r.masker.Add(v)
	}
	return v, nil
}

func (r *Resolver) fetch(ref Ref) (string, error) {
	switch ref.scheme {
	case schemeEnv:
		text, ok := r.env(ref.name)
		if !ok {
			return "", &ResolveError{Ref: ref, Reason: NotSet, detail: "is not set",
				Hint: fmt.Sprintf("set the environment variable %s where skift is started", ref.name)}
		}
		if len(text) > MaxBytes {
			return "", tooLarge(ref)
		}
		return text, nil
	case schemeCred:
		dir, ok := r.env("CREDENTIALS_DIRECTORY")
		if !ok || dir == "" {
			return "", &ResolveError{Ref: ref, Reason: NotSet, detail: "cannot be found: CREDENTIALS_DIRECTORY is not set",
				Hint: "start skift as a systemd service with LoadCredential=" + ref.name}
		}
		return readBelow(ref, dir, ref.name)
	case schemeFile:
		if filepath.IsAbs(ref.name) {
			return readBelow(ref, filepath.Dir(ref.name), filepath.Base(ref.name))
		}
		return readBelow(ref, r.dir, ref.name)
	}
	return "", &ResolveError{Ref: ref, Reason: NotSet, detail: "is asked for, but none is named"}
}

// readBelow reads a file that must lie below dir, symbolic links included.
func readBelow(ref Ref, dir, name string) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", cannotOpen(ref, err)
	}
	defer root.Close()
	// A pipe without a writer would wait for ever without O_NONBLOCK.
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", cannotOpen(ref, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", cannotOpen(ref, err)
	}
	if !info.Mode().IsRegular() {
		return "", &ResolveError{Ref: ref, Reason: NotAFile, detail: "is not a file"}
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	switch {
	case err != nil:
		return "", cannotOpen(ref, err)
	case len(data) > MaxBytes:
		return "", tooLarge(ref)
	case openToOthers(info.Mode()) && strings.Contains(string(data), "PRIVATE KEY-----"):
		return "", &ResolveError{Ref: ref, Reason: TooOpen,
			detail: fmt.Sprintf("is a private key that others may read (mode %04o)", info.Mode().Perm()),
			Hint:   fmt.Sprintf("chmod 600 %s", filepath.Join(dir, name))}
	}
	return string(data), nil
}

// openToOthers reports whether others may read a file. Windows keeps that in lists which its modes say nothing about.
func openToOthers(m fs.FileMode) bool { return runtime.GOOS != "windows" && m.Perm()&0o077 != 0 }

func tooLarge(ref Ref) error {
	return &ResolveError{Ref: ref, Reason: TooLarge, detail: fmt.Sprintf("is larger than %d kB", MaxBytes>>10)}
}

func cannotOpen(ref Ref, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &ResolveError{Ref: ref, Reason: NotSet, detail: "does not exist"}
	case errors.Is(err, fs.ErrPermission):
		return &ResolveError{Ref: ref, Reason: Unreadable, detail: "may not be read by this user"}
	}
	reason := err.Error()
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		reason = pe.Err.Error()
	}
	return &ResolveError{Ref: ref, Reason: Unreadable, detail: "cannot be read: " + reason}
}
