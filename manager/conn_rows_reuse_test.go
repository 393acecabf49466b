package manager_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// The memory of closed rows serves later queries, which must show neither in
// values that somebody kept nor in rows that somebody still has.

func TestScannedValuesStayWhenTheirQueryRunsAgain(t *testing.T) {
	db := openNotes(t)
	const query = "SELECT ?1 + 1000, 'text ' || ?1, CAST('blob ' || ?1 AS BLOB), ?1 + 0.5"
	err := db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) error {
		var kept [][]any
		for i := range 40 {
			row := make([]any, 4)
			if err := q.raw.QueryRowContext(ctx, query, i).Scan(&row[0], &row[1], &row[2], &row[3]); err != nil {
				return err
			}
			kept = append(kept, row)
		}
		for i, got := range kept {
			want := []any{int64(1000 + i), fmt.Sprint("text ", i), fmt.Append(nil, "blob ", i), float64(i) + 0.5}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("row %d: got %v, want %v", i, got, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// numbersTo counts up to its argument.
const numbersTo = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) SELECT i FROM n"

func TestClosedRowsLeaveThoseAloneThatCameAfter(t *testing.T) {
	db := openNotes(t)
	for name, within := range map[string]func(context.Context, func(context.Context, manager.DBTX) error) error{
		"ReadOnly": func(ctx context.Context, do func(context.Context, manager.DBTX) error) error {
			return db.ReadOnly(ctx, func(ctx context.Context, q Reader) error { return do(ctx, q.raw) })
		},
		"WithTx": func(ctx context.Context, do func(context.Context, manager.DBTX) error) error {
			return db.WithTx(ctx, func(ctx context.Context, tx Tx) error { return do(ctx, tx.raw) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			var old []*sql.Rows // closed by their reader, then by the end of their transaction
			for _, closes := range []bool{true, false} {
				err := within(t.Context(), func(ctx context.Context, on manager.DBTX) error {
					rows, err := on.QueryContext(ctx, numbersTo, 1000)
					if err != nil {
						return err
					}
					old = append(old, rows)
					if rows.Next(); closes {
						return rows.Close()
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			err := within(t.Context(), func(ctx context.Context, on manager.DBTX) error {
				const count = 600
				rows, err := on.QueryContext(ctx, numbersTo, count)
				if err != nil {
					return err
				}
				for i := 1; i <= count; i++ {
					var got int
					if !rows.Next() || rows.Scan(&got) != nil || got != i {
						return fmt.Errorf("row %d: got %d, %w", i, got, rows.Err())
					}
					for _, r := range old {
						if r.Next() {
							return errors.New("rows that are closed had another row")
						}
						_, _ = r.Columns()
						_, _ = r.ColumnTypes()
						if err := r.Close(); err != nil {
							return err
						}
					}
				}
				if rows.Next() {
					return errors.New("got more rows than there are")
				}
				return rows.Close()
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}
