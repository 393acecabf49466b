package manager_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/internal/notes/write"
)

func TestCommitIsVisibleToEverybodyAndSurvivesACrash(t *testing.T) {
	db := openNotes(t)
	if err := db.WithTx(t.Context(), adding("kept")); err != nil {
		t.Fatal(err)
	}
	if got, want := titles(t, db), []string{"kept"}; !slices.Equal(got, want) {
		t.Errorf("titles through the manager: got %q, want %q", got, want)
	}
	var title string
	if err := foreign(t, db).QueryRowContext(t.Context(), "SELECT title FROM notes").Scan(&title); err != nil || title != "kept" {
		t.Errorf("title through another connection: got %q, %v, want %q", title, err, "kept")
	}

	// What a crash at this moment leaves behind is the file and its log.
	after := filepath.Join(t.TempDir(), "after-the-crash.db")
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(db.Path() + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(after+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := titles(t, openAt(t, after)), []string{"kept"}; !slices.Equal(got, want) {
		t.Errorf("titles after the crash: got %q, want %q", got, want)
	}
}

func TestCommitsAreSynced(t *testing.T) {
	for _, test := range []struct {
		name string
		opts []manager.Option
		want int
	}{
		{"by default", nil, 2},
		{"under WithSynchronousNormal", []manager.Option{manager.WithSynchronousNormal()}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			db := openNotes(t, test.opts...)
			got, err := manager.Write(t.Context(), db, func(ctx context.Context, tx Tx) (level int, err error) {
				err = tx.raw.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&level)
				return level, err
			})
			if err != nil || got != test.want {
				t.Errorf("PRAGMA synchronous: got %d, %v, want %d", got, err, test.want)
			}
		})
	}
}

func TestErrorMeansThatNothingHappened(t *testing.T) {
	wrapped := fmt.Errorf("while writing: %w", errOwn)
	for _, test := range []struct {
		name string
		end  func(ctx context.Context, tx Tx) error
		want error // the very value, or nil when it is the statement's
	}{
		{"the closure's own error", func(context.Context, Tx) error { return errOwn }, errOwn},
		{"the closure's own wrapped error", func(context.Context, Tx) error { return wrapped }, wrapped},
		{"a broken constraint", adding("first"), nil},
		{"invalid SQL", func(ctx context.Context, tx Tx) error {
			_, err := tx.raw.ExecContext(ctx, "INSERT INTO nowhere VALUES (1)")
			return err
		}, nil},
		{"an error of the driver's arguments", func(ctx context.Context, tx Tx) error {
			_, err := tx.raw.ExecContext(ctx, "SELECT ?", make(chan int))
			return err
		}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			db := openNotes(t)
			var inside error
			err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
				if err := tx.add(ctx, "first"); err != nil {
					return err
				}
				inside = test.end(ctx, tx)
				return inside
			})
			want := test.want
			if want == nil {
				want = inside
			}
			if err == nil || err != want {
				t.Errorf("error: got %v, want the closure's own, unchanged: %v", err, want)
			}
			if got := titles(t, db); len(got) != 0 {
				t.Errorf("titles after the error: got %q, want none", got)
			}
			if err := db.WithTx(t.Context(), adding("next")); err != nil {
				t.Errorf("the next transaction: %v", err)
			}
		})
	}
}

func TestEveryKindOfQueryWorks(t *testing.T) {
	db := openNotes(t)
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		first, err := tx.InsertNote(ctx, write.InsertNoteParams{Folder: "inbox", Title: "one"})
		if err != nil || first != 1 {
			t.Errorf(":one with RETURNING: got id %d, %v, want 1", first, err)
		}
		if err := tx.AddNote(ctx, "inbox", "two"); err != nil {
			t.Errorf(":exec: %v", err)
		}
		if n, err := tx.SetStars(ctx, 3, "inbox"); err != nil || n != 2 {
			t.Errorf(":execrows: got %d rows, %v, want 2", n, err)
		}
		result, err := tx.SetTitle(ctx, write.SetTitleParams{NewTitle: "deux", Folder: "inbox", Title: "two"})
		if err != nil {
			t.Errorf(":execresult: %v", err)
		} else if n, err := result.RowsAffected(); err != nil || n != 1 {
			t.Errorf(":execresult: got %d rows, %v, want 1", n, err)
		}
		list, err := tx.Titles(ctx, "inbox")
		if want := []string{"one", "deux"}; err != nil || !slices.Equal(list, want) {
			t.Errorf(":many: got %q, %v, want %q", list, err, want)
		}
		moved, err := tx.MoveNotes(ctx, "done", "inbox")
		if want := []string{"one", "deux"}; err != nil || !slices.Equal(moved, want) {
			t.Errorf(":many with RETURNING: got %q, %v, want %q", moved, err, want)
		}
		note, err := tx.Note(ctx, "done", "deux")
		if err != nil || note.ID != 2 || note.Stars != 3 {
			t.Errorf(":one: got %+v, %v, want note 2 with 3 stars", note, err)
		}
		if _, err := tx.Note(ctx, "done", "three"); !errors.Is(err, manager.ErrNotFound) {
			t.Errorf(":one without a row: got %v, want ErrNotFound", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	n, err := manager.Read(t.Context(), db, func(ctx context.Context, q Reader) (int64, error) { return q.CountNotes(ctx) })
	if err != nil || n != 2 {
		t.Errorf("notes after the commit: got %d, %v, want 2", n, err)
	}
}

func TestWriteReturnsAValueOrAnError(t *testing.T) {
	db := openNotes(t)
	id, err := manager.Write(t.Context(), db, func(ctx context.Context, tx Tx) (int64, error) {
		return tx.InsertNote(ctx, write.InsertNoteParams{Folder: "inbox", Title: "a"})
	})
	if id != 1 || err != nil {
		t.Errorf("success: got %d, %v, want 1", id, err)
	}
	id, err = manager.Write(t.Context(), db, func(ctx context.Context, tx Tx) (int64, error) { return 7, errOwn })
	if id != 0 || err != errOwn {
		t.Errorf("failure: got %d, %v, want 0 and %v", id, err, errOwn)
	}
}
