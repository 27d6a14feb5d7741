package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"skift/internal/journal"
	"skift/internal/register"
)

// Committed says what a commit made of the journal.
type Committed struct {
	Head     journal.Head // right after this batch
	FirstSeq int64        // of the first event of the batch; without events, that of the next one to come
}

// request is a commit that waits for its turn.
type request struct {
	batch   register.Batch
	seen    lately         // what its observations made of what is stored
	jobs    []register.Job // what it left to be done and somebody takes
	carrier Carrier
	done    chan struct{} // closed when out and err are final
	out     Committed
	err     error
}

// Commit stores all of b or nothing. When it returns nil, b is on the disk. It
// returns [ErrSlotTaken] or [ErrConflict] when something was not as b supposed,
// [ErrFenced] when this process is no longer the owner, [ErrBusy] or
// [ErrStorage]. A context that ends withdraws b only as long as nobody has
// begun to store it; after that Commit waits for the outcome.
func (s *Store) Commit(ctx context.Context, b register.Batch) (Committed, error) {
	r := &request{batch: b, done: make(chan struct{})}
	s.mu.Lock()
	s.waiting = append(s.waiting, r)
	s.mu.Unlock()

	// Whoever gets to lead commits for all who wait, and so for itself unless
	// an earlier leader has.
	select {
	case s.leader <- struct{}{}:
		s.lead()
	case <-r.done:
	case <-ctx.Done():
		if s.withdraw(r) {
			return Committed{}, context.Cause(ctx)
		}
	}
	<-r.done
	return r.out, r.err
}

// lead commits for all who wait and lets the next one lead, whatever happens.
func (s *Store) lead() {
	defer func() { <-s.leader }()
	s.commitWaiting()
}

// withdraw takes r back; false means that it is being committed.
func (s *Store) withdraw(r *request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.waiting, r)
	if i < 0 {
		return false
	}
	s.waiting = slices.Delete(s.waiting, i, i+1)
	return true
}

// errNothing ends a transaction in which every batch was refused.
var errNothing = errors.New("nothing to commit")

// commitWaiting stores what is waiting in one transaction. Each batch of several has its
// own savepoint: one that is refused leaves the others alone.
func (s *Store) commitWaiting() {
	s.mu.Lock()
	group, carrier := s.waiting, s.carrier
	s.waiting = nil
	s.mu.Unlock()
	if len(group) == 0 {
		return
	}
	done := false
	defer func() {
		if !done { // a panic goes on to whoever leads; the others must not wait for ever
			answer(group, fmt.Errorf("%w: a bug stopped it", ErrStorage))
		}
	}()
	// Nobody's context may end a transaction that is also others'.
	err := s.db.Write(context.Background(), func(tx Tx) error {
		kept := 0
		for _, r := range group {
			r.carrier = carrier
			if err := s.commitOne(tx, r, len(group) == 1); err != nil {
				return err
			}
			if r.err == nil {
				kept++
			}
		}
		if kept == 0 {
			return errNothing
		}
		return s.inPlace()
	})
	done = true
	for _, r := range group {
		if err == nil && r.err == nil {
			s.remember(r.seen)
			if len(r.jobs) > 0 {
				carrier.Stored(r.jobs)
			}
		}
	}
	answer(group, err)
}

// answer tells everybody of a group what became of their batch; err is what became of the whole.
func answer(group []*request, err error) {
	for _, r := range group {
		if r.err == nil && err != nil {
			r.err = err
		}
		if r.err != nil {
			r.out = Committed{}
		}
		close(r.done)
	}
}

// inPlace refuses to commit to a file that is no longer where the next process will look for it: what is written to a
// removed file is lost when this process ends.
func (s *Store) inPlace() error {
	now, err := os.Stat(s.path)
	if err == nil && !os.SameFile(s.file, now) {
		err = errors.New("it is another file now")
	}
	if err != nil {
		return fmt.Errorf("%w: the journal was removed or replaced while it was in use: %s: %w", ErrStorage, s.path, err)
	}
	return nil
}

// commitOne stores one batch or leaves the reason in r.err. The error it
// returns ends the whole transaction. A batch that is alone in it goes back with it, and needs no savepoint, for which SQLite would
// copy every page before it is changed.
func (s *Store) commitOne(tx Tx, r *request, alone bool) error {
	if r.err = check(r.batch); r.err != nil {
		return nil
	}
	if alone {
		r.out, r.err = s.apply(tx, r)
		return r.err
	}
	if _, err := tx.Exec("SAVEPOINT batch"); err != nil {
		return err
	}
	if r.out, r.err = s.apply(tx, r); r.err != nil {
		// After these SQLite may have ended the transaction by itself.
		if errors.Is(r.err, ErrStorage) || errors.Is(r.err, ErrBusy) {
			return r.err
		}
		r.out = Committed{}
		if _, err := tx.Exec("ROLLBACK TO SAVEPOINT batch"); err != nil {
			return err
		}
	}
	_, err := tx.Exec("RELEASE SAVEPOINT batch")
	return err
}
