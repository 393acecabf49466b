package manager_test

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// ofTheFile are the pragmas whose value is the file's, not the connection's.
var ofTheFile = []string{"application_id", "data_version", "freelist_count", "page_count", "schema_version", "user_version"}

// acting are the pragmas that do something when they are merely named.
var acting = []string{"incremental_vacuum", "optimize", "wal_checkpoint"}

// traits is all that a connection can be asked about itself: every pragma's
// value, its databases, what is in TEMP, and what LIKE does.
func traits(ctx context.Context, on manager.DBTX) (map[string]string, error) {
	names, err := rowsText(ctx, on, "PRAGMA pragma_list")
	if err != nil {
		return nil, err
	}
	got := map[string]string{}
	for _, name := range append(names, "") {
		query := "SELECT 'a' LIKE 'A', (SELECT group_concat(name || sql) FROM sqlite_temp_schema), (SELECT group_concat(name) FROM pragma_database_list WHERE name <> 'temp')"
		if name != "" {
			query = "PRAGMA " + name
		}
		if slices.Contains(ofTheFile, name) || slices.Contains(acting, name) {
			continue
		}
		rows, err := rowsText(ctx, on, query)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", query, err)
		}
		switch name {
		case "database_list": // an empty TEMP is there once it was looked at
			rows = slices.DeleteFunc(rows, func(row string) bool { return strings.Contains(row, " temp ") })
		case "module_list": // and so is a pragma's table
			rows = slices.DeleteFunc(rows, func(row string) bool { return strings.HasPrefix(row, "pragma_") })
			slices.Sort(rows)
		}
		got[cmp.Or(name, "SELECT")] = strings.Join(rows, "\n")
	}
	return got, nil
}

// rowsText is a query's rows, each as one text.
func rowsText(ctx context.Context, on manager.DBTX, query string) ([]string, error) {
	rows, err := on.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var list []string
	for rows.Next() {
		cells, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		var b strings.Builder
		for _, cell := range cells {
			b.WriteString(cell.String + " ")
		}
		list = append(list, b.String())
		if columns[0] == "name" && len(columns) == 1 { // of pragma_list
			list[len(list)-1] = cells[0].String
		}
	}
	return list, rows.Err()
}

// places are where a closure's statements can be run.
var places = []struct {
	name string
	run  func(t testing.TB, db *DB, fn func(ctx context.Context, on manager.DBTX) error) *call
}{
	{"WithTx", func(t testing.TB, db *DB, fn func(context.Context, manager.DBTX) error) *call {
		return modes[0].run(t, db, t.Context(), func(ctx context.Context, tx Tx) error { return fn(ctx, tx.raw) })
	}},
	{"WithTx in a group", func(t testing.TB, db *DB, fn func(context.Context, manager.DBTX) error) *call {
		release := hold(t, db)
		nothing := func(context.Context, Tx) error { return nil }
		before := enqueue(t.Context(), t, db, nothing)
		c := enqueue(t.Context(), t, db, func(ctx context.Context, tx Tx) error { return fn(ctx, tx.raw) })
		after := enqueue(t.Context(), t, db, nothing)
		release()
		if err := errors.Join(before.wait(t).err, after.wait(t).err); err != nil {
			t.Errorf("neighbours in the group: %v", err)
		}
		return c.wait(t)
	}},
	{"WithTx inside WithTx", func(t testing.TB, db *DB, fn func(context.Context, manager.DBTX) error) *call {
		return modes[0].run(t, db, t.Context(), func(ctx context.Context, tx Tx) error {
			return db.WithTx(ctx, func(ctx context.Context, tx Tx) error { return fn(ctx, tx.raw) })
		})
	}},
	{"ReadOnly inside WithTx", func(t testing.TB, db *DB, fn func(context.Context, manager.DBTX) error) *call {
		return modes[0].run(t, db, t.Context(), func(ctx context.Context, tx Tx) error {
			return db.ReadOnly(ctx, func(ctx context.Context, q Reader) error { return fn(ctx, q.raw) })
		})
	}},
	{"ReadOnly", func(t testing.TB, db *DB, fn func(context.Context, manager.DBTX) error) *call {
		return start(func() error {
			return db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) error { return fn(ctx, q.raw) })
		}).wait(t)
	}},
}

