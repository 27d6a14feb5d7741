package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/register"
	"skift/internal/store"
)

// flaps stores answers of a unit, one a minute, which differ in turn.
func flaps(t *testing.T, s *store.Store, unit, answers int) {
	t.Helper()
	for n := range answers {
		r := Result(unit, Epoch.Add(time.Duration(n)*time.Minute))
		if n%2 == 1 {
			r.Outcome, r.Verdict, r.Code = checks.Fail, checks.Fail, checks.Refused
		}
		Must(t, s, register.Batch{Observations: []checks.Result{r}})
	}
}

// testRecent: the newest few of each unit, and what it answers now however old that is.
func testRecent(t *testing.T, s *store.Store) {
	flaps(t, s, 1, 6)
	flaps(t, s, 2, 1)
	got := func(since time.Duration, few int) (out []string) {
		t.Helper()
		rows, err := s.Recent(t.Context(), Epoch.Add(since), few)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range rows {
			out = append(out, fmt.Sprintf("%s %s %s", i.Unit.Flow, i.Until.Sub(Epoch), i.Code))
		}
		return out
	}
	one, two := Result(1, Epoch).Unit.Flow, Result(2, Epoch).Unit.Flow
	for _, tt := range []struct {
		since time.Duration
		few   int
		want  []string
	}{
		{0, 3, []string{one + " 3m0s refused", one + " 4m0s ok", one + " 5m0s refused", two + " 0s ok"}},
		{4 * time.Minute, 3, []string{one + " 4m0s ok", one + " 5m0s refused", two + " 0s ok"}},
		{time.Hour, 3, []string{one + " 5m0s refused", two + " 0s ok"}},
	} {
		if d := cmp.Diff(tt.want, got(tt.since, tt.few)); d != "" {
			t.Errorf("since %v, %d (-want +got):\n%s", tt.since, tt.few, d)
		}
	}
	last, err := s.LastOK(t.Context())
	want := map[checks.Unit]time.Time{Result(1, Epoch).Unit: Epoch.Add(4 * time.Minute), Result(2, Epoch).Unit: Epoch}
	if d := cmp.Diff(want, last); d != "" || err != nil {
		t.Error(err, d)
	}
}

// testPrune: what is old goes, in however many steps; what each unit answers now and the journal stay.
func testPrune(t *testing.T, s *store.Store) {
	const old = 2500
	var rs []checks.Result
	for n := range old {
		r := Result(1, Epoch.Add(time.Duration(n)*time.Second))
		r.ConfigHash = fmt.Sprint(n)
		rs = append(rs, r)
	}
	Must(t, s, register.Batch{Observations: append(rs, Result(2, Epoch)), Events: Events(3)})
	before := head(t, s)
	if n, err := s.Prune(t.Context(), Epoch); n != 0 || err != nil {
		t.Errorf("nothing is older than the first: %d, %v", n, err)
	}
	if n, err := s.Prune(t.Context(), Epoch.Add((old-100)*time.Second)); n != old-100 || err != nil {
		t.Errorf("removed %d, %v", n, err)
	}
	if rows := history(t, s, Epoch); len(rows) != 101 {
		t.Errorf("%d rows are left", len(rows))
	}
	if n, err := s.Prune(t.Context(), Epoch.Add(time.Hour)); n != 99 || err != nil {
		t.Errorf("removed %d, %v", n, err)
	}
	if now := latest(t, s); len(now) != 2 || now[0].ConfigHash != fmt.Sprint(old-1) {
		t.Errorf("now %+v", now)
	}
	if head(t, s) != before {
		t.Error("the journal changed")
	}
	if got := read(t, s, 0); len(got) != 3 {
		t.Errorf("%d events are left", len(got))
	}
}
