package faults_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/faultdriver"
)

// openFacadeBook opens a book for transfers through database/sql, with another
// manager of the same file, which no fault meets.
func openFacadeBook(t *testing.T, s *stage) *book {
	never := manager.WithCheckpointFrames(1 << 30) // a checkpoint of the one would be in the way of the other
	b := openUsedBook(t, s, never)
	other, err := openDB(t.Context(), b.path, newStage(), never, manager.WithRetryBudget(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := other.Close(context.Background()); err != nil {
			t.Errorf("close the other manager: %v", err)
		}
	})
	b.other = other
	if err := b.db.SQL().Ping(); err != nil {
		t.Fatal(err)
	}
	b.opened = s.faults.Connections()
	return b
}

// toldSQL checks that err is an answer that code for database/sql may get.
func (s *stage) toldSQL(err error, again bool) error {
	met := len(s.fired) > 0
	switch {
	case !met && err != nil:
		return fmt.Errorf("no fault was met: %w", err)
	case !met:
		return nil
	case errors.Is(err, driver.ErrBadConn):
		return fmt.Errorf("database/sql would run it again: %w", err)
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrTxDone):
		return fmt.Errorf("the cause is lost: %w", err)
	}
	passing := s.fault.Code.Retryable() && s.fault.Times >= 0
	if untold := s.fault.Point == faultdriver.Begin || s.fault.Point == faultdriver.Commit || again; passing && untold && !errors.Is(err, manager.ErrCommitUnknown) {
		return fmt.Errorf("was not tried again: %w", err)
	}
	if s.fault.Code.Retryable() && !errors.Is(err, manager.ErrBusy) {
		return fmt.Errorf("got %w, want ErrBusy", err)
	}
	if s.fault.Code != faultdriver.ConnectionLost && !errors.Is(err, manager.ErrTxAborted) && !causedBy(err, s.fault.Code) {
		return fmt.Errorf("the error does not carry its cause: %w", err)
	}
	return nil
}

// afterSQL is after, and checks that database/sql holds no connection, and the
// manager no lock that another one needs.
func (b *book) afterSQL(acknowledged int) error {
	if got := b.db.SQL().Stats().InUse; got != 0 {
		return fmt.Errorf("connections that database/sql holds: got %d, want none", got)
	}
	ctx, cancel := soon()
	defer cancel()
	number := b.next()
	err := b.other.WithTx(ctx, func(ctx context.Context, tx queries) error { return tx.transfer(ctx, number) })
	if err != nil {
		return fmt.Errorf("another manager of the file: %w", err)
	}
	b.answered(nil, number)
	if err := b.db.SQL().Ping(); err != nil {
		return fmt.Errorf("the next query: %w", err)
	}
	return b.after(acknowledged)
}