// spellings are the ways to name a pragma and a value for it.
var spellings = []string{
	"PRAGMA %s = %s", "PRAGMA %s(%s)", "pragma main.%s=%s", "PRAGMA temp.%s = %s", "PRAGMA\"%s\"=%s", "PRAGMA /* = */ [%s] --\n(/* */%s)",
	"EXPLAIN PRAGMA %s = %s", "SELECT * FROM pragma_%s(%s)", "SELECT 1; PRAGMA `%s` \v= \ufeff%s;",
}

var values = []string{"0", "1", "2", "''", `""`, "[]", "OFF", "'on'", "-7", "RESET", "MEMORY", "'no such'"}

// Every pragma, with every kind of value, in every spelling: nothing is left
// on the writer nor on the reader, however the closure ends.
func TestConnectionForgetsPragmas(t *testing.T) {
	db := openNotes(t, manager.WithReaders(1))
	names := slices.Sorted(maps.Keys(readTraits(t, db)))
	names = append(names, acting...)
	names = append(names, ofTheFile...)
	writer, reader := writeTraits(t, db), readTraits(t, db)
	for i, name := range names {
		if name == "SELECT" || name == "defer_foreign_keys" {
			continue
		}
		for j, place := range places {
			end := place.run(t, db, func(ctx context.Context, on manager.DBTX) error {
				way := waysToRun[(i+j)%len(waysToRun)]
				_ = way.run(ctx, on, "PRAGMA "+name)
				for k, spelling := range spellings {
					for _, value := range values {
						if way.query != "" && k == len(spellings)-1 {
							continue // a named query is its first statement
						}
						_ = way.run(ctx, on, fmt.Sprintf(spelling, strings.ToUpper(name[:1])+name[1:], value))
					}
				}
				return ending(i)
			})
			if end.err != nil && end.err != errOwn || end.err == nil && end.panic == nil && i%3 != 0 {
				t.Errorf("%s in %s: ended with %v, panic %v", name, place.name, end.err, end.panic)
			}
		}
		wantTraits(t, "the writer, after "+name, writeTraits(t, db), writer)
		wantTraits(t, "the reader, after "+name, readTraits(t, db), reader)
		if t.Failed() {
			return
		}
	}
}

// ending ends a closure in the i-th way: well, with an error, with a panic.
func ending(i int) error {
	switch i % 3 {
	case 1:
		return errOwn
	case 2:
		panic("out of paper")
	}
	return nil
}

func writeTraits(t testing.TB, db *DB) map[string]string {
	t.Helper()
	got, err := manager.Write(t.Context(), db, func(ctx context.Context, tx Tx) (map[string]string, error) { return traits(ctx, tx.raw) })
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func readTraits(t testing.TB, db *DB) map[string]string {
	t.Helper()
	got, err := manager.Read(t.Context(), db, func(ctx context.Context, q Reader) (map[string]string, error) { return traits(ctx, q.raw) })
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func wantTraits(t testing.TB, what string, got, want map[string]string) {
	t.Helper()
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s: %s: got %q, want %q", what, name, got[name], want[name])
		}
	}
}

