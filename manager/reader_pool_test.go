package manager_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
)

func TestReadOnlyIsOneSnapshot(t *testing.T) {
	for _, c := range []struct {
		name string
		opts []manager.TxOption
		want []int64 // transfers seen: after one commit inside the closure, then after another
	}{
		{"pinned by its first statement", nil, []int64{1, 1}},
		{"pinned at once", []manager.TxOption{manager.Pinned()}, []int64{0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := bankOpen(t, bankPath(t))
			bankFill(t, db)
			err := db.ReadOnly(t.Context(), func(ctx context.Context, q *bank) error {
				for i, want := range c.want {
					if err := bankAdd(context.Background(), db, "meanwhile", int64(i)); err != nil {
						return err
					}
					got, err := q.transfers(ctx)
					if err != nil {
						return err
					}
					if got != want {
						t.Errorf("after commit %d: saw %d transfers, want %d", i+1, got, want)
					}
				}
				return nil
			}, c.opts...)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := bankCount(t, db), int64(2); got != want {
				t.Errorf("the next ReadOnly: saw %d transfers, want %d", got, want)
			}
		})
	}
}

func TestReadOnlyIsNeverOlderThanTheCall(t *testing.T) {
	db := bankOpen(t, bankPath(t))
	bankFill(t, db)
	var committed atomic.Int64
	var done sync.WaitGroup
	for g := range 4 {
		worker := fmt.Sprint("worker", g)
		done.Go(func() {
			for seq := range int64(100) {
				if err := bankAdd(t.Context(), db, worker, seq); err != nil {
					t.Error(err)
				}
				atLeast := committed.Add(1)
				if got := bankCount(t, db); got < atLeast {
					t.Errorf("saw %d transfers, want at least the %d committed before the call", got, atLeast)
				}
			}
		})
	}
	done.Wait()
}

func TestNoReadSeesHalfATransaction(t *testing.T) {
	db := bankOpen(t, bankPath(t))
	bankFill(t, db)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var readers sync.WaitGroup
	var reads atomic.Int64
	for range 4 {
		readers.Go(func() {
			for ctx.Err() == nil {
				err := db.ReadOnly(t.Context(), func(ctx context.Context, q *bank) error {
					before, err1 := q.transfers(ctx)
					total, err2 := q.total(ctx)
					unexplained, err3 := q.unexplained(ctx, bankBalance)
					after, err4 := q.transfers(ctx)
					if err := errors.Join(err1, err2, err3, err4); err != nil {
						return err
					}
					if total != bankMoney || unexplained != 0 || before != after {
						t.Errorf("saw total %d, %d accounts that do not add up, %d and then %d transfers, want %d, 0 and the same twice", total, unexplained, before, after, bankMoney)
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
				reads.Add(1)
			}
		})
	}
	transferMoney(t, db, "here", 150)
	stop()
	readers.Wait()
	t.Logf("%d reads", reads.Load())
	bankAudit(t, db, transferGoroutines*150)
}

func TestReadOnlyWaitsForAReader(t *testing.T) {
	db := bankOpen(t, bankPath(t), manager.WithReaders(2), manager.WithRetryBudget(30*time.Millisecond))
	bankFill(t, db)
	first, second := bankHoldReader(t, db, "first report"), bankHoldReader(t, db, "second report")
	nothing := func(context.Context, *bank) error { return nil }

	err := db.ReadOnly(t.Context(), nothing, manager.Label("late"))
	var e *manager.Error
	if !errors.Is(err, manager.ErrBusy) || !errors.As(err, &e) || e.Waited < 30*time.Millisecond || e.Label != "late" {
		t.Errorf("all readers taken: got %+v, want ErrBusy after the retry budget, labelled late", err)
	}
	for _, holder := range []string{"first report", "second report"} {
		if !strings.Contains(fmt.Sprint(err), holder) {
			t.Errorf("all readers taken: %q does not name %q", err, holder)
		}
	}

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errOwn)
	if err := db.ReadOnly(ctx, nothing); !errors.Is(err, errOwn) {
		t.Errorf("with an ended context: got %v, want its cause", err)
	}
	first.end(t)
	bankCount(t, db)
	second.end(t)
	if got := db.Stats().ReaderLabels; len(got) != 0 {
		t.Errorf("labels of running reads: got %q, want none", got)
	}
}

func TestReadOnlyWaitingForAReaderEndsWithItsContext(t *testing.T) {
	db := bankOpen(t, bankPath(t), manager.WithReaders(1), manager.WithRetryBudget(time.Hour))
	held := bankHoldReader(t, db, "report")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	late := start(func() error { return db.ReadOnly(ctx, func(context.Context, *bank) error { return nil }) })
	if err := late.wait(t).err; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want DeadlineExceeded", err)
	}
	waiting := start(func() error {
		return db.ReadOnly(context.Background(), func(context.Context, *bank) error { return nil })
	})
	held.end(t)
	if err := waiting.wait(t).err; err != nil {
		t.Errorf("a read that waited for a reader: %v", err)
	}
}

// endless is a query that never ends by itself, with or without rows on the way.
var endless = map[string]string{
	"before its first row": "-- name: Endless :one\nWITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n",
	"between rows":         "-- name: Endless :many\nWITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
	"in raw SQL":           "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n",
}

func TestReadIsInterruptedAndItsConnectionLives(t *testing.T) {
	for name, query := range endless {
		t.Run(name, func(t *testing.T) {
			tap := newTap()
			db := bankOpen(t, bankPath(t), manager.WithReaders(1), manager.WithDriver(tap.wrap))
			bankFill(t, db)
			bankCount(t, db) // which opens the reader
			connections := tap.connections()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			defer cancel()
			interrupted := start(func() error {
				return db.ReadOnly(ctx, func(ctx context.Context, q *bank) error {
					if _, err := q.total(ctx); err != nil {
						return err
					}
					rows, err := q.db.QueryContext(ctx, query)
					return drain(rows, err)
				})
			})
			if err := interrupted.wait(t).err; !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want DeadlineExceeded", err)
			}
			bankAudit(t, db, 0)
			if err := bankAdd(t.Context(), db, "after", 1); err != nil {
				t.Error(err)
			}
			if got := bankCount(t, db); got != 1 {
				t.Errorf("the interrupted snapshot lives on: saw %d transfers, want 1", got)
			}
			if got := tap.connections() - connections; got != 0 {
				t.Errorf("connections opened since: got %d, want none", got)
			}
		})
	}
}

