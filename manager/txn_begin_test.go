package manager_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// A transaction that began as a reader and then wants to write may find that
// somebody else has written meanwhile: the writer holds the lock from BEGIN on.
func TestWriterHoldsTheLockBeforeItsFirstStatement(t *testing.T) {
	db := openNotes(t)
	outsider, err := sql.Open("sqlite3", "file:"+db.Path()+"?_busy_timeout=0&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer outsider.Close()
	err = db.WithTx(t.Context(), func(ctx context.Context, _ Tx) error {
		tx, err := outsider.BeginTx(ctx, nil)
		if err == nil {
			_ = tx.Rollback()
		}
		var busy sqlite3.Error
		if !errors.As(err, &busy) || busy.Code != sqlite3.ErrBusy {
			t.Errorf("an outsider's BEGIN IMMEDIATE: got %v, want busy", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
