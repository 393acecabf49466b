package manager_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager"
)

func TestForeignLockOfTwoSecondsIsSatOut(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			tap := newTap()
			db := openNotes(t, manager.WithDriver(tap.wrap))
			c := foreign(t, db)
			locked := make(chan struct{})
			lock := func(manager.DriverConn) error {
				defer close(locked)
				execOn(t, c, "BEGIN IMMEDIATE")
				time.AfterFunc(2*time.Second, func() { execOn(t, c, "COMMIT") })
				return nil
			}
			if mode.name == "lone" {
				tap.once("BEGIN IMMEDIATE", lock)
			} else { // the holder's BEGIN comes before the group's
				tap.once("BEGIN IMMEDIATE", func(manager.DriverConn) error { tap.once("BEGIN IMMEDIATE", lock); return nil })
			}
			call := mode.run(t, db, t.Context(), func(ctx context.Context, tx Tx) error { return tx.add(ctx, "patient") })
			if call.err != nil {
				t.Errorf("got %v, want success once the lock is gone", call.err)
			}
			await(t, "the foreign lock to have been taken", locked)
			if got := db.Stats().Retries; got < 30 { // delays that go on growing make seventeen
				t.Errorf("retries: got %d, want one every few milliseconds", got)
			}
			if got, want := withoutNeighbours(t, db), []string{"patient"}; !slices.Equal(got, want) {
				t.Errorf("titles: got %q, want %q", got, want)
			}
		})
	}
}

func TestBudgetThatIsGoneSaysHowLongAndHowOften(t *testing.T) {
	const budget = 400 * time.Millisecond
	db := openNotes(t, manager.WithRetryBudget(budget))
	c := foreign(t, db)
	execOn(t, c, "BEGIN IMMEDIATE")
	err := db.WithTx(t.Context(), func(context.Context, Tx) error { t.Error("the closure ran"); return nil }, manager.Label("unlucky"))
	var e *manager.Error
	if !errors.Is(err, manager.ErrBusy) || !errors.As(err, &e) {
		t.Fatalf("got %v, want ErrBusy", err)
	}
	if e.Label != "unlucky" || e.Attempts < 5 || e.Waited < budget/2 || e.Waited > 10*budget {
		t.Errorf("got label %q, %d attempts, waited %s, want %q, several, about %s", e.Label, e.Attempts, e.Waited, "unlucky", budget)
	}
	if want := fmt.Sprintf("%d attempts", e.Attempts); !strings.Contains(err.Error(), want) {
		t.Errorf("text: got %q, want %q in it", err, want)
	}
	var driver sqlite3.Error
	if !errors.As(err, &driver) || driver.Code != sqlite3.ErrBusy {
		t.Errorf("cause: got %v, want the driver's error in it", err)
	}
	execOn(t, c, "COMMIT")
	if err := db.WithTx(t.Context(), adding("next")); err != nil {
		t.Errorf("the next transaction: %v", err)
	}
}

func TestBudgetIsEachWaitersOwn(t *testing.T) {
	tap := newTap()
	db := openNotes(t, manager.WithDriver(tap.wrap), manager.WithRetryBudget(30*time.Millisecond))
	release := hold(t, db)
	first := enqueue(t.Context(), t, db, func(context.Context, Tx) error { t.Error("the first closure ran"); return nil })
	second := enqueue(t.Context(), t, db, adding("second"))
	tap.on("BEGIN IMMEDIATE", func(manager.DriverConn) error { return busy(0) })
	release()
	if err := first.wait(t).err; !errors.Is(err, manager.ErrBusy) {
		t.Errorf("the first: got %v, want ErrBusy", err)
	}
	tap.on("BEGIN IMMEDIATE", nil)
	if err := second.wait(t).err; err != nil {
		t.Errorf("the second: %v", err)
	}
}

func TestNoBudgetMeansOneAttempt(t *testing.T) {
	tap := newTap()
	db := openNotes(t, manager.WithDriver(tap.wrap), manager.WithRetryBudget(0))
	tap.on("BEGIN IMMEDIATE", func(manager.DriverConn) error { return busy(0) })
	opening := tap.count("BEGIN IMMEDIATE")
	if err := db.WithTx(t.Context(), adding("a")); !errors.Is(err, manager.ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
	if got := tap.count("BEGIN IMMEDIATE") - opening; got != 1 {
		t.Errorf("BEGIN was said: got %d times, want 1", got)
	}
}

func TestDeadlineBeforeTheBudget(t *testing.T) {
	tap := newTap()
	db := openNotes(t, manager.WithDriver(tap.wrap), manager.WithRetryBudget(patience))
	tap.on("BEGIN IMMEDIATE", func(manager.DriverConn) error { return busy(0) })
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Millisecond)
	defer cancel()
	err := start(func() error { return db.WithTx(ctx, adding("a")) }).wait(t).err
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want context.DeadlineExceeded", err)
	}
	tap.on("BEGIN IMMEDIATE", nil)
}

func TestEachRetryIsLogged(t *testing.T) {
	tap, log := newTap(), &logbook{}
	db := openNotes(t, manager.WithDriver(tap.wrap), manager.WithLogger(log.logger()))
	left := 12
	tap.on("BEGIN IMMEDIATE", func(manager.DriverConn) error {
		if left--; left < 0 {
			return nil
		}
		return busy(2)
	})
	if err := db.WithTx(t.Context(), adding("a"), manager.Label("stubborn")); err != nil {
		t.Fatal(err)
	}
	lines := log.about("retrying")
	if len(lines) != 12 || db.Stats().Retries != 12 {
		t.Fatalf("retries: got %d log lines, Stats().Retries %d, want 12", len(lines), db.Stats().Retries)
	}
	interval, elapsed := time.Millisecond, time.Duration(0)
	for i, line := range lines {
		if got := line.attrs["label"].String(); got != "stubborn" {
			t.Errorf("line %d: label: got %q, want %q", i, got, "stubborn")
		}
		if got := line.attrs["attempt"].Int64(); got != int64(i+1) {
			t.Errorf("line %d: attempt: got %d, want %d", i, got, i+1)
		}
		if got := line.attrs["code"].Int64(); got != 517 {
			t.Errorf("line %d: code: got %d, want 517", i, got)
		}
		delay := line.attrs["delay"].Duration()
		if delay < interval/2 || delay > interval*3/2+time.Microsecond {
			t.Errorf("line %d: delay: got %s, want within half of %s", i, delay, interval)
		}
		if interval = interval * 3 / 2; interval > 5*time.Millisecond {
			interval = 5 * time.Millisecond
		}
		if got := line.attrs["elapsed"].Duration(); got < elapsed {
			t.Errorf("line %d: elapsed: got %s, want at least the %s of the line before", i, got, elapsed)
		} else {
			elapsed = got
		}
	}
}
