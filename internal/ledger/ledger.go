// Package ledger is the one place through which facts change while a process runs: it commits what was decided to the
// store, folds it, and tells whoever listens, in that order and one decision at a time.
//
// A decision sees the facts of everything before it and may emit events; nothing it emitted is visible to anybody else
// before it is durable. After a storage error the ledger refuses everything: a process that cannot write must not act.
// All methods are safe for concurrent use.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"skift/internal/bug"
	"skift/internal/journal"
	"skift/internal/register"
	"skift/internal/run"
)

// Store is what the ledger needs of the store.
type Store interface {
	// Commit writes all of a batch or nothing, and returns the head after it and the number of its first event.
	Commit(ctx context.Context, b register.Batch) (journal.Head, int64, error)
	// Events calls fn with every event numbered above after, in order.
	Events(ctx context.Context, after int64, fn func(journal.Event) error) error
}

// ErrBroken is returned once storage has failed: nothing may be decided any more, the process must end.
var ErrBroken = errors.New("the journal cannot be written; nothing more is decided")

// Facts is everything folded from the journal.
type Facts struct {
	Runs     run.Facts
	Register register.Facts
	Size     int64 // number of the last event folded
	Last     []journal.Event
}

// keptEvents is how many of the latest events are kept in memory for reports and screens.
const keptEvents = 200

func (f *Facts) apply(e journal.Event) error {
	if err := f.Runs.Apply(e); err != nil {
		return err
	}
	if err := f.Register.Apply(e); err != nil {
		return err
	}
	f.Size = e.Seq
	if len(f.Last) >= 2*keptEvents {
		f.Last = append([]journal.Event(nil), f.Last[keptEvents:]...)
	}
	f.Last = append(f.Last, e)
	return nil
}

// Ledger keeps the facts of one plan. Make it with Open.
type Ledger struct {
	plan  string
	store Store

	mu     sync.RWMutex
	facts  *Facts
	head   journal.Head
	broken error

	subMu sync.Mutex
	subs  map[int]*subscription
	next  int
}

// Open folds the whole journal of a plan. head is the store's present one.
func Open(ctx context.Context, plan string, store Store, head journal.Head) (*Ledger, error) {
	l := &Ledger{plan: plan, store: store, head: head, subs: map[int]*subscription{}}
	return l, l.refold(ctx)
}

func (l *Ledger) refold(ctx context.Context) error {
	f := &Facts{}
	if err := l.store.Events(ctx, 0, f.apply); err != nil {
		return fmt.Errorf("read journal: %w", err)
	}
	l.facts = f
	return nil
}

// Tx is one decision in the making.
type Tx struct {
	Facts *Facts // with everything emitted so far applied; not to be kept or changed
	Now   time.Time
	batch register.Batch
	plan  string
	seq   int64
}

// Emit adds an event and applies it at once, so that what is decided next in the same decision sees it. It returns the
// number the event will have.
func (t *Tx) Emit(kind, runID, subject string, actor journal.Actor, body []byte) (int64, error) {
	t.seq++
	e := journal.Event{Plan: t.plan, Seq: t.seq, At: t.Now, Kind: kind, Run: runID, Subject: subject, Actor: actor, Body: body}.Normal()
	if err := e.Check(); err != nil {
		return 0, err
	}
	if err := t.Facts.apply(e); err != nil {
		return 0, err
	}
	t.batch.Events = append(t.batch.Events, e)
	return t.seq, nil
}

// Batch gives access to the records that are committed beside the events.
func (t *Tx) Batch() *register.Batch { return &t.batch }

// Decide runs fn with the present facts and commits what it emitted. An error of fn, or of the store because a record
// is there already, leaves everything as it was. Any other storage error breaks the ledger. The head returned is the one after.
func (l *Ledger) Decide(ctx context.Context, fn func(*Tx) error) (journal.Head, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return l.head, fmt.Errorf("%w: %w", ErrBroken, l.broken)
	}
	tx := &Tx{Facts: l.facts, Now: time.Now().UTC().Truncate(time.Microsecond), plan: l.plan, seq: l.facts.Size}
	decided := false
	defer func() {
		if !decided { // fn panicked, and whoever serves requests may survive that: nobody may see what was only half decided
			_ = l.undo(ctx, tx, errors.New("a decision panicked"))
		}
	}()
	err := fn(tx)
	decided = true
	if err != nil {
		return l.head, l.undo(ctx, tx, err)
	}
	if tx.batch.Empty() {
		return l.head, nil
	}
	// A decision is not half made because whoever asked for it went away.
	var head journal.Head
	var first int64
	err = bug.Caught(func() (err error) {
		head, first, err = l.store.Commit(context.WithoutCancel(ctx), tx.batch)
		return err
	})
	if met := (*bug.Error)(nil); errors.As(err, &met) {
		err = halfStored{err}
	}
	if err != nil {
		return l.head, l.undo(ctx, tx, err)
	}
	if len(tx.batch.Events) > 0 && first != tx.batch.Events[0].Seq {
		l.broken = fmt.Errorf("the store numbered an event %d where %d was expected: somebody else writes to this journal", first, tx.batch.Events[0].Seq)
		return l.head, fmt.Errorf("%w: %w", ErrBroken, l.broken)
	}
	l.head = head
	l.publish(tx.batch.Events)
	return head, nil
}

// halfStored is a bug that was met while storing: whether it is stored is not known, so it is the storage that failed.
type halfStored struct{ error }

// StorageFailed implements what undo looks for.
func (halfStored) StorageFailed() bool { return true }

// Unwrap keeps the bug findable.
func (h halfStored) Unwrap() error { return h.error }

// undo brings the facts back to what the store has.
func (l *Ledger) undo(ctx context.Context, tx *Tx, cause error) error {
	var fatal interface{ StorageFailed() bool }
	if errors.As(cause, &fatal) && fatal.StorageFailed() {
		l.broken = cause
		return fmt.Errorf("%w: %w", ErrBroken, cause)
	}
	if len(tx.batch.Events) == 0 && l.facts.Size == tx.seq {
		return cause
	}
	if err := l.refold(context.WithoutCancel(ctx)); err != nil {
		l.broken = err
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return cause
}

// Read runs fn with the present facts. fn must not keep or change them.
func (l *Ledger) Read(fn func(*Facts)) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	fn(l.facts)
}

// Head is the head after everything committed so far.
func (l *Ledger) Head() journal.Head {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.head
}

// Broken returns the storage error that ended everything, or nil.
func (l *Ledger) Broken() error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.broken
}
