//go:build cgo && linux && !libsqlite3 && !stakeledger_nostep

package csqlite_test

import (
	"database/sql/driver"
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"
)

var tokyo, _ = time.LoadLocation("Asia/Tokyo")

// A script is bytes that make choices. At their end each is the first.
type script struct{ data []byte }

func (s *script) intn(n int) int {
	if len(s.data) == 0 {
		return 0
	}
	b := s.data[0]
	s.data = s.data[1:]
	return int(b) % n
}

func (s *script) oneIn(n int) bool { return s.intn(n) == 0 }

func choose[T any](s *script, list ...T) T { return list[s.intn(len(list))] }

func (s *script) schema() []string {
	columns := []string{"a", "b", "c", "d", "e"}
	for i, name := range columns {
		columns[i] = name + " " + choose(s, "INTEGER", "TEXT", "BLOB", "REAL", "NUMERIC", "BOOLEAN", "boolean", "timestamp", "DateTime", "DATE", "VARCHAR(10)", "", "BIGINT", "DOUBLE", "DECIMAL(5,2)", "whatever") +
			choose(s, "", "", "", " UNIQUE", " NOT NULL", " DEFAULT 7", " COLLATE NOCASE")
	}
	t := "CREATE TABLE t (id INTEGER PRIMARY KEY, " + strings.Join(columns, ", ") + choose(s, "", ", CHECK (a IS NOT 5)", ", UNIQUE (b, c)") + ")"
	u := "CREATE TABLE u (x " + choose(s, "PRIMARY KEY", "INT PRIMARY KEY", "INTEGER PRIMARY KEY") + ", t REFERENCES t " + choose(s, "", "ON DELETE CASCADE", "DEFERRABLE INITIALLY DEFERRED") + ", y)" + choose(s, "", " WITHOUT ROWID")
	return []string{
		choose(s, "PRAGMA encoding = 'UTF-8'", "PRAGMA encoding = 'UTF-16'"), t, u,
		"CREATE TRIGGER r BEFORE INSERT ON u WHEN NEW.y = 3 BEGIN SELECT RAISE(" + choose(s, "ABORT, 'no'", "FAIL, 'fail'", "ROLLBACK, 'back'", "IGNORE") + "); END",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) INSERT OR IGNORE INTO t SELECT i, i, i * 1.5, 'text ' || (i / 3), x'00ff', 1700000000 + i FROM n",
	}
}

// text is a statement, or what is none.
func (s *script) text() string {
	v := func() string {
		return choose(s, "?", "?", "?1", "?2", "?3", ":n", "@n", "$n", ":m", "1", "NULL", "'lit'")
	}
	column := func() string { return choose(s, "id", "a", "b", "c", "d", "e") }
	where := func() string {
		return choose(s, "", " WHERE id = "+v(), " WHERE "+column()+" < "+v(), " WHERE "+column()+" IS "+v(), " WHERE id % 3 = 0", " WHERE 0")
	}
	order := func() string {
		return choose(s, "", " ORDER BY id DESC", " ORDER BY "+column(), " LIMIT 5", " LIMIT "+v())
	}
	switch s.intn(16) {
	case 0, 1:
		return "SELECT * FROM t" + where() + order()
	case 2:
		return "SELECT " + column() + ", " + v() + ", count(*), sum(" + column() + "), max(b) FROM t" + where() + choose(s, "", " GROUP BY c")
	case 3:
		return "SELECT " + v() + ", " + v() + " AS named, typeof(" + v() + "), " + v() + " || 'x', zeroblob(3), 1e999, abs(" + v() + ")"
	case 4:
		return "SELECT t.id, u.*, t." + column() + " FROM t LEFT JOIN u ON u.t = t.id" + order()
	case 5, 6:
		return choose(s, "INSERT", "INSERT OR REPLACE", "INSERT OR IGNORE", "INSERT OR ROLLBACK", "INSERT OR FAIL", "REPLACE") + " INTO t (" + column() + ", " + choose(s, "b", "c, d", "e") + ") VALUES (" + v() + ", " + v() + ")" + s.returning()
	case 7:
		return "INSERT INTO t VALUES (" + strings.Join([]string{v(), v(), v(), v(), v(), v()}, ", ") + ")" + choose(s, "", " ON CONFLICT DO UPDATE SET c = excluded.c") + s.returning()
	case 8:
		return "INSERT INTO u VALUES (" + v() + ", " + v() + ", " + v() + ")" + s.returning()
	case 9:
		return "UPDATE t SET " + column() + " = " + v() + where() + s.returning()
	case 10:
		return "DELETE FROM " + choose(s, "t", "u") + choose(s, "", " WHERE rowid = "+v(), " WHERE 0") + s.returning()
	case 11, 12:
		return choose(s, "BEGIN", "BEGIN IMMEDIATE", "COMMIT", "COMMIT", "ROLLBACK", "SAVEPOINT s", "RELEASE s", "ROLLBACK TO s")
	case 13:
		return choose(s, "ALTER TABLE t ADD COLUMN f timestamp", "ALTER TABLE t RENAME COLUMN d TO d2", "ALTER TABLE t RENAME COLUMN d2 TO d", "CREATE INDEX i ON t (c)", "DROP INDEX i", "CREATE VIEW w AS SELECT a, b AS bb FROM t", "DROP VIEW w", "ALTER TABLE t DROP COLUMN f")
	case 14:
		return choose(s, "PRAGMA table_info(t)", "PRAGMA foreign_keys", "PRAGMA user_version = 3", "EXPLAIN SELECT 1", "EXPLAIN QUERY PLAN SELECT * FROM t", "PRAGMA foreign_key_check", "PRAGMA defer_foreign_keys = 1", "VALUES (1, 'a'), (2, NULL), (3, x'')", "SELECT * FROM w", "PRAGMA nothing")
	}
	return choose(s, "SELECT", "SELECT nothing FROM t", "SELECT 1; SELECT 2", "SELECT abs(-9223372036854775808)", "SELECT json_extract('{', '$')", "SELECT 'unclosed", "INSERT INTO nowhere VALUES (1)",
		"SELECT id, abs(CASE id WHEN 20 THEN -9223372036854775808 ELSE id END) FROM t", "SELECT 1 -- comment", "SELECT zeroblob(70000), id, hex(zeroblob(200)) FROM t", "SELECT zeroblob(1 << 31)", "SELECT max(?1, ?2), ?5", "SELECT :n, @n, $n, :n", "SELECT 1\x00rest")
}