// What would stay on a connection is refused, and the error says where it can be done.
func TestWhatOutlastsTheTransactionIsRefused(t *testing.T) {
	db := openNotes(t, manager.WithReaders(1))
	writer, reader := writeTraits(t, db), readTraits(t, db)
	for _, refused := range []struct{ door, statement string }{
		{"WithPragma", "PRAGMA ignore_check_constraints = ON"},
		{"WithPragma", "PRAGMA query_only = 0"},
		{"WithPragma", "PRAGMA query_only = ''"},
		{"WithPragma", "PRAGMA case_sensitive_like = 1"},
		{"WithPragma", "PRAGMA main.writable_schema(RESET)"},
		{"WithPragma", "PRAGMA no_such_thing = 1"},
		{"Maintain", "PRAGMA wal_checkpoint"},
		{"Maintain", "PRAGMA main.wal_checkpoint(TRUNCATE)"},
		{"Maintain", "PRAGMA optimize"},
		{"Maintain", "SELECT * FROM pragma_optimize"},
		{"Maintain", "PRAGMA schema_version = 7"},
		{"WithConnectHook", "ATTACH ':memory:' AS more"},
		{"WithConnectHook", "ATTACH DATABASE '' AS more"},
		{"WithConnectHook", "DETACH main"},
		{"WithConnectHook", "CREATE TEMP TABLE notes (id)"},
		{"WithConnectHook", "CREATE TEMPORARY TABLE notes AS SELECT * FROM main.notes"},
		{"WithConnectHook", "CREATE TABLE temp.notes (id)"},
		{"WithConnectHook", "CREATE VIRTUAL TABLE temp.words USING fts4(body)"},
		{"WithConnectHook", "CREATE VIRTUAL TABLE \"TEMP\".boxes USING rtree(id, a, b)"},
		{"WithConnectHook", "CREATE TEMP VIEW notes AS SELECT 1 AS id"},
		{"WithConnectHook", "CREATE TEMP TRIGGER quiet BEFORE INSERT ON notes BEGIN SELECT RAISE(IGNORE); END"},
		{"WithConnectHook", "CREATE TRIGGER temp.quiet BEFORE INSERT ON main.notes BEGIN SELECT RAISE(IGNORE); END"},
		{"WithConnectHook", "SELECT load_extension('no such')"},
		{"WithConnectHook", "SELECT fts3_tokenizer('mine', x'00')"},
	} {
		for _, place := range places {
			for _, way := range waysToRun {
				end := place.run(t, db, func(ctx context.Context, on manager.DBTX) error { return way.run(ctx, on, refused.statement) })
				if strings.HasPrefix(place.name, "ReadOnly") && errors.Is(end.err, manager.ErrReadOnly) {
					continue // a write too, which is said first
				}
				if !errors.Is(end.err, manager.ErrUnsupported) || !strings.Contains(end.err.Error(), refused.door) {
					t.Errorf("%s by %s in %s: got %v, want ErrUnsupported and %s", refused.statement, way.name, place.name, end.err, refused.door)
				}
			}
		}
	}
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error { return waysToRun[2].run(ctx, tx.raw, "VACUUM") })
	if !errors.Is(err, manager.ErrUnsupported) || !strings.Contains(err.Error(), "Maintain") {
		t.Errorf("VACUUM: got %v, want ErrUnsupported and Maintain", err)
	}
	wantTraits(t, "the writer", writeTraits(t, db), writer)
	wantTraits(t, "the reader", readTraits(t, db), reader)
	if err := db.WithTx(t.Context(), adding("a")); err != nil {
		t.Error(err)
	}
	if got, want := titles(t, db), []string{"a"}; !slices.Equal(got, want) {
		t.Errorf("titles: got %q, want %q", got, want)
	}
}

// What is in the file is the transaction's, and may be asked for anywhere.
func TestPragmasOfTheFileFollowTheTransaction(t *testing.T) {
	db := openNotes(t)
	for _, way := range waysToRun {
		set := func(ctx context.Context, tx Tx) error {
			return errors.Join(way.run(ctx, tx.raw, "PRAGMA user_version = 7"), way.run(ctx, tx.raw, "PRAGMA incremental_vacuum(3)"))
		}
		err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error { return errors.Join(errOwn, set(ctx, tx)) })
		if got := userVersion(t, db); !errors.Is(err, errOwn) || got != "0" {
			t.Errorf("%s, rolled back: got version %s, %v, want 0", way.name, got, err)
		}
		err = db.WithTx(t.Context(), set)
		if got := userVersion(t, db); err != nil || got != "7" {
			t.Errorf("%s: got version %s, %v, want 7", way.name, got, err)
		}
		if err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error { return way.run(ctx, tx.raw, "PRAGMA user_version = 0") }); err != nil {
			t.Error(err)
		}
	}
}

