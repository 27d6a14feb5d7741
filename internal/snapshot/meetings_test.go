package snapshot_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"skift/config"
	"skift/internal/plan"
	"skift/internal/snapshot"
)

func sapaWaves(t *testing.T) *plan.Plan {
	t.Helper()
	fsys, _ := config.Plan("sapa-waves")
	p, problems := plan.Load(fsys)
	if problems.Errors() > 0 {
		t.Fatal(problems.Sorted())
	}
	return p
}

// A municipality is shown its own wave and not the others; whoever rolls out sees them all.
func TestEachSeesItsOwnWave(t *testing.T) {
	t.Parallel()
	p := sapaWaves(t)
	at := time.Date(2019, 9, 22, 12, 0, 0, 0, time.UTC)
	for viewer, want := range map[string]string{"": "pilot wave-1 wave-2 wave-3 wave-4 wave-5 wave-6", "supplier": "pilot wave-1 wave-2 wave-3 wave-4 wave-5 wave-6",
		"municipalities": "pilot wave-1 wave-2 wave-3 wave-4 wave-5 wave-6", "municipality-laesoe": "wave-4"} {
		s := snapshot.Build(snapshot.In{Plan: p, Now: at, Viewer: viewer})
		text := string(jsonOf(t, s))
		var got []string
		for _, w := range p.WaveIDs {
			if strings.Contains(text, `"`+w+`-invoicing"`) || strings.Contains(text, p.Waves[w].Name) {
				got = append(got, w)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q is shown %v, want %s", viewer, got, want)
		}
	}
}

// Meetings of the next fortnight, and those one takes part in.
func TestMeetingsAhead(t *testing.T) {
	t.Parallel()
	p := sapaWaves(t)
	at := time.Date(2019, 9, 22, 12, 0, 0, 0, time.UTC)
	ids := func(viewer string) (out []string) {
		for _, m := range snapshot.Build(snapshot.In{Plan: p, Now: at, Viewer: viewer}).Meetings {
			out = append(out, m.ID)
		}
		return out
	}
	want := []string{"klik-september-1", "klik-september-2"}
	for _, viewer := range []string{"", "municipality-laesoe", "municipalities"} {
		if got := ids(viewer); !slices.Equal(got, want) {
			t.Errorf("%q is shown %v", viewer, got)
		}
	}
	if got := ids("supplier"); len(got) > 0 {
		t.Errorf("who takes no part is shown %v", got)
	}
}
