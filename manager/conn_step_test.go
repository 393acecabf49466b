package manager_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/faultdriver"
	"github.com/stakeledger/stakeledger/manager/internal/csqlite"
)

const allTitles = "-- name: AllTitles :many\nSELECT title FROM notes ORDER BY id"

// addNumbered adds notes with the titles 0, 1, 2, …
func addNumbered(ctx context.Context, db *DB, n int) error {
	return db.WithTx(ctx, func(ctx context.Context, tx Tx) error {
		_, err := tx.raw.ExecContext(ctx, "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1) INSERT INTO notes (folder, title) SELECT 'inbox', i FROM n", n)
		return err
	})
}

// scanInts reads up to most rows of one column.
func scanInts(rows *sql.Rows, most int) (list []int, err error) {
	for len(list) < most && rows.Next() {
		var n int
		if err := rows.Scan(&n); err != nil {
			return list, err
		}
		list = append(list, n)
	}
	return list, rows.Err()
}

// A row that the closure changes before it is read is read as it is then, also
// by a ReadOnly in its midst, as if each row were asked of SQLite at its turn.
func TestChangesShowInRowsNotYetRead(t *testing.T) {
	for _, test := range []struct {
		name string
		view bool
	}{{"WithTx", false}, {"ReadOnly inside WithTx", true}} {
		t.Run(test.name, func(t *testing.T) {
			db := openNotes(t)
			if err := addNumbered(t.Context(), db, 4); err != nil {
				t.Fatal(err)
			}
			err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
				change := func() error {
					_, err := tx.raw.ExecContext(ctx, "-- name: Hundred :exec\nUPDATE notes SET title = title + 100")
					return err
				}
				read := func(ctx context.Context, raw manager.DBTX) error {
					rows, err := raw.QueryContext(ctx, allTitles)
					if err != nil {
						return err
					}
					defer rows.Close()
					got, err := scanInts(rows, 2)
					if err == nil {
						err = change()
					}
					if err != nil {
						return err
					}
					rest, err := scanInts(rows, 10)
					if got = append(got, rest...); !slices.Equal(got, []int{0, 1, 102, 103}) {
						t.Errorf("got %v, want [0 1 102 103]", got)
					}
					return err
				}
				if !test.view {
					return read(ctx, tx.raw)
				}
				return db.ReadOnly(ctx, func(ctx context.Context, q Reader) error { return read(ctx, q.raw) })
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

// In a ReadOnly rows come in lots. They are all there, once, however few are
// read, and several queries of the same text at once do not mix.
func TestRowsOfAReadOnlyAreWhole(t *testing.T) {
	const notes = 1000
	db := openNotes(t)
	if err := addNumbered(t.Context(), db, notes); err != nil {
		t.Fatal(err)
	}
	err := db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) error {
		var open []*sql.Rows
		var got [3][]int
		for range got {
			rows, err := q.raw.QueryContext(ctx, allTitles)
			if err != nil {
				return err
			}
			defer rows.Close()
			open = append(open, rows)
		}
		for turn := 0; len(got[2]) < notes && turn < notes; turn++ {
			for i, rows := range open {
				list, err := scanInts(rows, 1+i*7)
				if err != nil {
					return err
				}
				got[i] = append(got[i], list...)
			}
			if turn == 20 {
				if err := open[1].Close(); err != nil {
					return err
				}
			}
		}
		for i, n := range []int{len(got[0]), len(got[1]), notes} {
			for at := range n {
				if got[i][at] != at {
					t.Fatalf("query %d, row %d: got %d", i, at, got[i][at])
				}
			}
		}
		if len(got[1]) != 21*8 || len(got[2]) != notes {
			t.Errorf("rows: got %d and %d, want %d and %d", len(got[1]), len(got[2]), 21*8, notes)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A spy counts statements that were over after one call.
type spy struct {
	manager.DriverConn
	runs, rows *atomic.Int64
}

func (s spy) Prepare(query string) (driver.Stmt, error) {
	made, err := s.DriverConn.Prepare(query)
	if stepper, ok := made.(manager.DriverStepper); ok && err == nil {
		return spyStmt{stepper, s}, nil
	}
	return made, err
}

type spyStmt struct {
	manager.DriverStepper
	spy spy
}

func (s spyStmt) RunContext(ctx context.Context, args []driver.NamedValue) error {
	s.spy.runs.Add(1)
	return s.DriverStepper.RunContext(ctx, args)
}

func (s spyStmt) QueryRowContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.spy.rows.Add(1)
	return s.DriverStepper.QueryRowContext(ctx, args)
}

// What wraps the driver is called for every statement of the short way too, and
// faults reach it there.
func TestFaultsReachStatementsThatEndAtOnce(t *testing.T) {
	if !csqlite.Available {
		t.Skip("this build runs the driver's statements")
	}
	var runs, rows atomic.Int64
	faults := faultdriver.New()
	db := openNotes(t, manager.WithDriver(func(c manager.DriverConn) manager.DriverConn { return faults.Wrap(spy{c, &runs, &rows}) }))
	write := func() error {
		return db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
			_, err := tx.raw.ExecContext(ctx, "-- name: Add :exec\nINSERT INTO notes (folder, title) VALUES ('inbox', random())")
			return err
		})
	}
	read := func() error {
		return db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) (err error) {
			var n int
			return q.raw.QueryRowContext(ctx, "-- name: Count :one\nSELECT count(*) FROM notes").Scan(&n)
		})
	}
	if err := errors.Join(write(), read()); err != nil {
		t.Fatal(err)
	}
	if runs.Load() == 0 || rows.Load() == 0 {
		t.Fatalf("calls through the wrappers: got %d runs and %d rows, want some", runs.Load(), rows.Load())
	}
	for _, test := range []struct {
		fault faultdriver.Fault
		run   func() error
	}{
		{faultdriver.Fault{Point: faultdriver.Statement, Query: "Add"}, write},
		{faultdriver.Fault{Point: faultdriver.Statement, Query: "Count"}, read},
		{faultdriver.Fault{Point: faultdriver.Step, Query: "Count"}, read},
		{faultdriver.Fault{Point: faultdriver.CloseRows, Query: "Count"}, read},
		{faultdriver.Fault{Point: faultdriver.Commit}, write},
		{faultdriver.Fault{Point: faultdriver.Begin}, read},
	} {
		test.fault.Code = faultdriver.IOErr
		faults.Arm(test.fault)
		if err := test.run(); !errors.Is(err, faultdriver.IOErr.Err()) {
			t.Errorf("%v: got %v, want IOERR", test.fault, err)
		}
		faults.Arm()
		if err := test.run(); err != nil {
			t.Errorf("after %v: %v", test.fault, err)
		}
	}
}
