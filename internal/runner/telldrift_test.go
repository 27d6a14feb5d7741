package runner_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"skift/checks"
	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/register"
	"skift/internal/runner"
)

// differs keeps a question as a sweep does.
func (w *world) differs(id, owner, seat string) (seq int64) {
	w.t.Helper()
	_, err := w.ledger.Decide(w.t.Context(), func(tx *ledger.Tx) (err error) {
		seq, err = tx.Emit(register.DriftAsked, "", "zone", journal.Actor{Via: journal.ViaEngine}, register.Body(register.DriftQuestion{ID: id, Owner: owner, Seat: seat,
			Unit: checks.Unit{Check: "cert", Side: checks.Old}, By: tx.Now.Add(time.Hour), Before: map[string]string{"serial": "1"}, After: map[string]string{"serial": id}}))
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return seq
}

func (w *world) tellDrift() {
	w.t.Helper()
	if err := w.r.TellDrift(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// TestOwnersAreAskedByMail: one mail to each owner of all that is open, once, however often something is observed and the process starts again; the
// customer where the owner has no seat; and of what was answered before nothing.
func TestOwnersAreAskedByMail(t *testing.T) {
	t.Parallel()
	tell(t, frozenFrom(""), nil, func(w *world) {
		first, second := w.differs("a", "sse", "sse/operator"), w.differs("b", "sse", "sse/operator")
		other := w.differs("c", "nobody", "")
		w.reports.fail = errors.New("no room")
		if err := w.r.TellDrift(t.Context()); err == nil {
			t.Error("that the mail was not made is not told")
		}
		w.reports.fail, w.reports.asked = nil, nil
		for range 3 {
			w.tellDrift()
			w.restart()
		}
		if len(w.reports.asked) != 2 || w.reports.asked[0].Owner != "sse" || !slices.Equal(w.reports.asked[0].Seats, []string{"sse/operator"}) || w.reports.asked[1].Seats[0] != "kombit/chair" {
			t.Fatalf("%+v", w.reports.asked)
		}
		third := w.differs("d", "sse", "sse/operator")
		w.tellDrift()
		w.differs("e", "sse", "sse/operator")
		w.facts(func(f *ledger.Facts) {
			if len(f.Register.Asked()) != 5 {
				t.Errorf("%d questions", len(f.Register.Asked()))
			}
		})
		_, err := w.ledger.Decide(t.Context(), func(tx *ledger.Tx) error {
			_, err := tx.Emit(register.DriftAnswered, "", "zone", journal.Actor{Seat: "kombit/chair"}, register.Body(register.DriftAnswer{ID: "e", Word: register.Breach}))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		w.tellDrift()
		w.wantTold([]int64{first, second}, []int64{other}, []int64{third})
	})
}

// wantTold compares what the mails about differences tell of.
func (w *world) wantTold(want ...[]int64) {
	w.t.Helper()
	var told [][]int64
	for _, e := range w.events() {
		var b register.Queued
		if e.Kind != register.ReportQueued {
			continue
		}
		if err := json.Unmarshal(e.Body, &b); err != nil {
			w.t.Fatal(err)
		}
		if b.Report == runner.DriftReport {
			told = append(told, append(b.Also, b.About))
		}
	}
	if !slices.EqualFunc(told, want, slices.Equal) {
		w.t.Errorf("mails tell of %v, want %v", told, want)
	}
}

// TestAskedByTwoAtOnce: two sweeps that end beside each other tell an owner of each difference once, and of all.
func TestAskedByTwoAtOnce(t *testing.T) {
	t.Parallel()
	tell(t, frozenFrom(""), nil, func(w *world) {
		first, second := w.differs("a", "sse", "sse/operator"), w.differs("b", "sse", "sse/operator")
		w.reports.meanwhile = func() { // the other began before the second was there
			w.reports.meanwhile = nil
			_, err := w.ledger.Decide(t.Context(), func(tx *ledger.Tx) error {
				_, err := tx.Emit(register.ReportQueued, "", "", journal.Actor{Via: journal.ViaEngine}, register.Body(register.Queued{Audience: runner.Owners, Report: runner.DriftReport,
					Missing: []string{"p-gone"}, About: first}))
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
		w.tellDrift()
		w.wantTold([]int64{first}, []int64{second})
	})
}
