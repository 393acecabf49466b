package manager_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
)

// An evicted is a member of a group that was taken out of it and still runs.
type evicted struct {
	*call
	runs   atomic.Int32
	cancel context.CancelFunc
	leave  func() // lets its first run return
}

// evict has a closure taken out of its group, which then adds its note.
func evict(t *testing.T, db *DB, title string) *evicted {
	t.Helper()
	first, _, release := firstOfAGroup(t, db)
	ctx, cancel := context.WithCancel(context.Background())
	gate := make(chan struct{})
	e := &evicted{cancel: cancel, leave: func() { close(gate) }}
	e.call = enqueue(ctx, t, db, func(ctx context.Context, tx Tx) error {
		if e.runs.Add(1) == 1 {
			<-gate
		}
		return tx.add(ctx, title)
	}, manager.Label(title))
	release()
	if err := first.wait(t).err; err != nil { // answered, so the other one is out
		t.Error(err)
	}
	return e
}

// A caller does not return while its closure runs, whatever its context says.
func TestCallerOfAnEvictedClosureWaitsForIt(t *testing.T) {
	t.Parallel()
	db := openNotes(t)
	e := evict(t, db, "evicted")
	e.cancel()
	for _, title := range []string{"meanwhile", "again"} {
		if err := db.WithTx(t.Context(), adding(title)); err != nil {
			t.Errorf("while the closure still runs: %v", err)
		}
	}
	if e.returned() {
		t.Error("WithTx returned while its closure ran")
	}
	e.leave()
	if err := e.wait(t).err; !errors.Is(err, context.Canceled) || e.runs.Load() != 1 {
		t.Errorf("got %v after %d runs, want context.Canceled after one", err, e.runs.Load())
	}
	if got, want := titles(t, db), []string{"first", "meanwhile", "again"}; !slices.Equal(got, want) {
		t.Errorf("titles: got %q, want %q", got, want)
	}
}

func TestEvictedClosureRunsNextAndAlone(t *testing.T) {
	t.Parallel()
	db := openNotes(t)
	e := evict(t, db, "evicted")
	release := hold(t, db)
	var calls []*call
	var ran atomic.Int32
	for i, title := range numbered(3) {
		calls = append(calls, enqueue(t.Context(), t, db, func(ctx context.Context, tx Tx) error {
			if ran.Add(1); i == 0 { // in its group this would wait in vain, and run again
				await(t, "the evicted one to be answered", e.done)
			}
			return tx.add(ctx, title)
		}))
	}
	groups := db.Stats().Groups
	e.leave()
	until(t, "the evicted one to queue again", func() bool { return db.Stats().Queue == 4 })
	release()
	for _, c := range append(calls, e.call) {
		if err := c.wait(t).err; err != nil {
			t.Error(err)
		}
	}
	if got, want := titles(t, db), append([]string{"first", "evicted"}, numbered(3)...); !slices.Equal(got, want) {
		t.Errorf("titles: got %q, want %q", got, want)
	}
	if got := db.Stats().Groups - groups; got != 1 || ran.Load() != 3 {
		t.Errorf("groups since: got %d, in %d runs, want the one of the three others, in 3", got, ran.Load())
	}
}

// It has the time of a caller that has just come, not what its first turn left of it.
func TestEvictedClosureWaitsAfresh(t *testing.T) {
	t.Parallel()
	const limit = 1500 * time.Millisecond // over a second has gone by when it is evicted
	db := openNotes(t, manager.WithMaxQueueWait(limit))
	e := evict(t, db, "evicted")
	time.Sleep(limit) // that what it had is gone; the test does not depend on the length
	release := hold(t, db)
	began := time.Now()
	e.leave()
	if err := e.wait(t).err; !errors.Is(err, manager.ErrBusy) {
		t.Errorf("with the writer held: got %v, want ErrBusy", err)
	}
	if waited := time.Since(began); waited < limit/2 {
		t.Errorf("it waited for %s, want %s", waited, limit)
	}
	release()
}

