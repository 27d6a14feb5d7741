package people

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"skift/internal/diag"
	"skift/internal/words"
)

func contacts(t *testing.T, src string) Contacts {
	t.Helper()
	var problems diag.List
	c := ReadContacts("contacts.csv", []byte(src), &problems)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return c
}

func roster(t *testing.T, zone *time.Location, rows string) Roster {
	t.Helper()
	var problems diag.List
	known := RosterContext{
		Zone:     zone,
		Seats:    []string{"kombit/chair", "kombit/cutover-manager", "kombit/deputy", "ibm/operator"},
		Contacts: contacts(t, "person,name\np-1,A\np-2,B\np-3,C\n"),
	}
	r := ReadRoster("shifts.csv", []byte("seat,from,until,person\n"+rows), known, &problems)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return r
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	instant, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return instant.UTC()
}

func TestContacts(t *testing.T) {
	t.Parallel()
	c := contacts(t, "language;mail;phone;login;name;person\n"+
		"da;operator@supplier.example;+45 00 00 00 00;DOMAIN\\op;Operatør på ny platform;p-1\n"+
		";;;;Stedfortræder;p-2\n")
	want := []Person{
		{ID: "p-1", Name: "Operatør på ny platform", Login: `DOMAIN\op`, Phone: "+45 00 00 00 00", Mail: "operator@supplier.example", Language: words.Da},
		{ID: "p-2", Name: "Stedfortræder"},
	}
	if diff := cmp.Diff(want, c.All(), cmpopts.IgnoreFields(Person{}, "Pos")); diff != "" {
		t.Error(diff)
	}
	if p, ok := c.Person("p-2"); !ok || p.Name != "Stedfortræder" {
		t.Errorf("Person: %v %v", p, ok)
	}
	if _, ok := c.Person("p-9"); ok {
		t.Error("found a person who is not there")
	}
	for _, l := range []struct {
		login, want string
	}{{`DOMAIN\op`, "p-1"}, {"somebody", "uid-1000"}, {"", "uid-1000"}} {
		if got := c.IDOf(l.login, 1000); got != l.want {
			t.Errorf("IDOf(%q) = %q, want %q", l.login, got, l.want)
		}
	}
	var none Contacts
	if got := none.IDOf("op", 0); got != "uid-0" {
		t.Errorf("without contacts: %q", got)
	}
}

// A person printed, formatted or logged by accident shows the id and nothing that would have to be erased.
func TestAPersonPrintsAsItsID(t *testing.T) {
	t.Parallel()
	p := Person{ID: "p-1", Name: "CANARY", Login: "CANARY", Phone: "CANARY", Mail: "CANARY@x.example"}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("acted", "by", p)
	type holder struct{ P Person }
	out := fmt.Sprintf("%v %+v %s %#v %v %+v", p, p, p, p, holder{p}, []Person{p}) + log.String()
	if strings.Contains(out, "CANARY") || !strings.Contains(out, "p-1") {
		t.Errorf("printed %s", out)
	}
}

