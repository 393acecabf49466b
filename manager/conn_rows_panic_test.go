package manager_test

import (
	"context"
	"database/sql/driver"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// A driver whose rows panic when they are closed, as a function does that SQLite calls then.
type closePanics struct {
	manager.DriverConn
	on *atomic.Bool
}

func (c closePanics) Prepare(query string) (driver.Stmt, error) {
	s, err := c.DriverConn.Prepare(query)
	if err != nil {
		return nil, err
	}
	return closePanicsStmt{s.(manager.DriverStmt), c.on}, nil
}

type closePanicsStmt struct {
	manager.DriverStmt
	on *atomic.Bool
}

func (s closePanicsStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := s.DriverStmt.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	return closePanicsRows{rows, s.on}, nil
}

type closePanicsRows struct {
	driver.Rows
	on *atomic.Bool
}

func (r closePanicsRows) Close() error {
	err := r.Rows.Close()
	if r.on.Swap(false) {
		panic("at Close")
	}
	return err
}

// A panic while rows are closed reaches the caller, and leaves no lock behind: the connection is replaced.
func TestPanicWhileRowsAreClosed(t *testing.T) {
	for _, way := range []string{"read", "write", "group"} {
		t.Run(way, func(t *testing.T) {
			var on atomic.Bool
			var opened atomic.Int32
			db := openNotes(t, manager.WithReaders(1), manager.WithDriver(func(c manager.DriverConn) manager.DriverConn {
				opened.Add(1)
				return closePanics{c, &on}
			}))
			titles(t, db) // so that the reader's connection is open
			before, want := opened.Load(), []string{"after"}
			count := func(ctx context.Context, raw manager.DBTX) error {
				on.Store(true)
				_, err := rowsText(ctx, raw, "SELECT count(*) FROM notes")
				return err
			}
			panicked := func(do func()) {
				defer func() {
					if recover() != "at Close" {
						t.Error("want the panic in its caller")
					}
				}()
				do()
			}
			switch way {
			case "read":
				panicked(func() {
					_ = db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) error { return count(ctx, q.raw) })
				})
			case "write":
				panicked(func() {
					_ = db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error { return count(ctx, tx.raw) })
				})
			case "group":
				want = []string{"other", "after"}
				release := hold(t, db)
				other := enqueue(t.Context(), t, db, adding("other"))
				guilty := enqueue(t.Context(), t, db, func(ctx context.Context, tx Tx) error { return count(ctx, tx.raw) })
				release()
				if got := guilty.wait(t).panic; got != "at Close" {
					t.Errorf("got %v, want the panic in its caller", got)
				}
				if err := other.wait(t).err; err != nil {
					t.Error(err)
				}
			}
			if err := db.WithTx(t.Context(), adding("after")); err != nil {
				t.Error(err)
			}
			if got := titles(t, db); !slices.Equal(got, want) {
				t.Errorf("titles: got %q, want %q", got, want)
			}
			if opened.Load() == before {
				t.Error("no connection was opened since, want one that replaces what panicked")
			}
		})
	}
}
