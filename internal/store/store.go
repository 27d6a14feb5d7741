// Package store keeps what happened: the journal, the slots of schedules, the
// outbox and the observations, in one database of one plan's data directory.
//
// The journal is what is true; the other tables are bookkeeping written in the
// same transaction as the event that explains them, by [Store.Commit], which is
// the only way to write. Observations are the exception: they are covered by
// the digest that a sweep's event holds.
//
// One process owns a data directory, by a lock on a file in it. Owning raises
// the epoch in the journal's head, and every transaction checks it, so that an
// owner who lost the lock without noticing can write nothing more. Anybody may
// read. A Store is safe for concurrent use; concurrent commits share one
// transaction and so one fsync, each being atomic by itself.
//
// The package knows nothing of what events mean. The engine is behind [DB]:
// SQLite.
package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"skift/internal/journal"
)

// FileName is the database in a data directory.
const FileName = "skift.db"

// Options say which journal to open and how.
type Options struct {
	Dir      string // the data directory; an owner makes it when it is missing
	Plan     string // whose journal; may be empty when reading the only one there is
	ReadOnly bool   // read without owning, while another process may own it
	Socket   string // where the owner listens; told to whoever finds the directory held
	Moved    bool   // the directory was brought here from elsewhere on purpose; see Stranger

	// Arrival, unless nil, is called when the directory is a stranger's and Moved: its event is written in the transaction that
	// takes it over. With it, taking over what is ours already is refused (ErrOurs).
	Arrival func(why string) journal.Event

	// BeforeCommit and AfterCommit, unless nil, are called around the end of
	// the nth write transaction of this Store, counted from 1. Tests of crashes
	// stop the process there.
	BeforeCommit, AfterCommit func(n int64)

	files fs.FS // the schema; nil: the program's own
}

// Store is an open data directory. Close it.
type Store struct {
	db    DB
	close func() error
	plan  string
	epoch int64 // of this owner; 0 when reading only
	path  string
	file  os.FileInfo // what is at path as long as this owner may commit

	mu      sync.Mutex
	carrier Carrier       // nil = nobody takes jobs
	waiting []*request    // commits nobody has begun
	leader  chan struct{} // held by whoever commits for those waiting
	lately  lately        // only touched by the leader
}

// Open opens the data directory, as its owner unless o.ReadOnly. It returns a
// [HeldError] when another process owns it, [ErrNone] when there is nothing to
// read, [ErrSchema], [ErrOtherPlan], [ErrUnfit] or [ErrStorage].
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.files == nil {
		o.files = migrations()
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	path := filepath.Join(dir, FileName)
	if o.ReadOnly {
		return openReader(ctx, o, path)
	}
	if o.Plan == "" {
		return nil, errors.New("open data directory: no plan is named")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	if err := checkFS(dir); err != nil {
		return nil, err
	}
	lock, err := lockDir(dir, o.Socket)
	if err != nil {
		return nil, err
	}
	db := &sqliteDB{hooks: hooks{o.BeforeCommit, o.AfterCommit}}
	closeAll := func() error { return errors.Join(db.Close(), lock.release()) }
	s := &Store{db: db, close: sync.OnceValue(closeAll), plan: o.Plan, path: path, leader: make(chan struct{}, 1)}
	if err := s.openOwner(ctx, db, o, path); err != nil {
		return nil, errors.Join(fmt.Errorf("open journal: %w", err), s.Close())
	}
	return s, nil
}

func openReader(ctx context.Context, o Options, path string) (*Store, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w in %s", ErrNone, filepath.Dir(path))
	} else if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	db := &sqliteDB{}
	s := &Store{db: db, close: sync.OnceValue(db.Close), plan: o.Plan, path: path, leader: make(chan struct{}, 1)}
	err := db.openReaders(path)
	if err == nil {
		err = db.checkSchema(ctx, o.files, path)
	}
	if err == nil {
		err = db.Read(ctx, s.find)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open journal: %w", err), db.Close())
	}
	return s, nil
}

