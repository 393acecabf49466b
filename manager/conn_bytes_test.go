package manager_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// textsInBytes sums the texts of the statements that are open.
type textsInBytes struct{ open atomic.Int64 }

func (b *textsInBytes) wrap(c manager.DriverConn) manager.DriverConn { return &weighedConn{c, b} }

type weighedConn struct {
	manager.DriverConn
	bytes *textsInBytes
}

func (c *weighedConn) Prepare(query string) (driver.Stmt, error) {
	s, err := c.DriverConn.Prepare(query)
	if err != nil {
		return nil, err
	}
	c.bytes.open.Add(int64(len(query)))
	return &weighedStmt{s.(manager.DriverStmt), c.bytes, int64(len(query))}, nil
}

type weighedStmt struct {
	manager.DriverStmt
	bytes *textsInBytes
	size  int64
}

func (s *weighedStmt) Close() error {
	s.bytes.open.Add(-s.size)
	return s.DriverStmt.Close()
}

func TestStatementsKeptPreparedAreBoundedInBytes(t *testing.T) {
	for _, size := range []int{100 << 10, 3 << 20} { // some are kept; none is
		t.Run(fmt.Sprintf("%d KiB each", size>>10), func(t *testing.T) {
			var bytes textsInBytes
			db := openNotes(t, manager.WithDriver(bytes.wrap))
			long := " -- " + strings.Repeat("x", size)
			err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
				for i := range 40 {
					if err := drain(tx.raw.QueryContext(ctx, fmt.Sprintf("-- name: Read%d :many\nSELECT %d%s", i, i, long))); err != nil {
						return err
					}
					if _, err := tx.raw.ExecContext(ctx, fmt.Sprintf("-- name: Set%d :exec\nUPDATE notes SET stars = %d%s", i, i, long)); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := bytes.open.Load(); got > 1<<20+10_000 {
				t.Errorf("text of the statements kept: got %d bytes, want 1 MiB and some", got)
			}
		})
	}
}

// The driver keeps a copy of the arguments with the statement that took them.
func TestLargeArgumentsAreNotKept(t *testing.T) {
	const size = 8 << 20
	for _, query := range []string{
		"-- name: Keep :exec\nUPDATE notes SET body = ? WHERE id < 0",
		"-- name: Keep :execrows\nUPDATE notes SET body = ? WHERE id < 0",
		"-- name: Keep :many\nSELECT length(?)",
		"SELECT length(?)",
	} {
		t.Run(query, func(t *testing.T) {
			var count ledgerOfStatements
			db := openNotes(t, manager.WithDriver(count.wrap))
			var collected atomic.Bool
			run := func(arg []byte) {
				err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
					if strings.Contains(query, "SELECT") {
						return drain(tx.raw.QueryContext(ctx, query, arg))
					}
					_, err := tx.raw.ExecContext(ctx, query, arg)
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			before := count.open()
			func() {
				large := new([size]byte)
				runtime.SetFinalizer(large, func(*[size]byte) { collected.Store(true) })
				run(large[:])
			}()
			if got := count.open(); got != before {
				t.Errorf("statements kept: got %d more, want none of those with a large argument", got-before)
			}
			until(t, "the argument to be collected", func() bool { runtime.GC(); return collected.Load() })
		})
	}
}
