package manager_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// badValue is an argument whose Value method does what it should not.
type badValue struct{ do func() (driver.Value, error) }

func (v badValue) Value() (driver.Value, error) { return v.do() }

func TestArgumentThatMisbehavesHarmsNobody(t *testing.T) {
	for name, do := range map[string]func() (driver.Value, error){
		"says the connection is bad": func() (driver.Value, error) { return nil, fmt.Errorf("value: %w", driver.ErrBadConn) },
		"says to skip it":            func() (driver.Value, error) { return nil, driver.ErrSkip },
		"says to remove it":          func() (driver.Value, error) { return nil, driver.ErrRemoveArgument },
		"panics":                     func() (driver.Value, error) { panic("value") },
		"exits":                      func() (driver.Value, error) { exit(); return nil, nil },
	} {
		for _, way := range []struct {
			name string
			run  func(ctx context.Context, on manager.DBTX, arg any) error
		}{
			{"Exec", func(ctx context.Context, on manager.DBTX, arg any) error {
				_, err := on.ExecContext(ctx, "-- name: Bad :exec\nSELECT ?", arg)
				return err
			}},
			{"Query", func(ctx context.Context, on manager.DBTX, arg any) error {
				return drain(on.QueryContext(ctx, "-- name: Bad :many\nSELECT ?", arg))
			}},
			{"QueryRow", func(ctx context.Context, on manager.DBTX, arg any) error {
				return onlyRow(on.QueryRowContext(ctx, "SELECT ?", sql.Named("a", arg)))
			}},
		} {
			t.Run(name+" in "+way.name, func(t *testing.T) {
				tap := newTap()
				db := openNotes(t, manager.WithDriver(tap.wrap), manager.WithReaders(1))
				_ = titles(t, db)
				connections := tap.connections()
				for _, c := range []*call{
					start(func() error {
						return db.WithTx(context.Background(), func(ctx context.Context, tx Tx) error { return way.run(ctx, tx.raw, badValue{do}) })
					}),
					start(func() error {
						return db.ReadOnly(context.Background(), func(ctx context.Context, q Reader) error { return way.run(ctx, q.raw, badValue{do}) })
					}),
				} {
					if c.wait(t); c.err == nil && c.panic == nil && !c.exited {
						t.Error("got nil, want what the argument did")
					}
				}
				if err := db.WithTx(t.Context(), adding("next")); err != nil {
					t.Errorf("the next write: %v", err)
				}
				if got := titles(t, db); len(got) != 1 {
					t.Errorf("titles: got %q, want [next]", got)
				}
				if got := tap.connections() - connections; got != 0 {
					t.Errorf("connections opened since: got %d, want none", got)
				}
			})
		}
	}
}

// What else a Value method does is its own business: no lock is held around it.
func TestArgumentMayUseTheTransaction(t *testing.T) {
	db := openNotes(t)
	err := start(func() error {
		return db.WithTx(context.Background(), func(ctx context.Context, tx Tx) error {
			folder := badValue{func() (driver.Value, error) {
				var n int64
				err := tx.raw.QueryRowContext(ctx, "SELECT count(*) FROM notes").Scan(&n)
				return fmt.Sprintf("title %d", n), errors.Join(err, tx.add(ctx, "of the argument"))
			}}
			_, err := tx.raw.ExecContext(ctx, "-- name: Add :exec\nINSERT INTO notes (folder, title) VALUES ('inbox', ?)", folder)
			return err
		})
	}).wait(t).err
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(titles(t, db), ", "); got != "of the argument, title 0" {
		t.Errorf("titles: got %s", got)
	}
}
