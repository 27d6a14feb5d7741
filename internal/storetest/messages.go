package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/register"
	"skift/internal/store"
)

func move(id string, from, to register.MessageState, after time.Duration) register.MessageMove {
	return register.MessageMove{ID: id, From: from, To: to, At: Epoch.Add(after)}
}

func testMessages(t *testing.T, s *store.Store) {
	ctx := t.Context()
	want := Message("m1")
	Must(t, s, register.Batch{Messages: []register.Message{want}, Events: Events(1)})
	same := func(why string) {
		t.Helper()
		got, err := s.Messages(ctx, register.MessageFilter{})
		if diff := cmp.Diff([]register.Message{want}, got); diff != "" || err != nil {
			t.Error(why, err, diff)
		}
	}
	same("queued")
	Must(t, s, register.Batch{MessageMoves: []register.MessageMove{move("m1", register.MessageQueued, register.MessageSending, time.Minute)}})
	want.State, want.Attempts = register.MessageSending, 1
	same("sending")
	again := move("m1", register.MessageSending, register.MessageQueued, 2*time.Minute)
	again.NextAt, again.LastError = Epoch.Add(time.Hour), "451 greylisted"
	Must(t, s, register.Batch{MessageMoves: []register.MessageMove{again}})
	want.State, want.NextAt, want.LastError = register.MessageQueued, again.NextAt, again.LastError
	same("queued again")
	// Several moves of one message in one batch happen in their order.
	Must(t, s, register.Batch{MessageMoves: []register.MessageMove{
		move("m1", register.MessageQueued, register.MessageSending, time.Hour),
		move("m1", register.MessageSending, register.MessageSent, 2*time.Hour)}})
	want.State, want.Attempts, want.FinishedAt, want.LastError = register.MessageSent, 2, Epoch.Add(2*time.Hour), ""
	same("sent")
}

func testMessageFilter(t *testing.T, s *store.Store) {
	var all []register.Message
	for n := range 6 {
		m := Message(fmt.Sprintf("m%d", n))
		m.NextAt = Epoch.Add(time.Duration(6-n) * time.Minute)
		if n%2 == 1 {
			m.Audience = "municipalities"
		}
		if n >= 4 {
			m.State = register.MessageUncertain
		}
		all = append(all, m)
	}
	Must(t, s, register.Batch{Messages: all})
	for _, tt := range []struct {
		filter register.MessageFilter
		want   string
	}{
		{register.MessageFilter{}, "m5 m4 m3 m2 m1 m0"},
		{register.MessageFilter{Limit: 2}, "m5 m4"},
		{register.MessageFilter{States: []register.MessageState{register.MessageQueued}}, "m3 m2 m1 m0"},
		{register.MessageFilter{States: []register.MessageState{register.MessageQueued, register.MessageUncertain}, DueBy: Epoch.Add(3 * time.Minute)}, "m5 m4 m3"},
		{register.MessageFilter{Audience: "municipalities", Limit: 2}, "m5 m3"},
		{register.MessageFilter{States: []register.MessageState{register.MessageSent}}, ""},
	} {
		got, err := s.Messages(t.Context(), tt.filter)
		var ids []string
		for _, m := range got {
			ids = append(ids, m.ID)
		}
		if strings.Join(ids, " ") != tt.want || err != nil {
			t.Errorf("%+v: %v, %v, want %s", tt.filter, ids, err, tt.want)
		}
	}
}

func testConflicts(t *testing.T, s *store.Store) {
	Must(t, s, register.Batch{Messages: []register.Message{Message("m1")}, Slots: []register.Slot{Slot(1)}})
	before := head(t, s)
	slotMove := func(n int) register.SlotMove {
		return register.SlotMove{Schedule: Slot(n).Schedule, At: Slot(n).At, From: register.SlotClaimed, To: register.SlotDone, FinishedAt: Epoch}
	}
	for name, b := range map[string]register.Batch{
		"message twice":     {Messages: []register.Message{Message("m1")}},
		"message not there": {MessageMoves: []register.MessageMove{move("m2", register.MessageQueued, register.MessageSending, 0)}},
		"message elsewhere": {MessageMoves: []register.MessageMove{move("m1", register.MessageSending, register.MessageSent, 0)}},
		"one of two moves": {MessageMoves: []register.MessageMove{
			move("m1", register.MessageQueued, register.MessageSending, 0), move("m1", register.MessageQueued, register.MessageSending, 0)}},
		"slot not there":   {SlotMoves: []register.SlotMove{slotMove(2)}},
		"slot moved twice": {SlotMoves: []register.SlotMove{slotMove(1), slotMove(1)}},
	} {
		b.Events = Events(2)
		_, err := s.Commit(t.Context(), b)
		if t.Run(name, func(t *testing.T) { untouched(t, s, before, err, store.ErrConflict) }); t.Failed() {
			return
		}
	}
	got, err := s.Messages(t.Context(), register.MessageFilter{})
	if diff := cmp.Diff([]register.Message{Message("m1")}, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}
