package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

	"skift/internal/register"
)

// Carrier takes the jobs that a batch leaves to be done: a claimed slot, a queued message, and what the batch names itself.
type Carrier interface {
	// Put takes them in the transaction of their batch, which it is kept or dropped with. It must not use the store.
	Put(tx Tx, jobs []register.Job) error
	// Stored says that the batch is on the disk. It must not wait.
	Stored(jobs []register.Job)
}

// Carry hands the jobs of all later batches to c; nil = nobody takes them, and their rows are found by whoever looks for them.
func (s *Store) Carry(c Carrier) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.carrier = c
}

// left are the jobs a batch leaves to be done.
func left(b register.Batch) []register.Job {
	jobs := slices.Clip(b.Jobs)
	for _, slot := range b.Slots {
		if slot.State == register.SlotClaimed {
			jobs = append(jobs, register.Job{Schedule: slot.Schedule, At: slot.At})
		}
	}
	for _, m := range b.Messages {
		if m.State == register.MessageQueued {
			jobs = append(jobs, register.Job{Message: m.ID, At: m.NextAt})
		}
	}
	for _, m := range b.MessageMoves {
		if m.To == register.MessageQueued {
			jobs = append(jobs, register.Job{Message: m.ID, At: m.NextAt})
		}
	}
	return jobs
}

// forget removes all jobs, and with them whether one was being done and who led. A process that becomes the owner does that: until then a
// job of one that is gone would look as if it were being done. None is missed, because its row says the same.
func forget(tx Tx) error {
	for _, table := range []string{"river_job", "river_leader", "river_queue", "river_notification"} {
		// Without a condition SQLite writes a table anew that is empty.
		if _, err := tx.Exec("DELETE FROM " + table + " WHERE true"); err != nil {
			return fmt.Errorf("forget the jobs of an earlier process: %w", err)
		}
	}
	return nil
}

// RemoveFinished removes the jobs that are over.
func RemoveFinished(tx Tx) error {
	_, err := tx.Exec("DELETE FROM river_job WHERE finalized_at IS NOT NULL")
	return err
}

// PruneJobs removes the jobs that are over and have not left with a later one. Usually there is none, and nobody has to wait for a write.
func (s *Store) PruneJobs(ctx context.Context) error {
	var n int64
	err := s.db.Read(ctx, func(tx Tx) error {
		return tx.QueryRow("SELECT count(*) FROM (SELECT 1 FROM river_job WHERE finalized_at IS NOT NULL LIMIT 1) AS finished").Scan(&n)
	})
	if err != nil || n == 0 {
		return wrap("read jobs", err)
	}
	return wrap("remove jobs", s.db.Write(ctx, func(tx Tx) error {
		if _, err := s.appendEvents(tx, nil); err != nil { // whoever lost the directory removes nothing
			return err
		}
		return RemoveFinished(tx)
	}))
}

// jobTables are the tables of River. Everything in them is a hint at a row of ours.
var jobTables = []string{"river_job", "river_leader", "river_queue", "river_notification", "river_migration"}

// riverVersion is the schema of River that migration jobsVersion makes.
const riverVersion = 8

// makeJobs makes the tables of River.
func makeJobs(ctx context.Context, tx *sql.Tx) error {
	m, err := rivermigrate.New(riversqlite.New(nil), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	//lint:ignore SA1019 All versions up to this one may be in one transaction of SQLite, and that of the migration is the one they belong in.
	_, err = m.MigrateTx(ctx, tx, rivermigrate.DirectionUp, &rivermigrate.MigrateOpts{TargetVersion: riverVersion})
	return err
}

// repairJobs makes the tables of River anew where they are not as they were made: nothing in them is missed, for each job is found again by
// its row. The database is copied first, as before a migration.
func (d *sqliteDB) repairJobs(ctx context.Context, path string, version int64) error {
	if version < jobsVersion {
		return nil
	}
	why := d.jobsFit(ctx)
	if why == nil || errors.Is(why, ErrStorage) || errors.Is(why, ErrBusy) {
		return why
	}
	copied, err := d.backup(ctx, path, version)
	if err != nil {
		return err
	}
	if err := d.remakeJobs(ctx); err != nil {
		os.Remove(copied) // of what is as it was
		if err = translate(err); errors.Is(err, ErrStorage) || errors.Is(err, ErrBusy) {
			return err
		}
		return fmt.Errorf("%w: the tables of jobs are damaged (%v) and cannot be made anew (%v); restore the newest backup with `skift restore`", ErrStorage, why, err)
	}
	return nil
}

// remakeJobs removes whatever has the names of River's tables and makes them.
func (d *sqliteDB) remakeJobs(ctx context.Context) error {
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, table := range jobTables {
		kind := "table"
		err := tx.QueryRowContext(ctx, "SELECT type FROM sqlite_master WHERE name = $1 AND type IN ('table', 'view')", table).Scan(&kind)
		if err == nil {
			_, err = tx.ExecContext(ctx, "DROP "+kind+" "+table)
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	if err := makeJobs(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

// jobsFit says what is not as migration jobsVersion made it.
func (d *sqliteDB) jobsFit(ctx context.Context) error {
	for _, text := range []string{
		"SELECT id, args, attempt, attempted_at, attempted_by, created_at, errors, finalized_at, kind, max_attempts, metadata, priority, queue, state, scheduled_at, tags, unique_key, unique_states FROM river_job LIMIT 1",
		"SELECT elected_at, expires_at, leader_id, name FROM river_leader LIMIT 1",
		"SELECT name, created_at, metadata, paused_at, updated_at FROM river_queue LIMIT 1",
		"SELECT id, created_at, payload, topic FROM river_notification LIMIT 1",
	} {
		rows, err := d.write.QueryContext(ctx, text)
		if err != nil {
			return translate(err)
		}
		for rows.Next() {
		}
		err = rows.Err()
		rows.Close()
		if err != nil {
			return translate(err)
		}
	}
	var version int64
	if err := d.write.QueryRowContext(ctx, "SELECT coalesce(max(version), 0) FROM river_migration WHERE line = 'main'").Scan(&version); err != nil {
		return translate(err)
	}
	if version != riverVersion {
		return fmt.Errorf("river_migration says version %d, not %d", version, riverVersion)
	}
	return nil
}
