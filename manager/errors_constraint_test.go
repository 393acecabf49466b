package manager_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/internal/notes/write"
)

func TestConstraintErrorsNameTheirPlace(t *testing.T) {
	db := openNotes(t)
	for _, test := range []struct {
		name    string
		query   string
		kind    error
		table   string
		columns []string
	}{
		{"unique", "INSERT INTO notes (folder, title) VALUES ('inbox', 'taken')", manager.ErrUnique, "notes", []string{"folder", "title"}},
		{"rowid", "INSERT INTO notes (id, folder, title) VALUES (1, 'inbox', 'free')", manager.ErrUnique, "notes", []string{"id"}},
		{"primary key", "INSERT INTO tags (note_id, name) VALUES (1, 'red')", manager.ErrUnique, "tags", []string{"note_id", "name"}},
		{"not null", "INSERT INTO notes (folder, title) VALUES ('inbox', NULL)", manager.ErrNotNull, "notes", []string{"title"}},
		{"check", "INSERT INTO notes (folder, title, stars) VALUES ('inbox', 'free', 6)", manager.ErrCheck, "", []string{"stars_range"}},
		{"trigger", "DELETE FROM notes WHERE stars = 5", manager.ErrCheck, "", nil},
		{"type", "INSERT INTO notes (id, folder, title) VALUES ('x', 'inbox', 'free')", manager.ErrCheck, "", nil},
		{"foreign key", "INSERT INTO tags (note_id, name) VALUES (99, 'red')", manager.ErrForeignKey, "", nil},
	} {
		for _, way := range waysToRun {
			t.Run(test.name+"/"+way.name, func(t *testing.T) {
				err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
					id, err := tx.InsertNote(ctx, write.InsertNoteParams{Folder: "inbox", Title: "taken", Stars: 5})
					if err == nil {
						err = tx.AddTag(ctx, id, "red")
					}
					if err != nil {
						return err
					}
					broken := way.run(ctx, tx.raw, test.query)
					var e *manager.Error
					if !errors.Is(broken, test.kind) || !errors.As(broken, &e) {
						t.Fatalf("got %v, want an *Error that is %v", broken, test.kind)
					}
					if e.Table != test.table || !slices.Equal(e.Columns, test.columns) {
						t.Errorf("place: got table %q, columns %q, want %q, %q", e.Table, e.Columns, test.table, test.columns)
					}
					if e.Query != way.query || e.Label != "breaking" {
						t.Errorf("origin: got query %q, label %q, want %q, %q", e.Query, e.Label, way.query, "breaking")
					}
					// The statement failed, not the transaction.
					if err := tx.add(ctx, "after"); err != nil {
						return err
					}
					list, err := tx.Titles(ctx, "inbox")
					if want := []string{"taken", "after"}; err != nil || !slices.Equal(list, want) {
						t.Errorf("titles: got %q, %v, want %q", list, err, want)
					}
					return errOwn // which clears the table for the next case
				}, manager.Label("breaking"))
				if err != errOwn {
					t.Error(err)
				}
			})
		}
	}
}

func TestConstraintCheckedAtCommitFailsTheTransaction(t *testing.T) {
	db := openNotes(t, manager.WithMigration(create(deferred("DEFERRABLE INITIALLY DEFERRED"))))
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		if err := tx.add(ctx, "a"); err != nil {
			return err
		}
		return tx.AddTag(ctx, 99, "red")
	})
	if !errors.Is(err, manager.ErrForeignKey) {
		t.Errorf("error: got %v, want ErrForeignKey", err)
	}
	if got := titles(t, db); len(got) != 0 {
		t.Errorf("titles: got %q, want none", got)
	}
	// SQLite leaves such a transaction open; the next one must not meet it.
	if err := db.WithTx(t.Context(), adding("b")); err != nil {
		t.Errorf("the next transaction: %v", err)
	}
}

func TestErrorTextStartsWithWhatWasAttempted(t *testing.T) {
	db := openNotes(t)
	twice := func(ctx context.Context, tx Tx) error {
		return errors.Join(tx.add(ctx, "a"), tx.add(ctx, "a"))
	}
	err := db.WithTx(t.Context(), twice, manager.Label("doubling"))
	const want = "exec AddNote (doubling): unique constraint failed: "
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want a text that starts %q", err, want)
	}
}

func TestDefaultLabelIsTheCallingFunction(t *testing.T) {
	db := openNotes(t)
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error { return tx.AddTag(ctx, 99, "red") })
	var e *manager.Error
	if want := "manager_test.TestDefaultLabelIsTheCallingFunction"; !errors.As(err, &e) || e.Label != want {
		t.Errorf("label: got %v, want %q", err, want)
	}
}
