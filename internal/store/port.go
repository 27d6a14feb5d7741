package store

import (
	"context"
	"database/sql"
	"errors"
)

// DB is the database behind a [Store]: one text of SQL for every engine, with
// $n placeholders, RETURNING and ON CONFLICT, and nothing that only one engine
// knows. Instants are BIGINT microseconds and, like ids, always given by us.
type DB interface {
	// Read runs fn in a transaction that sees one state of the database and
	// cannot change it.
	Read(ctx context.Context, fn func(Tx) error) error
	// Write runs fn in a transaction of its own, one at a time. It is durable
	// when Write returns nil; when fn fails nothing of it is kept.
	Write(ctx context.Context, fn func(Tx) error) error
}

// Tx is a transaction. It ends with the function it was given to and is not
// safe for concurrent use.
type Tx interface {
	// Exec runs one statement and returns how many rows it changed.
	Exec(sql string, args ...any) (int64, error)
	// ExecMany runs one statement once for every row of arguments.
	ExecMany(sql string, rows [][]any) error
	// Query calls each for every row; an error from each ends it and is returned.
	Query(each func(Row) error, sql string, args ...any) error
	// QueryRow reads the only row; without one, Scan returns errNoRow.
	QueryRow(sql string, args ...any) Row
	// Raw is the engine's own transaction, for a library that writes beside us in it; nil when reading. Whoever has it
	// neither ends it nor keeps it.
	Raw() *sql.Tx
}

// Row is one row of an answer.
type Row interface {
	Scan(dest ...any) error
}

// errNoRow says that QueryRow found nothing.
var errNoRow = errors.New("no such row")
