package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"skift/checks"
	"skift/internal/journal"
	"skift/internal/register"
)

// eventsPerRead bounds how long a reader of events keeps the database from
// tidying up behind it.
const eventsPerRead = 512

const eventColumns = "plan, seq, at, kind, run, subject, seat, person, entered_by, via, body, leaf"

// Events calls fn for every event whose Seq is greater than after, in order. It
// holds nothing while fn runs, so fn may read and commit; events committed
// meanwhile are seen too. An error from fn ends it and is returned.
func (s *Store) Events(ctx context.Context, after int64, fn func(journal.Event) error) error {
	for {
		var page []journal.Event
		err := s.db.Read(ctx, func(tx Tx) error {
			return tx.Query(func(row Row) error {
				rec, err := scanEvent(row)
				page = append(page, rec.Event)
				return err
			}, "SELECT "+eventColumns+" FROM event WHERE plan = $1 AND seq > $2 ORDER BY seq LIMIT $3", s.plan, after, eventsPerRead)
		})
		if err != nil {
			return fmt.Errorf("read events: %w", err)
		}
		for _, e := range page {
			if err := fn(e); err != nil {
				return err
			}
			after = e.Seq
		}
		if len(page) < eventsPerRead {
			return nil
		}
	}
}

func scanEvent(row Row) (journal.Record, error) {
	var rec journal.Record
	var at int64
	var leaf []byte
	err := row.Scan(&rec.Plan, &rec.Seq, &at, &rec.Kind, &rec.Run, &rec.Subject,
		&rec.Actor.Seat, &rec.Actor.Person, &rec.Actor.EnteredBy, &rec.Actor.Via, &rec.Body, &leaf)
	if err != nil {
		return rec, fmt.Errorf("event %d cannot be read: %w", rec.Seq, err)
	}
	rec.At, rec.Body = moment(at), nilIfEmpty(rec.Body)
	copy(rec.Leaf[:], leaf) // a leaf of another length is a leaf that differs
	return rec, nil
}

// Newest is when the newest event was written; zero = there is none.
func (s *Store) Newest(ctx context.Context) (time.Time, error) {
	var newest time.Time
	err := s.db.Read(ctx, func(tx Tx) error {
		return tx.Query(func(row Row) error {
			var at int64
			err := row.Scan(&at)
			newest = moment(at)
			return err
		}, `SELECT at FROM event WHERE plan = $1 ORDER BY seq DESC LIMIT 1`, s.plan)
	})
	return newest, wrap("read the newest event", err)
}

// Slot reads one slot; false when it has no row.
func (s *Store) Slot(ctx context.Context, schedule string, at time.Time) (register.Slot, bool, error) {
	slots, err := s.Slots(ctx, schedule, at, at)
	if err != nil || len(slots) == 0 {
		return register.Slot{}, false, err
	}
	return slots[0], true, nil
}

// Slots reads the slots of a schedule, or of all when it is empty, whose
// instant lies between from and to, both included, in order of time.
func (s *Store) Slots(ctx context.Context, schedule string, from, to time.Time) ([]register.Slot, error) {
	return s.slots(ctx, `plan = $1 AND at BETWEEN $2 AND $3 AND (schedule = $4 OR $4 = '') ORDER BY at, schedule`,
		s.plan, micros(from), micros(to), schedule)
}

// SlotsSince reads the slots of one schedule from an instant on, in order of time.
func (s *Store) SlotsSince(ctx context.Context, schedule string, from time.Time) ([]register.Slot, error) {
	return s.slots(ctx, `plan = $1 AND schedule = $2 AND at >= $3 ORDER BY at`, s.plan, schedule, micros(from))
}

// LastSlot reads the newest slot of a schedule; ok is false when it never had one.
func (s *Store) LastSlot(ctx context.Context, schedule string) (slot register.Slot, ok bool, err error) {
	slots, err := s.slots(ctx, `plan = $1 AND schedule = $2 ORDER BY at DESC LIMIT 1`, s.plan, schedule)
	if err != nil || len(slots) == 0 {
		return slot, false, err
	}
	return slots[0], true, nil
}

