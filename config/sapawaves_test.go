package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/config"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/timeline"
)

func sapaWaves(t *testing.T) *plan.Plan {
	t.Helper()
	fsys, ok := config.Plan("sapa-waves")
	if !ok {
		t.Fatal("the plan does not ship")
	}
	return load(t, fsys)
}

// publishedWaves is the list of waves as it was published: how many municipalities, the first and last day of the course, and the day
// invoicing begins.
var publishedWaves = []string{
	"pilot 7   2019-07-01",
	"wave-1 13 2019-03-18 2019-04-01 2019-07-01",
	"wave-2 14 2019-04-01 2019-04-26 2019-07-01",
	"wave-3 15 2019-05-06 2019-05-20 2019-07-01",
	"wave-4 17 2019-09-02 2019-09-19 2019-10-01",
	"wave-5 15 2019-09-30 2019-10-24 2019-11-01",
	"wave-6 17 2019-11-04 2019-11-21 2019-12-01",
}

func TestSapaWaves(t *testing.T) {
	t.Parallel()
	p := sapaWaves(t)
	tl := timeline.At(p, &register.Facts{}, time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC))
	day := func(id string, end bool) string {
		m := tl.Milestone(id)
		switch {
		case m == nil:
			return ""
		case end:
			return m.End.At.Add(-time.Second).In(p.Zone).Format(time.DateOnly)
		}
		return m.Start.At.In(p.Zone).Format(time.DateOnly)
	}
	var got []string
	for _, id := range p.WaveIDs {
		w := p.Waves[id]
		course, invoicing := w.Milestone("course"), w.Milestone("invoicing")
		got = append(got, fmt.Sprintf("%s %d %s %s %s", id, len(w.Members), day(course, false), day(course, true), day(invoicing, false)))
		if p.Milestones[invoicing].Exit != id+"-invoicing-go" || p.Gates[id+"-invoicing-go"] == nil {
			t.Errorf("invoicing of %s is decided by %q", id, p.Milestones[invoicing].Exit)
		}
	}
	if d := cmp.Diff(publishedWaves, got); d != "" {
		t.Errorf("waves (-published +plan):\n%s", d)
	}
	if p.Waves["pilot"].Note == "" {
		t.Error("nothing says why the pilot has no course")
	}
}

func TestSapaWavesMunicipalities(t *testing.T) {
	t.Parallel()
	p := sapaWaves(t)
	members := p.Parties["municipalities"].Members
	if len(members) != 98 {
		t.Errorf("%d municipalities", len(members))
	}
	wave := func(id string) string {
		if w := p.WaveOf(id); w != nil {
			return w.ID
		}
		return ""
	}
	for id, want := range map[string]string{"municipality-hoeje-taastrup": "wave-4", "municipality-aeroe": "wave-2", "municipality-aarhus": "pilot", "municipality-viborg": "wave-1"} {
		m, ok := p.Member(id)
		if !ok || wave(id) != want {
			t.Errorf("%s is %+v in %q", id, m, wave(id))
		}
	}
	for _, m := range members {
		if c, ok := p.Contacts.Person(m.Contact); !ok || !strings.HasSuffix(c.Mail, ".example") {
			t.Errorf("%s is told by %q", m.ID, m.Contact)
		}
	}
}

func TestSapaWavesMeetings(t *testing.T) {
	t.Parallel()
	p := sapaWaves(t)
	var got []string
	for _, m := range p.Meetings {
		got = append(got, m.From.In(p.Zone).Format("2006-01-02 15:04")+m.Until.In(p.Zone).Format("-15:04"))
	}
	want := []string{"2019-08-26 10:00-11:00", "2019-08-28 10:00-11:00", "2019-09-25 10:00-11:00", "2019-09-30 11:30-12:30", "2019-10-28 13:00-14:00",
		"2019-10-29 13:00-14:00", "2019-11-25 13:00-14:00", "2019-11-26 10:00-11:00", "2019-12-16 10:00-11:00", "2019-12-17 10:00-11:00"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("meetings (-published +plan):\n%s", d)
	}
}