func userVersion(t testing.TB, db *DB) string {
	t.Helper()
	got, err := manager.Read(t.Context(), db, func(ctx context.Context, q Reader) ([]string, error) {
		return rowsText(ctx, q.raw, "PRAGMA user_version")
	})
	if err != nil || len(got) != 1 {
		t.Fatalf("user_version: got %q, %v", got, err)
	}
	return strings.TrimSpace(got[0])
}

func TestAskingIsAllowedEverywhere(t *testing.T) {
	db := openNotes(t)
	for _, query := range []string{
		"PRAGMA foreign_keys", "PRAGMA main.user_version", "PRAGMA table_info(notes)", "PRAGMA table_info = 'notes'", "pragma Table_XInfo(\"notes\")",
		"PRAGMA foreign_key_check", "PRAGMA foreign_key_check(tags)", "PRAGMA integrity_check(1)", "PRAGMA quick_check", "PRAGMA index_list(notes)",
		"PRAGMA data_version", "PRAGMA compile_options", "SELECT name FROM pragma_table_info('notes') WHERE dflt_value = ''", "SELECT * FROM pragma_user_version",
		"SELECT * FROM pragma_table_list WHERE name = ''", "SELECT name FROM temp.sqlite_schema",
	} {
		for _, place := range places {
			end := place.run(t, db, func(ctx context.Context, on manager.DBTX) error { _, err := rowsText(ctx, on, query); return err })
			if end.err != nil {
				t.Errorf("%s in %s: %v", query, place.name, end.err)
			}
		}
	}
}

// No statement of a ReadOnly changes anything, wherever the ReadOnly runs.
func TestReadOnlyChangesNothing(t *testing.T) {
	db := openNotes(t, manager.WithReaders(1))
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		return errors.Join(tx.add(ctx, "a"), waysToRun[2].run(ctx, tx.raw, "CREATE VIRTUAL TABLE words USING fts4(body); INSERT INTO words VALUES ('a'); INSERT INTO words VALUES ('b')"))
	})
	if err != nil {
		t.Fatal(err)
	}
	reports, err := manager.OpenReadOnlyAs[Tx](t.Context(), db.Path(), newReader)
	if err != nil {
		t.Fatal(err)
	}
	defer reports.Close(t.Context())
	writes := []string{
		"PRAGMA user_version = 9", "PRAGMA main.application_id(9)", "PRAGMA schema_version = 9", "PRAGMA incremental_vacuum", "PRAGMA defer_foreign_keys = ON",
		"PRAGMA query_only = 0; ATTACH '" + db.Path() + "' AS self; INSERT INTO self.notes (folder, title) VALUES ('inbox', 'b')",
		"PRAGMA query_only = ''; INSERT INTO notes (folder, title) VALUES ('inbox', 'b')",
		"PRAGMA writable_schema = 1", "PRAGMA journal_mode = DELETE", "SELECT optimize(words) FROM words LIMIT 1", "SELECT * FROM pragma_optimize(-2)",
		"CREATE TEMP TABLE notes (id)", "REINDEX", "ANALYZE", orphan,
	}
	contents := func() string {
		c := foreign(t, db)
		var b strings.Builder
		for _, query := range []string{"SELECT count(*) FROM notes", "PRAGMA user_version", "PRAGMA application_id", "PRAGMA schema_version", "SELECT group_concat(level) FROM words_segdir"} {
			var value string
			if err := c.QueryRowContext(t.Context(), query).Scan(&value); err != nil {
				t.Fatal(err)
			}
			b.WriteString(value + " ")
		}
		return b.String()
	}
	before := contents()
	for _, read := range []struct {
		place int
		on    *DB
	}{{3, db}, {4, db}, {4, reports}} {
		place, on := places[read.place], read.on
		for _, way := range waysToRun {
			for _, text := range writes {
				if way.query != "" && strings.Contains(text, ";") {
					continue // a named query is its first statement
				}
				_ = place.run(t, on, func(ctx context.Context, on manager.DBTX) error { _ = way.run(ctx, on, text); return nil })
				if after := contents(); after != before {
					t.Fatalf("%s by %s in %s: got %s, want %s", text, way.name, place.name, after, before)
				}
			}
		}
	}
}

