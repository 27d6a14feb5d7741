package freeze_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"skift/checks"
	"skift/internal/freeze"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/signed"
)

// autumn is a plan in August 2019 with exceptions of all kinds; in it the first zone binds the suppliers alone.
func autumn(t *testing.T) (*plan.Plan, *register.Facts, time.Time) {
	t.Helper()
	p := shipped(t)
	p.Milestones["frozen-zone-1"].Parties = []string{"ibm", "sse", "municipalities"}
	f := &register.Facts{AdoptedAt: time.Date(2019, 5, 1, 0, 0, 0, 0, time.UTC), Waivers: []*register.WaiverFacts{
		waived("frozen-zone-1", register.Waiver{Class: plan.Certificate, Service: "gateway"}),
		waived("frozen-zone-2", register.Waiver{Class: plan.Certificate, Service: "gateway", Party: "sse", Reason: "our own reason"}),
		waived("frozen-zone-2", register.Waiver{Class: plan.Scope, Change: "CANARY-1", Party: "ibm", Reason: "canary reason of another"}),
		waived("frozen-zone-2", register.Waiver{Class: plan.Fix, Side: checks.Old, Party: "municipalities", Reason: "canary reason of many"}),
		waived("frozen-zone-2", register.Waiver{Class: plan.IncidentC, Change: "CHG-7", Reason: "canary reason for all"}),
		waived("frozen-zone-2", register.Waiver{Class: plan.IncidentC, Change: "back-out/reopen-intake", Reason: "canary reason for all"}),
		waived("frozen-zone-2", register.Waiver{Class: plan.IncidentC, Change: "no/step", Reason: "canary reason for all"}),
		waived("frozen-zone-2", register.Waiver{Class: plan.IncidentC, Change: "back-out-3/agreements-back", Reason: "canary reason for all"}),
		{Zone: "frozen-zone-1", Seq: 9, Waiver: register.Waiver{Class: plan.Scope, Reason: "canary that waits", Until: time.Date(2019, 12, 1, 0, 0, 0, 0, time.UTC)}},
	}}
	for _, w := range f.Waivers {
		w.Actor = journal.Actor{Seat: "kombit/chair", Person: "canary-person", EnteredBy: "canary-login"}
	}
	return p, f, time.Date(2019, 8, 10, 12, 0, 0, 0, time.UTC)
}

// One road: whoever asks the file gets the answer that the plan and the journal give to the same party, at any time.
func TestCalendarAnswersAsThePlanDoes(t *testing.T) {
	t.Parallel()
	p, f, now := autumn(t)
	asked, allowed := 0, 0
	for _, party := range []string{"sse", "ibm", "kombit", p.Parties["municipalities"].Members[0].ID} {
		c := freeze.CalendarFor(p, f, party, now)
		var file freeze.Calendar // as it arrives
		if err := json.Unmarshal(must(json.Marshal(c)), &file); err != nil {
			t.Fatal(err)
		}
		changes := append([]string{"", "CANARY-1", "CHG-7", "no/step"}, p.Transitions(party)...)
		changes = append(changes, "cutover-weekend-12/copy", "back-out-2/reopen-intake", "no-2/step", "back-out-2/agreements-back", "back-out-3/agreements-back", "back-out/agreements-back")
		for day := time.Date(2019, 5, 30, 21, 30, 0, 0, time.UTC); day.Before(time.Date(2020, 3, 1, 0, 0, 0, 0, time.UTC)); day = day.Add(461 * time.Hour) {
			for _, q := range questions("") {
				for _, side := range []checks.Side{"", checks.Old, checks.New} {
					for i, change := range changes {
						q.At, q.Side, q.Change, q.Party, q.Service = day, side, change, party, []string{"", "gateway", "sftp"}[(i+asked)%3]
						q.Step, q.ListedTransition = p.StepRef(change), p.ListsChange(change)
						if q.Class == plan.Transition && q.ListedTransition && !slices.Contains(c.Transitions, change) && !slices.Contains(c.Transitions, q.Step) {
							continue // a step of others
						}
						asked++
						want, got := told(freeze.At(p, f, q)), told(file.Ask(q))
						if want != got {
							t.Fatalf("%+v\nplan:     %s\ncalendar: %s", q, want, got)
						}
						if strings.HasPrefix(got, "true") {
							allowed++
						}
					}
				}
			}
		}
	}
	if asked < 4_000 || allowed < asked/10 || allowed > asked*9/10 {
		t.Errorf("%d of %d were allowed: the test asks too little", allowed, asked)
	}
}