// Claimed reads the slots whose work was begun and not ended, the oldest first.
func (s *Store) Claimed(ctx context.Context) ([]register.Slot, error) {
	return s.slots(ctx, `plan = $1 AND state = $2 ORDER BY at, schedule`, s.plan, string(register.SlotClaimed))
}

// slots reads the slots that a condition chooses.
func (s *Store) slots(ctx context.Context, where string, args ...any) ([]register.Slot, error) {
	var slots []register.Slot
	err := s.db.Read(ctx, func(tx Tx) error {
		return tx.Query(func(row Row) error {
			var slot register.Slot
			var state string
			var at, claimed int64
			var finished *int64
			err := row.Scan(&slot.Schedule, &at, &state, &claimed, &finished, &slot.Note)
			slot.At, slot.State, slot.ClaimedAt, slot.FinishedAt = moment(at), register.SlotState(state), moment(claimed), maybe(finished)
			slots = append(slots, slot)
			return err
		}, `SELECT schedule, at, state, claimed_at, finished_at, note FROM slot WHERE `+where, args...)
	})
	return slots, wrap("read slots", err)
}

// Messages reads the messages that f chooses, those due first.
func (s *Store) Messages(ctx context.Context, f register.MessageFilter) ([]register.Message, error) {
	raw := "raw"
	if f.Brief {
		raw = "''"
	}
	sql := strings.Builder{}
	sql.WriteString(`SELECT id, audience, report, recipient, address, subject, ` + raw + `, state, attempts, queued_at, next_at, finished_at, last_error
		FROM outbox WHERE plan = $1`)
	args := []any{s.plan}
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	if len(f.States) > 0 {
		var states []string
		for _, st := range f.States {
			states = append(states, arg(string(st)))
		}
		sql.WriteString(" AND state IN (" + strings.Join(states, ", ") + ")")
		if !slices.ContainsFunc(f.States, register.MessageState.Final) {
			sql.WriteString(" AND finished_at IS NULL") // what the index of open ones holds
		}
	}
	if f.Audience != "" {
		sql.WriteString(" AND audience = " + arg(f.Audience))
	}
	if !f.DueBy.IsZero() {
		sql.WriteString(" AND next_at <= " + arg(micros(f.DueBy)))
	}
	sql.WriteString(" ORDER BY next_at, id")
	if f.Limit > 0 {
		sql.WriteString(" LIMIT " + arg(f.Limit))
	}
	var messages []register.Message
	err := s.db.Read(ctx, func(tx Tx) error {
		return tx.Query(func(row Row) error {
			m, err := scanMessage(row)
			messages = append(messages, m)
			return err
		}, sql.String(), args...)
	})
	return messages, wrap("read messages", err)
}

// CountMessages counts the messages by state, and says since when the one waits that is queued longest; zero = none is.
func (s *Store) CountMessages(ctx context.Context) (byState map[string]int, queuedSince time.Time, err error) {
	byState = map[string]int{}
	for _, state := range register.MessageStates() {
		byState[string(state)] = 0
	}
	err = s.db.Read(ctx, func(tx Tx) error {
		return tx.Query(func(row Row) error {
			var state string
			var n int
			var first int64
			err := row.Scan(&state, &n, &first)
			byState[state] = n
			if state == string(register.MessageQueued) {
				queuedSince = moment(first)
			}
			return err
		}, `SELECT state, count(*), min(queued_at) FROM outbox WHERE plan = $1 GROUP BY state`, s.plan)
	})
	return byState, queuedSince, wrap("count messages", err)
}

func scanMessage(row Row) (register.Message, error) {
	var m register.Message
	var state string
	var queued, next int64
	var finished *int64
	err := row.Scan(&m.ID, &m.Audience, &m.Report, &m.Recipient, &m.Address, &m.Subject, &m.Raw, &state, &m.Attempts,
		&queued, &next, &finished, &m.LastError)
	m.Raw = nilIfEmpty(m.Raw)
	m.State, m.QueuedAt, m.NextAt, m.FinishedAt = register.MessageState(state), moment(queued), moment(next), maybe(finished)
	return m, err
}

