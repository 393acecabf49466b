package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/migrate"
)

// ErrSchema means that the file says it is a ledger, but its tables, indexes and triggers are not those that the
// migrations make. Something changed them, or the file was made to deceive.
var ErrSchema = errors.New("schema is not the ledger's")

// gooseTable is where goose records the applied migrations.
const gooseTable = "goose_db_version"

// schemaObject is a table, an index, a trigger or a view.
type schemaObject struct {
	kind  string
	name  string
	table string // the one it belongs to
	sql   string // without comments, and with white space reduced to one space
}

// schema is the objects of a database, by key.
type schema map[string]schemaObject

// key is the name in lower case, since SQLite ignores case. Triggers have a name space of their own: one may have
// the name of a table.
func (o schemaObject) key() string {
	key := strings.ToLower(o.name)
	if o.kind == "trigger" {
		key = "trigger " + key
	}
	return key
}

type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// checkSchema compares a file's schema with the one that the migrations make of a new file, at the version that
// the file says it has. The ledger's objects must be exactly the same: a view in place of a table, a generated
// column or a missing trigger would change what every statement means. A program may have tables of its own, and
// may add indexes to the ledger's tables. But no trigger of others may be on a table of the ledger, and no added
// index may reject rows.
//
// It reads the texts in sqlite_schema; SQLite has parsed them, and made sure that type, name and table of the row
// match. It returns the file's version and the newest one. The error is ErrSchema and names the object, or
// manager.ErrTooNew.
func checkSchema(ctx context.Context, db queryer, migrations fs.FS) (version, newest int64, err error) {
	found, err := readSchema(ctx, db)
	if err != nil {
		return 0, 0, err
	}
	if version, err = schemaVersion(ctx, db, found); err != nil {
		return 0, 0, err
	}
	if newest, err = newestVersion(migrations); err != nil {
		return 0, 0, err
	}
	if version > 0 {
		if err := checkVersions(ctx, db, version, newest); err != nil {
			return 0, 0, err
		}
	}
	if version == summedVersion && found.ownObjects().checksum() == summedSchema {
		return version, newest, nil
	}
	want, err := schemaAt(ctx, migrations, version)
	if err != nil {
		return 0, 0, err
	}
	reserved, err := schemaAt(ctx, migrations, newest)
	if err != nil {
		return 0, 0, err
	}
	return version, newest, found.checkAgainst(want, reserved)
}

// Migration is the migration that Open runs, for a program that wraps it and passes the result to
// WithManager(manager.WithMigration(…)). It refuses what Open refuses.
func Migration() (func(context.Context, *sql.DB) error, error) {
	up, err := schemaUp()
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, db *sql.DB) error {
		if err := checkUnfinished(ctx, db, migrate.Dialect(db) == "postgres"); err != nil {
			return err
		}
		return up(ctx, db)
	}, nil
}

// schemaUp makes the schema, of either engine.
func schemaUp() (func(context.Context, *sql.DB) error, error) {
	migrations, err := sqliteMigrations()
	if err != nil {
		return nil, err
	}
	onPostgres, err := postgresMigrations()
	if err != nil {
		return nil, err
	}
	up, upPostgres := checkedUp(migrations), migrate.Up(onPostgres)
	return func(ctx context.Context, db *sql.DB) error {
		if migrate.Dialect(db) == "postgres" {
			return upPostgres(ctx, db)
		}
		return up(ctx, db)
	}, nil
}

// checkedUp is the migration of Open on SQLite: it checks the schema before it changes anything.
func checkedUp(migrations fs.FS) func(context.Context, *sql.DB) error {
	up := migrate.Up(migrations)
	return func(ctx context.Context, db *sql.DB) error {
		if _, _, err := checkSchema(ctx, db, migrations); err != nil {
			return err
		}
		return up(ctx, db)
	}
}