func (s *script) returning() string {
	return choose(s, "", "", "", " RETURNING *", " RETURNING 1, 'x' AS x")
}

// returnsRows reports whether the driver's Exec would leave the statement
// unfinished, which ours does not.
func returnsRows(text string) bool {
	return !regexp.MustCompile(`^(INSERT|REPLACE|UPDATE|DELETE|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|CREATE|DROP|ALTER)`).MatchString(text) || strings.Contains(text, "RETURNING")
}

var namePattern = regexp.MustCompile(`[:@$]([nm])`)

// arguments are usually as many as the statement takes.
func (s *script) arguments(text string, inputs int) []driver.NamedValue {
	n := inputs
	switch s.intn(20) {
	case 0:
		n++
	case 1:
		n = max(0, n-1)
	}
	var list []driver.NamedValue
	for i := range n {
		nv := driver.NamedValue{Ordinal: i + 1, Value: s.value()}
		if names := namePattern.FindAllStringSubmatch(text, -1); names != nil && !s.oneIn(3) {
			nv.Name = choose(s, names[s.intn(len(names))][1], "n", "m", "other")
		}
		list = append(list, nv)
	}
	return list
}

// value leaves the largest rowid out: behind it SQLite takes random ones.
func (s *script) value() driver.Value {
	switch s.intn(8) {
	case 0, 1:
		return int64(s.intn(60))
	case 2:
		return choose(s, int64(math.MinInt64), math.MaxInt64-1000, -1, 256, 1_000_000_000_000, 1_000_000_000_001, -1_000_000_000_001, 1_700_000_000, 1_700_000_000_123)
	case 3:
		return choose(s, 0.0, math.Copysign(0, -1), 1.5, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64, 3)
	case 4:
		return s.stringValue()
	case 5:
		return choose(s, nil, []byte{}, []byte("bytes"), []byte{0, 1, 255}, make([]byte, 300), make([]byte, 70_000))
	case 6:
		zone := choose(s, time.UTC, tokyo, time.FixedZone("odd", -5*3600-1830), time.Local)
		return choose(s, time.Unix(1_700_000_000, 123_456_789), time.Time{}, time.Date(12345, 1, 2, 3, 4, 5, 0, time.UTC), time.Date(-20, 1, 1, 0, 0, 0, 1, time.UTC)).In(zone)
	}
	return choose[driver.Value](s, true, false, nil, []byte(nil))
}

func (s *script) stringValue() string {
	return choose(s, "", "text", "42", "1.5", "ä€𝄞", "a\x00b", "\xff\xfe", "2026-01-02", "2026-01-02 03:04", "2026-01-02T03:04:05Z", "2026-01-02 03:04:05.678+09:00", "2026-13-45",
		"Z", " 7 ", fmt.Sprintf("long %0300d", s.intn(10)), strings.Repeat("longer ", 12_000), "x'00'", "1e3", "0x10", "9223372036854775808")
}
