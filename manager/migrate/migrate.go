// Package migrate makes goose migrations run under the manager's lock:
//
//	db, err := manager.Open(ctx, path, read.New, newTx, manager.WithMigration(migrate.Up(schema)))
//
// goose itself has no lock on SQLite, and of several processes that migrate a
// fresh file at once some fail. The manager calls the migration while it holds
// the lock file, so here every one of them succeeds. The same files work with
// the goose command.
//
// # Foreign keys
//
// A file runs with foreign keys off, as it does under the goose command, since
// SQLite cannot change that inside a transaction: with them on, the DROP TABLE
// of SQLite's documented way to rebuild a table deletes the rows that refer to
// it. So ON DELETE and ON UPDATE do nothing in a migration; what is to become
// of the rows that refer to a changed one, the file says itself. Before a file
// is committed PRAGMA foreign_key_check looks at the whole database. A row
// whose parent is missing is manager.ErrForeignKey, and the file is rolled back.
//
// # Files without a transaction
//
// A file with "-- +goose NO TRANSACTION" may begin and commit its own. One that
// leaves a transaction open is refused, and the transaction is rolled back.
// What such a file had committed before an error stays.
//
// No PRAGMA, temporary table or attached database of one file is met by the next: a
// file with one is the last on its connection. A database in memory, which has only
// one connection, is the exception.
//
// # PostgreSQL
//
// On a server the manager's lock file is missing, so a migration holds the
// advisory lock of goose's session locker from reading the versions to the last
// file. A file runs as goose runs it, with the server's own checks of foreign keys.
//
// # Versions
//
// The versions that the file has are compared with those of the program, one by
// one: a file may not have one that the program lacks, and the program may not
// have one that is older than the file's newest and that the file lacks. Go
// migrations that some imported package has registered with goose do not count.
// Two sets of migrations in one file each need a version table of their own: [Table]. A file that
// was there before goose was has no record: [Existing].
package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"regexp"

	"github.com/pressly/goose/v3"

	"github.com/stakeledger/stakeledger/manager"
)

// migration is what [manager.WithMigration] takes.
type migration = func(context.Context, *sql.DB) error

// Up returns a migration for [manager.WithMigration] that applies what is
// missing of the goose migrations in fsys, in order, each in a transaction.
// They lie in fsys itself or, as //go:embed makes it, in one folder of it.
//
// Errors: manager.ErrTooNew when the file has a migration that fsys lacks, and
// manager.ErrUnsupported when it lacks one that is older than its newest, both
// before anything is changed; manager.ErrForeignKey; those of the statements.
func Up(fsys fs.FS, opts ...Option) func(context.Context, *sql.DB) error {
	c := newConfig(opts)
	return once(fsys, c, func() migration {
		return func(ctx context.Context, db *sql.DB) error {
			s, err := open(ctx, fsys, c, db)
			if err != nil {
				return err
			}
			defer s.unlock()
			if err := s.versions.check(); err != nil {
				return err
			}
			return s.run(ctx, "migrate up", s.versions.missing(s.versions.newestKnown()), true)
		}
	})
}

// To returns a migration for [manager.WithMigration] that goes up or down to
// the given version. Going down loses what the older schema cannot hold. A
// file that has a migration which fsys lacks is manager.ErrTooNew.
func To(fsys fs.FS, version int64, opts ...Option) func(context.Context, *sql.DB) error {
	return func(ctx context.Context, db *sql.DB) error {
		s, err := open(ctx, fsys, newConfig(opts), db)
		if err != nil {
			return err
		}
		defer s.unlock()
		op := fmt.Sprintf("migrate to version %d", version)
		if err := s.versions.checkKnown(); err != nil {
			return err
		}
		if s.versions.newestApplied() > version {
			return s.run(ctx, op, s.versions.above(version), false)
		}
		if err := s.versions.checkGaps(); err != nil {
			return err
		}
		return s.run(ctx, op, s.versions.missing(version), true)
	}
}

// A Status is one migration and whether the database has it.
type Status struct {
	Version int64  // the number its file name starts with
	Source  string // its file name
	Applied bool
}

// List reports which of the migrations in fsys db has. On a database without
// any it creates goose's version table. One that has a migration which fsys
// lacks is manager.ErrTooNew.
func List(ctx context.Context, fsys fs.FS, db *sql.DB, opts ...Option) ([]Status, error) {
	s, err := open(ctx, fsys, newConfig(opts), db)
	if err != nil {
		return nil, err
	}
	defer s.unlock()
	if err := s.versions.checkKnown(); err != nil {
		return nil, err
	}
	var list []Status
	for _, source := range s.goose.ListSources() {
		list = append(list, Status{Version: source.Version, Source: source.Path, Applied: s.versions.has(source.Version)})
	}
	return list, nil
}

// A schema is the migrations of a program and the database they are for.
type schema struct {
	goose    *goose.Provider
	files    fs.FS
	config   config
	db       *sql.DB
	versions versions
	unlock   func()
}

// open reads both; db has goose's version table then. The caller unlocks it.
func open(ctx context.Context, fsys fs.FS, c config, db *sql.DB) (_ *schema, err error) {
	p, files, err := provider(fsys, c, db)
	if err != nil {
		return nil, err
	}
	unlock, err := lockServer(ctx, db)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			unlock()
		}
	}()
	if err := makeVersionTable(ctx, c, db); err != nil {
		return nil, fmt.Errorf("make the version table: %w", err)
	}
	v, err := readVersions(ctx, p, c, db)
	if err != nil {
		return nil, err
	}
	s := &schema{p, files, c, db, v, unlock}
	if err := s.recordExisting(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// run applies the given migrations one by one. What follows one that may change its connection runs on another.
func (s *schema) run(ctx context.Context, op string, list []int64, up bool) error {
	for i, version := range list {
		_, err := s.goose.ApplyVersion(ctx, version, up)
		if !isServer(s.db) && (err != nil || i == len(list)-1 || s.mayChangeConn(version)) {
			if resetErr := reset(s.db); err == nil {
				err = resetErr
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", op, s.explain(version, err))
		}
	}
	return nil
}

// changesConn finds what outlives a transaction on its connection, and the texts that goose puts in only when it runs
// a file.
var changesConn = regexp.MustCompile(`(?i)\b(?:PRAGMA|ATTACH|DETACH|TEMP|TEMPORARY|load_extension|fts3_tokenizer|NO TRANSACTION|ENVSUB)\b`)

// mayChangeConn reports whether the file of a migration may change its connection beyond its transaction.
func (s *schema) mayChangeConn(version int64) bool {
	for _, source := range s.goose.ListSources() {
		if source.Version == version {
			text, err := fs.ReadFile(s.files, source.Path)
			return err != nil || changesConn.Match(text)
		}
	}
	return true
}

// provider is goose on a database that has goose's version table, with the folder of its files.
func provider(fsys fs.FS, c config, db *sql.DB) (*goose.Provider, fs.FS, error) {
	store, err := storeOf(db, c)
	if err != nil {
		return nil, nil, err
	}
	files, err := folder(fsys)
	if err != nil {
		return nil, nil, err
	}
	p, err := goose.NewProvider(goose.DialectCustom, db, files, goose.WithStore(store), goose.WithDisableGlobalRegistry(true))
	switch {
	case errors.Is(err, goose.ErrNoMigrations):
		return nil, nil, &manager.Error{Op: "read migrations", Kind: manager.ErrUnsupported,
			Detail: "no file is named like 00001_notes.sql, with its version first; found " + someFiles(files)}
	case err != nil:
		return nil, nil, fmt.Errorf("read migrations: %w", err)
	}
	return p, files, nil
}
