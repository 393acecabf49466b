// Package migrate makes goose migrations run under the manager's lock:
//
//	db, err := manager.Open(ctx, path, read.New, newTx, manager.WithMigration(migrate.Up(schema)))
//
// goose itself has no lock on SQLite, and of several processes that migrate a
// fresh file at once some fail. The manager calls the migration while it holds
// the lock file, so here every one of them succeeds. The same files work with
// the goose command.
package migrate

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"github.com/stakeledger/stakeledger/manager"
)

// Up returns a migration for [manager.WithMigration] that applies what is
// missing of the goose migrations in fsys, in order, each in a transaction. A
// file that has a migration which fsys lacks was made by a newer program: it
// is left alone and the error is manager.ErrTooNew.
func Up(fsys fs.FS) func(context.Context, *sql.DB) error {
	return func(ctx context.Context, db *sql.DB) error {
		p, err := versioned(ctx, fsys, db)
		if err != nil {
			return err
		}
		if err := checkVersion(ctx, p); err != nil {
			return err
		}
		if _, err := p.Up(ctx); err != nil {
			return fmt.Errorf("migrate up: %w", err)
		}
		return nil
	}
}

// To returns a migration for [manager.WithMigration] that goes up or down to
// the given version. Going down loses what the older schema cannot hold.
func To(fsys fs.FS, version int64) func(context.Context, *sql.DB) error {
	return func(ctx context.Context, db *sql.DB) error {
		p, err := versioned(ctx, fsys, db)
		if err != nil {
			return err
		}
		current, err := p.GetDBVersion(ctx)
		if err != nil {
			return fmt.Errorf("read schema version: %w", err)
		}
		if current <= version {
			_, err = p.UpTo(ctx, version)
		} else {
			_, err = p.DownTo(ctx, version)
		}
		if err != nil {
			return fmt.Errorf("migrate to version %d: %w", version, err)
		}
		return nil
	}
}

// A Status is one migration and whether the database has it.
type Status struct {
	Version int64  // the number its file name starts with
	Source  string // its file name
	Applied bool
}

// List reports which of the migrations in fsys db has. On a database without
// any it creates goose's version table.
func List(ctx context.Context, fsys fs.FS, db *sql.DB) ([]Status, error) {
	p, err := versioned(ctx, fsys, db)
	if err != nil {
		return nil, err
	}
	states, err := p.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("read migration status: %w", err)
	}
	list := make([]Status, len(states))
	for i, s := range states {
		list[i] = Status{Version: s.Source.Version, Source: s.Source.Path, Applied: s.State == goose.StateApplied}
	}
	return list, nil
}

// versioned is goose on db, which has goose's version table then.
func versioned(ctx context.Context, fsys fs.FS, db *sql.DB) (*goose.Provider, error) {
	p, err := provider(fsys, db)
	if err != nil {
		return nil, err
	}
	if err := makeVersionTable(ctx, db); err != nil {
		return nil, fmt.Errorf("make the version table: %w", err)
	}
	return p, nil
}

// provider is goose on a database that has goose's version table.
func provider(fsys fs.FS, db *sql.DB) (*goose.Provider, error) {
	store, err := newStore()
	if err != nil {
		return nil, err
	}
	p, err := goose.NewProvider(goose.DialectCustom, db, fsys, goose.WithStore(store))
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return p, nil
}

// store is goose's version table. goose would look for it and make it, but tries
// that four times, a second apart, and returns the last error: of a connection
// that the first one left useless, not of its cause.
type store struct{ database.Store }

func newStore() (store, error) {
	s, err := database.NewStore(goose.DialectSQLite3, goose.DefaultTablename)
	return store{s}, err
}

// TableExists tells goose that it need not make the table.
func (store) TableExists(context.Context, database.DBTxConn) (bool, error) { return true, nil }

// makeVersionTable makes goose's version table where there is none.
func makeVersionTable(ctx context.Context, db *sql.DB) error {
	store, err := newStore()
	if err != nil {
		return err
	}
	var tables int
	row := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?", store.Tablename())
	if err := row.Scan(&tables); err != nil || tables > 0 {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := store.CreateVersionTable(ctx, tx); err != nil {
		return err
	}
	if err := store.Insert(ctx, tx, database.InsertRequest{Version: 0}); err != nil {
		return err
	}
	return tx.Commit()
}

func checkVersion(ctx context.Context, p *goose.Provider) error {
	current, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	var newest int64
	for _, s := range p.ListSources() {
		newest = max(newest, s.Version)
	}
	if current > newest {
		return &manager.Error{Op: "migrate up", Kind: manager.ErrTooNew, Detail: fmt.Sprintf("the file has version %d, this program knows %d; use a newer program", current, newest)}
	}
	return nil
}