// Latest reads what each unit answers now, in the order of the units' keys.
func (s *Store) Latest(ctx context.Context) ([]register.Interval, error) {
	return s.intervals(ctx, "SELECT "+observationColumns+" FROM observation WHERE plan = $1 AND latest ORDER BY unit", s.plan)
}

// Answers reports whether some unit answers one of the codes now.
func (s *Store) Answers(ctx context.Context, codes []checks.Code) (some bool, err error) {
	args, in := []any{s.plan}, []string{}
	for _, c := range codes {
		args = append(args, string(c))
		in = append(in, fmt.Sprintf("$%d", len(args)))
	}
	err = s.db.Read(ctx, func(tx Tx) error {
		var n int64
		err := tx.QueryRow("SELECT count(*) FROM observation WHERE plan = $1 AND latest AND code IN ("+strings.Join(in, ", ")+")", args...).Scan(&n)
		some = n > 0
		return err
	})
	return some, wrap("read observations", err)
}

// Recent reads what each unit answers now and, of what it answered from since on, the newest few intervals; each unit's in order of time.
func (s *Store) Recent(ctx context.Context, since time.Time, few int) ([]register.Interval, error) {
	return s.intervals(ctx, "SELECT "+observationColumns+` FROM (
		SELECT `+observationColumns+`, latest, row_number() OVER (PARTITION BY unit ORDER BY until DESC, since DESC) AS newest FROM (
			SELECT `+observationColumns+`, latest FROM observation WHERE plan = $1 AND latest
			UNION ALL SELECT `+observationColumns+`, latest FROM observation WHERE plan = $1 AND NOT latest AND until >= $2) AS recent) AS ranked
		WHERE latest OR newest <= $3 ORDER BY unit, until, since`, s.plan, micros(since), few)
}

// LastOK reads when each unit was last let in, for as long as observations are kept; one that never was is missing.
func (s *Store) LastOK(ctx context.Context) (map[checks.Unit]time.Time, error) {
	found := map[checks.Unit]time.Time{}
	err := s.db.Read(ctx, func(tx Tx) error {
		return tx.Query(func(row Row) error {
			var key string
			var until int64
			if err := row.Scan(&key, &until); err != nil {
				return err
			}
			u, err := checks.ParseUnit(key)
			found[u] = moment(until)
			return err
		}, "SELECT unit, max(until) FROM observation WHERE plan = $1 AND outcome IN ('pass', 'warn') GROUP BY unit", s.plan)
	})
	return found, wrap("read observations", err)
}

// History reads what the units of a check answered from since on, each unit's
// intervals in order of time.
func (s *Store) History(ctx context.Context, check string, since time.Time) ([]register.Interval, error) {
	return s.intervals(ctx, "SELECT "+observationColumns+` FROM (
		SELECT `+observationColumns+` FROM observation WHERE plan = $1 AND latest AND check_id = $2 AND until >= $3
		UNION ALL SELECT `+observationColumns+` FROM observation WHERE plan = $1 AND NOT latest AND check_id = $2 AND until >= $3) AS of_check
		ORDER BY unit, since`, s.plan, check, micros(since))
}

// intervals reads what a question finds. What is answered now and what was answered before have indexes of their own: a question about both
// asks for each of them.
func (s *Store) intervals(ctx context.Context, question string, args ...any) ([]register.Interval, error) {
	var found []register.Interval
	err := s.db.Read(ctx, func(tx Tx) error {
		return tx.Query(func(row Row) error {
			i, err := scanInterval(row)
			found = append(found, i)
			return err
		}, question, args...)
	})
	return found, wrap("read observations", err)
}

// wrap puts what was tried before an error.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// errStop ends a query whose reader wants no more.
var errStop = errors.New("enough")
