package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/journal"
	"skift/internal/register"
	"skift/internal/store"
)

// Run runs the contract on stores that open returns; each must be empty, of
// [Plan], and closed by the end of the test it was opened for.
func Run(t *testing.T, open func(testing.TB) *store.Store) {
	for name, test := range map[string]func(*testing.T, *store.Store){
		"events":              testEvents,
		"refused events":      testRefusedEvents,
		"slots":               testSlots,
		"slot taken":          testSlotTaken,
		"messages":            testMessages,
		"message filter":      testMessageFilter,
		"watched":             testWatched,
		"conflicts":           testConflicts,
		"illegal":             testIllegal,
		"second sweep":        testSecondSweep,
		"changed answers":     testChangedAnswers,
		"lapsed answers":      testLapsedAnswers,
		"late answers":        testLateAnswers,
		"many at once":        testManyAtOnce,
		"recent answers":      testRecent,
		"prune":               testPrune,
		"concurrent commits":  testConcurrentCommits,
		"one claim wins":      testOneClaimWins,
		"cancelled":           testCancelled,
		"reader that commits": testReaderThatCommits,
		"export":              testExport,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func read(t testing.TB, s *store.Store, after int64) []journal.Event {
	t.Helper()
	var got []journal.Event
	if err := s.Events(t.Context(), after, func(e journal.Event) error { got = append(got, e); return nil }); err != nil {
		t.Fatal(err)
	}
	return got
}

func head(t testing.TB, s *store.Store) journal.Head {
	t.Helper()
	h, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// untouched fails when err is not want or anything was stored since before.
func untouched(t testing.TB, s *store.Store, before journal.Head, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
	if now := head(t, s); now != before {
		t.Errorf("the journal went from %s to %s", before, now)
	}
}

func testEvents(t *testing.T, s *store.Store) {
	if h := head(t, s); h.Size != 0 || h.Plan != Plan {
		t.Errorf("head of the empty journal: %s", h)
	}
	sent := Events(1100) // more than one page
	sent[0].At = sent[0].At.In(time.FixedZone("x", 3600)).Add(999)
	sent[1].Body = nil
	first := Must(t, s, register.Batch{Events: sent[:3]})
	second := Must(t, s, register.Batch{Events: sent[3:]})
	if first.FirstSeq != 1 || first.Head.Size != 3 || second.FirstSeq != 4 || second.Head.Size != 1100 {
		t.Errorf("committed %+v and %+v", first, second)
	}
	if nothing := Must(t, s, register.Batch{}); nothing.Head != second.Head || nothing.FirstSeq != 1101 {
		t.Errorf("an empty batch: %+v", nothing)
	}
	var want []journal.Event
	var tree journal.Frontier
	for i, e := range sent {
		e = e.Normal()
		e.Plan, e.Seq = Plan, int64(i+1)
		want = append(want, e)
		tree.Append(journal.LeafHash(e))
	}
	if diff := cmp.Diff(want, read(t, s, 0)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want[1000:], read(t, s, 1000)); diff != "" {
		t.Error(diff)
	}
	if got := head(t, s); got != tree.Head(Plan) || got != second.Head {
		t.Errorf("head %s, committed as %s, want %s", got, second.Head, tree.Head(Plan))
	}
	stop := errors.New("stop")
	if err := s.Events(t.Context(), 0, func(journal.Event) error { return stop }); err != stop {
		t.Errorf("the reader's error came back as %v", err)
	}
	for _, held := range []*journal.Head{nil, &first.Head, &second.Head} {
		if report, err := s.Verify(t.Context(), held); err != nil || !report.OK() {
			t.Errorf("held %v: %s, %v", held, report, err)
		}
	}
	held := second.Head
	held.Size++
	if report, err := s.Verify(t.Context(), &held); err != nil || report.OK() {
		t.Errorf("a head from the future: %s, %v", report, err)
	}
}

func testRefusedEvents(t *testing.T, s *store.Store) {
	Must(t, s, register.Batch{Events: Events(2)})
	before := head(t, s)
	for name, change := range map[string]func(*journal.Event){
		"other plan": func(e *journal.Event) { e.Plan = "other" },
		"no kind":    func(e *journal.Event) { e.Kind = "" },
		"no instant": func(e *journal.Event) { e.At = time.Time{} },
		"NUL":        func(e *journal.Event) { e.Run = "\x00" },
		"no JSON":    func(e *journal.Event) { e.Body = []byte("{") },
	} {
		bad := Events(3)
		change(&bad[2])
		_, err := s.Commit(t.Context(), register.Batch{Events: bad, Slots: []register.Slot{Slot(1)}})
		if err == nil {
			t.Errorf("%s was accepted", name)
		}
		untouched(t, s, before, err, err)
	}
	if slots, err := s.Slots(t.Context(), "", Epoch, Epoch.Add(time.Hour)); err != nil || len(slots) > 0 {
		t.Errorf("slots %v, %v", slots, err)
	}
}

func testSlots(t *testing.T, s *store.Store) {
	other := Slot(1)
	other.Schedule = "report/steering"
	missed := Slot(2)
	missed.State, missed.FinishedAt, missed.Note = register.SlotMissed, missed.At.Add(time.Hour), "nobody was there"
	Must(t, s, register.Batch{Slots: []register.Slot{Slot(0), Slot(1), other, missed}})
	done := Slot(1)
	done.State, done.FinishedAt, done.Note = register.SlotDone, Epoch.Add(time.Hour), "2 of 2"
	Must(t, s, register.Batch{SlotMoves: []register.SlotMove{{
		Schedule: done.Schedule, At: done.At, From: register.SlotClaimed, To: done.State, FinishedAt: done.FinishedAt, Note: done.Note}}})

	all, err := s.Slots(t.Context(), "", Epoch.Add(time.Minute), missed.At)
	if diff := cmp.Diff([]register.Slot{other, done, missed}, all); diff != "" || err != nil {
		t.Error(err, diff)
	}
	mine, err := s.Slots(t.Context(), "suite/readiness", Epoch, missed.At.Add(-1))
	if diff := cmp.Diff([]register.Slot{Slot(0), done}, mine); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if got, ok, err := s.Slot(t.Context(), done.Schedule, done.At); err != nil || !ok || got != done {
		t.Errorf("slot %+v, %v, %v", got, ok, err)
	}
	if got, ok, err := s.Slot(t.Context(), done.Schedule, done.At.Add(1000)); err != nil || ok {
		t.Errorf("a slot that is not there: %+v, %v, %v", got, ok, err)
	}
}

func testSlotTaken(t *testing.T, s *store.Store) {
	Must(t, s, register.Batch{Slots: []register.Slot{Slot(1)}})
	before := head(t, s)
	_, err := s.Commit(t.Context(), register.Batch{
		Events: Events(1), Messages: []register.Message{Message("m1")},
		Slots: []register.Slot{Slot(2), Slot(1)}, Observations: []checks.Result{Result(1, Epoch)}})
	untouched(t, s, before, err, store.ErrSlotTaken)
	if !strings.Contains(err.Error(), "suite/readiness 2019-11-09T00:30:00Z") {
		t.Errorf("the error does not name the slot: %v", err)
	}
	messages, err1 := s.Messages(t.Context(), register.MessageFilter{})
	latest, err2 := s.Latest(t.Context())
	_, taken, err3 := s.Slot(t.Context(), "suite/readiness", Slot(2).At)
	if len(messages) > 0 || len(latest) > 0 || taken || err1 != nil || err2 != nil || err3 != nil {
		t.Errorf("parts were stored: %v %v %v (%v %v %v)", messages, latest, taken, err1, err2, err3)
	}
	Must(t, s, register.Batch{Slots: []register.Slot{Slot(2)}})
}

// testIllegal hands in what no state of the store would make right.
func testIllegal(t *testing.T, s *store.Store) {
	open, final := Slot(1), Slot(2)
	open.FinishedAt, final.State = Epoch, register.SlotDone
	sent, unknown := Message("m1"), Message("m2")
	sent.State, unknown.State = register.MessageSent, "lost"
	verdict := Result(1, Epoch)
	verdict.Verdict = "good"
	for name, b := range map[string]register.Batch{
		"finished open slot":    {Slots: []register.Slot{open}},
		"unfinished final slot": {Slots: []register.Slot{final}},
		"unfinished sent":       {Messages: []register.Message{sent}},
		"unknown state":         {Messages: []register.Message{unknown}},
		"sent to queued":        {MessageMoves: []register.MessageMove{move("m", register.MessageSent, register.MessageQueued, 0)}},
		"queued to sent":        {MessageMoves: []register.MessageMove{move("m", register.MessageQueued, register.MessageSent, 0)}},
		"done to done":          {SlotMoves: []register.SlotMove{{Schedule: "s", From: register.SlotDone, To: register.SlotDone, FinishedAt: Epoch}}},
		"done without instant":  {SlotMoves: []register.SlotMove{{Schedule: "s", From: register.SlotClaimed, To: register.SlotDone}}},
		"unknown verdict":       {Observations: []checks.Result{verdict}},
		"no instant":            {Observations: []checks.Result{Result(1, time.Time{})}},
	} {
		b.Events = Events(1)
		before := head(t, s)
		_, err := s.Commit(t.Context(), b)
		if err == nil || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrStorage) {
			t.Errorf("%s: error %v", name, err)
		}
		untouched(t, s, before, err, err)
	}
}

func testCancelled(t *testing.T, s *store.Store) {
	before := head(t, s)
	why := errors.New("shutdown")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	// The turn may be free: then storing is as right as withdrawing, and what
	// is reported must be what happened.
	for range 50 {
		c, err := s.Commit(ctx, register.Batch{Events: Events(1)})
		switch {
		case err == nil:
			before = c.Head
		default:
			untouched(t, s, before, err, why)
		}
		if now := head(t, s); now != before {
			t.Fatalf("head %s, want %s", now, before)
		}
	}
}

func testReaderThatCommits(t *testing.T, s *store.Store) {
	Must(t, s, register.Batch{Events: Events(3)})
	err := s.Events(t.Context(), 0, func(e journal.Event) error {
		if e.Seq <= 3 {
			Must(t, s, register.Batch{Events: Events(1)})
		}
		return nil
	})
	if h := head(t, s); err != nil || h.Size != 6 {
		t.Errorf("%v, head %s", err, h)
	}
}

func testConcurrentCommits(t *testing.T, s *store.Store) {
	const writers, each = 16, 20
	var mu sync.Mutex
	var committed []store.Committed
	subject := map[int64]string{}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range each {
				b := register.Batch{Events: Events(1 + n%3)}
				for i := range b.Events {
					b.Events[i].Subject = fmt.Sprintf("%d/%d/%d", w, n, i)
				}
				taken := n%4 == 3
				if b.Slots = []register.Slot{Slot(w*each + n)}; taken {
					b.Slots = []register.Slot{Slot(w*each + n - 1)}
				}
				c, err := s.Commit(t.Context(), b)
				if taken {
					if !errors.Is(err, store.ErrSlotTaken) {
						t.Errorf("taken slot: %v", err)
					}
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				committed = append(committed, c)
				for i, e := range b.Events {
					subject[c.FirstSeq+int64(i)] = e.Subject
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	got := map[int64]string{}
	heads := map[int64]journal.Head{}
	var tree journal.Frontier
	for _, e := range read(t, s, 0) {
		got[e.Seq] = e.Subject
		tree.Append(journal.LeafHash(e))
		heads[e.Seq] = tree.Head(Plan)
	}
	if diff := cmp.Diff(subject, got); diff != "" {
		t.Errorf("acknowledged (-) and stored (+) differ:\n%s", diff)
	}
	for _, c := range committed {
		if c.Head != heads[c.Head.Size] {
			t.Errorf("acknowledged head %s, the journal has %s", c.Head, heads[c.Head.Size])
		}
	}
}

func testOneClaimWins(t *testing.T, s *store.Store) {
	for slot := range 20 {
		var wg sync.WaitGroup
		won := make(chan int64, 8)
		for n := range 8 {
			wg.Go(func() {
				c, err := s.Commit(t.Context(), register.Batch{Events: []journal.Event{Event(n)}, Slots: []register.Slot{Slot(slot)}})
				if err == nil {
					won <- c.FirstSeq
				} else if !errors.Is(err, store.ErrSlotTaken) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if close(won); len(won) != 1 {
			t.Fatalf("%d claims of one slot won", len(won))
		}
	}
	if h := head(t, s); h.Size != 20 {
		t.Errorf("%d events for 20 slots", h.Size)
	}
}

func testExport(t *testing.T, s *store.Store) {
	Must(t, s, register.Batch{Events: Events(5)})
	held := head(t, s)
	Must(t, s, register.Batch{Events: Events(3)})
	var b strings.Builder
	if err := s.Export(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	x, err := journal.Import(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	report, err := journal.Verify(x.Head.Plan, x.Records(), x.Frontier, &held)
	if err != nil || !report.OK() || report.Events != 8 || x.Head != head(t, s) {
		t.Errorf("%s, %v", report, err)
	}
}
