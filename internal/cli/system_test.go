package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// TestOffer: on Windows one can look, and every other command says that it is not there.
func TestOffer(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	run := func(args ...string) error {
		s := &session{in: strings.NewReader(""), out: &out, err: &out}
		root := s.root()
		offer(root, "windows")
		root.SetArgs(args)
		root.SetOut(&out)
		root.SetErr(&out)
		return root.Execute()
	}
	if err := run("--help"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"  check ", "  probe "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("help lacks %q:\n%s", want, &out)
		}
	}
	for _, gone := range []string{"  serve ", "  run ", "  observe ", "  vote "} {
		if strings.Contains(out.String(), gone) {
			t.Errorf("help offers %q:\n%s", gone, &out)
		}
	}
	for _, args := range [][]string{{"serve"}, {"run", "weekend", "--rehearsal"}, {"probe", "import", "x"}, {"probe", "export", "--for", "m-1"}, {"observe", "import"}, {"freeze", "export"}, {"freeze", "waive", "z"}} {
		var wrong *usageError
		if err := run(args...); !errors.As(err, &wrong) || !strings.Contains(wrong.message, "is not offered on Windows") {
			t.Errorf("%v: %v", args, err)
		}
	}
	for _, args := range [][]string{{"probe", "run", "--help"}, {"check", "--help"}} {
		if err := run(args...); err != nil {
			t.Errorf("%v: %v", args, err)
		}
	}
	for _, args := range [][]string{{"probe", "run"}, {"freeze", "check", "--calendar", "c.json"}} {
		if err := run(args...); err == nil || strings.Contains(err.Error(), "Windows") {
			t.Errorf("%v: %v", args, err)
		}
	}
}
