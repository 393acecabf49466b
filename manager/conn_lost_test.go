package manager_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/faultdriver"
)

// losses are the ways in which a connection is lost inside a closure.
var losses = []struct {
	name  string
	point faultdriver.Point
	lose  func(ctx context.Context, on manager.DBTX, rows *sql.Rows) error
}{
	{"in Exec", faultdriver.Statement, func(ctx context.Context, on manager.DBTX, _ *sql.Rows) error {
		_, err := on.ExecContext(ctx, "-- name: Lose :exec\nSELECT 1")
		return err
	}},
	{"in Query", faultdriver.Statement, func(ctx context.Context, on manager.DBTX, _ *sql.Rows) error {
		return drain(on.QueryContext(ctx, "-- name: Lose :many\nSELECT 1"))
	}},
	{"in QueryRow", faultdriver.Statement, func(ctx context.Context, on manager.DBTX, _ *sql.Rows) error {
		return onlyRow(on.QueryRowContext(ctx, "-- name: Lose :one\nSELECT 1"))
	}},
	{"in raw SQL", faultdriver.Statement, func(ctx context.Context, on manager.DBTX, _ *sql.Rows) error {
		return drain(on.QueryContext(ctx, "SELECT 1"))
	}},
	{"in Prepare", faultdriver.Prepare, func(ctx context.Context, on manager.DBTX, _ *sql.Rows) error {
		return drain(on.QueryContext(ctx, "-- name: Lose :many\nSELECT 2"))
	}},
	{"at the next row", faultdriver.Step, func(ctx context.Context, _ manager.DBTX, rows *sql.Rows) error {
		rows.Next()
		return rows.Err()
	}},
	{"at the closing of rows", faultdriver.CloseRows, func(ctx context.Context, on manager.DBTX, _ *sql.Rows) error {
		return drain(on.QueryContext(ctx, "-- name: Lose :many\nSELECT 1"))
	}},
}

// A connection that is lost while rows are open, or after some were forgotten,
// neither holds its closure nor the next ones.
func TestConnectionLostWithRowsOpen(t *testing.T) {
	for _, loss := range losses {
		for _, rowsAre := range []string{"open", "forgotten", "forgotten before"} {
			t.Run(loss.name+", rows "+rowsAre, func(t *testing.T) {
				faults := faultdriver.New()
				db := openNotes(t, manager.WithDriver(faults.Wrap), manager.WithReaders(1))
				forget := func(ctx context.Context, on manager.DBTX) error {
					for range 2 { // as many as are open at once in what follows
						if _, err := on.QueryContext(ctx, "-- name: Held :many\nSELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3"); err != nil {
							return err
						}
					}
					return nil
				}
				closure := func(ctx context.Context, on manager.DBTX) error {
					rows, err := on.QueryContext(ctx, "-- name: Held :many\nSELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3")
					if err != nil {
						return err
					}
					if rowsAre != "forgotten" {
						defer rows.Close()
					}
					rows.Next()
					faults.Arm(faultdriver.Fault{Point: loss.point, Code: faultdriver.ConnectionLost})
					return loss.lose(ctx, on, rows)
				}
				for range 2 {
					if rowsAre == "forgotten before" {
						err := errors.Join(
							db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error { return forget(ctx, tx.raw) }),
							db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) error { return forget(ctx, q.raw) }))
						if err != nil {
							t.Fatal(err)
						}
					}
					write := start(func() error {
						return db.WithTx(context.Background(), func(ctx context.Context, tx Tx) error { return closure(ctx, tx.raw) })
					})
					if err := write.wait(t).err; err == nil {
						t.Error("write: no error")
					}
					read := start(func() error {
						return db.ReadOnly(context.Background(), func(ctx context.Context, q Reader) error { return closure(ctx, q.raw) })
					})
					if err := read.wait(t).err; err == nil {
						t.Error("read: no error")
					}
				}
				if err := db.WithTx(t.Context(), adding("next")); err != nil {
					t.Errorf("the next write: %v", err)
				}
				if got := titles(t, db); len(got) != 1 {
					t.Errorf("titles: got %q, want [next]", got)
				}
			})
		}
	}
}

// What a connection counted stays when another one takes its place.
func TestStatisticsOutliveAConnection(t *testing.T) {
	faults := faultdriver.New()
	db := openNotes(t, manager.WithDriver(faults.Wrap), manager.WithReaders(1))
	lose := func(point faultdriver.Point) {
		faults.Arm(faultdriver.Fault{Point: point, Code: faultdriver.ConnectionLost})
	}
	for i := range 3 {
		if err := db.WithTx(t.Context(), adding(string(rune('a'+i)))); err != nil {
			t.Fatal(err)
		}
		_ = titles(t, db)
		lose(faultdriver.Statement)
		if err := db.WithTx(t.Context(), adding("lost")); err == nil {
			t.Fatal("write on a connection that is lost: no error")
		}
		lose(faultdriver.Statement)
		err := db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) error {
			_, err := q.CountNotes(ctx)
			return err
		})
		if err == nil {
			t.Fatal("read on a connection that is lost: no error")
		}
	}
	_ = titles(t, db)
	queries := db.Stats().Queries
	if got := queries["AddNote"]; got.Count != 6 || got.Errors != 3 {
		t.Errorf("AddNote: got %d with %d errors, want 6 with 3", got.Count, got.Errors)
	}
	if got := queries["Titles"].Count; got != 4 {
		t.Errorf("Titles: got %d, want 4", got)
	}
}

// While the only connection is lost, whoever closes the file last removes its log and its index: they are no longer
// ours, and the next connection makes new ones.
func TestLogIsRemovedWhileTheReadersConnectionIsLost(t *testing.T) {
	db, path := fileBank(t)
	faults := faultdriver.New()
	report, err := manager.OpenReadOnly(t.Context(), path, newBank, manager.WithDriver(faults.Wrap), manager.WithReaders(1))
	if err != nil {
		t.Fatal(err)
	}
	defer bankClose(t, report)
	want := bankCount(t, report)
	faults.Arm(faultdriver.Fault{Point: faultdriver.Statement, Code: faultdriver.ConnectionLost})
	err = report.ReadOnly(t.Context(), func(ctx context.Context, q *bank) error {
		_, err := q.transfers(ctx)
		return err
	})
	if err == nil {
		t.Fatal("a read on a connection that is lost: no error")
	}
	bankClose(t, db)
	if _, err := os.Stat(path + "-shm"); err == nil {
		t.Fatal("the index is still there, so this shows nothing")
	}
	if got := bankCount(t, report); got != want {
		t.Errorf("transfers: got %d, want %d", got, want)
	}
}
