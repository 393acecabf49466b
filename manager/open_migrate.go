package manager

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// migrationDSN is for connections that the caller's functions run on.
func migrationDSN(path string, budget time.Duration) string {
	return fileDSN(path, "rw") + "&_journal_mode=WAL&_synchronous=FULL&_foreign_keys=on&_txlock=immediate&_busy_timeout=" + itoa(int(budget/time.Millisecond))
}

// migrate runs the caller's migration on a connection of its own.
func (co *core) migrate(ctx context.Context) error {
	if co.cfg.migrate == nil {
		return nil
	}
	var met migrationTrouble
	db := sql.OpenDB(rawPool{&co.env, migrationDSN(co.path, co.cfg.retryBudget), &met})
	defer db.Close()
	db.SetMaxOpenConns(1)
	if err := db.PingContext(ctx); err != nil { // which switches to the write-ahead log
		return co.explainOpen(wrap("open "+co.path, "", "", err))
	}
	if err := co.claimFile(ctx, db); err != nil {
		return co.explainOpen(err)
	}
	if err := co.runMigration(ctx, db, &met); err != nil {
		if own := (*Error)(nil); errors.As(err, &own) {
			return co.explainOpen(err)
		}
		return co.explainOpen(wrap("migrate "+co.path, "", "", err))
	}
	return nil
}

// runMigration runs the caller's migration and refuses what it must not leave
// behind: an open transaction, and rows whose parent is missing.
func (co *core) runMigration(ctx context.Context, db *sql.DB, met *migrationTrouble) error {
	// The observer also keeps the log open between the migration's connections:
	// whenever the last connection closes, SQLite moves the log into the file.
	observer, err := co.openRaw(fileDSN(co.path, "ro"))
	if err != nil {
		return err
	}
	defer observer.close()
	before, err := readPragma(observer.conn, "schema_version")
	if err != nil {
		return err
	}
	if err := co.cfg.migrate(ctx, db); err != nil {
		if isBusy(err) && !met.busy.Load() { // another database was
			return &callersError{err}
		}
		if errors.Is(err, sql.ErrConnDone) && met.lost.Load() {
			return fmt.Errorf("%w: %w", err, driver.ErrBadConn)
		}
		return err
	}
	rows, err := checkLeftOpen(ctx, db)
	if err != nil {
		return err
	}
	after, err := readPragma(observer.conn, "schema_version")
	if err != nil || after == before && rows == "0" {
		return err
	}
	return co.checkAllForeignKeys("migrate " + co.path)
}

// checkLeftOpen refuses a migration that returned nil but left a transaction open,
// since its changes would be rolled back. It returns how many rows the migration
// changed.
func checkLeftOpen(ctx context.Context, db *sql.DB) (rows string, err error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	err = c.Raw(func(driverConn any) (err error) {
		dc := driverConn.(DriverConn)
		if !dc.AutoCommit() {
			return &Error{Op: "migrate", Kind: ErrUnsupported, Detail: "the migration leaves a transaction open, which is rolled back; end it with COMMIT"}
		}
		rows, err = readValue(dc, "SELECT total_changes()")
		return err
	})
	return rows, err
}

// claimFile gives a file without tables its application id before anything else is
// in it. Otherwise a process killed after the migration tool has made its own
// table, but before the first migration, would leave a file that the next Open
// takes for another program's.
func (co *core) claimFile(ctx context.Context, db *sql.DB) error {
	if !co.cfg.hasID {
		return nil
	}
	var id, tables int64
	err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id)
	if err == nil {
		err = db.QueryRowContext(ctx, "PRAGMA schema_version").Scan(&tables)
	}
	if err == nil && id == 0 && tables == 0 {
		_, err = db.ExecContext(ctx, "PRAGMA application_id = "+strconv.Itoa(int(co.cfg.applicationID)))
	}
	return wrap("set PRAGMA application_id", "", "", err)
}