func TestValidMail(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"a@b.example", "drift+sp@it.kommune.example", "o'neil@a-b.example", "postmaster@localhost", "A.B@C.EXAMPLE"} {
		if err := ValidMail(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "a", "@b.example", "a@", "a@b@c.example", "a@b.example,c@d.example", "a@b.example;c@d.example", "a b@c.example",
		"a@b.example\r\nBcc: x@y.example", "a@b.example\x00", "<a@b.example>", "A <a@b.example>", `"a b"@c.example`, ".a@b.example", "a..b@c.example",
		"a@b..example", "a@-b.example", "a@b-.example", "a@b.example.", "æ@b.example", "a@blåbær.example", "a@b.example (x)", "-@b.example\n",
		strings.Repeat("a", 65) + "@b.example", "a@" + strings.Repeat("b", 64) + ".example", "a@" + strings.Repeat("b.", 130) + "example", "a@[192.0.2.1]"} {
		if err := ValidMail(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestLocalTimes(t *testing.T) {
	t.Parallel()
	cph := copenhagen(t)
	load := func(name string) *time.Location {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return zone
	}
	for _, c := range []struct {
		zone  *time.Location
		text  string
		from  string
		until string
		err   error
	}{
		{cph, "2019-11-09", "2019-11-08T23:00:00Z", "2019-11-09T23:00:00Z", nil},
		{cph, "2019-11-09 00:00", "2019-11-08T23:00:00Z", "2019-11-08T23:00:00Z", nil},
		{cph, "2019-03-31", "2019-03-30T23:00:00Z", "2019-03-31T22:00:00Z", nil}, // 23 hours
		{cph, "2019-10-27", "2019-10-26T22:00:00Z", "2019-10-27T23:00:00Z", nil}, // 25 hours
		{cph, "2019-03-31 01:59", "2019-03-31T00:59:00Z", "2019-03-31T00:59:00Z", nil},
		{cph, "2019-03-31 02:00", "", "", ErrTimeMissing},
		{cph, "2019-03-31 02:59", "", "", ErrTimeMissing},
		{cph, "2019-03-31 03:00", "2019-03-31T01:00:00Z", "2019-03-31T01:00:00Z", nil},
		{cph, "2019-10-27 01:59", "2019-10-26T23:59:00Z", "2019-10-26T23:59:00Z", nil},
		{cph, "2019-10-27 02:00", "", "", ErrTimeAmbiguous},
		{cph, "2019-10-27 02:59", "", "", ErrTimeAmbiguous},
		{cph, "2019-10-27 03:00", "2019-10-27T02:00:00Z", "2019-10-27T02:00:00Z", nil},
		{load("Asia/Beirut"), "2019-03-31", "2019-03-30T22:00:00Z", "2019-03-31T21:00:00Z", nil}, // midnight is skipped
		{load("Asia/Beirut"), "2019-03-31 00:30", "", "", ErrTimeMissing},
		{load("America/Havana"), "2019-11-03", "2019-11-03T04:00:00Z", "2019-11-04T05:00:00Z", nil}, // midnight comes twice
		{load("Pacific/Kiritimati"), "2019-11-09 12:00", "2019-11-08T22:00:00Z", "2019-11-08T22:00:00Z", nil},
		{time.UTC, "2020-02-29", "2020-02-29T00:00:00Z", "2020-03-01T00:00:00Z", nil},
		{cph, "2019-02-29", "", "", ErrNotTime},
		{cph, "2019-11-09 24:00", "", "", ErrNotTime},
		{cph, "2019-11-09 6:00", "", "", ErrNotTime},
		{cph, "2019-11-9", "", "", ErrNotTime},
		{cph, "2019-11-09T06:00", "", "", ErrNotTime},
		{cph, "2019-11-09 06:00 CET", "", "", ErrNotTime},
		{cph, "", "", "", ErrNotTime},
	} {
		from, err1 := ParseFrom(c.zone, c.text)
		until, err2 := ParseUntil(c.zone, c.text)
		if !errors.Is(err1, c.err) || !errors.Is(err2, c.err) {
			t.Errorf("%s %q: errors %v, %v, want %v", c.zone, c.text, err1, err2, c.err)
		}
		if c.err == nil && (!from.Equal(at(t, c.from)) || !until.Equal(at(t, c.until))) {
			t.Errorf("%s %q: got %s until %s, want %s until %s", c.zone, c.text, from, until, c.from, c.until)
		}
	}
}

// Over ten years of clock changes: what is accepted is shown by the clock exactly once, what is refused never or twice.
func TestLocalTimesOverTenYears(t *testing.T) {
	t.Parallel()
	cph := copenhagen(t)
	missing, twice := 0, 0
	shown := map[string]int{}
	for i := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC); i.Year() < 2036; i = i.Add(30 * time.Minute) {
		shown[i.In(cph).Format(timeLayout)]++
	}
	for w := time.Date(2025, 1, 2, 0, 0, 0, 0, time.UTC); w.Year() < 2035; w = w.Add(30 * time.Minute) {
		text := w.Format(timeLayout)
		instant, err := ParseFrom(cph, text)
		n := shown[text]
		switch {
		case err == nil && (n != 1 || instant.In(cph).Format(timeLayout) != text):
			t.Fatalf("%s accepted as %s, shown %d times", text, instant, n)
		case errors.Is(err, ErrTimeMissing):
			missing++
			if n != 0 {
				t.Fatalf("%s refused as missing, shown %d times", text, n)
			}
		case errors.Is(err, ErrTimeAmbiguous):
			twice++
			if n != 2 {
				t.Fatalf("%s refused as ambiguous, shown %d times", text, n)
			}
		}
	}
	if missing != 20 || twice != 20 {
		t.Errorf("%d missing and %d ambiguous half hours in ten years, want 20 and 20", missing, twice)
	}
}

func TestAt(t *testing.T) {
	t.Parallel()
	r := roster(t, copenhagen(t), `ibm/operator,2019-11-09 06:00,2019-11-09 18:00,p-1
ibm/operator,2019-11-09 18:00,2019-11-10 06:00,p-2
ibm/operator,2019-11-11,2019-11-11,p-3
kombit/deputy,2019-11-09,2019-11-10,p-3
`)
	for _, c := range []struct{ name, at, on, next, deputy, person string }{
		{"before anybody", "2019-11-08T10:00:00Z", "", "p-1", "", ""},
		{"deputy alone", "2019-11-09T04:59:59Z", "", "p-1", "p-3", "p-3"},
		{"first second", "2019-11-09T05:00:00Z", "p-1", "p-2", "p-3", "p-1"},
		{"last second", "2019-11-09T16:59:59Z", "p-1", "p-2", "p-3", "p-1"},
		{"hand-over", "2019-11-09T17:00:00Z", "p-2", "p-3", "p-3", "p-2"},
		{"between", "2019-11-10T12:00:00Z", "", "p-3", "p-3", "p-3"},
		{"whole day", "2019-11-11T22:59:59Z", "p-3", "", "", "p-3"},
		{"after everybody", "2019-11-11T23:00:00Z", "", "", "", ""},
	} {
		d := r.At("ibm/operator", at(t, c.at), "kombit/deputy")
		on, next, deputy := "", "", ""
		if len(d.On) > 0 {
			on = d.On[0].Person
		}
		if d.Next != nil {
			next = d.Next.Person
		}
		if len(d.Deputies) > 0 {
			deputy = d.Deputies[0].Person
		}
		got := []string{on, next, deputy, d.Person()}
		if diff := cmp.Diff([]string{c.on, c.next, c.deputy, c.person}, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	if d := r.At("no/such", at(t, "2019-11-09T12:00:00Z")); d.Person() != "" || d.Next != nil {
		t.Errorf("a seat nobody is in: %+v", d)
	}
}

func TestGaps(t *testing.T) {
	t.Parallel()
	r := roster(t, time.UTC, `ibm/operator,2019-11-09 06:00,2019-11-09 18:00,p-1
ibm/operator,2019-11-09 07:00,2019-11-09 08:00,p-2
ibm/operator,2019-11-09 20:00,2019-11-10 06:00,p-2
`)
	for _, c := range []struct {
		name, seat, from, until string
		want                    []string
	}{
		{"whole weekend", "ibm/operator", "2019-11-09T00:00:00Z", "2019-11-11T00:00:00Z",
			[]string{"09 00:00–09 06:00", "09 18:00–09 20:00", "10 06:00–11 00:00"}},
		{"staffed", "ibm/operator", "2019-11-09T06:00:00Z", "2019-11-09T18:00:00Z", nil},
		{"ends inside a gap", "ibm/operator", "2019-11-09T12:00:00Z", "2019-11-09T19:00:00Z", []string{"09 18:00–09 19:00"}},
		{"before all", "ibm/operator", "2019-11-01T00:00:00Z", "2019-11-02T00:00:00Z", []string{"01 00:00–02 00:00"}},
		{"after all", "ibm/operator", "2019-11-12T00:00:00Z", "2019-11-13T00:00:00Z", []string{"12 00:00–13 00:00"}},
		{"no shifts", "kombit/chair", "2019-11-09T00:00:00Z", "2019-11-10T00:00:00Z", []string{"09 00:00–10 00:00"}},
		{"empty window", "ibm/operator", "2019-11-09T00:00:00Z", "2019-11-09T00:00:00Z", nil},
	} {
		var got []string
		for _, g := range r.Gaps(c.seat, at(t, c.from), at(t, c.until)) {
			got = append(got, g.From.Format("02 15:04")+"–"+g.Until.Format("02 15:04"))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestOnePersonInTwoSeats(t *testing.T) {
	t.Parallel()
	r := roster(t, time.UTC, `kombit/chair,2019-11-09 06:00,2019-11-09 18:00,p-1
kombit/deputy,2019-11-09 12:00,2019-11-10 06:00,p-1
ibm/operator,2019-11-09 06:00,2019-11-10 06:00,p-2
`)
	noon := at(t, "2019-11-09T12:00:00Z")
	if diff := cmp.Diff([]string{"kombit/chair", "kombit/deputy"}, r.SeatsOf("p-1", noon)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"kombit/deputy"}, r.SeatsOf("p-1", at(t, "2019-11-09T20:00:00Z"))); diff != "" {
		t.Error(diff)
	}
	if !r.Sits("p-2", "ibm/operator", noon) || r.Sits("p-1", "ibm/operator", noon) {
		t.Error("Sits is wrong")
	}
	got := r.Doubled()
	if len(got) != 1 || got[0].First.Seat != "kombit/chair" || got[0].Second.Seat != "kombit/deputy" ||
		!got[0].From.Equal(noon) || !got[0].Until.Equal(at(t, "2019-11-09T18:00:00Z")) {
		t.Errorf("Doubled: %+v", got)
	}
	if len(r.Overlaps()) != 0 {
		t.Error("two seats are no overlap in one seat")
	}
}

func TestARowWithAProblemIsLeftOut(t *testing.T) {
	t.Parallel()
	var problems diag.List
	known := RosterContext{Zone: copenhagen(t), Seats: []string{"ibm/operator"}, Contacts: contacts(t, goodContacts)}
	r := ReadRoster("shifts.csv", []byte("seat,from,until,person\nibm/operater,x,2019-10-27 02:30,p-9\nibm/operator,2019-11-09,2019-11-09,p-1\n"), known, &problems)
	if n := len(r.Shifts()); n != 1 {
		t.Errorf("%d shifts", n)
	}
	var codes []string
	for _, p := range problems.Sorted() {
		codes = append(codes, string(p.Code))
	}
	// All four of one row at once, left to right.
	if diff := cmp.Diff([]string{"unknown-seat", "bad-time", "ambiguous-local-time", "unknown-person"}, codes); diff != "" {
		t.Error(diff)
	}
}

func FuzzReadRoster(f *testing.F) {
	f.Add("seat,from,until,person\nibm/operator,2019-11-09,2019-11-09,p-1\n")
	f.Add("person;name;mail\np-1;x;a@b.example\n")
	f.Fuzz(func(t *testing.T, src string) {
		var problems diag.List
		c := ReadContacts("contacts.csv", []byte(src), &problems)
		for _, p := range c.All() {
			if p.Mail != "" && strings.ContainsAny(p.Mail, "\r\n\x00 ,;<>") {
				t.Errorf("mail %q was taken", p.Mail)
			}
		}
		r := ReadRoster("shifts.csv", []byte(src), RosterContext{Zone: time.UTC, Seats: []string{"ibm/operator"}, Contacts: c}, &problems)
		for _, s := range r.Shifts() {
			if !s.Until.After(s.From) || !s.Covers(s.From) || s.Covers(s.Until) {
				t.Errorf("shift %+v", s)
			}
		}
		lines := strings.Count(src, "\n") + 1
		for _, p := range problems.Sorted() {
			if p.Line < 1 || p.Line > lines {
				t.Errorf("problem outside the file: %v", p)
			}
		}
	})
}

// An instant that is taken is what clocks in the zone showed, and a stretch of one day is never empty.
func FuzzLocalTime(f *testing.F) {
	for _, s := range []string{"2019-11-09", "2019-11-09 06:00", "2026-03-29 02:30", "2026-10-25 02:30", "9999-12-31", "0001-01-01", "2019-11-9"} {
		f.Add(s)
	}
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		from, err := ParseFrom(zone, text)
		until, err2 := ParseUntil(zone, text)
		if (err == nil) != (err2 == nil) {
			t.Fatalf("%q: %v as a beginning, %v as an end", text, err, err2)
		}
		if err != nil {
			return
		}
		if shown := from.In(zone).Format(timeLayout); !strings.HasPrefix(shown, text) {
			t.Errorf("%q is taken for %s", text, shown)
		}
		if len(text) == len(dayLayout) && !until.After(from) {
			t.Errorf("the day %q ends %s and begins %s", text, until, from)
		}
	})
}
