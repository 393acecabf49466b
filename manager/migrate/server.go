package migrate

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"
)

// isServer reports whether db is a server's: PostgreSQL's, as the manager's
// engine opens it for migrations.
func isServer(db *sql.DB) bool {
	d, ok := db.Driver().(interface{ GooseDialect() string })
	return ok && d.GooseDialect() == string(goose.DialectPostgres)
}

// serverStore is goose's version table on a server, where the server itself does
// what [store] does for SQLite.
type serverStore struct{ database.Store }

func newServerStore() (serverStore, error) {
	s, err := database.NewStore(goose.DialectPostgres, goose.DefaultTablename)
	return serverStore{s}, err
}

// TableExists tells goose that it need not make the table.
func (serverStore) TableExists(context.Context, database.DBTxConn) (bool, error) { return true, nil }

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
