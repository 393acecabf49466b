package limits_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
)

// Close is called several times while closures do not return, as in a program that
// is being stopped. Each call ends with its context, names them, and leaves no
// goroutine behind; the last one closes.
func TestCloseBesideClosuresThatDoNotReturn(t *testing.T) {
	check := nothingLeft(t)
	db := open(t, manager.WithReaders(2))
	writer, reader := hold(t, db, "endless import"), holdReader(t, db, "endless report")
	behind := make(chan error, 1)
	go func() { behind <- db.WithTx(t.Context(), adding("behind")) }()
	until(t, "another to queue", func() bool { return db.Stats().Queue == 1 })
	for range 20 {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Millisecond, errOwn)
		began := time.Now()
		err := db.Close(ctx)
		cancel()
		if took := time.Since(began); !errors.Is(err, errOwn) || took > 5*time.Second {
			t.Fatalf("close: got %v after %s, want the cause of its context when that ends", err, took)
		}
		for _, name := range []string{"endless import", "endless report"} {
			if !strings.Contains(err.Error(), name) {
				t.Errorf("close: got %q, want it to name the %s", err, name)
			}
		}
	}
	writer()
	if err := answer(t, "who had queued before Close", behind); err != nil {
		t.Errorf("who had queued before Close: %v", err)
	}
	reader()
	shut(t, db)
	check()
}

// A closure that was evicted keeps its caller and the manager from closing for as
// long as it runs, and Close names it. When it returns after all, its statements get
// errors, and it does not run again once the manager closes.
func TestCloseBesideAClosureTakenOutOfItsGroup(t *testing.T) {
	check := nothingLeft(t)
	db := open(t, manager.WithMaxQueueWait(2*time.Second))
	release := hold(t, db, "first")
	first, endless := make(chan error, 1), make(chan error, 1)
	go func() { first <- db.WithTx(t.Context(), adding("first of the group")) }()
	until(t, "the first to queue", func() bool { return db.Stats().Queue == 1 })
	gate, late := make(chan struct{}), make(chan error, 2)
	ended, end := context.WithCancel(t.Context())
	go func() {
		endless <- db.WithTx(ended, func(ctx context.Context, q queries) error {
			<-gate
			err := q.add(ctx, "too late")
			late <- err
			return err
		}, manager.Label("endless"))
	}()
	until(t, "the second to queue", func() bool { return db.Stats().Queue == 2 })
	release()
	if err := answer(t, "the first of the group", first); err != nil {
		t.Error(err)
	}
	end()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := db.Close(ctx); err == nil || !strings.Contains(err.Error(), "endless") {
		t.Errorf("close: got %v, want it to name the endless closure", err)
	}
	select {
	case err := <-endless:
		t.Errorf("WithTx returned %v while its closure runs", err)
	default:
	}
	close(gate)
	if err := answer(t, "the closure to return after all", late); !errors.Is(err, manager.ErrTxDone) {
		t.Errorf("a statement of an evicted closure: got %v, want ErrTxDone", err)
	}
	if err := answer(t, "the caller of the endless closure", endless); !errors.Is(err, context.Canceled) && !errors.Is(err, manager.ErrClosed) {
		t.Errorf("the caller of the endless closure: got %v, want context.Canceled or ErrClosed", err)
	}
	shut(t, db)
	check()
}
