package store

import (
	"context"
	"errors"
	"io"
	"iter"

	"skift/internal/journal"
)

// Verify reads the whole journal and compares it with its own head and, unless
// held is nil, with a head that somebody kept from earlier. The error means
// that it could not be read; what is wrong with it is in the report.
func (s *Store) Verify(ctx context.Context, held *journal.Head) (journal.Report, error) {
	var report journal.Report
	err := s.whole(ctx, func(f journal.Frontier, records iter.Seq2[journal.Record, error]) (err error) {
		report, err = journal.Verify(s.plan, records, f, held)
		return err
	})
	return report, wrap("verify journal", err)
}

// Export writes the whole journal so that [journal.Import] can read it.
func (s *Store) Export(ctx context.Context, w io.Writer) error {
	return s.whole(ctx, func(f journal.Frontier, records iter.Seq2[journal.Record, error]) error {
		return journal.Export(w, s.plan, f, records)
	})
}

// whole gives fn the journal and its tree at one moment. Events of a plan that
// has no journal are among them: an event whose plan was changed shows up.
func (s *Store) whole(ctx context.Context, fn func(journal.Frontier, iter.Seq2[journal.Record, error]) error) error {
	return s.db.Read(ctx, func(tx Tx) error {
		f, err := s.frontier(tx)
		if err != nil {
			return err
		}
		return fn(f, func(yield func(journal.Record, error) bool) {
			err := tx.Query(func(row Row) error {
				rec, err := scanEvent(row)
				if err == nil && !yield(rec, nil) {
					err = errStop
				}
				return err
			}, "SELECT "+eventColumns+" FROM event WHERE plan = $1 OR plan NOT IN (SELECT plan FROM head) ORDER BY seq", s.plan)
			if err != nil && !errors.Is(err, errStop) {
				yield(journal.Record{}, err)
			}
		})
	})
}
