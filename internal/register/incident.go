package register

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"skift/checks"
	"skift/internal/journal"
	"skift/internal/plan"
)

// The kinds of event of incidents. Subject is the incident, by the number it has at whoever keeps it.
const (
	IncidentOpened  = "incident.opened"
	IncidentChanged = "incident.changed" // another class, platform, service, title or time, or open again
	IncidentClosed  = "incident.closed"
	IncidentsListed = "incidents.listed" // somebody says that all there are to know are known
)

// Incident is the body of incident.opened and incident.changed: an incident as it is kept elsewhere.
type Incident struct {
	Class    plan.Class  `json:"class"` // incident-a, incident-b or incident-c
	Platform checks.Side `json:"platform"`
	Service  string      `json:"service,omitempty"`
	Title    string      `json:"title,omitempty"`
	OpenedAt time.Time   `json:"opened_at"`
	ClosedAt time.Time   `json:"closed_at,omitzero"` // zero = open
	Reason   string      `json:"reason,omitempty"`   // why it was changed
}

// Closing is the body of incident.closed.
type Closing struct {
	ClosedAt time.Time `json:"closed_at"`
	Reason   string    `json:"reason,omitempty"`
}

// Listed is the body of incidents.listed: what is known of these platforms is all there was to know at an instant.
type Listed struct {
	AsOf      time.Time     `json:"as_of"`
	Platforms []checks.Side `json:"platforms"`
	File      string        `json:"file,omitempty"`   // "" = said by a person without a list
	Digest    string        `json:"digest,omitempty"` // hex SHA-256 of the file
	Rows      int           `json:"rows,omitempty"`
	Opened    int           `json:"opened,omitempty"`
	Changed   int           `json:"changed,omitempty"`
	Closed    int           `json:"closed,omitempty"`
	Missing   []string      `json:"missing,omitempty"` // open here and not in the list: they stay open
	Reason    string        `json:"reason,omitempty"`
}

// IncidentClasses are the classes of incidents, gravest first.
func IncidentClasses() []plan.Class {
	return []plan.Class{plan.IncidentA, plan.IncidentB, plan.IncidentC}
}

// IncidentClass reads "A", "b" or "incident-c"; "" = it is none.
func IncidentClass(text string) plan.Class {
	for _, c := range IncidentClasses() {
		if strings.EqualFold(text, string(c)) || strings.EqualFold(text, Letter(c)) {
			return c
		}
	}
	return ""
}

// Letter is the class as people say it: A, B or C.
func Letter(c plan.Class) string { return strings.ToUpper(strings.TrimPrefix(string(c), "incident-")) }

// IncidentFacts is an incident that is known here.
type IncidentFacts struct {
	Incident
	ID    string        `json:"id"`
	Seq   int64         `json:"event"` // the last one about it
	At    time.Time     `json:"at"`    // of that event
	Actor journal.Actor `json:"actor"` // of that event
	// Lowered is how it came to count less than it did; nil = it is in the gravest class it ever had.
	Lowered *Lowered `json:"lowered,omitempty"`
}

// Lowered says that an incident is in a lesser class than it was, and by whose word.
type Lowered struct {
	ID     string     `json:"id"`
	From   plan.Class `json:"from"` // the gravest it had
	To     plan.Class `json:"to"`
	Seat   string     `json:"seat"`
	Reason string     `json:"reason,omitempty"` // "" = by a list
	Event  int64      `json:"event"`
}

// Letter is its class as people say it.
func (i *IncidentFacts) Letter() string { return Letter(i.Class) }

// OpenAt reports whether the incident is open at an instant.
func (i *IncidentFacts) OpenAt(at time.Time) bool { return i.OpenSince(at, at) }

// OpenSince reports whether it was open at any time from from until at.
func (i *IncidentFacts) OpenSince(from, at time.Time) bool {
	return !i.OpenedAt.After(at) && (i.ClosedAt.IsZero() || i.ClosedAt.After(from))
}

// IncidentList is when all incidents of a platform were known last.
type IncidentList struct {
	AsOf  time.Time     `json:"as_of"`
	Seq   int64         `json:"event"`
	At    time.Time     `json:"at"`
	Actor journal.Actor `json:"actor"`
	// Digests are those of all lists that were taken and speak for the platform.
	Digests map[string]bool `json:"-"`
}

// IncidentsBy lists the incidents, gravest class first, then the oldest.
func (f *Facts) IncidentsBy(keep func(*IncidentFacts) bool) (out []*IncidentFacts) {
	for _, id := range slices.Sorted(maps.Keys(f.Incidents)) {
		if keep(f.Incidents[id]) {
			out = append(out, f.Incidents[id])
		}
	}
	slices.SortStableFunc(out, func(a, b *IncidentFacts) int {
		if c := strings.Compare(string(a.Class), string(b.Class)); c != 0 {
			return c
		}
		return a.OpenedAt.Compare(b.OpenedAt)
	})
	return out
}

func (f *Facts) applyIncident(e journal.Event, b Incident) error {
	was := f.Incidents[e.Subject]
	switch {
	case IncidentClass(string(b.Class)) != b.Class || b.Class == "":
		return fmt.Errorf("%q is no class of incident", b.Class)
	case (was != nil) == (e.Kind == IncidentOpened):
		return fmt.Errorf("known before: %v", was != nil)
	}
	if f.Incidents == nil {
		f.Incidents = map[string]*IncidentFacts{}
	}
	is := &IncidentFacts{Incident: b, ID: e.Subject, Seq: e.Seq, At: e.At, Actor: e.Actor}
	if was != nil {
		is.Lowered = was.lowered(is)
	}
	f.Incidents[e.Subject] = is
	return nil
}

// lowered is what becomes of the gravest class an incident had when it is changed. Who lowered it is whoever did so last.
func (i *IncidentFacts) lowered(is *IncidentFacts) *Lowered {
	gravest := i.Class
	if i.Lowered != nil {
		gravest = i.Lowered.From
	}
	switch {
	case is.Class <= gravest: // incident-a comes before incident-b
		return nil
	case is.Class == i.Class:
		return i.Lowered
	}
	return &Lowered{ID: is.ID, From: gravest, To: is.Class, Seat: is.Actor.Seat, Reason: is.Reason, Event: is.Seq}
}

func (f *Facts) applyIncidentClosed(e journal.Event, b Closing) error {
	i := f.Incidents[e.Subject]
	if i == nil || !i.ClosedAt.IsZero() || b.ClosedAt.IsZero() {
		return fmt.Errorf("it is not open")
	}
	i.ClosedAt, i.Reason, i.Seq, i.At, i.Actor = b.ClosedAt, b.Reason, e.Seq, e.At, e.Actor
	return nil
}

func (f *Facts) applyIncidentsListed(e journal.Event, b Listed) error {
	if f.IncidentLists == nil {
		f.IncidentLists = map[checks.Side]IncidentList{}
	}
	for _, side := range b.Platforms {
		taken := f.IncidentLists[side].Digests
		if b.Digest != "" {
			taken = maps.Clone(taken)
			if taken == nil {
				taken = map[string]bool{}
			}
			taken[b.Digest] = true
		}
		f.IncidentLists[side] = IncidentList{AsOf: b.AsOf, Seq: e.Seq, At: e.At, Actor: e.Actor, Digests: taken}
	}
	if b.Digest != "" {
		f.brought(b.Digest, e.Seq)
	}
	return nil
}
