package ics

import (
	"slices"
	"strings"
	"time"
)

// Version is what a calendar held from an instant on: events without Sequence and Modified.
type Version struct {
	At     time.Time
	Events []Event
}

// Follow gives the events of the last version as they are to be told to somebody who may hold any of the earlier ones: each with the
// number of times it changed, and those that are gone as cancelled. It depends on nothing but the versions, so two exports agree,
// and an export that was lost or never taken leaves no gap. Versions come oldest first.
//
// What is gone stays cancelled for ever: nobody knows whose calendar still has it. What comes back is the event it was.
func Follow(versions []Version) []Event {
	known := map[string]*Event{}
	var order []string
	for _, v := range versions {
		present := make(map[string]bool, len(v.Events))
		for _, e := range v.Events {
			present[e.UID] = true
			old := known[e.UID]
			switch {
			case old == nil:
				order = append(order, e.UID)
				e.Sequence, e.Modified = 0, v.At
			case e.same(*old):
				continue
			default:
				e.Sequence, e.Modified = old.Sequence+1, v.At
			}
			known[e.UID] = &e
		}
		for uid, e := range known {
			if !present[uid] && !e.Cancelled {
				e.Cancelled = true
				e.Sequence++
				e.Modified = v.At
			}
		}
	}
	slices.SortFunc(order, strings.Compare)
	out := make([]Event, 0, len(order))
	for _, uid := range order {
		out = append(out, *known[uid])
	}
	return out
}

// same reports whether two versions of an event say the same.
func (e Event) same(o Event) bool {
	e.Sequence, e.Modified = o.Sequence, o.Modified
	if !e.Start.Equal(o.Start) || !e.End.Equal(o.End) {
		return false
	}
	e.Start, e.End = o.Start, o.End // one instant can be written in two zones
	return e == o
}