// checkReadOnly is the check of OpenReadOnly, on a temporary connection.
func checkReadOnly(ctx context.Context, path string, options []manager.Option) error {
	migrations, err := sqliteMigrations()
	if err != nil {
		return err
	}
	db, err := manager.OpenReadOnly(ctx, path, rawSQL, append(options[:len(options):len(options)], manager.WithReaders(1))...)
	if err != nil {
		return err
	}
	check := checkSchema
	if db.Engine() == "postgres" {
		check = checkServer
	}
	err = db.ReadOnly(ctx, func(ctx context.Context, q manager.DBTX) error {
		version, newest, err := check(ctx, q, migrations)
		if err == nil {
			err = checkUnfinished(ctx, q, db.Engine() == "postgres")
		}
		if err == nil && version == 0 {
			return &Error{Op: "open read-only", Subject: db.Path(), Err: ErrSchema, Detail: "there is no ledger in it yet; stakeledger ingest makes one, or Open"}
		}
		if err == nil && version < newest { // its readers would miss tables
			err = &Error{Op: "open read-only", Subject: db.Path(), Err: ErrSchema,
				Detail: fmt.Sprintf("it has version %d, this program reads version %d: migrate it first (stakeledger migrate up, or Open)", version, newest)}
		}
		return err
	}, manager.Label("ledger.OpenReadOnly"))
	return errors.Join(err, db.Close(context.WithoutCancel(ctx)))
}

// hasTable reports whether a database has a table of a name.
func hasTable(ctx context.Context, db queryer, onServer bool, name string) (bool, error) {
	find := "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = '"
	if onServer {
		find = "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = '"
	}
	var tables int64
	err := db.QueryRowContext(ctx, find+name+"'").Scan(&tables)
	return tables > 0, err
}

// checkServer reads the version of a ledger on a server. Who may change its schema
// there is the server's business.
func checkServer(ctx context.Context, db queryer, _ fs.FS) (version, newest int64, err error) {
	migrations, err := postgresMigrations()
	if err != nil {
		return 0, 0, err
	}
	if newest, err = newestVersion(migrations); err != nil {
		return 0, 0, err
	}
	found, err := hasTable(ctx, db, true, gooseTable)
	if err == nil && found {
		err = db.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version").Scan(&version)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("read schema version: %w", err)
	}
	if version > newest {
		return 0, 0, &manager.Error{Op: "check schema", Kind: manager.ErrTooNew, Detail: fmt.Sprintf("the database has version %d, this program knows %d; use a newer program", version, newest)}
	}
	return version, newest, nil
}

// checkAgainst checks that s has every object of want, and nothing in addition that has a reserved name or acts
// on a table of the ledger.
func (s schema) checkAgainst(want, reserved schema) error {
	for _, key := range slices.Sorted(maps.Keys(want)) {
		w := want[key]
		switch f, ok := s[key]; {
		case !ok:
			return wrongSchema(w, "is missing")
		case f.kind != w.kind:
			return wrongSchema(f, "stands in the place of the "+w.kind)
		case f != w:
			return wrongSchema(f, "is not what this program makes")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s)) {
		f := s[key]
		if _, ours := want[key]; ours {
			continue
		}
		if _, taken := reserved[key]; taken {
			return wrongSchema(f, "has a name of the ledger's in a file whose version has no such "+reserved[key].kind)
		}
		table := strings.ToLower(f.table)
		if _, ours := want[table]; !ours && table != gooseTable {
			continue
		}
		switch {
		case f.kind == "trigger":
			return wrongSchema(f, "on "+chain.Quote(f.table)+" is not the ledger's")
		case f.kind == "index" && !strings.HasPrefix(f.sql, "CREATE INDEX "):
			return wrongSchema(f, "on "+chain.Quote(f.table)+" is not the ledger's and can refuse its rows")
		}
	}
	return nil
}

func wrongSchema(o schemaObject, what string) error {
	return &Error{Op: "check schema", Detail: o.kind + " " + chain.Quote(o.name) + " " + what + "; undo what changed it, or restore a backup", Err: ErrSchema}
}

// The checksum of a new file's schema. With it, checking a healthy file takes no longer than reading its schema;
// if it differs, the objects are compared one by one, since the file may have other tables too. A test keeps it up
// to date.
const (
	summedVersion = 108
	summedSchema  = "03b34a0d187da61762062e07d91b1f6cf230c1f1a05b8dc7d417943ec3222df2"
)
