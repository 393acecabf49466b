package manager_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// A text is run to its last letter or not at all.
func TestTextRunsWholeOrIsRefused(t *testing.T) {
	insert := func(title string) string {
		return "INSERT INTO notes (folder, title) VALUES ('inbox', '" + title + "')"
	}
	for _, test := range []struct {
		name, text string
		titles     string // that it leaves if it runs as raw SQL
		rawFails   bool
		namedFails bool
	}{
		{"one", insert("a"), "a", false, false},
		{"one with an end", insert("a") + ";", "a", false, false},
		{"one with spaces and comments after its end", insert("a") + " ; -- b\n /* c; */ ; ", "a", false, false},
		{"one after empty ones", ";;" + insert("a"), "a", false, false},
		{"a semicolon in a text", insert("a;b"), "a;b", false, false},
		{"a semicolon and a quote in a text", insert("a'';b"), "a';b", false, false},
		{"two", insert("a") + "; " + insert("b"), "a b", false, true},
		{"two on lines", insert("a") + ";\n-- then\n" + insert("b") + ";\n", "a b", false, true},
		{"two behind a comment", "/* ; */ " + insert("a") + "; -- ;\n" + insert("b"), "a b", false, true},
		{"a second that fails", insert("a") + "; INSERT INTO nowhere VALUES (1)", "a", true, true},
		{"a second that begins a transaction", insert("a") + "; BEGIN", "a", true, true},
		{"a trigger", "CREATE TRIGGER t AFTER INSERT ON tags BEGIN SELECT 1; SELECT 2; END;", "", false, false},
		{"a trigger and one more", "CREATE TRIGGER IF NOT EXISTS t AFTER INSERT ON tags BEGIN SELECT 1; END; " + insert("a"), "a", false, true},
		{"nothing", "", "", false, true},
		{"spaces", " \n\t", "", false, true},
		{"a comment", "-- only", "", false, true},
		{"an open comment", "/* only", "", false, true},
		{"semicolons", " ; ;", "", false, true},
		{"a byte order mark", "\ufeff", "", false, true},
		{"a NUL byte", insert("a") + "\x00; " + insert("b"), "", true, true},
		{"a NUL byte first", "\x00" + insert("a"), "", true, true},
	} {
		for _, way := range waysToRun {
			t.Run(test.name+" by "+way.name, func(t *testing.T) {
				db := openNotes(t)
				raw := way.query == ""
				fails, want := test.namedFails, test.titles
				if raw {
					fails = test.rawFails || want == "" && !strings.Contains(test.text, "TRIGGER") && !strings.Contains(way.name, "Exec")
				} else if fails {
					want = ""
				}
				err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
					err := way.run(ctx, tx.raw, test.text)
					if (err != nil) != fails {
						t.Errorf("got %v, want an error: %t", err, fails)
					}
					list, err := tx.Titles(ctx, "inbox")
					if got := strings.Join(list, " "); got != want {
						t.Errorf("titles: got %q, want %q", got, want)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestArgumentsAreTakenAllOrRefused(t *testing.T) {
	const two = "INSERT INTO notes (folder, title, stars) VALUES ('inbox', @title, @stars)"
	for _, test := range []struct {
		name, text string
		args       []any
		want       string // the note, or what the error must hold
		refused    bool
	}{
		{"all", two, []any{"a", 1}, "a 1", false},
		{"all by name", two, []any{sql.Named("stars", 2), sql.Named("title", "a")}, "a 2", false},
		{"one by name", two, []any{"a", sql.Named("stars", 2)}, "a 2", false},
		{"too few", two, []any{"a"}, "not enough arguments", true},
		{"too many", two, []any{"a", 1, 2}, "too many arguments", true},
		{"some for none", "INSERT INTO notes (folder, title) VALUES ('inbox', 'a')", []any{1}, "too many arguments", true},
		{"a wrong name", two, []any{sql.Named("titel", "a"), sql.Named("stars", 2)}, `no parameter named "titel"`, true},
		{"a name in another case", two, []any{sql.Named("Title", "a"), sql.Named("stars", 2)}, `no parameter named "Title"`, true},
		{"a name with its prefix", two, []any{sql.Named("@title", "a"), sql.Named("stars", 2)}, "no parameter named", true},
		{"a name too many", two, []any{"a", 1, sql.Named("body", "b")}, `no parameter named "body"`, true},
		{"a name in place of another", two, []any{sql.Named("title", "a"), sql.Named("title", "b")}, `none for the parameter "stars"`, true},
		{"a name for a position", "INSERT INTO notes (folder, title, stars) VALUES ('inbox', ?, ?)", []any{"a", sql.Named("stars", 1)}, "no parameter named", true},
		{"a name in a text alone", "INSERT INTO notes (folder, title) VALUES ('inbox', '@title')", []any{sql.Named("title", "a")}, "no parameter named", true},
		{"a position twice", "INSERT INTO notes (folder, title, stars) VALUES ('inbox', ?1, length(?1))", []any{"abc"}, "abc 3", false},
		{"a name twice", "INSERT INTO notes (folder, title, stars) VALUES ('inbox', $t, length($t))", []any{sql.Named("t", "abc")}, "abc 3", false},
		{"a gap", "INSERT INTO notes (folder, title, stars) VALUES ('inbox', ?3, 1)", []any{"abc"}, "not enough arguments", true},
	} {
		for _, kind := range []string{"", "-- name: Add :exec\n", "-- name: Add :execrows\n", "-- name: Add :many\n"} {
			for _, way := range []string{"Exec", "Query", "QueryRow"} {
				t.Run(fmt.Sprintf("%s by %s %q", test.name, way, kind), func(t *testing.T) {
					db := openNotes(t)
					err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
						err := runWith(ctx, tx.raw, way, kind+test.text, test.args)
						var got string
						rowErr := tx.raw.QueryRowContext(ctx, "SELECT coalesce(max(title || ' ' || stars), '') FROM notes").Scan(&got)
						if test.refused && (err == nil || !strings.Contains(err.Error(), test.want) || got != "") {
							t.Errorf("got %v and note %q, want an error with %q and none", err, got, test.want)
						}
						if !test.refused && (err != nil || got != test.want) {
							t.Errorf("got %v and note %q, want %q", err, got, test.want)
						}
						return rowErr
					})
					if err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
}

func runWith(ctx context.Context, on manager.DBTX, way, text string, args []any) error {
	switch way {
	case "Exec":
		_, err := on.ExecContext(ctx, text, args...)
		return err
	case "Query":
		return drain(on.QueryContext(ctx, text, args...))
	}
	return onlyRow(on.QueryRowContext(ctx, text, args...))
}

// Arguments of a raw text of several statements go to them by position, all of
// them, and are counted before anything runs.
func TestArgumentsOfSeveralStatements(t *testing.T) {
	const text = "INSERT INTO notes (folder, title) VALUES ('inbox', ?); INSERT INTO notes (folder, title) VALUES ('inbox', ? || ?)"
	for _, test := range []struct {
		name string
		args []any
		want string
	}{
		{"all", []any{"a", "b", "c"}, "a bc"},
		{"too few", []any{"a", "b"}, ""},
		{"too many", []any{"a", "b", "c", "d"}, ""},
		{"names", []any{"a", "b", sql.Named("c", "c")}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			db := openNotes(t)
			err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
				_, err := tx.raw.ExecContext(ctx, text, test.args...)
				if (err == nil) != (test.want != "") {
					t.Errorf("got %v, want an error: %t", err, test.want == "")
				}
				list, err := tx.Titles(ctx, "inbox")
				if got := strings.Join(list, " "); got != test.want {
					t.Errorf("titles: got %q, want %q", got, test.want)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// With a transaction dropped by the first of several statements the others do
// not run by themselves.
func TestSeveralStatementsStopAtADroppedTransaction(t *testing.T) {
	db := openNotes(t)
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		_, err := tx.raw.ExecContext(ctx, "INSERT INTO notes (id, folder, title) VALUES (1, 'inbox', 'a'); INSERT OR ROLLBACK INTO notes (id, folder, title) VALUES (1, 'inbox', 'b'); INSERT INTO notes (folder, title) VALUES ('inbox', 'c')")
		return err
	})
	if !errors.Is(err, manager.ErrUnique) {
		t.Errorf("got %v, want ErrUnique", err)
	}
	if got := titles(t, db); len(got) != 0 {
		t.Errorf("titles: got %q, want none", got)
	}
}
