// Package ics writes calendar files (RFC 5545): events in, text out. What is in a calendar and who may see it is decided elsewhere.
//
// It is pure. The same events give the same bytes, so that two exports of the same plan agree, and an event is found again by its
// UID in whatever calendar took it in. Nothing is read here: skift takes no calendar from others.
package ics

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	rfc "github.com/arran4/golang-ical"

	"skift/internal/term"
)

// Calendar is one file.
type Calendar struct {
	Name        string
	Description string         // of the whole, "" = none
	Zone        *time.Location // where the days of all-day events are; nil = UTC
	Events      []Event
}

// Event is something with a date. An event is known by its UID for ever; Sequence and Modified say which of its versions this is.
type Event struct {
	UID         string
	Summary     string
	Description string // lines, "" = none
	Location    string
	Start       time.Time
	End         time.Time // the first instant after it; zero or not after Start = a moment
	AllDay      bool      // local days: from that of Start until the one before End; a moment is one day
	Tentative   bool      // its date is not fixed
	Busy        bool      // who looks at the calendar is taken up by it
	Cancelled   bool
	Sequence    int
	Modified    time.Time // when this version came to be
}

// product names who wrote the file.
const product = "-//skift//calendar//EN"

// zulu is an instant in RFC 5545.
const zulu = "20060102T150405Z"

// Encode is the calendar as text: by beginning, then by UID. Instants are in UTC, which every calendar shows in its own zone and
// which no change of clocks makes ambiguous. The error says that two events have one UID, or that one has none or no date.
func (c Calendar) Encode() ([]byte, error) {
	out := rfc.NewCalendar()
	out.SetProductId(product)
	out.SetCalscale("GREGORIAN")
	out.SetMethod(rfc.MethodPublish)
	if c.Name != "" {
		out.SetXWRCalName(text(c.Name))
	}
	if c.Description != "" {
		out.SetXWRCalDesc(text(c.Description))
	}
	out.SetXWRTimezone(c.zone().String())
	seen := map[string]bool{}
	for _, e := range c.Sorted() {
		switch {
		case e.UID == "" || term.Line(e.UID) != e.UID:
			return nil, fmt.Errorf("write calendar: %q is no UID", e.UID)
		case seen[e.UID]:
			return nil, fmt.Errorf("write calendar: two events are %s", e.UID)
		case e.Start.IsZero():
			return nil, fmt.Errorf("write calendar: %s has no date", e.UID)
		}
		seen[e.UID] = true
		out.AddVEvent(c.event(e))
	}
	var b bytes.Buffer
	// The library ends lines as the machine does it; RFC 5545 (3.1) wants CRLF everywhere.
	if err := out.SerializeTo(&b, rfc.WithNewLineWindows, rfc.WithLineLength(75)); err != nil {
		return nil, fmt.Errorf("write calendar: %w", err)
	}
	return b.Bytes(), nil
}

// Sorted is the events by their beginning, then by UID.
func (c Calendar) Sorted() []Event {
	events := slices.Clone(c.Events)
	slices.SortStableFunc(events, func(a, b Event) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.UID, b.UID))
	})
	return events
}

func (c Calendar) zone() *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

func (c Calendar) event(e Event) *rfc.VEvent {
	v := rfc.NewEvent(e.UID)
	v.SetDtStampTime(e.Modified) // of this version, not of this export: a file that says nothing new is the same file
	v.SetModifiedAt(e.Modified)
	v.SetSequence(e.Sequence)
	c.dates(v, e)
	v.SetSummary(text(e.Summary))
	if e.Description != "" {
		v.SetDescription(text(e.Description))
	}
	if e.Location != "" {
		v.SetLocation(text(e.Location))
	}
	switch {
	case e.Cancelled:
		v.SetStatus(rfc.ObjectStatusCancelled)
	case e.Tentative:
		v.SetStatus(rfc.ObjectStatusTentative)
	default:
		v.SetStatus(rfc.ObjectStatusConfirmed)
	}
	transparency := rfc.TransparencyTransparent
	if e.Busy && !e.Cancelled {
		transparency = rfc.TransparencyOpaque
	}
	v.SetTimeTransparency(transparency)
	return v
}

// dates writes when it is. A date end is exclusive (RFC 5545, 3.6.1): a milestone until 5 December ends on the 6th.
func (c Calendar) dates(v *rfc.VEvent, e Event) {
	if !e.AllDay {
		v.SetProperty(rfc.ComponentPropertyDtStart, e.Start.UTC().Format(zulu))
		if e.End.After(e.Start) {
			v.SetProperty(rfc.ComponentPropertyDtEnd, e.End.UTC().Format(zulu))
		}
		return
	}
	first := e.Start.In(c.zone())
	next := first.AddDate(0, 0, 1)
	if e.End.After(e.Start) {
		if end := e.End.Add(-1).In(c.zone()); end.After(first) {
			next = end.AddDate(0, 0, 1)
		}
	}
	v.SetAllDayStartAt(first)
	v.SetAllDayEndAt(next)
}

// text makes what others wrote safe to show, and keeps its lines apart.
func text(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i, l := range lines {
		lines[i] = term.Line(l)
	}
	return strings.Join(lines, "\n")
}
