package manager_test

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

func TestRowsKeptBeyondTheirClosure(t *testing.T) {
	db := openNotes(t)
	var kept []*sql.Rows
	keep := func(ctx context.Context, on manager.DBTX) error {
		rows, err := on.QueryContext(ctx, "SELECT id, title FROM notes UNION ALL SELECT 1, 'a' UNION ALL SELECT 2, 'b'")
		if err == nil {
			rows.Next()
			kept = append(kept, rows)
		}
		return err
	}
	err := errors.Join(
		db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error { return keep(ctx, tx.raw) }),
		db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) error { return keep(ctx, q.raw) }))
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range kept {
		names, err := rows.Columns()
		if len(names) != 2 && !errors.Is(err, manager.ErrTxDone) {
			t.Errorf("Columns: got %q, %v, want both names or ErrTxDone", names, err)
		}
		types, err := rows.ColumnTypes()
		if len(types) != 2 && !errors.Is(err, manager.ErrTxDone) {
			t.Errorf("ColumnTypes: got %d, %v, want two or ErrTxDone", len(types), err)
		}
		if rows.Next() || !errors.Is(rows.Err(), manager.ErrTxDone) {
			t.Errorf("Next: got a row or %v, want ErrTxDone", rows.Err())
		}
		if err := rows.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

// Rows are read in one goroutine while their closure returns in another.
func TestRowsAreReadWhileTheirClosureReturns(t *testing.T) {
	db := openNotes(t)
	for range 50 {
		var reader sync.WaitGroup
		err := db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) error {
			rows, err := q.raw.QueryContext(ctx, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n")
			if err != nil {
				return err
			}
			started := make(chan struct{})
			reader.Go(func() {
				defer rows.Close()
				for i := 0; rows.Next(); i++ {
					_, _ = rows.Columns()
					_, _ = rows.ColumnTypes()
					if i == 0 {
						close(started)
					}
				}
			})
			<-started
			return nil
		})
		reader.Wait()
		if err != nil {
			t.Fatal(err)
		}
	}
}
