package manager_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
)

func TestStatsCountEveryQueryByName(t *testing.T) {
	db := bankOpen(t, bankPath(t), manager.WithReaders(2))
	bankFill(t, db)
	if err := bankAdd(t.Context(), db, "once", 1); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := bankAdd(t.Context(), db, "once", 1); !errors.Is(err, manager.ErrUnique) {
			t.Errorf("got %v, want ErrUnique", err)
		}
	}
	// Two readers at once and the writer: counts of one name come from several connections.
	held := bankHoldReader(t, db, "holder")
	bankCount(t, db)
	held.end(t)
	for range 4 {
		bankCount(t, db)
	}
	err := db.WithTx(t.Context(), func(ctx context.Context, tx *bank) error {
		_, err := tx.transfers(ctx)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	got := db.Stats().Queries
	for _, want := range []struct {
		name          string
		count, errors uint64
	}{
		{"InsertAccount", bankAccounts, 0},
		{"InsertTransfer", 4, 3},
		{"Transfers", 6, 0},
	} {
		q := got[want.name]
		if q.Count != want.count || q.Errors != want.errors || q.Time <= 0 {
			t.Errorf("%s: got %+v, want count %d, errors %d and some time", want.name, q, want.count, want.errors)
		}
	}
	if len(got) != 3 {
		t.Errorf("queries: got %v, want only those that ran and have a name", got)
	}
}

func TestStatsCountAQueryUntilItsRowsAreClosed(t *testing.T) {
	db := bankOpen(t, bankPath(t))
	bankFill(t, db)
	const slow = 20 * time.Millisecond
	err := db.ReadOnly(t.Context(), func(ctx context.Context, q *bank) error {
		rows, err := q.db.QueryContext(ctx, "-- name: Accounts :many\nSELECT account_id FROM accounts")
		if err != nil {
			return err
		}
		rows.Next()
		time.Sleep(slow)
		return rows.Close()
	})
	if err != nil {
		t.Error(err)
	}
	if got := db.Stats().Queries["Accounts"]; got.Count != 1 || got.Time < slow {
		t.Errorf("got %+v, want one query of at least %v", got, slow)
	}
}

func TestStatsCountTransactions(t *testing.T) {
	db := bankOpen(t, bankPath(t), manager.WithReaders(1))
	bankFill(t, db)
	before := db.Stats()
	held := bankHoldWriter(t, db, "holder")
	const waiting = 5
	var calls []*call
	for seq := range int64(waiting) {
		calls = append(calls, start(func() error { return bankAdd(context.Background(), db, "waiting", seq) }))
	}
	until(t, "the writers to queue", func() bool { return db.Stats().Queue == waiting })
	if got, want := db.Stats().WriterLabel, "holder"; got != want {
		t.Errorf("WriterLabel: got %q, want %q", got, want)
	}
	time.Sleep(20 * time.Millisecond)
	held.end(t)
	for _, c := range calls {
		if err := c.wait(t).err; err != nil {
			t.Error(err)
		}
	}
	_ = db.WithTx(t.Context(), func(context.Context, *bank) error { return errOwn })

	reader := bankHoldReader(t, db, "reader")
	if got, want := db.Stats().ReaderLabels, []string{"reader"}; !slices.Equal(got, want) {
		t.Errorf("ReaderLabels: got %q, want %q", got, want)
	}
	asking := make(chan struct{})
	waiter := start(func() error {
		close(asking)
		return db.ReadOnly(t.Context(), func(context.Context, *bank) error { return nil })
	})
	await(t, "a read to be asked for", asking)
	select {
	case <-waiter.done:
		t.Errorf("a read beside the only reader ended: %v", waiter.err)
	case <-time.After(100 * time.Millisecond): // some of which go by before it waits
	}
	reader.end(t)
	if err := waiter.wait(t).err; err != nil {
		t.Error(err)
	}

	got := db.Stats()
	if got.Commits-before.Commits != 1+waiting {
		t.Errorf("Commits: got %d more, want %d: the holder and those that waited, not the one that failed", got.Commits-before.Commits, 1+waiting)
	}
	if groups := got.Groups - before.Groups; groups == 0 || groups >= waiting {
		t.Errorf("Groups: got %d more, want fewer than the %d that waited together", groups, waiting)
	}
	if got.Reads-before.Reads != 2 {
		t.Errorf("Reads: got %d more, want 2", got.Reads-before.Reads)
	}
	if wait := got.QueueWait - before.QueueWait; wait < waiting*20*time.Millisecond {
		t.Errorf("QueueWait: got %v more, want at least 20ms for each of the %d that waited", wait, waiting)
	}
	if got.ReadWait < 20*time.Millisecond {
		t.Errorf("ReadWait: got %v, want at least 20ms of the 100ms that a read waited", got.ReadWait)
	}
	if got.Queue != 0 || got.WriterLabel != "" || len(got.ReaderLabels) != 0 {
		t.Errorf("idle: got %d in the queue, writer %q, readers %q, want none", got.Queue, got.WriterLabel, got.ReaderLabels)
	}
}

func TestStatsWaitForNobody(t *testing.T) {
	db := bankOpen(t, bankPath(t))
	ctx, cancel := context.WithCancel(t.Context())
	running := start(func() error {
		return db.ReadOnly(ctx, func(ctx context.Context, q *bank) error {
			_, err := q.value(ctx, endless["before its first row"])
			return err
		}, manager.Label("long statement"))
	})
	until(t, "the statement to run", func() bool { return len(db.Stats().ReaderLabels) == 1 })
	start(func() error { db.Stats(); return nil }).wait(t)
	cancel()
	if err := running.wait(t).err; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want Canceled", err)
	}
}

