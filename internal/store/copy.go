package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"

	"skift/internal/journal"
)

// Copy writes the whole database, as it is at one moment, into a new data directory. Whoever owns this one goes on meanwhile.
// The copy is checked before Copy returns: the file, and the journal in it.
func (s *Store) Copy(ctx context.Context, dir string) (journal.Head, error) {
	path := dir + string(os.PathSeparator) + FileName
	// SQLite fills an empty file that is there, and so keeps its mode.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return journal.Head{}, fmt.Errorf("copy journal: %w", err)
	}
	f.Close()
	db, err := sql.Open("sqlite", dsn(s.path))
	if err != nil {
		return journal.Head{}, fmt.Errorf("copy journal: %w", translate(err))
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO $1", path)
	if err = errors.Join(translate(err), translate(db.Close())); err != nil {
		return journal.Head{}, fmt.Errorf("copy journal: %w", err)
	}
	return Check(ctx, dir, nil)
}

// Check reads everything there is in a data directory: whether the database is whole, and whether its journal is. The head is
// the journal's own. The error is [ErrStorage] when it is not what it was.
func Check(ctx context.Context, dir string, held *journal.Head) (journal.Head, error) {
	s, err := Open(ctx, Options{Dir: dir, ReadOnly: true})
	if err != nil {
		return journal.Head{}, err
	}
	defer s.Close()
	if err := s.intact(ctx); err != nil {
		return journal.Head{}, err
	}
	r, err := s.Verify(ctx, held)
	if err == nil && !r.OK() {
		err = fmt.Errorf("%w: %s", ErrStorage, r)
	}
	return r.Stored, err
}

// intact asks SQLite whether the file is whole.
func (s *Store) intact(ctx context.Context) error {
	return s.db.Read(ctx, func(tx Tx) error {
		var said []string
		err := tx.Query(func(row Row) error {
			var line string
			err := row.Scan(&line)
			said = append(said, line)
			return err
		}, "PRAGMA integrity_check(5)")
		if err == nil && (len(said) != 1 || said[0] != "ok") {
			err = fmt.Errorf("%w: the database is damaged: %s", ErrStorage, strings.Join(said, "; "))
		}
		return err
	})
}
