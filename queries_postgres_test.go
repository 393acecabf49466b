package stakeledger_test

import (
	"context"
	"database/sql"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stakeledger/stakeledger"
	"github.com/stakeledger/stakeledger/internal/pgtest"
	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/migrate"
	_ "github.com/stakeledger/stakeledger/manager/postgres"
)

// onlySQLite are the queries that are for SQLite alone, and why.
var onlySQLite = map[string]string{
	"IntegrityCheck":    "asks SQLite about its file",
	"BrokenForeignKeys": "PostgreSQL has no rows without their parent",
}

// migratePostgres is what pgtest.Migrated runs.
func migratePostgres(url string) error {
	same := func(db manager.DBTX) manager.DBTX { return db }
	db, err := manager.Open(context.Background(), url, same, same, manager.WithMigration(migrate.Up(stakeledger.SchemaPostgres)))
	if err != nil {
		return err
	}
	return db.Close(context.Background())
}

var sqliteParameter = regexp.MustCompile(`\?([0-9]+)`)

// One set of queries serves both engines, so each is prepared on a real PostgreSQL.
func TestEveryQueryPreparesOnPostgreSQL(t *testing.T) {
	c, err := pgx.Connect(t.Context(), pgtest.Migrated(t, "ledger", migratePostgres))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	texts := generatedQueries(t)
	for name, text := range texts {
		_, err := c.Prepare(t.Context(), name, sqliteParameter.ReplaceAllString(text, "$$$1"))
		if _, own := onlySQLite[name]; own != (err != nil) {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
	if len(texts) < 100 {
		t.Errorf("prepared %d queries, want all of them", len(texts))
	}
}

// names are the tables, columns, indexes, constraints and triggers of one schema.
func sqliteNames(t testing.TB, db *sql.DB) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	rows, err := db.Query("SELECT type, name, tbl_name, COALESCE(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' AND tbl_name NOT LIKE 'goose%'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	constraint := regexp.MustCompile(`CONSTRAINT (\w+)`)
	for rows.Next() {
		var kind, name, table, text string
		if err := rows.Scan(&kind, &name, &table, &text); err != nil {
			t.Fatal(err)
		}
		found[kind+" "+name] = true
		if kind == "table" {
			for _, m := range constraint.FindAllStringSubmatch(text, -1) {
				found["constraint "+m[1]] = true
			}
		}
	}
	columns, err := db.Query("SELECT m.name, p.name, p.type, p.\"notnull\" FROM sqlite_schema m JOIN pragma_table_info(m.name) p WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE 'goose%'")
	if err != nil {
		t.Fatal(err)
	}
	defer columns.Close()
	for columns.Next() {
		var table, name, kind string
		var notNull bool
		if err := columns.Scan(&table, &name, &kind, &notNull); err != nil {
			t.Fatal(err)
		}
		if kind = strings.ToLower(kind); kind == "integer" { // a row id
			kind, notNull = "bigint", true
		}
		found["column "+table+"."+name+" "+kind+map[bool]string{true: " not null"}[notNull]] = true
	}
	addNames(t, db, found, `SELECT 'key of ' || m.name || ': ' || (SELECT group_concat(p.name, ', ' ORDER BY p.pk) FROM pragma_table_info(m.name) p WHERE p.pk > 0)
		FROM sqlite_schema m WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE 'goose%'`)
	addNames(t, db, found, `SELECT m.name || ' (' || group_concat(f."from", ', ' ORDER BY f.seq) || ') refers to ' || f."table" || ' (' || group_concat(f."to", ', ' ORDER BY f.seq) || ')'
		FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' GROUP BY m.name, f.id`)
	addNames(t, db, found, `SELECT 'default of ' || m.name || '.' || p.name || ': ' || p.dflt_value FROM sqlite_schema m JOIN pragma_table_info(m.name) p
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE 'goose%' AND p.dflt_value IS NOT NULL`)
	return found
}

// addNames adds what a query of one column returns.
func addNames(t testing.TB, db *sql.DB, found map[string]bool, query string) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		found[name] = true
	}
}

