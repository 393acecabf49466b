package manager_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
)

func TestContextEndsInsideARead(t *testing.T) {
	for _, test := range []struct {
		name string
		read func(ctx context.Context, q Reader, cancel func()) error
	}{
		{"in its first step", func(ctx context.Context, q Reader, cancel func()) error {
			var n int
			return q.raw.QueryRowContext(ctx, slowCount).Scan(&n)
		}},
		{"on its way to a later row", func(ctx context.Context, q Reader, cancel func()) error {
			rows, err := q.raw.QueryContext(ctx, "-- name: SlowRows :many\nSELECT 1 UNION ALL SELECT 2 WHERE "+slowly+" UNION ALL SELECT 3")
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				cancel()
			}
			return rows.Err()
		}},
		{"between its statements", func(ctx context.Context, q Reader, cancel func()) error {
			if _, err := q.CountTags(ctx); err != nil {
				return errUnfinished
			}
			cancel()
			_, err := q.CountNotes(ctx)
			return err
		}},
		{"between statements that use another context", func(ctx context.Context, q Reader, cancel func()) error {
			cancel()
			_, err := q.CountNotes(context.Background())
			return err
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			tap := newTap()
			db := openNotes(t, manager.WithDriver(tap.wrap), manager.WithReaders(1))
			connections := readOnce(t, db, tap.connections)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			tap.onRead("SlowCount", func(manager.DriverConn) error { cancel(); return nil })
			err := db.ReadOnly(ctx, func(ctx context.Context, q Reader) error { return test.read(ctx, q, cancel) })
			if !errors.Is(err, context.Canceled) {
				t.Errorf("answer: got %v, want context.Canceled", err)
			}
			if got := titles(t, db); len(got) != 0 {
				t.Errorf("the next read: got %q, want none", got)
			}
			if got := tap.connections(); got != connections {
				t.Errorf("connections opened since: got %d, want 0", got-connections)
			}
		})
	}
}

// The interrupt itself, not only the check before a statement: a query that
// would take for ever ends soon after its context.
func TestEndlessReadEndsWithItsContext(t *testing.T) {
	tap := newTap()
	db := openNotes(t, manager.WithDriver(tap.wrap))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	running := make(chan struct{})
	tap.onRead("Endless", func(manager.DriverConn) error { close(running); return nil })
	c := start(func() error {
		return db.ReadOnly(ctx, func(ctx context.Context, q Reader) error {
			var n int
			return q.raw.QueryRowContext(ctx, "-- name: Endless :one\nWITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n").Scan(&n)
		})
	})
	await(t, "the endless query to start", running)
	cancel()
	if err := c.wait(t).err; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestContextErrorSaysHowAndWhy(t *testing.T) {
	late, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	why, cancelWhy := context.WithCancelCause(t.Context())
	cancelWhy(errOwn)
	db := openNotes(t)
	for _, test := range []struct {
		name  string
		ctx   context.Context
		wants []error
	}{
		{"deadline", late, []error{context.DeadlineExceeded}},
		{"cause", why, []error{context.Canceled, errOwn}},
	} {
		for _, want := range test.wants {
			if err := db.WithTx(test.ctx, adding("a")); !errors.Is(err, want) {
				t.Errorf("%s: WithTx: got %v, want %v in it", test.name, err, want)
			}
			if err := db.ReadOnly(test.ctx, func(context.Context, Reader) error { return nil }); !errors.Is(err, want) {
				t.Errorf("%s: ReadOnly: got %v, want %v in it", test.name, err, want)
			}
		}
	}
}
