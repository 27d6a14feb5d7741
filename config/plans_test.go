package config_test

import (
	"bytes"
	"io/fs"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/config"
	"skift/internal/diag"
	"skift/internal/lint"
	"skift/internal/plan"
)

// load fails the test when a plan cannot be read, and judged before it begins, without so much as a warning.
func load(t *testing.T, fsys fs.FS) *plan.Plan {
	t.Helper()
	p, problems := plan.Load(fsys)
	if problems.Errors() == 0 {
		lint.Check(p, lint.Known{Now: time.Date(2019, 5, 1, 0, 0, 0, 0, time.UTC)}, &problems)
	}
	if problems.Len() > 0 {
		var b bytes.Buffer
		_ = diag.Render(&b, problems.Sorted(), func(file string) []byte { return p.Sources[file] }, false)
		t.Fatalf("does not load:\n%s", b.String())
	}
	return p
}

func TestShippedPlansLoad(t *testing.T) {
	t.Parallel()
	if d := cmp.Diff([]string{"minimal", "sapa-waves", "serviceplatformen"}, config.Plans()); d != "" {
		t.Errorf("Plans (-want +got):\n%s", d)
	}
	for _, name := range config.Plans() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fsys, ok := config.Plan(name)
			if !ok {
				t.Fatalf("Plan(%q) is not there", name)
			}
			load(t, fsys)
		})
	}
	if _, ok := config.Plan("weekend"); ok {
		t.Error("Plan of an unknown name is there")
	}
}