func (s *Store) openOwner(ctx context.Context, db *sqliteDB, o Options, path string) error {
	// SQLite gives its other files the mode of this one.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	f.Close()
	for _, step := range []func() error{
		func() error { return db.openWriter(path) },
		func() error { return db.migrate(ctx, o.files, path) },
		func() error { return db.pinWriter(ctx) },
		func() error { return db.openReaders(path) },
		func() error { db.openGuest(path); return nil },
		func() (err error) { s.file, err = os.Stat(path); return err },
		func() error { return db.Write(ctx, func(tx Tx) error { return s.own(tx, here(s.file), o) }) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// find makes sure that the journal of s.plan is there.
func (s *Store) find(tx Tx) error {
	var plan string
	switch err := tx.QueryRow("SELECT plan FROM head ORDER BY plan").Scan(&plan); {
	case errors.Is(err, errNoRow):
		return orphaned(tx)
	case err != nil:
		return err
	case s.plan != "" && s.plan != plan:
		return fmt.Errorf("%w: it is that of %q, not of %q", ErrOtherPlan, plan, s.plan)
	}
	s.plan = plan
	return nil
}

// orphaned tells a new database from one whose head was removed or renamed.
func orphaned(tx Tx) error {
	var n int64
	if err := tx.QueryRow("SELECT count(*) FROM event").Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("the journal has %d events but no head: its head was removed", n)
	}
	return ErrNone
}

// own makes this process the owner: from now on no earlier one can write.
func (s *Store) own(tx Tx, here string, o Options) error {
	if err := s.find(tx); errors.Is(err, ErrNone) {
		_, err := tx.Exec("INSERT INTO head (plan, size, frontier, epoch, host) VALUES ($1, 0, $2, 0, $3)", s.plan, []byte{}, here)
		if err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	if err := s.inStep(tx); err != nil {
		return err
	}
	if len(inCode(o.files)) > 0 {
		if err := forget(tx); err != nil {
			return err
		}
	}
	var before string
	if err := tx.QueryRow("SELECT host FROM head WHERE plan = $1", s.plan).Scan(&before); err != nil {
		return err
	}
	why := stranger(before, here)
	if why != "" && !o.Moved {
		return fmt.Errorf("%w: %s", ErrStranger, why)
	}
	if err := tx.QueryRow("UPDATE head SET epoch = epoch + 1, host = $1 WHERE plan = $2 RETURNING epoch", here, s.plan).Scan(&s.epoch); err != nil || o.Arrival == nil {
		return err
	}
	if why == "" {
		return ErrOurs
	}
	_, err := s.appendEvents(tx, []journal.Event{o.Arrival(why)})
	return err
}

// inStep refuses to go on from a journal that does not end where its head says:
// what is appended then could never be verified.
func (s *Store) inStep(tx Tx) error {
	f, err := s.frontier(tx)
	if err != nil {
		return err
	}
	var last int64
	if err := tx.QueryRow("SELECT COALESCE(max(seq), 0) FROM event WHERE plan = $1", s.plan).Scan(&last); err != nil {
		return err
	}
	if last != f.Size() {
		return fmt.Errorf("%w: the journal ends with event %d, but says it has %d: it was changed from outside; `skift verify` says more", ErrStorage, last, f.Size())
	}
	return nil
}

// Plan is the plan whose journal this is.
func (s *Store) Plan() string { return s.plan }

// Close gives the data directory back. Commits that are waiting fail. Closing
// again does nothing.
func (s *Store) Close() error { return s.close() }

// Head is the journal's head now.
func (s *Store) Head(ctx context.Context) (journal.Head, error) {
	var head journal.Head
	err := s.db.Read(ctx, func(tx Tx) error {
		f, err := s.frontier(tx)
		head = f.Head(s.plan)
		return err
	})
	return head, err
}

// frontier reads the stored tree.
func (s *Store) frontier(tx Tx) (journal.Frontier, error) {
	var size int64
	var b []byte
	if err := tx.QueryRow("SELECT size, frontier FROM head WHERE plan = $1", s.plan).Scan(&size, &b); err != nil {
		return journal.Frontier{}, fmt.Errorf("read head: %w", err)
	}
	f, err := journal.ParseFrontier(size, b)
	if err != nil {
		return f, fmt.Errorf("%w: the head of the journal was damaged: %v", ErrStorage, err)
	}
	return f, nil
}
