package ics_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"skift/internal/ics"
)

var (
	june      = at("2019-06-01 12:00")
	july      = at("2019-07-01 12:00")
	august    = at("2019-08-01 12:00")
	september = at("2019-09-01 12:00")
)

func find(t *testing.T, events []ics.Event, uid string) ics.Event {
	t.Helper()
	i := slices.IndexFunc(events, func(e ics.Event) bool { return e.UID == uid })
	if i < 0 {
		t.Fatalf("no event %s in %v", uid, events)
	}
	return events[i]
}

// A milestone that moves is the same event with a higher number; one that is gone is cancelled, and one that stays is what it was.
func TestFollow(t *testing.T) {
	t.Parallel()
	cutover := ics.Event{UID: "cutover", Start: at("2019-11-09 00:00"), End: at("2019-11-10 18:00")}
	moved := cutover
	moved.Start, moved.End = at("2020-11-07 00:00"), at("2020-11-08 18:00")
	stays := ics.Event{UID: "stays", Start: at("2019-10-01 00:00")}
	gone := ics.Event{UID: "gone", Summary: "as it was", Start: at("2019-09-01 00:00")}
	got := ics.Follow([]ics.Version{
		{At: june, Events: []ics.Event{cutover, stays, gone}},
		{At: july, Events: []ics.Event{cutover, stays, gone}},
		{At: august, Events: []ics.Event{moved, stays}},
	})
	if e := find(t, got, "cutover"); e.Sequence != 1 || !e.Start.Equal(moved.Start) || !e.Modified.Equal(august) || e.Cancelled {
		t.Errorf("the moved event is %+v", e)
	}
	if e := find(t, got, "stays"); e.Sequence != 0 || !e.Modified.Equal(june) {
		t.Errorf("the event that stays is %+v", e)
	}
	if e := find(t, got, "gone"); e.Sequence != 1 || !e.Cancelled || e.Summary != "as it was" || !e.Modified.Equal(august) {
		t.Errorf("the event that is gone is %+v", e)
	}
}

// What comes back is no new event, and its number goes on: a calendar that cancelled it must take it in again.
func TestFollowBack(t *testing.T) {
	t.Parallel()
	e := ics.Event{UID: "a", Start: june}
	got := ics.Follow([]ics.Version{{At: june, Events: []ics.Event{e}}, {At: july}, {At: august, Events: []ics.Event{e}}, {At: september, Events: []ics.Event{e}}})
	if len(got) != 1 || got[0].Cancelled || got[0].Sequence != 2 || !got[0].Modified.Equal(august) {
		t.Errorf("got %+v", got)
	}
}

// Whatever a plan went through: a UID is there once, is never lost, its number only rises, and it rises whenever something changed.
func TestFollowProperties(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		var versions []ics.Version
		last := map[string]ics.Event{}
		for n := range 8 {
			v := ics.Version{At: june.Add(time.Duration(n) * time.Hour)}
			for id := range 5 {
				if r.IntN(4) > 0 {
					v.Events = append(v.Events, ics.Event{UID: fmt.Sprint(id), Start: june.AddDate(0, 0, r.IntN(3))})
				}
			}
			versions = append(versions, v)
			now := map[string]ics.Event{}
			for _, e := range ics.Follow(versions) {
				if _, twice := now[e.UID]; twice {
					t.Fatalf("seed %d: %s is there twice", seed, e.UID)
				}
				now[e.UID] = e
			}
			for uid, was := range last {
				is, ok := now[uid]
				changed := is.Cancelled != was.Cancelled || !is.Start.Equal(was.Start)
				if !ok || changed != (is.Sequence > was.Sequence) || is.Sequence < was.Sequence || changed != is.Modified.After(was.Modified) {
					t.Fatalf("seed %d: %+v became %+v", seed, was, is)
				}
			}
			for _, e := range v.Events {
				if now[e.UID].Cancelled {
					t.Fatalf("seed %d: %s is there and cancelled", seed, e.UID)
				}
			}
			last = now
		}
	}
}
