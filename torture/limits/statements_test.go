package limits_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/torture/effort"
)

// TestStatementsUnderStress runs closures whose goroutines share rows, texts and
// contexts that end, while the garbage collector never rests. Run it under the
// race detector. Whatever happens, every statement is closed on its connection:
// the driver leaves one that is not to the collector, which crashes.
func TestStatementsUnderStress(t *testing.T) {
	seed := effort.Seed(t)
	var statements tally
	db := open(t, manager.WithDriver(statements.wrap), manager.WithReaders(2))
	stop := make(chan struct{})
	var all, collector sync.WaitGroup
	collector.Go(func() {
		for !over(stop) {
			runtime.GC()
		}
	})
	var calls atomic.Int64
	for worker := range 6 {
		rng := rand.New(rand.NewPCG(seed, uint64(worker)))
		all.Go(func() {
			for !over(stop) {
				stress(db, rng)
				calls.Add(1)
			}
		})
	}
	time.Sleep(time.Duration(effort.Count(3, 300)) * time.Second)
	close(stop)
	all.Wait()
	if err := db.WithTx(t.Context(), adding("next")); err != nil {
		t.Errorf("the next transaction: %v", err)
	}
	shut(t, db)
	collector.Wait()
	prepared, closed := statements.prepared.Load(), statements.closed.Load()
	t.Logf("%d closures, %d statements", calls.Load(), prepared)
	if prepared != closed || prepared == 0 {
		t.Errorf("statements: %d prepared, %d closed, want as many", prepared, closed)
	}
}

func over(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}

// stress runs one closure, of which goroutines may run beside one another.
func stress(db *store, rng *rand.Rand) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	seed := rng.Uint64()
	closure := func(ctx context.Context, q queries) error {
		var goroutines sync.WaitGroup
		for g := range 1 + seed%3 {
			rng := rand.New(rand.NewPCG(seed, g))
			goroutines.Go(func() {
				for range 4 {
					statement(ctx, q, rng, cancel, 0)
				}
			})
		}
		goroutines.Wait()
		return nil
	}
	switch rng.IntN(4) {
	case 0, 1:
		_ = db.ReadOnly(ctx, closure)
	case 2:
		_ = db.WithTx(ctx, closure)
	case 3:
		_ = db.WithTx(ctx, func(ctx context.Context, q queries) error {
			_ = db.ReadOnly(ctx, closure)
			return db.WithTx(ctx, closure)
		})
	}
}

// texts are few, so that they meet their own open rows: some succeed, some fail
// at their first or a later row, some are refused in a view.
var texts = []string{
	"-- name: Tree :many\nSELECT json_extract(?, '$.a') UNION ALL SELECT 1 UNION ALL SELECT 2",
	"-- name: Late :many\nSELECT value, json(?) FROM (SELECT 1 AS value UNION ALL SELECT 2)",
	"SELECT ? UNION ALL SELECT 2",
	"-- name: Put :many\nINSERT INTO items (name) VALUES (?) RETURNING id",
	"-- name: Slow :one\nSELECT count(*), ? FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n)",
	"SELECT ?; SELECT 1",
}

// statement runs a text in one way of many; inside the rows of one it runs others.
func statement(ctx context.Context, q queries, rng *rand.Rand, end context.CancelFunc, depth int) {
	text, args := texts[rng.IntN(len(texts))], []any{[]any{"{}", "{", 7, argument(rng.IntN(3))}[rng.IntN(4)]}
	if rng.IntN(20) == 0 {
		args = nil
	}
	if rng.IntN(4) == 0 {
		child, cancel := context.WithCancel(ctx)
		defer cancel()
		if ctx = child; rng.IntN(2) == 0 {
			go cancel()
		}
	}
	switch rng.IntN(4) {
	case 0:
		_, _ = q.ExecContext(ctx, text, args...)
		return
	case 1:
		var a, b any
		_ = q.QueryRowContext(ctx, text, args...).Scan(&a, &b)
		return
	}
	rows, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return
	}
	for rows.Next() {
		if depth < 3 {
			statement(ctx, q, rng, end, depth+1)
		}
		if rng.IntN(50) == 0 {
			end()
		}
	}
	if rng.IntN(10) > 0 { // else they are forgotten
		_, _ = rows.ColumnTypes()
		_ = rows.Close()
	}
}

// argument is one whose Value method may fail.
type argument int

func (a argument) Value() (driver.Value, error) {
	switch a {
	case 0:
		return nil, driver.ErrBadConn
	case 1:
		return nil, sql.ErrNoRows
	}
	return "{}", nil
}

// A tally counts the statements that are prepared and closed on all connections.
type tally struct{ prepared, closed atomic.Int64 }

func (c *tally) wrap(conn manager.DriverConn) manager.DriverConn { return &talliedConn{conn, c} }

type talliedConn struct {
	manager.DriverConn
	tally *tally
}

func (c *talliedConn) Prepare(query string) (driver.Stmt, error) {
	s, err := c.DriverConn.Prepare(query)
	if err != nil {
		return nil, err
	}
	c.tally.prepared.Add(1)
	return &talliedStmt{s.(manager.DriverStmt), c.tally}, nil
}

type talliedStmt struct {
	manager.DriverStmt
	tally *tally
}

func (s *talliedStmt) Close() error {
	s.tally.closed.Add(1)
	return s.DriverStmt.Close()
}
