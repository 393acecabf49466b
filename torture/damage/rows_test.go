package damage_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	_ "github.com/mattn/go-sqlite3" // the driver that rows are damaged through
)

// hostile are values as SQL that some column does not expect.
var hostile = []string{
	"NULL", "0", "1", "2", "-1", "-5", "7", "1000000007", "9223372036854775807", "-9223372036854775807 - 1", "9007199254740993", "253402300799999999", "253402300800000000",
	"1.5", "-0.0", "1e300", "9e999", "''", "'lost'", "'12'", "'1.5'", "x''", "x'00ff'", "x'313233'", "'~'", "'~~~'", "'-'", "'closed'", "'open'", "'partial'",
	"'stake'", "'unstake'", "'applied'", "'ignored'", "'strict'", "'lenient'", "'clamp'", "'staged'", "'staging'", "'discarded'", "'done'", "'[]'", "'['", "'{}'", "'[1,\"a\",null]'",
	"'[9223372036854775808]'", "'[1.5,-1]'", "'[1,2,3]'", "'null'", "printf('%.*c', 100000, 'x')", "replace(hex(zeroblob(2000)), '00', '[')", "'1.000000000'", "'-99999999999999999999999999999999999999'",
}

// column is a column of a table of the ledger.
type column struct{ Table, Name string }

// change is a value that was changed, as SQL.
type change struct {
	column
	Row           string
	Before, After string
}

func (c change) String() string {
	return fmt.Sprintf("%s %s: %s from %.60s to %.60s", c.Table, c.Row, c.Name, c.Before, c.After)
}

// loosened opens the file with tables that refuse nothing: no constraints, no triggers, no types, and only some of
// their indexes. What close puts back is the schema as it was, so that the file looks untouched.
type loosened struct {
	db     *sql.DB
	path   string
	schema [][]any
	tables map[string][]string // columns
	keys   map[string]string   // of each table, as SQL that names a row
}

func openRaw(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite3", path)
	if err == nil {
		db.SetMaxOpenConns(1)
		_, err = db.Exec("PRAGMA journal_mode = DELETE; PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; PRAGMA writable_schema = ON; PRAGMA synchronous = OFF")
	}
	return db, err
}

