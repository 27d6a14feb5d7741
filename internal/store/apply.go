package store

import (
	"errors"
	"fmt"
	"time"

	"skift/internal/journal"
	"skift/internal/register"
)

// check finds what can never be stored, before anything is touched.
func check(b register.Batch) error {
	for _, s := range b.Slots {
		if s.State.Final() == s.FinishedAt.IsZero() {
			return fmt.Errorf("slot %s %s: state %s and finished at %s disagree", s.Schedule, instant(s.At), s.State, instant(s.FinishedAt))
		}
	}
	for _, m := range b.SlotMoves {
		if m.From.Final() || m.To.Final() == m.FinishedAt.IsZero() {
			return fmt.Errorf("slot %s %s cannot go from %s to %s", m.Schedule, instant(m.At), m.From, m.To)
		}
	}
	for _, m := range b.Messages {
		if m.State.Final() == m.FinishedAt.IsZero() {
			return fmt.Errorf("message %s: state %s and finished at %s disagree", m.ID, m.State, instant(m.FinishedAt))
		}
	}
	for _, m := range b.MessageMoves {
		if !m.From.May(m.To) || m.At.IsZero() {
			return fmt.Errorf("message %s cannot go from %s to %s at %s", m.ID, m.From, m.To, instant(m.At))
		}
	}
	for _, r := range b.Observations {
		if r.StartedAt.IsZero() {
			return fmt.Errorf("observation of %s has no instant", r.Unit)
		}
	}
	return nil
}

// apply stores a batch inside a transaction.
func (s *Store) apply(tx Tx, r *request) (Committed, error) {
	b := r.batch
	out, err := s.appendEvents(tx, b.Events)
	if err != nil {
		return out, err
	}
	for _, slot := range b.Slots {
		if err := s.insertSlot(tx, slot); err != nil {
			return out, err
		}
	}
	for _, m := range b.SlotMoves {
		if err := s.moveSlot(tx, m); err != nil {
			return out, err
		}
	}
	for _, m := range b.Messages {
		if err := s.insertMessage(tx, m); err != nil {
			return out, err
		}
	}
	for _, m := range b.MessageMoves {
		if err := s.moveMessage(tx, m); err != nil {
			return out, err
		}
	}
	if r.seen, err = s.observe(tx, b.Observations); err != nil {
		return out, err
	}
	return out, r.carry(tx)
}

// carry hands on what the batch leaves to be done, in the transaction of its rows: a claim without its job cannot exist.
func (r *request) carry(tx Tx) error {
	jobs := left(r.batch)
	if r.carrier == nil || len(jobs) == 0 {
		return nil
	}
	if err := r.carrier.Put(tx, jobs); err != nil {
		return fmt.Errorf("hand on %d jobs: %w", len(jobs), translate(err))
	}
	r.jobs = jobs
	return nil
}

// appendEvents reserves the numbers of the events, which is also where an owner
// of an earlier epoch is kept out, and so is done for a batch without events.
func (s *Store) appendEvents(tx Tx, events []journal.Event) (Committed, error) {
	var size int64
	var b []byte
	err := tx.QueryRow("UPDATE head SET size = size + $1 WHERE plan = $2 AND epoch = $3 RETURNING size, frontier",
		len(events), s.plan, s.epoch).Scan(&size, &b)
	if errors.Is(err, errNoRow) {
		return Committed{}, fmt.Errorf("%w: another process took over the data directory", ErrFenced)
	}
	if err != nil {
		return Committed{}, fmt.Errorf("append events: %w", err)
	}
	tree, err := journal.ParseFrontier(size-int64(len(events)), b)
	if err != nil {
		return Committed{}, fmt.Errorf("%w: the head of the journal was damaged: %v", ErrStorage, err)
	}
	first := tree.Size() + 1
	rows := make([][]any, 0, len(events))
	for _, e := range events {
		row, leaf, err := s.eventRow(e, tree.Size()+1)
		if err != nil {
			return Committed{}, err
		}
		tree.Append(leaf)
		rows = append(rows, row)
	}
	if len(rows) > 0 {
		err := tx.ExecMany(`INSERT INTO event (plan, seq, at, kind, run, subject, seat, person, entered_by, via, body, leaf)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`, rows)
		if err != nil {
			return Committed{}, fmt.Errorf("append events: %w", err)
		}
		if _, err := tx.Exec("UPDATE head SET frontier = $1 WHERE plan = $2", tree.Bytes(), s.plan); err != nil {
			return Committed{}, fmt.Errorf("append events: %w", err)
		}
	}
	return Committed{Head: tree.Head(s.plan), FirstSeq: first}, nil
}

