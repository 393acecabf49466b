package manager

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
)

// callersDSN is for connections that the caller's functions run on.
func callersDSN(path, synchronous string) string {
	return fileDSN(path, "rw") + "&_journal_mode=WAL&_synchronous=" + synchronous + "&_foreign_keys=on&_txlock=immediate"
}

// migrate runs the caller's migration on a connection of its own.
func (co *core) migrate(ctx context.Context) error {
	if co.cfg.migrate == nil {
		return nil
	}
	var met migrationTrouble
	// At NORMAL a power failure may take the last of its commits, but nothing out of order; syncMigrated makes all of
	// them durable, once.
	db := sql.OpenDB(rawPool{&co.env, callersDSN(co.path, "NORMAL"), &met})
	defer db.Close()
	db.SetMaxOpenConns(1)
	if err := db.PingContext(ctx); err != nil { // which switches to the write-ahead log
		return co.explainOpen(wrap("open "+co.path, "", "", err))
	}
	before, err := co.seenChanges()
	if err != nil {
		return co.explainOpen(wrap("migrate "+co.path, "", "", err))
	}
	if err := co.claimFile(ctx, db); err != nil {
		return co.explainOpen(err)
	}
	if err := co.runMigration(ctx, db, before, &met); err != nil {
		if own := (*Error)(nil); errors.As(err, &own) {
			return co.explainOpen(err)
		}
		return co.explainOpen(wrap("migrate "+co.path, "", "", err))
	}
	return nil
}

// seenChanges is what the side connection sees of changes: data_version of any commit, schema_version of the schema's.
type seenChanges struct{ data, schema string }

func (co *core) seenChanges() (seen seenChanges, err error) {
	if seen.data, err = readPragma(co.side.conn, "data_version"); err == nil {
		seen.schema, err = readPragma(co.side.conn, "schema_version")
	}
	return seen, err
}

// runMigration runs the caller's migration and refuses what it must not leave
// behind: an open transaction, and rows whose parent is missing.
func (co *core) runMigration(ctx context.Context, db *sql.DB, before seenChanges, met *migrationTrouble) error {
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
	after, err := co.seenChanges()
	if err != nil {
		return err
	}
	if after.data == before.data {
		return nil
	}
	co.migrated = true
	// The rows that an earlier connection changed are not known.
	if after.schema == before.schema && rows == "0" && met.opened.Load() == 1 {
		return nil
	}
	// The check is made for the tables that the connection knows, which is those that were there when it last
	// read from the schema.
	if _, err := readValue(co.side.conn, "SELECT count(*) FROM sqlite_schema"); err != nil {
		return err
	}
	return checkForeignKeys(ctx, "migrate "+co.path, co.side.conn)
}

// syncMigrated makes what was migrated durable: the commits that led there were not, and at synchronous=FULL another
// one is, with all before it. It writes what is there.
func (co *core) syncMigrated(context.Context) (err error) {
	if !co.migrated || co.cfg.synchronous != "FULL" {
		return nil
	}
	c := co.writer.conn.Load()
	defer c.suspendGuard()()
	defer func() {
		if err != nil && !c.raw.AutoCommit() {
			_, _ = c.raw.ExecContext(context.Background(), "ROLLBACK", nil)
		}
		err = wrap("sync what was migrated in "+co.path, "", "", err)
	}()
	if _, err := c.raw.ExecContext(context.Background(), "BEGIN IMMEDIATE", nil); err != nil {
		return err
	}
	text, err := readPragma(c.raw, "user_version")
	if err != nil {
		return err
	}
	version, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	_, err = c.raw.ExecContext(context.Background(), "PRAGMA user_version = "+strconv.Itoa(version)+"; COMMIT", nil)
	return err
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
