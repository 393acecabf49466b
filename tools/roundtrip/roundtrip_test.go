// Package roundtrip tests that migrations can be undone: every one is applied,
// undone and applied again, and the schema must be the same each time.
package roundtrip

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/mattn/go-sqlite3"
	"github.com/pressly/goose/v3"

	"github.com/stakeledger/stakeledger"
)

// Step by step, so that the failure names the version whose Down forgets something.
func TestEveryMigrationUpDownUp(t *testing.T) {
	ctx := context.Background()
	db := open(t)
	migrations, err := fs.Sub(stakeledger.Schema, "schema")
	if err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, migrations)
	if err != nil {
		t.Fatal(err)
	}
	// goose makes its own table first; it stays when everything else is undone.
	if _, err := provider.GetDBVersion(ctx); err != nil {
		t.Fatal(err)
	}
	before := dump(t, db)
	undone := map[int64]string{}
	for _, source := range provider.ListSources() {
		undone[source.Version] = before
		if _, err := provider.UpTo(ctx, source.Version); err != nil {
			t.Fatalf("apply %s: %v", source.Path, err)
		}
		after := dump(t, db)
		if _, err := provider.Down(ctx); err != nil {
			t.Fatalf("undo %s: %v", source.Path, err)
		}
		if got := dump(t, db); got != before {
			t.Errorf("%s undone: the schema differs from before it:\n%s", source.Path, difference(got, before))
		}
		if _, err := provider.UpTo(ctx, source.Version); err != nil {
			t.Fatalf("apply %s again: %v", source.Path, err)
		}
		if got := dump(t, db); got != after {
			t.Errorf("%s applied again: the schema differs from the first time:\n%s", source.Path, difference(got, after))
		}
		before = after
	}
	whole := dump(t, db)

	// A later migration may have changed what an earlier Down undoes, so all of
	// them are undone in a row too.
	sources := provider.ListSources()
	for i := len(sources) - 1; i >= 0; i-- {
		if _, err := provider.Down(ctx); err != nil {
			t.Fatalf("undo %s, after those behind it: %v", sources[i].Path, err)
		}
		if got, want := dump(t, db), undone[sources[i].Version]; got != want {
			t.Errorf("%s undone after those behind it: the schema differs from before it:\n%s", sources[i].Path, difference(got, want))
		}
	}
	if _, err := provider.Up(ctx); err != nil {
		t.Fatalf("apply all again: %v", err)
	}
	if got := dump(t, db); got != whole {
		t.Errorf("all applied again: the schema differs from the first time:\n%s", difference(got, whole))
	}
}

func open(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(t.TempDir(), "roundtrip.db")+"?_foreign_keys=1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// dump returns one line for everything a migration can change: tables, indexes,
// triggers, views, and what the file's header says about its owner. goose's own
// table and SQLite's sequences are not the project's.
func dump(t *testing.T, db *sql.DB) string {
	t.Helper()
	var lines strings.Builder
	for _, pragma := range []string{"application_id", "user_version"} {
		var value int64
		if err := db.QueryRow("PRAGMA " + pragma).Scan(&value); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&lines, "PRAGMA %s = %d\n", pragma, value)
	}
	rows, err := db.Query(`SELECT type, name, COALESCE(sql, '') FROM sqlite_schema
		WHERE tbl_name NOT LIKE 'goose%' AND tbl_name <> 'sqlite_sequence' ORDER BY type, name`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var kind, name, text string
		if err := rows.Scan(&kind, &name, &text); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&lines, "%s %s: %s\n", kind, name, strings.Join(strings.Fields(text), " "))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines.String()
}

// difference lists the lines that only one of two dumps has.
func difference(got, want string) string {
	var lines strings.Builder
	for line := range strings.Lines(got) {
		if !strings.Contains(want, line) {
			lines.WriteString("  too much: " + line)
		}
	}
	for line := range strings.Lines(want) {
		if !strings.Contains(got, line) {
			lines.WriteString("  missing:  " + line)
		}
	}
	return lines.String()
}
