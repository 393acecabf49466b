package migrate

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"github.com/stakeledger/stakeledger/manager"
)

// store is goose's version table, and where a file's statements are embraced:
// goose asks it for the version on the connection that then runs the file, and
// has it record the version in the file's transaction, after its statements.
//
// goose would also look for the table and make it, but tries that four times,
// a second apart, and returns the last error: of a connection that the first
// one left useless, not of its cause.
type store struct{ database.Store }

func newStore(c config) (store, error) {
	s, err := database.NewStore(goose.DialectSQLite3, c.table)
	return store{s}, err
}

// storeOf is the version table of db's engine.
func storeOf(db *sql.DB, c config) (database.Store, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if isServer(db) {
		return newServerStore(c)
	}
	return newStore(c)
}

// TableExists is always true, so that goose does not make the table.
func (store) TableExists(context.Context, database.DBTxConn) (bool, error) { return true, nil }

// GetMigration comes before a file's transaction begins.
func (s store) GetMigration(ctx context.Context, db database.DBTxConn, version int64) (*database.GetMigrationResult, error) {
	if _, err := db.ExecContext(ctx, "PRAGMA foreign_keys = OFF; PRAGMA trusted_schema = OFF"); err != nil {
		return nil, fmt.Errorf("set the pragmas of a migration: %w", err)
	}
	return s.Store.GetMigration(ctx, db, version)
}

// Insert comes after the statements of a file on the way up.
func (s store) Insert(ctx context.Context, db database.DBTxConn, req database.InsertRequest) error {
	if err := checkEnd(ctx, db); err != nil {
		return err
	}
	return s.Store.Insert(ctx, db, req)
}

// Delete comes after the statements of a file on the way down.
func (s store) Delete(ctx context.Context, db database.DBTxConn, version int64) error {
	if err := checkEnd(ctx, db); err != nil {
		return err
	}
	return s.Store.Delete(ctx, db, version)
}

// checkEnd looks at what the statements of a file have left.
func checkEnd(ctx context.Context, db database.DBTxConn) error {
	if c, ok := db.(*sql.Conn); ok { // a file without a transaction
		open, err := inTransaction(c)
		if err != nil {
			return err
		}
		if open {
			_, err := c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
			return &manager.Error{Op: "end the file", Kind: manager.ErrUnsupported, Err: err,
				Detail: "it leaves a transaction open, which was rolled back; end it with COMMIT"}
		}
	}
	return checkForeignKeys(ctx, db)
}

// checkForeignKeys names the first row whose parent is missing.
func checkForeignKeys(ctx context.Context, db database.DBTxConn) error {
	var child, parent string
	var row sql.NullInt64
	err := db.QueryRowContext(ctx, "SELECT \"table\", rowid, parent FROM pragma_foreign_key_check LIMIT 1").Scan(&child, &row, &parent)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("check foreign keys: %w", err)
	}
	which := "a row"
	if row.Valid {
		which = fmt.Sprintf("row %d", row.Int64)
	}
	return &manager.Error{Op: "check foreign keys", Kind: manager.ErrForeignKey, Table: child,
		Detail: fmt.Sprintf("%s of %s refers to a row of %s that is not there; a migration runs with foreign keys off, so it must change or delete such rows itself", which, child, parent)}
}

// inTransaction asks SQLite whether a transaction is open.
func inTransaction(c *sql.Conn) (open bool, err error) {
	err = c.Raw(func(driverConn any) error {
		s, ok := driverConn.(interface{ AutoCommit() bool })
		if !ok {
			return fmt.Errorf("the driver's connection %T does not tell whether a transaction is open", driverConn)
		}
		open = !s.AutoCommit()
		return nil
	})
	return open, err
}

// reset closes the connection that a file ran on, so that what it set there is
// met by nobody. A database in memory would be lost with it: there only an open
// transaction ends.
func reset(db *sql.DB) error {
	ctx := context.Background()
	c, err := db.Conn(ctx) // the one that was last given back
	if err != nil {
		return err
	}
	defer c.Close()
	var path string
	if err := c.QueryRowContext(ctx, "SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&path); err == nil {
		if _, err = os.Stat(path); err == nil {
			_ = c.Raw(func(any) error { return driver.ErrBadConn }) // database/sql closes it
			return nil
		}
	}
	open, err := inTransaction(c)
	if err == nil && open {
		_, err = c.ExecContext(ctx, "ROLLBACK")
	}
	return err
}

// makeVersionTable makes goose's version table where there is none.
func makeVersionTable(ctx context.Context, c config, db *sql.DB) error {
	s, err := c.plainStore(db)
	if err != nil {
		return err
	}
	if found, err := hasTable(ctx, db, s.Tablename()); err != nil || found {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := s.CreateVersionTable(ctx, tx); err != nil {
		return err
	}
	if err := s.Insert(ctx, tx, database.InsertRequest{Version: 0}); err != nil {
		return err
	}
	return tx.Commit()
}

// plainStore is db's version table without what [store] does about a file: what is recorded of a file that
// has rows without their parent must not fail on them, since a migration is yet to correct them.
func (c config) plainStore(db *sql.DB) (database.Store, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	return database.NewStore(goose.Dialect(Dialect(db)), c.table)
}
