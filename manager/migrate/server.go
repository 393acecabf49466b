package migrate

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"
)

// Dialect is goose's name for the engine that the manager has opened db of, for a
// program whose migrations differ by engine: "sqlite3" or "postgres".
func Dialect(db *sql.DB) string {
	if d, ok := db.Driver().(interface{ GooseDialect() string }); ok {
		return d.GooseDialect()
	}
	return string(goose.DialectSQLite3)
}

// isServer reports whether db is PostgreSQL's.
func isServer(db *sql.DB) bool { return Dialect(db) == string(goose.DialectPostgres) }

// serverStore is goose's version table on a server, where the server itself does
// what [store] does for SQLite.
type serverStore struct{ database.Store }

func newServerStore(c config) (serverStore, error) {
	s, err := database.NewStore(goose.DialectPostgres, c.table)
	return serverStore{s}, err
}

// TableExists is always true, so that goose does not make the table.
func (serverStore) TableExists(context.Context, database.DBTxConn) (bool, error) { return true, nil }

// Locked runs fn while nobody else migrates db: on a server it holds the lock of goose's session locker, as [Up] does;
// on SQLite the manager's lock file is held while a migration runs. It is for a migration that another program makes.
func Locked(ctx context.Context, db *sql.DB, fn func() error) error {
	unlock, err := lockServer(ctx, db)
	if err != nil {
		return err
	}
	defer unlock()
	return fn()
}

// lockServer keeps others from migrating until unlock is called. On SQLite the
// manager's lock file does.
func lockServer(ctx context.Context, db *sql.DB) (unlock func(), err error) {
	if !isServer(db) {
		return func() {}, nil
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300)) // seconds, times
	if err != nil {
		return nil, err
	}
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if err := locker.SessionLock(ctx, c); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("wait for another process that migrates: %w", err)
	}
	return func() {
		_ = locker.SessionUnlock(context.WithoutCancel(ctx), c)
		_ = c.Close()
	}, nil
}