func TestStatsCountRetries(t *testing.T) {
	path := bankPath(t)
	log := &logbook{}
	db := bankOpen(t, path, manager.WithLogger(slog.New(log)))
	bankFill(t, db)
	raw, err := openRaw(t, path, "?_txlock=immediate&_busy_timeout=5000").Begin()
	if err != nil {
		t.Fatal(err)
	}
	waiting := start(func() error { return bankAdd(context.Background(), db, "waiting", 1, manager.Label("patient")) })
	until(t, "some retries", func() bool { return db.Stats().Retries > 3 })
	if err := raw.Rollback(); err != nil {
		t.Error(err)
	}
	if err := waiting.wait(t).err; err != nil {
		t.Error(err)
	}
	retries := log.about("retrying")
	if got, want := uint64(len(retries)), db.Stats().Retries; got != want {
		t.Errorf("retries logged: got %d, want every one of %d", got, want)
	}
	for i, r := range retries {
		if r.attrs["label"].String() != "patient" || r.attrs["attempt"].Int64() != int64(i+1) || r.attrs["code"].Int64() != 5 {
			t.Errorf("retry %d: got %v, want its label, number and SQLite's code 5", i+1, r.attrs)
		}
		if d := r.attrs["delay"].Duration(); d <= 0 || d > 10*time.Millisecond {
			t.Errorf("retry %d: delay %v, want at most 5ms and half of it jitter", i+1, d)
		}
	}
}

// A labelService has functions of every form for labels to be taken from.
type labelService[T any] struct{ db *bankDB }

type labelPlain struct{ db *bankDB }

func labelOf(db *bankDB, opts ...manager.TxOption) (label string, err error) {
	err = db.WithTx(context.Background(), func(context.Context, *bank) error {
		label = db.Stats().WriterLabel
		return nil
	}, opts...)
	return label, err
}

func (s *labelService[T]) generic() (label string, err error) {
	err = s.db.WithTx(context.Background(), func(context.Context, *bank) error {
		label = s.db.Stats().WriterLabel
		return nil
	})
	return label, err
}

func (s *labelPlain) pointer() (label string, err error) {
	err = s.db.WithTx(context.Background(), func(context.Context, *bank) error {
		label = s.db.Stats().WriterLabel
		return nil
	})
	return label, err
}

func (s labelPlain) value() (label string, err error) {
	err = s.db.WithTx(context.Background(), func(context.Context, *bank) error {
		label = s.db.Stats().WriterLabel
		return nil
	})
	return label, err
}

func labelGeneric[T any](db *bankDB) (label string, err error) {
	err = db.WithTx(context.Background(), func(context.Context, *bank) error {
		label = db.Stats().WriterLabel
		return nil
	})
	return label, err
}

var labelSeen string

// A named function given as the closure names itself.
func (s *labelPlain) closure(context.Context, *bank) error {
	labelSeen = s.db.Stats().WriterLabel
	return nil
}