func told(a freeze.Answer) string {
	out := fmt.Sprint(a.Allowed)
	for _, r := range a.Refusals {
		out += fmt.Sprint(" ", r.Zone.ID, " ", r.Why, " ", r.Waives, " ", r.Until.Latest)
	}
	for _, w := range a.Waived {
		out += fmt.Sprint(" ", w.Zone.ID, " waived by ", w.Waiver.Seq)
	}
	at, ok := a.FreeAt()
	return out + fmt.Sprint(" ", at, ok, len(a.Zones))
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// A calendar says nothing about other parties: not their exceptions, not their transitions, not what binds them alone, and no person.
func TestCalendarHoldsNothingOfOthers(t *testing.T) {
	t.Parallel()
	p, f, now := autumn(t)
	p.Milestones["frozen-zone-2"].Services = []string{"gateway"}
	sse := string(must(json.Marshal(freeze.CalendarFor(p, f, "sse", now))))
	for _, never := range []string{"canary", "CANARY", "ibm/", `"ibm"`, "municipalit", "cutover-weekend/switch", "login", "@"} {
		if strings.Contains(sse, never) {
			t.Errorf("the calendar of sse holds %q:\n%s", never, sse)
		}
	}
	for _, always := range []string{"our own reason", "cutover-weekend/copy", "release-2019-7", "CHG-7", "frozen-zone-1", `"gateway"`} {
		if !strings.Contains(sse, always) {
			t.Errorf("the calendar of sse lacks %q:\n%s", always, sse)
		}
	}
	kombit := freeze.CalendarFor(p, f, "kombit", now)
	if len(kombit.Zones) != 1 || kombit.Zones[0].Zone != "frozen-zone-2" {
		t.Errorf("a zone that binds others alone: %+v", kombit.Zones)
	}
	if got := freeze.CalendarFor(p, f, "sse", now.AddDate(0, 2, 0)).Exceptions; len(got) != 0 {
		t.Errorf("exceptions that have lapsed: %+v", got)
	}
	other := kombit.MistakeIn(freeze.Question{Class: plan.Fix, Party: "sse"})
	if other == nil || !strings.Contains(other.Text, "answers for nobody else") || kombit.MistakeIn(freeze.Question{Class: plan.Fix, Service: "gatway"}) == nil ||
		kombit.MistakeIn(freeze.Question{Class: "urgent"}) == nil || kombit.MistakeIn(freeze.Question{Class: plan.Fix, Party: "kombit", Service: "sftp"}) != nil {
		t.Errorf("what a calendar cannot answer: %+v", other)
	}
}

// signer is a key and the one that checks it, for a plan.
func signer(t testing.TB, seed byte, name string) (func([]byte) []byte, signed.Verifier) {
	t.Helper()
	key, err := signed.ReadKey(must(signed.NewKey(rand.NewChaCha8([32]byte{seed}))))
	if err != nil {
		t.Fatal(err)
	}
	line, err := signed.Public(name, key)
	if err != nil {
		t.Fatal(err)
	}
	v, err := signed.ReadPublic(line)
	if err != nil {
		t.Fatal(err)
	}
	return func(m []byte) []byte { return ed25519.Sign(key, m) }, v
}

var made = time.Date(2019, 8, 1, 12, 0, 0, 0, time.UTC)

func calendar() freeze.Calendar {
	c := freeze.CalendarFor(&plan.Plan{ID: "move", Zone: time.UTC}, &register.Facts{}, "sse", made)
	c.ValidUntil = made.Add(24 * time.Hour)
	return c
}

// Whatever is wrong with a calendar, nothing is allowed by it, and it says what is wrong.
func TestReadCalendar(t *testing.T) {
	t.Parallel()
	sign, key := signer(t, 1, "move")
	_, another := signer(t, 2, "move")
	_, elsewhere := signer(t, 1, "other")
	changed := func(change func(*freeze.Calendar)) []byte {
		c := calendar()
		change(&c)
		return must(c.Write(sign))
	}
	good := must(calendar().Write(sign))
	for name, c := range map[string]struct {
		data []byte
		key  signed.Verifier
		at   time.Time
		want freeze.Distrust
	}{
		"good":                     {good, key, made, ""},
		"the clock is a bit ahead": {good, key, made.Add(-signed.Skew), ""},
		"from the future":          {good, key, made.Add(-signed.Skew - time.Second), freeze.YetToCome},
		"at its last moment":       {good, key, made.Add(24*time.Hour - 1), ""},
		"as old as it may be":      {good, key, made.Add(24 * time.Hour), freeze.TooOld},
		"a year old":               {good, key, made.AddDate(1, 0, 0), freeze.TooOld},
		"another key":              {good, another, made, freeze.AnotherKey},
		"the key of another plan":  {good, elsewhere, made, freeze.AnotherPlan},
		"another plan, same key":   {changed(func(c *freeze.Calendar) { c.Plan = "other" }), key, made, freeze.AnotherPlan},
		"a wider tree":             {changed(func(c *freeze.Calendar) { c.Classes[7].Inside = plan.IncidentA }), key, made, freeze.AnotherVersion},
		"a zone of nowhere":        {changed(func(c *freeze.Calendar) { c.Timezone = "Nowhere/At All" }), key, made, freeze.AnotherVersion},
		"held for longer":          {bytes.Replace(good, []byte("2019-08-02"), []byte("2029-08-02"), 1), key, made, freeze.AnotherKey},
		"another kind":             {must(signed.Write("probe-export/1", calendar(), sign)), key, made, freeze.NotRead},
		"more than we know":        {must(signed.Write("frozen-calendar/1", struct{ New int }{}, sign)), key, made, freeze.AnotherVersion},
		"nothing":                  {nil, key, made, freeze.NotRead},
	} {
		_, err := freeze.ReadCalendar(c.data, c.key, c.at)
		u, _ := err.(*freeze.Untrusted)
		switch {
		case c.want == "" && err != nil, c.want != "" && (u == nil || u.Why != c.want || u.Text == "" || u.Hint == ""):
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for n := range len(good) - 1 {
		if _, err := freeze.ReadCalendar(good[:n], key, made); err == nil {
			t.Fatalf("cut off after %d of %d bytes it was taken", n, len(good))
		}
	}
}

func FuzzReadCalendar(f *testing.F) {
	sign, key := signer(f, 1, "move")
	f.Add(must(calendar().Write(sign)))
	f.Add([]byte(`{"skift":"frozen-calendar/1","body":{},"signature":""}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := freeze.ReadCalendar(data, key, made)
		if err != nil {
			return
		}
		if c.Plan != "move" || c.Party != "sse" || !c.MadeAt.Equal(made) {
			t.Errorf("forged: %s", data)
		}
	})
}
