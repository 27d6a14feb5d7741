package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var embedded embed.FS

// migrations are the numbered files of the schema, oldest first.
func migrations() fs.FS {
	sub, err := fs.Sub(embedded, "migrations")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	return sub
}

// schemaVersion is the number of the newest migration.
func schemaVersion(files fs.FS) (int64, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil || len(names) == 0 {
		return 0, fmt.Errorf("no schema in the program: %v", err)
	}
	newest, err := goose.NumericComponent(names[len(names)-1])
	for _, m := range inCode(files) {
		newest = max(newest, m.Version)
	}
	return newest, err
}

// jobsVersion is the migration that makes the tables of jobs.
const jobsVersion = 5

// inCode are the migrations that are not files: each comes after the file with the number before it.
func inCode(files fs.FS) []*goose.Migration {
	before, err := fs.Glob(files, fmt.Sprintf("%05d_*.sql", jobsVersion-1))
	if err != nil || len(before) == 0 {
		return nil
	}
	return []*goose.Migration{goose.NewGoMigration(jobsVersion, &goose.GoFunc{RunTx: makeJobs}, nil)}
}

// migrate brings the database to the newest schema, forward only. A database
// that has one already is copied first, beside itself.
func (d *sqliteDB) migrate(ctx context.Context, files fs.FS, path string) error {
	p, err := goose.NewProvider(goose.DialectSQLite3, d.write, files, goose.WithDisableGlobalRegistry(true), goose.WithGoMigrations(inCode(files)...))
	if err != nil {
		return fmt.Errorf("read schema: %v", err)
	}
	have, want, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", translate(err))
	}
	if have > want {
		return newer(path, have, want)
	}
	if have == want {
		return d.repairJobs(ctx, path, have)
	}
	copied := ""
	if have > 0 {
		if copied, err = d.backup(ctx, path, have); err != nil {
			return err
		}
	}
	if _, err := p.Up(ctx); err != nil {
		if now, verr := p.GetDBVersion(ctx); copied != "" && verr == nil && now == have {
			os.Remove(copied) // of what is as it was: with each attempt there would be one more
		}
		return fmt.Errorf("migrate database from schema %d to %d: %w", have, want, translate(err))
	}
	return nil
}

func newer(path string, have, want int64) error {
	return fmt.Errorf("%w: %s has schema %d, this program knows up to %d; use the newer program that wrote it, or the copy it made before it migrated", ErrSchema, path, have, want)
}

// backup copies the whole database, including what is still in the WAL, and says where it is.
func (d *sqliteDB) backup(ctx context.Context, path string, version int64) (string, error) {
	name := strings.TrimSuffix(path, ".db") + fmt.Sprintf("-schema%d-%s.db", version, time.Now().UTC().Format("20060102T150405.000"))
	// SQLite fills an empty file that is there, and so keeps its mode.
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", fmt.Errorf("back up before migrating: %w", err)
	}
	f.Close()
	if _, err := d.write.ExecContext(ctx, "VACUUM INTO $1", name); err != nil {
		os.Remove(name)
		return "", fmt.Errorf("back up to %s before migrating: %w", filepath.Base(name), translate(err))
	}
	return name, nil
}

// checkSchema refuses to read a database of another schema.
func (d *sqliteDB) checkSchema(ctx context.Context, files fs.FS, path string) error {
	want, err := schemaVersion(files)
	if err != nil {
		return err
	}
	var have, tables int64
	err = translate(d.read.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master WHERE name = 'goose_db_version'").Scan(&tables))
	if err == nil && tables > 0 {
		err = translate(d.read.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&have))
	}
	switch {
	case err != nil:
		return fmt.Errorf("read schema version of %s: %w", path, err)
	case have == 0: // its first owner has not got so far, or died before
		return fmt.Errorf("%w in %s", ErrNone, filepath.Dir(path))
	case have > want:
		return newer(path, have, want)
	case have < want:
		return fmt.Errorf("%w: %s has schema %d, this program needs %d; start `skift serve` or `skift run` once, which makes a copy and migrates it", ErrSchema, path, have, want)
	}
	return nil
}