func TestDefaultLabels(t *testing.T) {
	db := bankOpen(t, bankPath(t))
	for _, c := range []struct {
		name string
		run  func() (string, error)
		want string
	}{
		{"function", func() (string, error) { return labelOf(db) }, "manager_test.labelOf"},
		{"method of a pointer", (&labelPlain{db}).pointer, "manager_test.(*labelPlain).pointer"},
		{"method of a value", labelPlain{db}.value, "manager_test.labelPlain.value"},
		{"generic function", func() (string, error) { return labelGeneric[int](db) }, "manager_test.labelGeneric"},
		{"method of a generic type", (&labelService[string]{db}).generic, "manager_test.(*labelService).generic"},
		{"method as the closure", func() (string, error) {
			err := db.WithTx(t.Context(), (&labelPlain{db}).closure)
			return labelSeen, err
		}, "manager_test.(*labelPlain).closure"},
		{"closure in a closure", func() (label string, err error) {
			func() {
				err = db.WithTx(t.Context(), func(context.Context, *bank) error { label = db.Stats().WriterLabel; return nil })
			}()
			return label, err
		}, "manager_test.TestDefaultLabels"},
		{"Write", func() (string, error) {
			return manager.Write(t.Context(), db, func(context.Context, *bank) (string, error) { return db.Stats().WriterLabel, nil })
		}, "manager_test.TestDefaultLabels"},
		{"Read", func() (string, error) {
			return manager.Read(t.Context(), db, func(context.Context, *bank) (string, error) { return db.Stats().ReaderLabels[0], nil })
		}, "manager_test.TestDefaultLabels"},
		{"Label", func() (string, error) { return labelOf(db, manager.Label("monthly closing")) }, "monthly closing"},
	} {
		if got, err := c.run(); err != nil || got != c.want {
			t.Errorf("%s: got label %q, %v, want %q", c.name, got, err, c.want)
		}
	}
}

func TestSlowTransactionIsReportedWhileItRuns(t *testing.T) {
	log := &logbook{}
	db := bankOpen(t, bankPath(t), manager.WithLogger(slog.New(log)), manager.WithSlowWarnings(20*time.Millisecond, 0, 0))
	writer := bankHoldWriter(t, db, "monthly closing")
	until(t, "a warning of the slow transaction", func() bool { return len(log.about("write transaction runs long")) > 0 })
	writer.end(t)
	warnings := log.about("write transaction runs long")
	if got := warnings[0].attrs["label"].String(); len(warnings) != 1 || got != "monthly closing" {
		t.Errorf("got %d warnings, the first of %q, want one of the transaction's label", len(warnings), got)
	}
}

func TestSlowQueryIsReported(t *testing.T) {
	log := &logbook{}
	db := bankOpen(t, bankPath(t), manager.WithLogger(slog.New(log)), manager.WithSlowWarnings(0, time.Millisecond, 0))
	const counting = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) SELECT COUNT(*) FROM n"
	err := db.ReadOnly(t.Context(), func(ctx context.Context, q *bank) error {
		_, err := q.value(ctx, "-- name: CountSlowly :one\n"+counting)
		return err
	}, manager.Label("reader"))
	if err != nil {
		t.Error(err)
	}
	err = db.WithTx(t.Context(), func(ctx context.Context, tx *bank) error {
		_, err := tx.db.ExecContext(ctx, "-- name: WriteSlowly :exec\nINSERT INTO accounts SELECT 1, (SELECT COUNT(*) FROM ("+counting+"))")
		return err
	}, manager.Label("writer"))
	if err != nil {
		t.Error(err)
	}
	seen := map[string]string{}
	for _, w := range log.about("slow query") {
		seen[w.attrs["query"].String()] = w.attrs["label"].String()
		if got := w.attrs["elapsed"].Duration(); got < time.Millisecond {
			t.Errorf("elapsed: got %v, want at least the limit", got)
		}
	}
	for query, label := range map[string]string{"CountSlowly": "reader", "WriteSlowly": "writer"} {
		if seen[query] != label {
			t.Errorf("slow queries: got %v, want %s of %s in it", seen, query, label)
		}
	}
	if len(seen) != 2 {
		t.Errorf("slow queries: got %v, want none that is fast", seen)
	}
}
