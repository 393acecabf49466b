package manager

import (
	"database/sql/driver"
	"slices"
	"testing"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// The messages are SQLite's own, made here by the statements that break a constraint.
func TestParseConstraint(t *testing.T) {
	const schema = `
		PRAGMA foreign_keys = ON;
		CREATE TABLE miners (id INTEGER PRIMARY KEY, coldkey TEXT NOT NULL UNIQUE, uid INTEGER, name TEXT,
			CONSTRAINT uid_in_range CHECK (uid BETWEEN 0 AND 9), CHECK (name <> ''));
		CREATE UNIQUE INDEX by_lower_name ON miners (lower(name));
		CREATE TABLE "odd, table" ("a.b" INTEGER UNIQUE, "c, d" INTEGER NOT NULL DEFAULT 0);
		CREATE TABLE pairs (a INTEGER, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
		CREATE TABLE children (miner INTEGER REFERENCES miners (id));
		CREATE TABLE strict (n INTEGER) STRICT;
		CREATE TRIGGER stays BEFORE DELETE ON miners BEGIN SELECT RAISE(ABORT, 'UNIQUE constraint failed: not.really'); END;
		CREATE TRIGGER speaks BEFORE UPDATE ON miners BEGIN SELECT RAISE(ABORT, 'miners: a miner never changes'); END;
		INSERT INTO miners VALUES (1, 'a', 1, 'Ann');
		INSERT INTO "odd, table" VALUES (1, 1);
		INSERT INTO pairs VALUES (1, 'x');`
	raw, err := (&sqlite3.SQLiteDriver{}).Open(":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	c := raw.(*sqlite3.SQLiteConn)
	if _, err := c.Exec(schema, nil); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		query   string
		message string
		kind    error
		table   string
		columns []string
	}{
		{"INSERT INTO miners VALUES (2, 'a', 1, 'Bob')", "UNIQUE constraint failed: miners.coldkey", ErrUnique, "miners", []string{"coldkey"}},
		{"INSERT INTO miners VALUES (1, 'b', 1, 'Bob')", "UNIQUE constraint failed: miners.id", ErrUnique, "miners", []string{"id"}},
		{"INSERT INTO pairs VALUES (1, 'x')", "UNIQUE constraint failed: pairs.a, pairs.b", ErrUnique, "pairs", []string{"a", "b"}},
		{"INSERT INTO miners VALUES (2, 'b', 1, 'ANN')", "UNIQUE constraint failed: index 'by_lower_name'", ErrUnique, "", []string{"by_lower_name"}},
		{"INSERT INTO miners VALUES (2, NULL, 1, 'Bob')", "NOT NULL constraint failed: miners.coldkey", ErrNotNull, "miners", []string{"coldkey"}},
		{"INSERT INTO pairs VALUES (NULL, 'x')", "NOT NULL constraint failed: pairs.a", ErrNotNull, "pairs", []string{"a"}},
		{"INSERT INTO miners VALUES (2, 'b', 10, 'Bob')", "CHECK constraint failed: uid_in_range", ErrCheck, "", []string{"uid_in_range"}},
		{"INSERT INTO miners VALUES (2, 'b', 1, '')", "CHECK constraint failed: name <> ''", ErrCheck, "", []string{"name <> ''"}},
		{"INSERT INTO children VALUES (9)", "FOREIGN KEY constraint failed", ErrForeignKey, "", nil},
		{"UPDATE miners SET uid = 2", "miners: a miner never changes", ErrCheck, "", nil},
		{"INSERT INTO strict VALUES ('x')", "cannot store TEXT value in INTEGER column strict.n", ErrCheck, "", nil},
		{"INSERT INTO miners (id, coldkey) VALUES ('x', 'b')", "datatype mismatch", ErrCheck, "", nil},
		{`INSERT INTO "odd, table" VALUES (2, NULL)`, "NOT NULL constraint failed: odd, table.c, d", ErrNotNull, "", nil},
		{"DELETE FROM miners", "UNIQUE constraint failed: not.really", ErrCheck, "", nil}, // a trigger's words
	} {
		_, err := c.Exec(test.query, []driver.Value{})
		if err == nil || err.Error() != test.message {
			t.Errorf("%s: SQLite says %v, want %q", test.query, err, test.message)
			continue
		}
		got := wrap("exec", "", "", err).(*Error)
		if got.Kind != test.kind || got.Table != test.table || !slices.Equal(got.Columns, test.columns) {
			t.Errorf("%s: got %v of table %q, columns %q, want %v of table %q, columns %q", test.message, got.Kind, got.Table, got.Columns, test.kind, test.table, test.columns)
		}
	}
}

func TestParseConstraintOfOtherText(t *testing.T) {
	for _, message := range []string{"", "constraint failed", "UNIQUE constraint failed", "UNIQUE constraint failed: ", "UNIQUE constraint failed: nowhere", "database is locked", "no such table: miners"} {
		if table, columns := parseConstraint(message); table != "" || columns != nil {
			t.Errorf("%q: got table %q, columns %q, want none", message, table, columns)
		}
	}
}
