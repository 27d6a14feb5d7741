// Package bug turns a panic into an error, where a bug of ours in one piece of work must not end the work of others: an
// answer to a caller, a look at what is due, one mail, one unit.
//
// What had begun is not known to be whole then: whoever catches it must say what becomes of the work, and not go on as if
// nothing had been. The stack is kept apart, for a log; the error itself is one line, fit for the journal and for people.
package bug

import (
	"fmt"
	"path"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// Error is a panic that was caught.
type Error struct {
	Value any    // what it panicked with
	Where string // the line of ours that did, as "internal/runner/work.go:88"; "" = none of ours
	Stack []byte
}

func (e *Error) Error() string {
	text := fmt.Sprintf("a bug in skift: %v", e.Value)
	if e.Where != "" {
		text += " (" + e.Where + ")"
	}
	return text
}

// Unwrap keeps an error it panicked with findable.
func (e *Error) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Caught runs fn and gives its error; a panic of fn is an *Error.
func Caught(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &Error{Value: p, Where: where(), Stack: debug.Stack()}
		}
	}()
	return fn()
}

// where finds the innermost line of ours below the panic. The runtime's own lines stand between it and the recovery.
func where() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	panicked := false
	for {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			panicked = true
		case panicked && strings.HasPrefix(f.Function, "skift/"):
			return place(f)
		}
		if !more {
			return ""
		}
	}
}

// place is a frame as a file of the module and its line, wherever the program was built.
func place(f runtime.Frame) string {
	pkg := strings.TrimPrefix(f.Function, "skift/")
	dir, rest := path.Split(pkg)
	name, _, _ := strings.Cut(rest, ".")
	return dir + name + "/" + path.Base(f.File) + ":" + strconv.Itoa(f.Line)
}
