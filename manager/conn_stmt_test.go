package manager_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// SQL that a program makes at run time has ever new texts, and names like sqlc's do not make them fewer.
func TestStatementsKeptPreparedAreBounded(t *testing.T) {
	var l ledgerOfStatements
	db := openNotes(t, manager.WithDriver(l.wrap), manager.WithReaders(1))
	const texts = 2_000
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		for i := range texts {
			if _, err := tx.raw.ExecContext(ctx, fmt.Sprintf("-- name: Made%d :exec\nUPDATE notes SET stars = %d", i, i)); err != nil {
				return err
			}
		}
		rows, err := tx.raw.QueryContext(ctx, "-- name: Held :many\nSELECT 1 UNION ALL SELECT 2")
		if err != nil {
			return err
		}
		defer rows.Close()
		for i := range texts { // with a statement in use, which is not to be closed
			if err := drain(tx.raw.QueryContext(ctx, fmt.Sprintf("-- name: Read%d :many\nSELECT %d", i, i))); err != nil {
				return err
			}
		}
		if !rows.Next() || rows.Err() != nil {
			t.Errorf("rows held meanwhile: got no row, %v, want the first of two", rows.Err())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := l.prepared.Load() - l.closed.Load(); got > 600 {
		t.Errorf("statements kept prepared after %d texts: got %d, want some hundreds", 2*texts, got)
	}
}

// ledgerOfStatements counts what is prepared and closed on all connections.
type ledgerOfStatements struct{ prepared, closed atomic.Int64 }

func (l *ledgerOfStatements) wrap(c manager.DriverConn) manager.DriverConn {
	return &countedConn{c, l}
}

type countedConn struct {
	manager.DriverConn
	count *ledgerOfStatements
}

func (c *countedConn) Prepare(query string) (driver.Stmt, error) {
	s, err := c.DriverConn.Prepare(query)
	if err != nil {
		return nil, err
	}
	c.count.prepared.Add(1)
	return &countedStmt{s.(manager.DriverStmt), c.count}, nil
}

type countedStmt struct {
	manager.DriverStmt
	count *ledgerOfStatements
}

func (s *countedStmt) Close() error {
	s.count.closed.Add(1)
	return s.DriverStmt.Close()
}

func TestMissingArgumentsAreRefused(t *testing.T) {
	db := openNotes(t)
	const statement = "INSERT INTO notes (folder, title) VALUES ('inbox', COALESCE(?, 'nothing'))"
	for _, way := range waysToRun {
		t.Run(way.name, func(t *testing.T) {
			err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error { return way.run(ctx, tx.raw, statement) })
			if err == nil || !strings.Contains(err.Error(), "not enough ") {
				t.Errorf("got %v, want an error that an argument is missing", err)
			}
		})
	}
	if got := titles(t, db); len(got) > 0 {
		t.Errorf("titles: got %q, want none: a missing argument is not NULL", got)
	}
}

// A statement that is prepared already is not asked about again by SQLite.
func TestWritePreparedBeforeIsRefusedInsideARead(t *testing.T) {
	db := openNotes(t)
	for _, way := range waysToRun {
		for _, statement := range []string{"UPDATE notes SET title = 'changed'", "-- name: Change :execrows\nUPDATE notes SET title = 'changed'"} {
			t.Run(way.name+" "+statement, func(t *testing.T) {
				err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
					for range 3 { // of no row; a text without a name is kept when it comes again
						if err := way.run(ctx, tx.raw, statement); err != nil {
							return err
						}
					}
					if err := tx.add(ctx, "before"); err != nil {
						return err
					}
					err := db.ReadOnly(ctx, func(ctx context.Context, q Reader) error { return way.run(ctx, q.raw, statement) })
					wantKind(t, "the same write inside ReadOnly", err, manager.ErrReadOnly)
					list, err := tx.Titles(ctx, "inbox")
					if err != nil || len(list) != 1 || list[0] != "before" {
						t.Errorf("titles: got %q, %v, want [before]", list, err)
					}
					return errOwn // which clears the table for the next case
				})
				if err != errOwn {
					t.Errorf("WithTx: %v", err)
				}
			})
		}
	}
}
