package manager_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// What a closure asks of its own manager with a context from outside it would
// wait for its own transaction until MaxQueueWait is over, or not see its rows.
func TestRunTwiceFindsACapturedContext(t *testing.T) {
	for _, mistake := range []struct {
		name string
		call func(ctx context.Context, db *DB) error
	}{
		{"WithTx", func(ctx context.Context, db *DB) error { return db.WithTx(ctx, adding("lost")) }},
		{"Write", func(ctx context.Context, db *DB) error {
			_, err := manager.Write(ctx, db, func(context.Context, Tx) (int, error) { return 1, nil })
			return err
		}},
		{"ReadOnly", func(ctx context.Context, db *DB) error {
			return db.ReadOnly(ctx, func(context.Context, Reader) error { return nil })
		}},
		{"Maintain", func(ctx context.Context, db *DB) error {
			return db.Maintain(ctx, func(context.Context, *sql.Conn) error { return nil })
		}},
		{"Close", func(ctx context.Context, db *DB) error { return db.Close(ctx) }},
		{"write through SQL", func(ctx context.Context, db *DB) error {
			_, err := db.SQL().ExecContext(ctx, "UPDATE notes SET stars = 1")
			return err
		}},
		{"query through SQL", func(ctx context.Context, db *DB) error {
			return drain(db.SQL().QueryContext(ctx, "SELECT 1"))
		}},
		{"BeginTx", func(ctx context.Context, db *DB) error {
			_, err := db.SQL().BeginTx(ctx, nil)
			return err
		}},
		{"BeginTx that reads", func(ctx context.Context, db *DB) error {
			_, err := db.SQL().BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
			return err
		}},
		{"nested", func(ctx context.Context, db *DB) error { return db.WithTx(ctx, adding("lost")) }},
	} {
		for _, mode := range modes {
			t.Run(mistake.name+"/"+mode.name, func(t *testing.T) {
				db := openNotes(t, manager.WithRunTwice())
				outer, cancel := context.WithCancel(t.Context())
				defer cancel()
				err := mode.run(t, db, outer, func(ctx context.Context, tx Tx) error {
					if mistake.name == "nested" {
						return db.WithTx(ctx, func(context.Context, Tx) error { return mistake.call(outer, db) })
					}
					return mistake.call(outer, db)
				}, manager.Label("mistaken")).err
				if !errors.Is(err, manager.ErrUnsupported) || !strings.Contains(err.Error(), "inside the closure of mistaken") || !strings.Contains(err.Error(), "use the context the closure was given") {
					t.Errorf("got %v, want ErrUnsupported that names the closure and the right context", err)
				}
				if got := withoutNeighbours(t, db); len(got) != 0 {
					t.Errorf("titles: got %q, want none", got)
				}
			})
		}
	}
}

// Callers that share a context are no mistake, nor is what runs when the closure
// has ended, or inside a read, or of another manager.
func TestRunTwiceLeavesCallersThatShareAContext(t *testing.T) {
	db, other := openNotes(t, manager.WithRunTwice()), openNotes(t, manager.WithRunTwice())
	ctx := t.Context()
	touch := func(ctx context.Context, tx Tx) error { _, err := tx.CountNotes(ctx); return err }
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for range 20 {
				err := db.WithTx(ctx, func(inner context.Context, tx Tx) error {
					return errors.Join(
						touch(ctx, tx), // queries take any context
						db.ReadOnly(inner, func(ctx context.Context, q Reader) error { _, err := q.CountNotes(ctx); return err }),
						db.WithTx(inner, touch),
						manager.AfterCommit(inner, func(context.Context, uint64) {
							if err := db.WithTx(ctx, touch); err != nil {
								t.Error(err)
							}
						}))
				})
				if err != nil {
					t.Error(err)
				}
				if err := db.ReadOnly(ctx, func(context.Context, Reader) error { return db.WithTx(ctx, touch) }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	callers.Wait()
	err := db.WithTx(ctx, func(context.Context, Tx) error { return other.WithTx(ctx, touch) })
	if err != nil {
		t.Errorf("another manager: %v", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = db.WithTx(ctx, func(context.Context, Tx) error { panic("on purpose") })
	}()
	if err := db.WithTx(ctx, touch); err != nil {
		t.Errorf("after a panic: %v", err)
	}
}
