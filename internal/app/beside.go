package app

import (
	"context"
	"errors"

	"skift/internal/journal"
	"skift/internal/ledger"
)

// errBeside keeps anybody from being asked when the answers could not be kept.
var errBeside = errors.New("another process has the data directory, which can only be read beside it")

// journal is the store as the ledger sees it: beside another process only up to the head that is shown, for more may be written meanwhile.
func (a *App) journal(head journal.Head) ledger.Store {
	if a.beside {
		return until{ledgerStore{a.store}, head.Size}
	}
	return ledgerStore{a.store}
}

// until is a journal as far as an event.
type until struct {
	ledgerStore
	size int64
}

// Events implements ledger.Store.
func (u until) Events(ctx context.Context, after int64, fn func(journal.Event) error) error {
	return u.ledgerStore.Events(ctx, after, func(e journal.Event) error {
		if e.Seq > u.size {
			return nil
		}
		return fn(e)
	})
}
