package store

import (
	"context"
	"fmt"
	"time"
)

// prunedAtOnce bounds how long a prune keeps decisions waiting.
const prunedAtOnce = 1000

// Prune removes what units answered before an instant, except what each answers now, and says how many intervals that were. The
// journal is never pruned: the digests of the sweeps stay.
func (s *Store) Prune(ctx context.Context, before time.Time) (removed int64, err error) {
	if old, err := s.older(ctx, before); err != nil || !old {
		return 0, err
	}
	for {
		var n int64
		err := s.db.Write(ctx, func(tx Tx) error {
			if _, err := s.appendEvents(tx, nil); err != nil { // whoever lost the directory removes nothing
				return err
			}
			var err error
			n, err = tx.Exec(`DELETE FROM observation WHERE plan = $1 AND (unit, since) IN (
				SELECT unit, since FROM observation WHERE plan = $1 AND until < $2 AND NOT latest ORDER BY until LIMIT $3)`,
				s.plan, micros(before), prunedAtOnce)
			return err
		})
		removed += n
		if err != nil {
			return removed, fmt.Errorf("remove old observations: %w", err)
		}
		if n < prunedAtOnce {
			return removed, nil
		}
	}
}

// older reports whether there is anything to remove: usually there is not, and nobody has to wait for a write.
func (s *Store) older(ctx context.Context, before time.Time) (bool, error) {
	var n int64
	err := s.db.Read(ctx, func(tx Tx) error {
		return tx.QueryRow("SELECT count(*) FROM (SELECT 1 FROM observation WHERE plan = $1 AND until < $2 AND NOT latest LIMIT 1) AS old",
			s.plan, micros(before)).Scan(&n)
	})
	return n > 0, wrap("read observations", err)
}