// A statement that was prepared where it is allowed is asked about again where it is not.
func TestPragmaPreparedInWithTxIsRefusedInAView(t *testing.T) {
	for _, text := range []string{"PRAGMA user_version = 9", "PRAGMA defer_foreign_keys = ON"} {
		for _, way := range waysToRun {
			db := openNotes(t)
			err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
				if err := way.run(ctx, tx.raw, text); err != nil {
					t.Errorf("%s by %s: %v", text, way.name, err)
				}
				return db.ReadOnly(ctx, func(ctx context.Context, q Reader) error { return way.run(ctx, q.raw, text) })
			})
			if !errors.Is(err, manager.ErrReadOnly) && !errors.Is(err, manager.ErrUnsupported) {
				t.Errorf("%s by %s in a view: got %v, want it refused", text, way.name, err)
			}
		}
	}
}

// The guard is in nobody's way who changes the database itself.
func TestSchemaCanBeChangedInATransaction(t *testing.T) {
	db := openNotes(t)
	for _, statement := range []string{
		"CREATE TABLE more (id INTEGER PRIMARY KEY, a TEXT, b TEXT, note_id REFERENCES notes (id))", "CREATE TABLE copies AS SELECT * FROM notes",
		"CREATE UNIQUE INDEX by_a ON more (a)", "CREATE VIEW seen AS SELECT a FROM more", "CREATE TRIGGER up AFTER INSERT ON more BEGIN UPDATE more SET a = upper(new.a) WHERE id = new.id; END",
		"INSERT INTO more (a, b) VALUES ('x', 'y')", "ALTER TABLE more ADD COLUMN c INTEGER NOT NULL DEFAULT 7", "ALTER TABLE more RENAME COLUMN c TO d", "ALTER TABLE more DROP COLUMN b",
		"ALTER TABLE copies RENAME TO originals", "REINDEX", "REINDEX by_a", "ANALYZE", "ANALYZE more",
		"CREATE VIRTUAL TABLE words USING fts4(body)", "INSERT INTO words VALUES ('some words')", "INSERT INTO words (words) VALUES ('optimize')", "ALTER TABLE words RENAME TO texts",
		"CREATE VIRTUAL TABLE boxes USING rtree(id, low, high)", "INSERT INTO boxes VALUES (1, 2, 3)",
		"DROP TRIGGER up", "DROP VIEW seen", "DROP INDEX by_a", "DROP TABLE more", "DROP TABLE originals", "DROP TABLE texts", "DROP TABLE boxes",
	} {
		err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error { return waysToRun[2].run(ctx, tx.raw, statement) })
		if err != nil {
			t.Errorf("%s: %v", statement, err)
		}
		err = db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) error {
			_, err := rowsText(ctx, q.raw, "SELECT name, sql FROM sqlite_schema")
			if strings.Contains(statement, "INTO boxes") {
				_, err = rowsText(ctx, q.raw, "SELECT id FROM boxes WHERE low > 1")
			}
			return err
		})
		if err != nil {
			t.Errorf("reading after %s: %v", statement, err)
		}
	}
}
