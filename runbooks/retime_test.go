package runbooks

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/diag"
)

const timedText = `# The night.
runbook: night
steps:
  # First of all.
  ask: {owner: a/b, takes: 5m, manual: "Æøå?"} # quick
  quoted: {takes: "1h", needs: [ask], owner: a/b, manual: B}
  bare: {needs: [quoted], owner: a/b, manual: C}

  long:
    # why it is long
    needs: [bare]
    takes: 90m   # as rehearsed
    owner: a/b
    manual: |
      takes: 1h is said here and not meant
  none:
    owner: a/b
    manual: D
`

// TestRetime: durations change in their places, everything else stays to the byte.
func TestRetime(t *testing.T) {
	t.Parallel()
	got, err := Retime("night.yaml", []byte(timedText), map[string]time.Duration{"ask": 3 * time.Minute, "quoted": 2*time.Hour + 5*time.Minute,
		"bare": time.Minute, "long": 30 * time.Second, "none": time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer("takes: 5m", "takes: 3m", `"1h"`, `"2h5m"`, "{needs: [quoted]", "{takes: 1m, needs: [quoted]", "90m   #", "30s   #",
		"  none:\n", "  none:\n    takes: 1h\n").Replace(timedText)
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Error(d)
	}
	if same, err := Retime("night.yaml", []byte(timedText), nil); err != nil || string(same) != timedText {
		t.Errorf("%v\n%s", err, same)
	}
	if _, err := Retime("night.yaml", []byte(timedText), map[string]time.Duration{"other": time.Hour}); err == nil {
		t.Error("a step that is not there got a duration")
	}
	if _, err := Retime("night.yaml", []byte("steps: ["), nil); err == nil {
		t.Error("what is no runbook was changed")
	}
}

func TestRetimeStandard(t *testing.T) {
	t.Parallel()
	for _, name := range StandardNames() {
		src, _ := Standard(name)
		r, _ := Read(name+".yaml", src, new(diag.List))
		takes := map[string]time.Duration{}
		for i, s := range r.Steps {
			takes[s.ID] = time.Duration(i+1) * time.Minute
		}
		out, err := Retime(name+".yaml", src, takes)
		if err != nil {
			t.Error(err)
		}
		if comments := strings.Count(string(src), "#"); strings.Count(string(out), "#") != comments {
			t.Errorf("%s: comments were lost", name)
		}
	}
}

// FuzzRetime: whatever is in a runbook, only durations change, or nothing does.
func FuzzRetime(f *testing.F) {
	f.Add([]byte(timedText), int64(time.Hour))
	f.Add([]byte("runbook: a\nsteps:\n  b: {manual: c, owner: a/b}\n"), int64(1))
	f.Add([]byte("{runbook: a, steps: {? b : {takes: !!str 1h, manual: c, owner: a/b}}}"), int64(time.Minute))
	for _, name := range StandardNames() {
		src, _ := Standard(name)
		f.Add(src, int64(90*time.Second))
	}
	f.Fuzz(func(t *testing.T, src []byte, n int64) {
		r, ok := Read("f.yaml", src, new(diag.List))
		if !ok || len(r.Steps) == 0 {
			return
		}
		want := (time.Duration(uint64(n)%uint64(1000*time.Hour)) + time.Second).Truncate(time.Second)
		out, err := Retime("f.yaml", src, map[string]time.Duration{r.Steps[0].ID: want})
		if err != nil {
			return
		}
		after, ok := Read("f.yaml", out, new(diag.List))
		if !ok || after.Steps[0].Takes != want {
			t.Errorf("%s", out)
		}
	})
}