func postgresNames(t testing.TB, url string) map[string]bool {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	rows, err := c.Query(t.Context(), `
		SELECT 'table ' || tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'goose%'
		UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal
		UNION ALL SELECT 'constraint ' || conname FROM pg_constraint JOIN pg_class c ON c.oid = conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = 'public' AND c.relname NOT LIKE 'goose%' AND conname !~ '(_pkey|_fkey)$'
		UNION ALL SELECT 'index ' || i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = 'public' AND c.relname NOT LIKE 'goose%' AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x'))
		UNION ALL SELECT 'column ' || table_name || '.' || column_name || ' ' || COALESCE(domain_name, data_type) || CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END
			FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'goose%'
		UNION ALL SELECT 'key of ' || k.conrelid::regclass::text || ': ' || (SELECT string_agg(a.attname, ', ' ORDER BY u.i)
			FROM unnest(k.conkey) WITH ORDINALITY u(n, i) JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n)
			FROM pg_constraint k WHERE k.contype = 'p' AND k.connamespace = 'public'::regnamespace AND k.conrelid::regclass::text NOT LIKE 'goose%'
		UNION ALL SELECT k.conrelid::regclass::text || ' (' || (SELECT string_agg(a.attname, ', ' ORDER BY u.i)
			FROM unnest(k.conkey) WITH ORDINALITY u(n, i) JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n)
			|| ') refers to ' || k.confrelid::regclass::text || ' (' || (SELECT string_agg(a.attname, ', ' ORDER BY u.i)
			FROM unnest(k.confkey) WITH ORDINALITY u(n, i) JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n) || ')'
			FROM pg_constraint k WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace
		UNION ALL SELECT 'default of ' || table_name || '.' || column_name || ': ' || column_default
			FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'goose%' AND column_default IS NOT NULL`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, name := range names {
		found[name] = true
	}
	return found
}

// sqliteGuards refuse on SQLite what the type of the column refuses on PostgreSQL.
var sqliteGuards = map[string]string{
	"constraint miners_raw_gain_in_range":   "typeof alone",
	"constraint miners_gain_in_range":       "typeof alone",
	"constraint archive_runs_gain_in_range": "typeof alone",
}

func TestBothSchemasHaveTheSameNames(t *testing.T) {
	url := pgtest.Migrated(t, "ledger", migratePostgres)
	db, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if err := migrate.Up(stakeledger.Schema)(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	want, got := sqliteNames(t, db), postgresNames(t, url)
	for name := range want {
		if _, own := sqliteGuards[name]; got[name] == own {
			t.Errorf("PostgreSQL's schema has it %t, SQLite's has it: %s", got[name], name)
		}
	}
	for name := range got {
		if !want[name] {
			t.Errorf("only PostgreSQL's schema has %s", name)
		}
	}
	if len(want) < 300 {
		t.Errorf("compared %d names, want all of them", len(want))
	}
}

// What the way down leaves is nothing, and the way up makes the same again.
func TestSchemaOfPostgreSQLGoesDownAndUp(t *testing.T) {
	url := pgtest.Database(t)
	through := func(migration func(context.Context, *sql.DB) error) map[string]bool {
		t.Helper()
		same := func(db manager.DBTX) manager.DBTX { return db }
		db, err := manager.Open(t.Context(), url, same, same, manager.WithMigration(migration))
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		return postgresNames(t, url)
	}
	want := through(migrate.Up(stakeledger.SchemaPostgres))
	if left := through(migrate.To(stakeledger.SchemaPostgres, 0)); len(left) > 0 {
		t.Errorf("down: got %v, want nothing left", left)
	}
	if got := through(migrate.Up(stakeledger.SchemaPostgres)); !maps.Equal(got, want) {
		t.Error("up again: got another schema")
	}
}
