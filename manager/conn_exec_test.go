package manager_test

import (
	"context"
	"testing"

	"github.com/stakeledger/stakeledger/manager/internal/csqlite"
)

// What sqlc's commands that are executed give back, and that each can be followed by any other.
// A statement that returns rows is reset although nobody reads them, so that the transaction can end.
func TestExecOfAStatementWithRows(t *testing.T) {
	db := bankOpen(t, bankPath(t))
	bankFill(t, db)
	for range 2 {
		err := db.WithTx(t.Context(), func(ctx context.Context, tx *bank) error {
			_, err := tx.db.ExecContext(ctx, "-- name: Raise :execrows\nUPDATE accounts SET balance = balance + 1 RETURNING account_id")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	err := db.ReadOnly(t.Context(), func(ctx context.Context, q *bank) error {
		if total, err := q.total(ctx); err != nil || total != bankMoney+2*bankAccounts {
			t.Errorf("got %d, %v, want %d", total, err, bankMoney+2*bankAccounts)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestExecTellsWhatItChanged(t *testing.T) {
	const insert = "INSERT INTO accounts (account_id, balance) VALUES (?, 5)"
	db := bankOpen(t, bankPath(t))
	for _, c := range []struct {
		name, query string
		args        []any
		changed, id int64 // -1: not told; id 0: whatever this build says (see TestLastInsertRowIDIsTheClosuresOwn)
		undo        int64 // the account to remove before
	}{
		{"exec", "-- name: A :exec\n" + insert, []any{1}, -1, -1, 1},
		{"execrows of one", "-- name: B :execrows\n" + insert, []any{2}, 1, 2, 2},
		{"execrows of several", "-- name: C1 :execrows\nUPDATE accounts SET balance = ? WHERE account_id < 3", []any{7}, 2, 0, 0},
		{"execrows of none", "-- name: C2 :execrows\nUPDATE accounts SET balance = ? WHERE account_id > 9", []any{7}, 0, 0, 0},
		{"execlastid", "-- name: D :execlastid\n" + insert, []any{30}, 1, 30, 30},
		{"execresult that does nothing", "-- name: E :execresult\n" + insert + " ON CONFLICT DO NOTHING", []any{30}, 0, 0, 0},
		{"raw SQL", insert, []any{40}, 1, 40, 40},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := db.WithTx(t.Context(), func(ctx context.Context, tx *bank) error {
				for range 2 { // the second time the statement is kept
					if _, err := tx.db.ExecContext(ctx, "-- name: Undo :exec\nDELETE FROM accounts WHERE account_id = ?", c.undo); err != nil {
						return err
					}
					result, err := tx.db.ExecContext(ctx, c.query, c.args...)
					if err != nil {
						return err
					}
					changed, err1 := result.RowsAffected()
					id, err2 := result.LastInsertId()
					if c.changed < 0 {
						if err1 == nil || err2 == nil {
							t.Errorf("told %d rows and id %d, which :exec does not ask for", changed, id)
						}
						continue
					}
					if err1 != nil || err2 != nil || changed != c.changed || c.id > 0 && id != c.id {
						t.Errorf("changed %d (%v), id %d (%v), want %d and %d", changed, err1, id, err2, c.changed, c.id)
					}
					if c.id == 0 && csqlite.Available && id != 0 {
						t.Errorf("id %d of a closure that inserted nothing, want 0", id)
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}
