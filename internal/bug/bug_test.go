package bug_test

import (
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"skift/internal/bug"
)

func TestCaught(t *testing.T) {
	t.Parallel()
	if err := bug.Caught(func() error { return nil }); err != nil {
		t.Error(err)
	}
	if err := bug.Caught(func() error { return io.EOF }); err != io.EOF {
		t.Errorf("an error became %v", err)
	}
	var nobody map[string]int
	for name, c := range map[string]struct {
		fn   func() error
		want string
	}{
		"a word":        {func() error { panic("lost") }, `^a bug in skift: lost \(internal/bug_test/bug_test\.go:\d+\)$`},
		"an error":      {func() error { panic(io.EOF) }, `^a bug in skift: EOF \(internal/bug_test/bug_test\.go:\d+\)$`},
		"the runtime's": {func() error { nobody["x"] = 1; return nil }, `^a bug in skift: assignment to entry in nil map \(internal/bug_test/bug_test\.go:\d+\)$`},
		"deeper":        {func() error { return errors.New(strings.Repeat("x", -1)) }, `^a bug in skift: strings: negative Repeat count \(internal/bug_test/bug_test\.go:\d+\)$`},
	} {
		err := bug.Caught(c.fn)
		var b *bug.Error
		if !errors.As(err, &b) || !regexp.MustCompile(c.want).MatchString(err.Error()) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !strings.Contains(string(b.Stack), "TestCaught") {
			t.Errorf("%s: the stack does not show where:\n%s", name, b.Stack)
		}
	}
	if err := bug.Caught(func() error { panic(io.EOF) }); !errors.Is(err, io.EOF) {
		t.Error("the cause is lost")
	}
}