func TestCloseNamesAnEvictedClosure(t *testing.T) {
	t.Parallel()
	db := openNotes(t)
	e := evict(t, db, "evicted")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.Close(ctx); err == nil || !strings.Contains(err.Error(), "evicted") || !errors.Is(err, context.Canceled) {
		t.Errorf("Close: got %v, want the context's error with the label", err)
	}
	e.leave()
	if err := errors.Join(e.wait(t).err, db.Close(t.Context())); err != nil {
		t.Error(err)
	}
}

// slowWrite spends its time inside one statement.
const slowWrite = "-- name: SlowWrite :exec\nINSERT INTO notes (folder, title) SELECT 'slow', hex(randomblob(8)) WHERE (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT COUNT(*) FROM n) > 0"

// A closure inside its statements works: it is not evicted and runs once, its group
// commits when it has returned, and others are reported meanwhile.
func TestClosureInsideAStatementKeepsItsGroup(t *testing.T) {
	t.Parallel()
	log := &logbook{}
	db := openNotes(t, manager.WithLogger(log.logger()), manager.WithSlowWarnings(100*time.Millisecond, 0, 0))
	steps := calibrated(t, db)
	first, answered, release := firstOfAGroup(t, db)
	var ran atomic.Int32
	var early atomic.Bool
	slow := enqueue(t.Context(), t, db, counting(&ran, func(ctx context.Context, tx Tx) error {
		for began := time.Now(); time.Since(began) < 2*time.Second; {
			if _, err := tx.raw.ExecContext(ctx, slowWrite, steps); err != nil {
				return err
			}
		}
		select {
		case <-answered:
			early.Store(true)
		default:
		}
		if lines := log.about("write transaction runs long"); len(lines) == 0 {
			t.Error("the log says nothing of a transaction that runs long")
		}
		return nil
	}))
	var thirdRan atomic.Int32
	third := enqueue(t.Context(), t, db, counting(&thirdRan, func(context.Context, Tx) error {
		await(t, "the first to be answered", answered) // in their group it would wait in vain
		return nil
	}))
	release()
	if err := errors.Join(first.wait(t).err, slow.wait(t).err, third.wait(t).err); err != nil {
		t.Error(err)
	}
	if ran.Load() != 1 || early.Load() {
		t.Errorf("ran %d times, first answered before: %t, want once and not", ran.Load(), early.Load())
	}
	if got := thirdRan.Load(); got != 1 {
		t.Errorf("the third ran %d times, want once: it is none of the group", got)
	}
	if lines := log.about("keeps its group from committing"); len(lines) != 0 {
		t.Errorf("log: got %v, want nothing of an eviction", lines)
	}
}

// calibrated is how many steps of slowWrite take some ten milliseconds here.
func calibrated(t *testing.T, db *DB) (steps int) {
	t.Helper()
	for steps = 1000; ; steps *= 2 {
		began := time.Now()
		err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
			_, err := tx.raw.ExecContext(ctx, slowWrite, steps)
			return errors.Join(err, errOwn)
		})
		if !errors.Is(err, errOwn) {
			t.Fatal(err)
		}
		if time.Since(began) > 10*time.Millisecond {
			return steps
		}
	}
}

// Those before an evicted closure have waited long enough: nobody else joins them.
func TestGroupThatEvictedTakesNobody(t *testing.T) {
	t.Parallel()
	db := openNotes(t)
	first, answered, release := firstOfAGroup(t, db)
	var ran atomic.Int32
	calls := []*call{first, enqueue(t.Context(), t, db, counting(&ran, func(ctx context.Context, tx Tx) error {
		await(t, "the first to be answered", answered)
		return tx.add(ctx, "evicted")
	}))}
	for _, title := range numbered(2) {
		calls = append(calls, enqueue(t.Context(), t, db, adding(title)))
	}
	groups := db.Stats().Groups
	release()
	for _, c := range calls {
		if err := c.wait(t).err; err != nil {
			t.Error(err)
		}
	}
	if got := db.Stats().Groups - groups; ran.Load() != 2 || got != 2 {
		t.Errorf("runs %d, groups %d, want 2 and 2: the first by itself, and those behind the evicted one", ran.Load(), got)
	}
}