func loosen(r *rand.Rand, path string) (*loosened, error) {
	db, err := openRaw(path)
	if err != nil {
		return nil, err
	}
	x := &loosened{db: db, path: path, tables: map[string][]string{}, keys: map[string]string{}}
	if x.schema, err = queryAll(db, "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema"); err != nil {
		return nil, err
	}
	kept := r.IntN(3) // of the indexes: none, some, all
	for _, o := range x.schema {
		name := o[1].(string)
		switch kind := o[0].(string); {
		case kind == "trigger", kind == "index" && (o[4] == nil || kept == 0 || kept == 1 && r.IntN(2) == 0):
			_, err = db.Exec("DELETE FROM sqlite_schema WHERE type = ? AND name = ?", kind, name)
		case kind == "table" && !strings.HasPrefix(name, "sqlite_") && !strings.HasPrefix(name, "goose_"):
			err = x.loosenTable(name, o[4].(string))
		}
		if err != nil {
			return nil, err
		}
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	x.db, err = openRaw(path)
	return x, err
}

func (x *loosened) loosenTable(name, text string) error {
	columns, err := queryAll(x.db, "SELECT name, pk FROM pragma_table_info(?) ORDER BY cid", name)
	if err != nil {
		return err
	}
	without := strings.Contains(text, "WITHOUT ROWID")
	var list, key []string
	for _, c := range columns {
		x.tables[name] = append(x.tables[name], c[0].(string))
		list = append(list, fmt.Sprintf("%q", c[0]))
		if c[1].(int64) > 0 {
			key = append(key, fmt.Sprintf("%q", c[0]))
		}
	}
	x.keys[name] = strings.Join(key, ", ")
	end := ")"
	if without {
		end = fmt.Sprintf(", PRIMARY KEY (%s)) WITHOUT ROWID", x.keys[name])
	} else if len(key) == 1 { // the rowid
		i := slices.Index(list, key[0])
		list[i] += " INTEGER PRIMARY KEY"
	} else {
		x.keys[name] = "rowid"
	}
	_, err = x.db.Exec("UPDATE sqlite_schema SET sql = ? WHERE type = 'table' AND name = ?", fmt.Sprintf("CREATE TABLE %q (%s%s", name, strings.Join(list, ", "), end), name)
	return err
}

func (x *loosened) close(r *rand.Rand) (string, error) {
	_, err := x.db.Exec("DELETE FROM sqlite_schema")
	for _, o := range x.schema {
		if err == nil {
			_, err = x.db.Exec("INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES (?, ?, ?, ?, ?)", o...)
		}
	}
	if err := errors.Join(err, x.db.Close()); err != nil {
		return "", err
	}
	db, err := openRaw(x.path)
	if err != nil {
		return "", err
	}
	text := ""
	if r.IntN(2) == 0 {
		_, _ = db.Exec("REINDEX") // of what is double it fails
		text = "reindexed; "
	}
	_, err = db.Exec("PRAGMA journal_mode = WAL")
	return text, errors.Join(err, db.Close())
}

// spoil changes a value of a row, takes a row away or doubles one.
func (x *loosened) spoil(r *rand.Rand) (*change, string, error) {
	var places []column // a table of many columns is damaged more often
	for _, table := range slices.Sorted(maps.Keys(x.tables)) {
		for _, name := range x.tables[table] {
			places = append(places, column{table, name})
		}
	}
	for range 50 {
		place := places[r.IntN(len(places))]
		table, name := place.Table, place.Name
		rows, err := queryAll(x.db, fmt.Sprintf("SELECT %s FROM %q", keyText(x.keys[table]), table))
		if err != nil {
			return nil, "", err
		}
		if len(rows) == 0 {
			continue
		}
		key := fmt.Sprint(rows[r.IntN(len(rows))][0])
		where := fmt.Sprintf("WHERE %s = ?", keyText(x.keys[table]))
		switch r.IntN(12) {
		case 0:
			_, err := x.db.Exec(fmt.Sprintf("DELETE FROM %q %s", table, where), key)
			return nil, fmt.Sprintf("%s %s deleted", table, key), err
		case 1:
			return nil, fmt.Sprintf("%s %s doubled", table, key), x.double(r, table, where, key)
		}
		c := change{column: place, Row: key}
		value := x.value(r, table, name)
		if r.IntN(20) == 0 {
			_, _ = x.db.Exec(fmt.Sprintf("UPDATE OR IGNORE %q SET %q = %s", table, name, value))
			return nil, fmt.Sprintf("%s: %s of all rows set to %.60s", table, name, value), nil
		}
		before, err := queryAll(x.db, fmt.Sprintf("SELECT quote(%q) FROM %q %s", name, table, where), key)
		if err != nil || len(before) == 0 {
			continue
		}
		after, err := queryAll(x.db, fmt.Sprintf("UPDATE %q SET %q = %s %s RETURNING quote(%q)", table, name, value, where, name), key)
		if err != nil || len(after) == 0 || after[0][0] == before[0][0] {
			continue // a key that is taken, or what it was already
		}
		c.Before, c.After = before[0][0].(string), after[0][0].(string)
		return &c, c.String(), nil
	}
	return nil, "nothing", nil
}

// value is a hostile value, or one near to what a row has, or that of another row.
func (x *loosened) value(r *rand.Rand, table, name string) string {
	switch r.IntN(6) {
	case 0:
		return fmt.Sprintf("%q + %d", name, []int{1, -1, 100, -100, 1 << 40}[r.IntN(5)])
	case 1:
		return fmt.Sprintf("-%q", name)
	case 2:
		return fmt.Sprintf("(SELECT other.%q FROM %q other LIMIT 1 OFFSET %d)", name, table, r.IntN(30))
	}
	return hostile[r.IntN(len(hostile))]
}

// double copies a row to another key, with all that was unique.
func (x *loosened) double(r *rand.Rand, table, where, key string) error {
	list := make([]string, len(x.tables[table]))
	for i, c := range x.tables[table] {
		list[i] = fmt.Sprintf("%q", c)
	}
	into := slices.Clone(list)
	for i, c := range list {
		if strings.Contains(x.keys[table], c) {
			list[i] = fmt.Sprintf("%s + %d", c, 1000+r.IntN(1000))
			break
		}
	}
	_, err := x.db.Exec(fmt.Sprintf("INSERT OR IGNORE INTO %q (%s) SELECT %s FROM %q %s", table, strings.Join(into, ", "), strings.Join(list, ", "), table, where), key)
	return err
}

// keyText is an SQL expression of a row's key as one text.
func keyText(key string) string {
	return "CAST(" + strings.ReplaceAll(key, ", ", " AS TEXT) || '/' || CAST(") + " AS TEXT)"
}

// spoilRows damages rows, and returns the changes if there was nothing else.
func spoilRows(r *rand.Rand, path string) (text string, changes []change, err error) {
	x, err := loosen(r, path)
	if err != nil {
		return "", nil, err
	}
	single := true
	for range 1 + r.IntN(3)*r.IntN(2) {
		c, did, err := x.spoil(r)
		if err != nil {
			return text, nil, errors.Join(err, x.db.Close())
		}
		text += did + "; "
		if c == nil {
			single = false
		} else {
			changes = append(changes, *c)
		}
	}
	did, err := x.close(r)
	if !single || len(changes) != 1 {
		changes = nil
	}
	return text + did, changes, err
}

// queryAll returns all rows of a query.
func queryAll(db *sql.DB, query string, args ...any) ([][]any, error) {
	rows, err := db.QueryContext(context.Background(), query, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var list [][]any
	for rows.Next() {
		row, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, rows.Err()
}
