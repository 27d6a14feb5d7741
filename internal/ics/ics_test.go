package ics_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	rfc "github.com/arran4/golang-ical"
	"github.com/google/go-cmp/cmp"

	"skift/internal/ics"
)

var update = flag.Bool("update", false, "write the golden files anew")

var copenhagen = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		panic(err)
	}
	return zone
}()

func at(text string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", text, copenhagen)
	if err != nil {
		panic(err)
	}
	return t
}

// sample has one event of every kind.
func sample() ics.Calendar {
	return ics.Calendar{Name: "Serviceplatformen · Styregruppe", Zone: copenhagen, Events: []ics.Event{
		{UID: "cutover@serviceplatformen.skift", Summary: "Cut over weekend", Start: at("2019-11-09 00:00"), End: at("2019-11-10 18:00"), Busy: true,
			Sequence: 2, Modified: at("2019-06-03 12:00")},
		{UID: "hypercare@serviceplatformen.skift", Summary: "Hypercare", AllDay: true, Start: at("2019-11-09 00:00"), End: at("2019-12-06 00:00"),
			Description: "Fra 9. november til 5. december 2019\nMålgruppe: styregruppe; anvendere, datakilder", Modified: at("2019-06-01 12:00")},
		{UID: "clocks@serviceplatformen.skift", Summary: "Sommertid slutter", Start: at("2019-10-27 00:00"), End: at("2019-10-28 00:00"), AllDay: true,
			Modified: at("2019-06-01 12:00")},
		{UID: "meeting@serviceplatformen.skift", Summary: "Møde efter skiftet til normaltid", Start: at("2019-10-28 13:00"), End: at("2019-10-28 14:00"),
			Busy: true, Modified: at("2019-06-01 12:00")},
		{UID: "finish@serviceplatformen.skift", Summary: "Afslutning (dato ikke fastlagt)", AllDay: true, Tentative: true, Start: at("2020-02-01 00:00"),
			End: at("2020-02-11 00:00"), Modified: at("2019-06-01 12:00")},
		{UID: "gone@serviceplatformen.skift", Summary: "Aflyst", Start: at("2019-09-25 10:00"), Cancelled: true, Busy: true, Sequence: 1, Modified: at("2019-09-01 12:00")},
	}}
}

func encode(t *testing.T, c ics.Calendar) []byte {
	t.Helper()
	data, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestGolden(t *testing.T) {
	t.Parallel()
	got := encode(t, sample())
	path := filepath.Join("testdata", "sample.ics")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("calendar (-want +got):\n%s", d)
	}
}

// Another implementation reads the same instants, days and texts back.
func TestReadBack(t *testing.T) {
	t.Parallel()
	events := parsed(t, encode(t, sample()))
	meeting := events["meeting@serviceplatformen.skift"]
	if start, err := meeting.GetStartAt(); err != nil || !start.Equal(time.Date(2019, 10, 28, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("the meeting after clocks were set back starts at %v, %v", start, err)
	}
	for uid, want := range map[string][2]string{
		"hypercare@serviceplatformen.skift": {"20191109", "20191206"},
		"clocks@serviceplatformen.skift":    {"20191027", "20191028"}, // 25 hours, one day
	} {
		got := [2]string{value(events[uid], rfc.ComponentPropertyDtStart), value(events[uid], rfc.ComponentPropertyDtEnd)}
		if got != want {
			t.Errorf("%s is %v, want %v", uid, got, want)
		}
	}
	if got := value(events["hypercare@serviceplatformen.skift"], rfc.ComponentPropertyDescription); !strings.Contains(got, "2019\nMålgruppe: styregruppe; anvendere, datakilder") {
		t.Errorf("the description reads %q", got)
	}
	if got := value(events["gone@serviceplatformen.skift"], rfc.ComponentPropertyStatus); got != "CANCELLED" {
		t.Errorf("what is gone is %q", got)
	}
	if got := value(events["finish@serviceplatformen.skift"], rfc.ComponentPropertyStatus); got != "TENTATIVE" {
		t.Errorf("what has no fixed date is %q", got)
	}
}

func parsed(t *testing.T, data []byte) map[string]*rfc.VEvent {
	t.Helper()
	c, err := rfc.ParseCalendar(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
	out := map[string]*rfc.VEvent{}
	for _, e := range c.Events() {
		out[e.Id()] = e
	}
	return out
}

func value(e *rfc.VEvent, p rfc.ComponentProperty) string {
	if e == nil || e.GetProperty(p) == nil {
		return ""
	}
	return e.GetProperty(p).Value
}

// Lines end with CRLF, have at most 75 octets and are cut between letters; unfolded, the text is the one that was given.
func TestLines(t *testing.T) {
	t.Parallel()
	for n := range 90 {
		summary := strings.Repeat("x", n) + strings.Repeat("æøå ÆØÅ", 20)
		data := encode(t, ics.Calendar{Zone: copenhagen, Events: []ics.Event{{UID: "a", Summary: summary, Start: at("2019-11-09 00:00"), Modified: at("2019-06-01 12:00")}}})
		for line := range strings.SplitSeq(strings.TrimSuffix(string(data), "\r\n"), "\r\n") {
			if len(line) > 75 || !utf8.ValidString(line) || strings.ContainsAny(line, "\r\n") {
				t.Fatalf("the line %q has %d octets", line, len(line))
			}
		}
		if got := value(parsed(t, data)["a"], rfc.ComponentPropertySummary); got != summary {
			t.Fatalf("the summary reads %q", got)
		}
	}
}

// What somebody wrote into a title neither begins a property nor an event.
func TestTextIsInert(t *testing.T) {
	t.Parallel()
	for _, hostile := range []string{"a\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:evil", "a\nATTENDEE:x", "a\rDESCRIPTION:x", "a\x1b[2Jb", `a\nb;c,d\`} {
		c := ics.Calendar{Name: hostile, Events: []ics.Event{{UID: "a", Summary: hostile, Description: hostile, Start: at("2019-11-09 00:00"), Modified: at("2019-06-01 12:00")}}}
		data := encode(t, c)
		events := parsed(t, data)
		if len(events) != 1 || strings.ContainsRune(string(data), '\x1b') || strings.Count(string(data), "\r") != strings.Count(string(data), "\r\n") {
			t.Errorf("%q gives\n%s", hostile, data)
		}
		for line := range strings.SplitSeq(string(data), "\r\n") {
			if strings.HasPrefix(line, "ATTENDEE") || strings.HasPrefix(line, "UID:evil") {
				t.Errorf("%q became a line of its own", line)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	day := at("2019-11-09 00:00")
	for name, events := range map[string][]ics.Event{
		"two events are a":   {{UID: "a", Start: day}, {UID: "a", Start: day}},
		`"" is no UID`:       {{Start: day}},
		`"a\r\nb" is no UID`: {{UID: "a\r\nb", Start: day}},
		"finish has no date": {{UID: "finish"}},
	} {
		if _, err := (ics.Calendar{Events: events}).Encode(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want %q, got %v", name, err)
		}
	}
}
