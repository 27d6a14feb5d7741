package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/register"
	"skift/internal/store"
)

// testWatched is what whoever watches a process asks: how many mails stand how, which slots of a schedule came lately, when something last happened.
func testWatched(t *testing.T, s *store.Store) {
	ctx := t.Context()
	if at, err := s.Newest(ctx); !at.IsZero() || err != nil {
		t.Errorf("of an empty journal the newest event is of %v, %v", at, err)
	}
	if _, since, err := s.CountMessages(ctx); !since.IsZero() || err != nil {
		t.Errorf("nothing is queued, since %v, %v", since, err)
	}
	first, second, unsure := Message("m1"), Message("m2"), Message("m3")
	second.QueuedAt, unsure.State = first.QueuedAt.Add(time.Minute), register.MessageUncertain
	unsure.QueuedAt = first.QueuedAt.Add(-time.Hour)
	other := Slot(2)
	other.Schedule = "suite/other"
	events := Events(3)
	Must(t, s, register.Batch{Events: events, Messages: []register.Message{second, first, unsure}, Slots: []register.Slot{Slot(0), Slot(1), Slot(2), other}})
	counts, since, err := s.CountMessages(ctx)
	want := map[string]int{"queued": 2, "sending": 0, "sent": 0, "uncertain": 1, "failed": 0}
	if diff := cmp.Diff(want, counts); diff != "" || err != nil || !since.Equal(first.QueuedAt) {
		t.Errorf("mails %s, the oldest queued at %v, %v", diff, since, err)
	}
	lately, err := s.SlotsSince(ctx, Slot(1).Schedule, Slot(1).At)
	if diff := cmp.Diff([]register.Slot{Slot(1), Slot(2)}, lately); diff != "" || err != nil {
		t.Errorf("slots: %v %s", err, diff)
	}
	if at, err := s.Newest(ctx); !at.Equal(events[2].At) || err != nil {
		t.Errorf("the newest event is of %v, %v, want %v", at, err, events[2].At)
	}
}
