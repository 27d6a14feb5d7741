package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	// minSQLite is the first version without the WAL bugs that lose commits.
	minSQLite = "3.51.3"
	// busyMillis bounds how long a transaction waits for another program.
	busyMillis = 5000
	readers    = 4
)

// sqliteDB is the port over SQLite: one connection that writes, kept with its
// prepared statements, and a pool of connections that cannot.
type sqliteDB struct {
	write *sql.DB // nil when opened for reading only
	read  *sql.DB
	conn  *sql.Conn            // the one connection of write
	turn  chan struct{}        // held by whoever uses conn
	stmts map[string]*sql.Stmt // of conn; the texts are constants, so it stays small
	hooks hooks
	guest *sql.DB      // what a library writes with beside us; see Guest
	count atomic.Int64 // write transactions so far
	// broken is why nothing more is written. After a failure the file cannot be
	// trusted: what the kernel dropped when an fsync failed is not reported twice.
	broken atomic.Pointer[error]
}

var errClosed = errors.New("the journal is closed")

// hooks are called around the end of every write transaction.
type hooks struct{ before, after func(n int64) }

// dsn names the database file with what every connection needs.
func dsn(path string, pragmas ...string) string {
	u := url.URL{Scheme: "file", OmitHost: true, Path: path}
	q := url.Values{"_pragma": append([]string{
		"busy_timeout(" + strconv.Itoa(busyMillis) + ")", "foreign_keys(1)"}, pragmas...)}
	u.RawQuery = q.Encode()
	return u.String()
}

// immediate makes transactions take the right to write when they begin: one that took it later could find that it may not.
func immediate(dsn string) string { return dsn + "&_txlock=immediate" }

// openReaders opens the pool that cannot write.
func (d *sqliteDB) openReaders(path string) (err error) {
	if d.read, err = sql.Open("sqlite", dsn(path, "query_only(1)")); err != nil {
		return translate(err)
	}
	d.read.SetMaxOpenConns(readers)
	d.read.SetMaxIdleConns(readers)
	return d.checkVersion()
}

// openWriter opens the pool of the one connection that writes.
func (d *sqliteDB) openWriter(path string) (err error) {
	if d.write, err = sql.Open("sqlite", immediate(dsn(path, "journal_mode(WAL)", "synchronous(FULL)"))); err != nil {
		return translate(err)
	}
	d.write.SetMaxOpenConns(1)
	return nil
}

// pinWriter takes the writing connection for good, once migrations are done.
func (d *sqliteDB) pinWriter(ctx context.Context) (err error) {
	if d.conn, err = d.write.Conn(ctx); err != nil {
		return translate(err)
	}
	d.turn = make(chan struct{}, 1)
	d.stmts = map[string]*sql.Stmt{}
	return nil
}

func (d *sqliteDB) checkVersion() error {
	var have string
	if err := d.read.QueryRow("SELECT sqlite_version()").Scan(&have); err != nil {
		return translate(err)
	}
	if !atLeast(have, minSQLite) {
		return fmt.Errorf("this build carries SQLite %s, at least %s is needed", have, minSQLite)
	}
	return nil
}

// atLeast compares versions of the form 3.51.3.
func atLeast(have, want string) bool {
	h, w := strings.Split(have, "."), strings.Split(want, ".")
	for i := range w {
		if i >= len(h) {
			return false
		}
		a, errA := strconv.Atoi(h[i])
		b, errB := strconv.Atoi(w[i])
		if errA != nil || errB != nil {
			return false
		}
		if a != b {
			return a > b
		}
	}
	return true
}

func (d *sqliteDB) Close() error {
	var errs []error
	if d.guest != nil {
		errs = append(errs, d.guest.Close())
	}
	if d.turn != nil {
		d.turn <- struct{}{}
		defer func() { <-d.turn }()
		d.broken.CompareAndSwap(nil, &errClosed)
		for _, s := range d.stmts {
			errs = append(errs, s.Close())
		}
		errs = append(errs, d.conn.Close())
	}
	for _, p := range []*sql.DB{d.read, d.write} {
		if p != nil {
			errs = append(errs, p.Close())
		}
	}
	return translate(errors.Join(errs...))
}

