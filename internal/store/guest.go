package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"modernc.org/sqlite"
)

// Guest is a pool for a library that keeps tables of its own in the database. Its one connection takes turns with the commits of this
// store: there is one writer at a time, and nobody waits for a lock of the database. What it writes is not waited for until it is on the
// disk; the next commit takes it there. A power cut may lose it, and so nothing may stand there that is not found elsewhere.
// It is closed with the store.
func (s *Store) Guest() *sql.DB {
	d, ok := s.db.(*sqliteDB)
	if !ok || d.guest == nil {
		panic("a store that was opened for reading has no guests")
	}
	return d.guest
}

// openGuest opens the pool of the guest.
func (d *sqliteDB) openGuest(path string) {
	d.guest = sql.OpenDB(guests{d, immediate(dsn(path, "synchronous(NORMAL)"))})
	d.guest.SetMaxOpenConns(1)
}

// guests makes connections that take turns.
type guests struct {
	d   *sqliteDB
	dsn string
}

// Driver implements driver.Connector.
func (guests) Driver() driver.Driver { return &sqlite.Driver{} }

// Connect implements driver.Connector.
func (g guests) Connect(ctx context.Context) (driver.Conn, error) {
	if err := g.d.take(ctx); err != nil {
		return nil, err
	}
	defer g.d.give()
	c, err := (&sqlite.Driver{}).Open(g.dsn)
	if err != nil {
		return nil, err
	}
	conn, ok := c.(engineConn)
	if !ok {
		panic("the driver of the database has another shape")
	}
	return &guestConn{engineConn: conn, d: g.d}, nil
}

// take waits for the right to write; give hands it back.
func (d *sqliteDB) take(ctx context.Context) error {
	select {
	case d.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if broken := d.broken.Load(); broken != nil {
		d.give()
		return *broken
	}
	return nil
}

func (d *sqliteDB) give() { <-d.turn }

// failed remembers that nothing more may be written.
func (d *sqliteDB) failed(err error) {
	if err = translate(err); errors.Is(err, ErrStorage) && !errors.Is(err, ErrFull) {
		d.broken.CompareAndSwap(nil, &err)
	}
}

// engineConn is what the driver's connections can do and a guest's must.
type engineConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// guestConn does one thing in each turn, or a whole transaction. A pool uses a connection from one goroutine at a time.
type guestConn struct {
	engineConn
	d  *sqliteDB
	tx bool // the turn is that of the transaction
}

// Prepare implements driver.Conn. A prepared statement would run outside its turn.
func (*guestConn) Prepare(string) (driver.Stmt, error) { return nil, errors.ErrUnsupported }

// turn waits until this connection may act, and returns what ends it.
func (c *guestConn) turn(ctx context.Context) (func(error), error) {
	if c.tx {
		return c.d.failed, nil
	}
	if err := c.d.take(ctx); err != nil {
		return nil, err
	}
	return func(err error) { c.d.failed(err); c.d.give() }, nil
}

// ExecContext implements driver.ExecerContext.
func (c *guestConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	end, err := c.turn(ctx)
	if err != nil {
		return nil, err
	}
	res, err := c.engineConn.ExecContext(ctx, text, args)
	end(err)
	return res, err
}

// QueryContext implements driver.QueryerContext. The turn lasts until the rows are closed.
func (c *guestConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	end, err := c.turn(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := c.engineConn.QueryContext(ctx, text, args)
	if err != nil {
		end(err)
		return nil, err
	}
	return &guestRows{rows, end}, nil
}

// guestRows ends a turn when it is closed.
type guestRows struct {
	driver.Rows
	end func(error)
}

// Close implements driver.Rows.
func (r *guestRows) Close() error {
	err := r.Rows.Close()
	if r.end != nil {
		r.end(err)
		r.end = nil
	}
	return err
}

// BeginTx implements driver.ConnBeginTx.
func (c *guestConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	end, err := c.turn(ctx)
	if err != nil {
		return nil, err
	}
	tx, err := c.engineConn.BeginTx(ctx, o)
	if err != nil {
		end(err)
		return nil, err
	}
	c.tx = true
	return &guestTx{tx, c}, nil
}

// guestTx ends the turn of its connection.
type guestTx struct {
	driver.Tx
	c *guestConn
}

// Commit implements driver.Tx.
func (t *guestTx) Commit() error { return t.end(t.Tx.Commit()) }

// Rollback implements driver.Tx.
func (t *guestTx) Rollback() error { return t.end(t.Tx.Rollback()) }

func (t *guestTx) end(err error) error {
	t.c.tx = false
	t.c.d.failed(err)
	t.c.d.give()
	return err
}