func (s *Store) eventRow(e journal.Event, seq int64) ([]any, journal.Hash, error) {
	if e.Plan != "" && e.Plan != s.plan {
		return nil, journal.Hash{}, fmt.Errorf("event %q is of plan %q, this is the journal of %q", e.Kind, e.Plan, s.plan)
	}
	e = e.Normal()
	e.Plan, e.Seq = s.plan, seq
	if err := e.Check(); err != nil {
		return nil, journal.Hash{}, err
	}
	leaf := journal.LeafHash(e)
	return []any{e.Plan, e.Seq, e.At.UnixMicro(), e.Kind, e.Run, e.Subject,
		e.Actor.Seat, e.Actor.Person, e.Actor.EnteredBy, e.Actor.Via, notNil(e.Body), leaf[:]}, leaf, nil
}

func (s *Store) insertSlot(tx Tx, slot register.Slot) error {
	n, err := tx.Exec(`INSERT INTO slot (plan, schedule, at, state, claimed_at, finished_at, note)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
		s.plan, slot.Schedule, micros(slot.At), string(slot.State), micros(slot.ClaimedAt), nullable(slot.FinishedAt), slot.Note)
	if err == nil && n == 0 {
		err = fmt.Errorf("%w: %s %s", ErrSlotTaken, slot.Schedule, instant(slot.At))
	}
	return err
}

func (s *Store) moveSlot(tx Tx, m register.SlotMove) error {
	n, err := tx.Exec(`UPDATE slot SET state = $1, finished_at = $2, note = $3
		WHERE plan = $4 AND schedule = $5 AND at = $6 AND state = $7`,
		string(m.To), nullable(m.FinishedAt), m.Note, s.plan, m.Schedule, micros(m.At), string(m.From))
	if err == nil && n == 0 {
		err = fmt.Errorf("%w: slot %s %s is not %s", ErrConflict, m.Schedule, instant(m.At), m.From)
	}
	return err
}

func (s *Store) insertMessage(tx Tx, m register.Message) error {
	n, err := tx.Exec(`INSERT INTO outbox (plan, id, audience, report, recipient, address, subject, raw, state, attempts, queued_at, next_at, finished_at, last_error)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING`,
		s.plan, m.ID, m.Audience, m.Report, m.Recipient, m.Address, m.Subject, notNil(m.Raw), string(m.State), m.Attempts,
		micros(m.QueuedAt), micros(m.NextAt), nullable(m.FinishedAt), m.LastError)
	if err == nil && n == 0 {
		err = fmt.Errorf("%w: message %s is there already", ErrConflict, m.ID)
	}
	return err
}

func (s *Store) moveMessage(tx Tx, m register.MessageMove) error {
	var next, finished *int64
	if !m.NextAt.IsZero() {
		next = nullable(m.NextAt)
	}
	if m.To.Final() {
		finished = nullable(m.At)
	}
	attempt := 0
	if m.To == register.MessageSending {
		attempt = 1
	}
	n, err := tx.Exec(`UPDATE outbox SET state = $1, attempts = attempts + $2, next_at = COALESCE($3, next_at), finished_at = $4, last_error = $5
		WHERE plan = $6 AND id = $7 AND state = $8`,
		string(m.To), attempt, next, finished, m.LastError, s.plan, m.ID, string(m.From))
	if err == nil && n == 0 {
		err = fmt.Errorf("%w: message %s is not %s", ErrConflict, m.ID, m.From)
	}
	return err
}

// micros is how an instant is stored.
func micros(t time.Time) int64 { return t.UnixMicro() }

// nullable is how an instant is stored that may not have come yet.
func nullable(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	us := t.UnixMicro()
	return &us
}

// moment reads what micros stored.
func moment(us int64) time.Time { return time.UnixMicro(us).UTC() }

// maybe reads what nullable stored.
func maybe(us *int64) time.Time {
	if us == nil {
		return time.Time{}
	}
	return moment(*us)
}

// nilIfEmpty makes all engines read an empty value alike.
func nilIfEmpty(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }
