package ledger_test

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager/migrate"
)

// kept is from which version on the schema holds a table.
var kept = []struct {
	since int64
	table string
}{
	{101, "miner_statuses"},
	{102, "miners"}, {102, "registrations"},
	{103, "events"}, {103, "rejected_events"},
	{104, "archive_runs"},
	{105, "positions"}, {105, "trades"}, {105, "closes"},
	{106, "intakes"}, {106, "intake_ignored"}, {106, "intake_rejected"}, {106, "staged_events"},
	{107, "snapshots"},
	{108, "policy"},
}

// A ledger with something in every table goes down to each version and up again, and loses nothing that the
// version can hold.
func TestMigrationsKeepWhatTheyCan(t *testing.T) {
	ctx := context.Background()
	migrations, err := fs.Sub(stakeledger.Schema, "schema")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ledger.db")
	populate(t, path)
	db, err := sql.Open("sqlite3", "file:"+path+"?_foreign_keys=1")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	versions, err := migrate.List(ctx, migrations, db)
	if err != nil {
		t.Fatal(err)
	}
	newest := versions[len(versions)-1].Version
	want := map[string]string{}
	for _, k := range kept {
		if want[k.table] = content(t, db, k.table); want[k.table] == "" {
			t.Fatalf("%s is empty, want something to lose", k.table)
		}
	}
	for version := newest - 1; version >= newest-int64(len(versions)); version-- { // each starts from what the one before kept
		if err := migrate.To(migrations, version)(ctx, db); err != nil {
			t.Fatalf("down to %d: %v", version, err)
		}
		for _, k := range kept {
			if k.since <= version {
				if got := content(t, db, k.table); got != want[k.table] {
					t.Errorf("down to %d: %s\ngot  %s\nwant %s", version, k.table, got, want[k.table])
				}
			}
		}
		if err := migrate.Up(migrations)(ctx, db); err != nil {
			t.Fatalf("up from %d: %v", version, err)
		}
		for _, k := range kept {
			if k.since <= version {
				if got := content(t, db, k.table); got != want[k.table] {
					t.Errorf("up again from %d: %s\ngot  %s\nwant %s", version, k.table, got, want[k.table])
				}
			}
		}
		var broken string
		if err := db.QueryRow("SELECT COALESCE(MAX(\"table\"), '') FROM pragma_foreign_key_check").Scan(&broken); err != nil || broken != "" {
			t.Errorf("up again from %d: foreign keys of %q are broken, error %v", version, broken, err)
		}
	}
}

// populate leaves a ledger with something in every table: a part of it archived, an input that waits.
func populate(t *testing.T, path string) {
	t.Helper()
	l, err := ledger.Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close(context.Background())
	ensure(t, l, at(1, 1, 10, 0))
	conflict := history(81, 400)[0]
	apply(t, l, history(81, 400))
	conflict.TAO++
	apply(t, l, []ledger.Event{conflict})
	if moved := archive(t, l, after(200)); moved.Positions == 0 || moved.Trades == 0 {
		t.Fatalf("archived %+v, want some of each", moved)
	}
	if _, err := l.TakeSnapshots(context.Background(), after(500), 200*time.Minute); err != nil {
		t.Fatal(err)
	}
	waiting, stop := context.WithCancel(context.Background())
	_, err = l.Apply(waiting, sequence(history(82, 20)), ledger.OnProgress(func(ledger.Progress) { stop() }))
	if err == nil || count(t, l, "staged_events") == 0 {
		t.Fatalf("the input did not wait, error %v", err)
	}
}

// content is every row of a table, a line a row.
func content(t *testing.T, db *sql.DB, table string) string {
	t.Helper()
	rows, err := db.Query("SELECT * FROM " + table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values, pointers := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		pointers[i] = &values[i]
	}
	var lines []string
	for rows.Next() {
		if err := rows.Scan(pointers...); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintln(values...))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}
