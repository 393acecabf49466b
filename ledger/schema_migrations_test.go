package ledger_test

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager/migrate"
)

// kept is what a version of the schema holds, and how it is read: once there is an archive, from both places.
var kept = []struct {
	since    int64
	table    string
	archived bool
}{
	{1, "miners", false}, {1, "registrations", false},
	{2, "events", false}, {2, "rejected_events", false},
	{3, "positions", true}, {3, "trades", true},
	{4, "closes", true},
	{5, "intakes", false}, {5, "staged_events", false},
	{6, "archive_runs", false},
	{7, "snapshots", false},
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
		if want[k.table] = content(t, db, k.table, k.archived); want[k.table] == "" {
			t.Fatalf("%s is empty, want something to lose", k.table)
		}
	}
	for version := newest - 1; version >= 0; version-- { // each starts from what the one before kept
		if err := migrate.To(migrations, version)(ctx, db); err != nil {
			t.Fatalf("down to %d: %v", version, err)
		}
		for _, k := range kept {
			if k.since <= version {
				if got := content(t, db, k.table, k.archived && version >= 6); got != want[k.table] {
					t.Errorf("down to %d: %s\ngot  %s\nwant %s", version, k.table, got, want[k.table])
				}
			}
		}
		if err := migrate.Up(migrations)(ctx, db); err != nil {
			t.Fatalf("up from %d: %v", version, err)
		}
		for _, k := range kept {
			if k.since <= version {
				if got := content(t, db, k.table, k.archived); got != want[k.table] {
					t.Errorf("up again from %d: %s\ngot  %s\nwant %s", version, k.table, got, want[k.table])
				}
			}
		}
		var broken string
		if err := db.QueryRow("SELECT COALESCE(MAX(\"table\"), '') FROM pragma_foreign_key_check").Scan(&broken); err != nil || broken != "" {
			t.Errorf("up again from %d: foreign keys of %q are broken, error %v", version, broken, err)
		}
		if version == 5 {
			archiveAgain(t, path)
		}
	}
}

// populate leaves a ledger with something in every table: an archive that has taken a part, a position of
// which some closes have moved, an input that waits.
func populate(t *testing.T, path string) {
	t.Helper()
	l, err := ledger.Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close(context.Background())
	ensure(t, l, at(1, 1, 10, 0))
	apply(t, l, history(81, 400))
	big := addPosition(t, l, stake("big", 900, 5000, 50))
	for i := range 50 {
		processClose(t, l, unstake(fmt.Sprintf("part-%d", i), 901+i, 100, 1), ledger.PositionIDs(big.PositionID))
	}
	archive(t, l, after(200))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err = l.ArchiveClosedPositions(ctx, after(1000), ledger.ArchiveRows(20), ledger.OnArchived(func(ledger.ArchiveSummary) {
		if count(t, l, fmt.Sprintf("archived_closes WHERE position_id = %d", big.PositionID)) > 0 {
			cancel()
		}
	}))
	if err == nil || count(t, l, fmt.Sprintf("positions WHERE position_id = %d", big.PositionID)) == 0 {
		t.Fatalf("archived the large position at once, error %v; want it in part", err)
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

// archiveAgain archives what a down-migration has brought back.
func archiveAgain(t *testing.T, path string) {
	t.Helper()
	l, err := ledger.Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close(context.Background())
	if got := archive(t, l, after(1000)); got.Positions == 0 || got.RunID != 1 {
		t.Errorf("archived again: got %+v, want the positions that came back", got)
	}
	if n := count(t, l, "positions WHERE status = 'closed'"); n != 0 {
		t.Errorf("archived again: got %d closed positions that stayed", n)
	}
}

// content is every row of a table, a line a row.
func content(t *testing.T, db *sql.DB, table string, archived bool) string {
	t.Helper()
	query := "SELECT * FROM " + table
	if archived {
		query += " UNION ALL SELECT * FROM archived_" + table
	}
	rows, err := db.Query(query + " ORDER BY 1, 2, 3")
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
	var text strings.Builder
	for rows.Next() {
		if err := rows.Scan(pointers...); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&text, values...)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return text.String()
}