func (d *sqliteDB) Read(ctx context.Context, fn func(Tx) error) error {
	conn, err := d.read.Conn(ctx)
	if err != nil {
		return translate(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return translate(err)
	}
	// A cancelled context must not leave the connection inside a transaction.
	defer conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
	return fn(&sqliteTx{ctx: ctx, prepare: conn.PrepareContext})
}

func (d *sqliteDB) Write(ctx context.Context, fn func(Tx) error) error {
	if d.turn == nil {
		return errors.New("the journal was opened for reading only")
	}
	select {
	case d.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-d.turn }()
	if broken := d.broken.Load(); broken != nil {
		return *broken
	}
	err := d.transact(ctx, fn)
	if errors.Is(err, ErrStorage) && !errors.Is(err, ErrFull) {
		d.broken.CompareAndSwap(nil, &err)
	}
	return err
}

func (d *sqliteDB) transact(ctx context.Context, fn func(Tx) error) (err error) {
	exec := func(text string) error {
		_, err := d.conn.ExecContext(context.WithoutCancel(ctx), text)
		return translate(err)
	}
	raw, err := d.conn.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return translate(err)
	}
	committed := false
	defer func() {
		if !committed {
			raw.Rollback()   // does nothing when it was to commit
			exec("ROLLBACK") // fails when SQLite has rolled back by itself already
		}
	}()
	if err := fn(&sqliteTx{ctx: ctx, prepare: d.prepare, keep: true, raw: raw}); err != nil {
		return err
	}
	n := d.count.Add(1)
	if d.hooks.before != nil {
		d.hooks.before(n)
	}
	if err := translate(raw.Commit()); err != nil {
		return err
	}
	committed = true
	if d.hooks.after != nil {
		d.hooks.after(n)
	}
	return nil
}

// prepare keeps the statements of the writing connection.
func (d *sqliteDB) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	if s := d.stmts[text]; s != nil {
		return s, nil
	}
	s, err := d.conn.PrepareContext(ctx, text)
	if err == nil {
		d.stmts[text] = s
	}
	return s, err
}

// sqliteTx is a transaction on one connection.
type sqliteTx struct {
	ctx     context.Context // of the transaction, which is shorter than the call that has it
	prepare func(context.Context, string) (*sql.Stmt, error)
	keep    bool // whether the statements outlive the transaction
	raw     *sql.Tx
}

func (t *sqliteTx) Raw() *sql.Tx { return t.raw }

// with runs fn with the prepared statement.
func (t *sqliteTx) with(text string, fn func(*sql.Stmt) error) error {
	s, err := t.prepare(t.ctx, text)
	if err != nil {
		return translate(err)
	}
	if !t.keep {
		defer s.Close()
	}
	return translate(fn(s))
}

func (t *sqliteTx) Exec(text string, args ...any) (n int64, err error) {
	err = t.with(text, func(s *sql.Stmt) error {
		res, err := s.ExecContext(t.ctx, args...)
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return n, err
}

func (t *sqliteTx) ExecMany(text string, rows [][]any) error {
	return t.with(text, func(s *sql.Stmt) error {
		for _, args := range rows {
			if _, err := s.ExecContext(t.ctx, args...); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *sqliteTx) Query(each func(Row) error, text string, args ...any) error {
	var stop error
	err := t.with(text, func(s *sql.Stmt) error {
		rows, err := s.QueryContext(t.ctx, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if stop = each(rows); stop != nil {
				return nil
			}
		}
		return rows.Err()
	})
	return errors.Join(err, stop)
}

func (t *sqliteTx) QueryRow(text string, args ...any) Row {
	return scanFunc(func(dest ...any) error {
		return t.with(text, func(s *sql.Stmt) error { return s.QueryRowContext(t.ctx, args...).Scan(dest...) })
	})
}

type scanFunc func(dest ...any) error

func (f scanFunc) Scan(dest ...any) error { return f(dest...) }

// translate turns an error of the driver into one of ours.
func translate(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return errNoRow
	}
	if errors.Is(err, sql.ErrConnDone) {
		return errClosed
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	if e.Code() == sqlite3.SQLITE_IOERR_SHMSIZE { // what every reader needs beside a journal in use is made when it is opened
		return fmt.Errorf("%w for the index of the journal (%v)", ErrFull, err)
	}
	switch e.Code() & 0xff { // without the extension that says more precisely where
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%w (%v)", ErrFull, err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("%w: waited %d s; close what else has it open (%v)", ErrBusy, busyMillis/1000, err)
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB,
		sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return fmt.Errorf("%w: %v", ErrStorage, err)
	case sqlite3.SQLITE_INTERRUPT:
		return fmt.Errorf("interrupted: %w", context.Canceled)
	}
	return fmt.Errorf("database: %v", err)
}
