package postgres

import "testing"

func TestTextIsTranslated(t *testing.T) {
	for _, test := range []struct {
		name, text, want string
		inputs           int
		readonly         bool
	}{
		{"numbered", "-- name: A :one\nSELECT ?1, ?2, ?1", "-- name: A :one\nSELECT $1, $2, $1", 2, true},
		{"bare", "SELECT ?, ?", "SELECT $1, $2", 2, true},
		{"the server's own", "SELECT $2", "SELECT $2", 2, true},
		{"strings", `SELECT '?1', E'\'?1', "?1", $$ ?1 $$, $x$ ?1 $$ $x$, ?1`, `SELECT '?1', E'\'?1', "?1", $$ ?1 $$, $x$ ?1 $$ $x$, $1`, 1, true},
		{"comments", "/* ?1 /* ?2 */ ?3 */ SELECT ?1 -- ?9", "/* ?1 /* ?2 */ ?3 */ SELECT $1 -- ?9", 1, true},
		{"a write", "INSERT INTO t VALUES (?1)", "INSERT INTO t VALUES ($1)", 1, false},
		{"a write in WITH", "WITH x AS (DELETE FROM t RETURNING 1) SELECT * FROM x", "WITH x AS (DELETE FROM t RETURNING 1) SELECT * FROM x", 0, false},
		{"a word in a string", "SELECT 'delete', \"update\"", "SELECT 'delete', \"update\"", 0, true},
		{"a lock", "SELECT * FROM t FOR UPDATE", "SELECT * FROM t FOR UPDATE", 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := translate(test.text)
			if err != nil {
				t.Fatal(err)
			}
			if got.text != test.want || got.inputs != test.inputs || got.readonly != test.readonly {
				t.Errorf("got %q, %d arguments, read-only %t; want %q, %d, %t", got.text, got.inputs, got.readonly, test.want, test.inputs, test.readonly)
			}
		})
	}
}
