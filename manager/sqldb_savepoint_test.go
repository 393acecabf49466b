package manager_test

import (
	"context"
	"testing"
)

func TestSavepointsAreReadAsSQLiteDoes(t *testing.T) {
	db := openNotes(t)
	for _, c := range []struct{ name, begin, rollBack, release string }{
		{"spaces in the name", `SAVEPOINT "a b"`, `ROLLBACK TO "a b"`, `RELEASE "a b"`},
		{"quotes in the name", `SAVEPOINT "a""b"`, `ROLLBACK TO 'a"b'`, `RELEASE "A""b"`},
		{"a semicolon in the name", `SAVEPOINT "x;y"`, `ROLLBACK TO "x;y"`, `RELEASE "x;y"`},
		{"brackets and backticks", "SAVEPOINT [a b]", "ROLLBACK TO SAVEPOINT `a b`", "RELEASE SAVEPOINT 'a b'"},
		{"an empty name", `SAVEPOINT ""`, "ROLLBACK TO ``", "RELEASE []"},
		{"another alphabet", "SAVEPOINT é", "ROLLBACK TO é", "RELEASE \ufeffé"},
		{"words of SQL", "SAVEPOINT savepoint", "ROLLBACK TRANSACTION TO SAVEPOINT savepoint", "RELEASE savepoint"},
		{"no space before a quote", `SAVEPOINT"x"`, `ROLLBACK TO"x"`, `RELEASE"x"`},
		{"comments for spaces", "SAVEPOINT/**/x", "ROLLBACK/**/TO/**/x", "RELEASE/**/x"},
		{"comments at the end", "SAVEPOINT x -- one", "ROLLBACK TO x -- two\n", "RELEASE x /* three */;"},
		{"semicolons", "; SAVEPOINT x", "ROLLBACK\tTO\nx;", ";RELEASE\rx;;"},
		{"sqlc's names", "-- name: Begin :exec\nSAVEPOINT s", "-- name: Back :exec\nROLLBACK TO s", "-- name: End :exec\nRELEASE s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tx, err := db.SQL().Begin()
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback()
			mustExec(t, tx, c.begin)
			mustExec(t, tx, insertNote, "never")
			mustExec(t, tx, c.rollBack)
			mustExec(t, tx, c.release)
			var left int
			if err := tx.QueryRow("SELECT count(*) FROM notes").Scan(&left); err != nil || left != 0 {
				t.Errorf("after ROLLBACK TO: %d notes, %v, want none", left, err)
			}
			if _, err := tx.Exec(c.release); err == nil {
				t.Error("a savepoint was released twice")
			}
		})
	}
}

func TestSavepointByEveryWayToRunIt(t *testing.T) {
	db := openNotes(t)
	tx, err := db.SQL().Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if err := drain(tx.Query("SAVEPOINT a")); err != nil {
		t.Errorf("Query: %v", err)
	}
	mustExec(t, tx, insertNote, "never")
	back, err := tx.Prepare("ROLLBACK TO a")
	if err != nil {
		t.Fatalf("Prepare: %v", err)
	}
	if _, err := back.Exec(); err != nil {
		t.Errorf("prepared: %v", err)
	}
	if _, err := tx.Exec("RELEASE a", 1); err == nil {
		t.Error("an argument was dropped")
	}
	mustExec(t, tx, "RELEASE a")
	if err := tx.Commit(); err != nil {
		t.Error(err)
	}
	wantTitles(t, db)
}

// The context of a statement is its own: it ends with the function that ran it.
func TestSavepointOutlivesTheContextOfItsStatement(t *testing.T) {
	db := openNotes(t)
	tx, err := db.SQL().Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	ctx, cancel := context.WithCancel(context.Background())
	if _, err := tx.ExecContext(ctx, "SAVEPOINT a"); err != nil {
		t.Fatal(err)
	}
	cancel()
	mustExec(t, tx, insertNote, "kept")
	mustExec(t, tx, "RELEASE a")
	if err := tx.Commit(); err != nil {
		t.Error(err)
	}
	wantTitles(t, db, "kept")
}
