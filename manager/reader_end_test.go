package manager_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/faultdriver"
)

func TestReadOnlyWaitingForAReaderLearnsOfClose(t *testing.T) {
	db := openNotes(t, manager.WithReaders(1), manager.WithRetryBudget(patience))
	holds, release := make(chan struct{}), make(chan struct{})
	holder := start(func() error {
		return db.ReadOnly(context.Background(), func(context.Context, Reader) error {
			close(holds)
			<-release
			return nil
		})
	})
	await(t, "the reader to be taken", holds)
	waiter := start(func() error {
		return db.ReadOnly(context.Background(), func(context.Context, Reader) error { return nil })
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := db.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close beside a reader: got %v, want DeadlineExceeded", err)
	}
	wantKind(t, "who waits for a reader", waiter.wait(t).err, manager.ErrClosed)
	close(release)
	if err := holder.wait(t).err; err != nil {
		t.Errorf("who has the reader: %v", err)
	}
}

func TestReadThatStaysBusyEndsWithTheBudget(t *testing.T) {
	db, faults := openFaulty(t, manager.WithRetryBudget(5*time.Millisecond))
	faults.Arm(faultdriver.Fault{Point: faultdriver.Begin, Times: -1, Code: faultdriver.BusyRecovery})
	err := db.ReadOnly(t.Context(), func(context.Context, Reader) error { t.Error("the closure ran"); return nil })
	var e *manager.Error
	if !errors.Is(err, manager.ErrBusy) || !errors.As(err, &e) || e.Attempts < 2 {
		t.Errorf("got %+v, want ErrBusy after several attempts", err)
	}
	goesOn(t, db, faults)
}

// A reader that is lost and cannot be opened again is tried by whoever comes next.
func TestLostReaderThatCannotBeReplacedYet(t *testing.T) {
	db, faults := openFaulty(t, manager.WithReaders(1))
	count := func() error {
		return db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) error {
			_, err := q.CountNotes(ctx)
			return err
		})
	}
	readOnce(t, db, faults.Connections)
	faults.Arm(
		faultdriver.Fault{Point: faultdriver.Statement, Query: "CountNotes", Code: faultdriver.ConnectionLost},
		faultdriver.Fault{Point: faultdriver.Open, Code: faultdriver.IOErr},
	)
	if err := count(); !errors.Is(err, driver.ErrBadConn) {
		t.Errorf("the read whose connection is lost: got %v, want ErrBadConn", err)
	}
	wantKind(t, "a read while no other can be opened", count(), manager.ErrIO)
	if err := count(); err != nil {
		t.Errorf("the read after that: %v", err)
	}
	goesOn(t, db, faults)
}

// Which savepoints are open after one that failed nobody knows: everybody in the group runs again, alone.
func TestGroupWhoseSavepointFailsRunsAgain(t *testing.T) {
	for _, fault := range []faultdriver.Fault{
		{Point: faultdriver.Savepoint, Nth: 2, Code: faultdriver.IOErr},
		{Point: faultdriver.RollbackTo, Nth: 1, Code: faultdriver.IOErr},
		{Point: faultdriver.Release, Nth: 3, Code: faultdriver.IOErr},
	} {
		t.Run(fault.String(), func(t *testing.T) {
			db, faults := openFaulty(t)
			release := hold(t, db)
			calls := []*call{
				enqueue(t.Context(), t, db, adding("first")),
				enqueue(t.Context(), t, db, func(ctx context.Context, tx Tx) error { return errors.Join(tx.add(ctx, "never"), errOwn) }),
				enqueue(t.Context(), t, db, adding("last")),
			}
			faults.Arm(fault)
			release()
			for i, want := range []error{nil, errOwn, nil} {
				if err := calls[i].wait(t).err; !errors.Is(err, want) {
					t.Errorf("member %d: got %v, want %v", i+1, err, want)
				}
			}
			if got := faults.Fired(); len(got) != 1 {
				t.Errorf("fired: got %v, want one", got)
			}
			if got := titles(t, db); !slices.Equal(got, []string{"first", "last"}) {
				t.Errorf("titles: got %q, want [first last]", got)
			}
			goesOn(t, db, faults, "first", "last")
		})
	}
}