func TestReadThatGoesOnAfterAnInterruptIsToldSo(t *testing.T) {
	db := bankOpen(t, bankPath(t))
	ctx, cancel := context.WithCancel(t.Context())
	err := db.ReadOnly(ctx, func(ctx context.Context, q *bank) error {
		cancel()
		_, err := q.total(ctx)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("query after the context ended: got %v, want Canceled", err)
		}
		_, err = q.total(context.Background()) // the transaction's own context counts too
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("query with another context: got %v, want Canceled", err)
	}
}

func TestSlowReadIsReportedWhileItRuns(t *testing.T) {
	log := &logbook{}
	db := bankOpen(t, bankPath(t), manager.WithLogger(slog.New(log)), manager.WithSlowWarnings(0, 0, 20*time.Millisecond))
	reader := bankHoldReader(t, db, "quarterly report")
	until(t, "a warning of the slow read", func() bool { return len(log.about("read transaction runs long")) > 0 })
	until(t, "some more looks of the watch", func() bool { time.Sleep(50 * time.Millisecond); return true })
	reader.end(t)
	warnings := log.about("read transaction runs long")
	if len(warnings) != 1 {
		t.Errorf("warnings: got %d, want 1 for one read", len(warnings))
	}
	attrs := warnings[0].attrs
	if got := attrs["label"].String(); got != "quarterly report" {
		t.Errorf("label: got %q, want the read's", got)
	}
	if got := attrs["elapsed"].Duration(); got < 20*time.Millisecond {
		t.Errorf("elapsed: got %v, want at least the limit", got)
	}
}

func TestReadersDoNotWaitForTheWriter(t *testing.T) {
	db := bankOpen(t, bankPath(t))
	bankFill(t, db)
	wrote, letGo := make(chan struct{}), make(chan struct{})
	writer := start(func() error {
		return db.WithTx(context.Background(), func(ctx context.Context, tx *bank) error {
			err := tx.insertTransfer(ctx, "open", 1, 0, 0, 0, nil)
			close(wrote)
			<-letGo
			return err
		})
	})
	await(t, "the writer to write", wrote)
	if got := bankCount(t, db); got != 0 {
		t.Errorf("saw %d transfers of an open transaction, want 0", got)
	}
	close(letGo)
	if err := writer.wait(t).err; err != nil {
		t.Error(err)
	}
}
