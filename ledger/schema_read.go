package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"

	"github.com/stakeledger/stakeledger/manager"
)

// readSchema reads every object that has a text. Those without are the indexes that SQLite makes for
// constraints, which are in the text of their table.
func readSchema(ctx context.Context, db queryer) (schema, error) {
	rows, err := db.QueryContext(ctx, "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
	if err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	defer rows.Close()
	found := schema{}
	for rows.Next() {
		var o schemaObject
		if err := rows.Scan(&o.kind, &o.name, &o.table, &o.sql); err != nil {
			return nil, fmt.Errorf("read the schema: %w", err)
		}
		o.sql = plainSQL(o.sql)
		if _, twice := found[o.key()]; twice {
			return nil, wrongSchema(o, "is there twice")
		}
		found[o.key()] = o
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	return found, nil
}

// schemaVersion is the version that a file says it has, 0 if no migration ever ran.
func schemaVersion(ctx context.Context, db queryer, found schema) (version int64, err error) {
	goose, ok := found[gooseTable]
	if !ok {
		return 0, nil
	}
	if goose.kind != "table" { // reading a view could take forever
		return 0, wrongSchema(goose, "stands in the place of the table")
	}
	var oldest int64
	row := db.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0), COALESCE(MIN(CASE WHEN version_id > 0 THEN version_id END), 0) FROM goose_db_version")
	if err := row.Scan(&version, &oldest); err != nil {
		return 0, fmt.Errorf("read schema version: %w", err)
	}
	if oldest > 0 && oldest < firstVersion {
		return 0, &Error{Op: "check schema", Err: ErrSchema, Detail: "the file was made before the first release; ingest its events again into a new one"}
	}
	return version, nil
}

// checkVersions refuses a file with a migration that this program lacks, or without one of those up to its
// version. Migrations are numbered from firstVersion on without a gap.
func checkVersions(ctx context.Context, db queryer, version, newest int64) error {
	if version > newest {
		return &manager.Error{Op: "check schema", Kind: manager.ErrTooNew, Detail: fmt.Sprintf("the file has version %d, this program knows %d; use a newer program", version, newest)}
	}
	var have int64
	if err := db.QueryRowContext(ctx, "SELECT count(DISTINCT version_id) FROM goose_db_version WHERE version_id BETWEEN ? AND ?", firstVersion, version).Scan(&have); err != nil {
		return fmt.Errorf("read schema versions: %w", err)
	}
	if have != max(0, version-firstVersion+1) {
		return &Error{Op: "check schema", Err: ErrSchema, Detail: fmt.Sprintf("the file has version %d but only %d of the migrations up to it; restore a backup", version, have)}
	}
	return nil
}

// firstVersion is the number of the first migration. Files made before the first release have lower ones.
const firstVersion = 101

// CheckOrigin refuses a file that was made before the first release, whose schema no migration knows: ErrSchema.
// Open does so itself; CheckOrigin is for programs that migrate with manager.WithMigration.
func CheckOrigin(ctx context.Context, db *sql.DB) error {
	found, err := readSchema(ctx, db)
	if err != nil {
		return err
	}
	_, err = schemaVersion(ctx, db, found)
	return err
}

// newestVersion is the number of the last migration.
func newestVersion(migrations fs.FS) (newest int64, err error) {
	files, err := fs.Glob(migrations, "*.sql")
	if err == nil && len(files) == 0 {
		err = fs.ErrNotExist
	}
	if err != nil {
		return 0, fmt.Errorf("read migrations: %w", err)
	}
	if _, err := fmt.Sscanf(files[len(files)-1], "%d_", &newest); err != nil {
		return 0, fmt.Errorf("read migrations: %s does not begin with its version: %w", files[len(files)-1], err)
	}
	return newest, nil
}
