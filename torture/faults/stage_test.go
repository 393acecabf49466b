package faults_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"testing"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/faultdriver"
)

// A stage makes the calls of an operation fail, and counts them.
type stage struct {
	faults *faultdriver.Injector
	fault  *faultdriver.Fault // of the next attempt; nil is none

	// Of the last attempt:
	counts map[faultdriver.Point]int
	fired  []faultdriver.Fault
	strays []string
}

func newStage() *stage { return &stage{faults: faultdriver.New()} }

// begin starts an attempt: from now on calls are counted, and the fault is armed.
func (s *stage) begin() {
	s.fired = nil
	if s.fault == nil {
		s.faults.Arm()
		return
	}
	s.faults.Arm(*s.fault)
}

// end ends an attempt: nothing fails any more.
func (s *stage) end() {
	s.counts = map[faultdriver.Point]int{}
	for _, p := range faultdriver.Points() {
		s.counts[p] = s.faults.Count(p)
	}
	s.fired, s.strays = s.faults.Fired(), s.faults.Strays()
	s.faults.Arm()
}

// play runs op between begin and end.
func (s *stage) play(op func()) {
	s.begin()
	defer s.end()
	op()
}

// options are those of a manager whose driver fails on this stage. They do not wait
// for the disk, which is not what these tests are about.
func (s *stage) options() []manager.Option {
	return []manager.Option{
		manager.WithDriver(s.faults.Wrap),
		manager.WithSynchronousNormal(),
		manager.WithRetryBudget(20 * time.Millisecond),
		manager.WithGroupCommit(64, time.Hour), // a slow machine must not split a group
		manager.WithLogger(slog.New(slog.DiscardHandler)),
	}
}

// folder is where a test keeps its files: in memory if possible.
func folder(t *testing.T) string {
	t.Helper()
	path, err := os.MkdirTemp("/dev/shm", "faults-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(path) })
	return path
}

// truthful checks that err is an answer that the caller may get after the fault.
func (s *stage) truthful(err error) error {
	met := len(s.fired) > 0
	switch {
	case !met && err != nil:
		return fmt.Errorf("no fault was met: %w", err)
	case met && err != nil && !errors.Is(err, manager.ErrTxAborted) && !causedBy(err, s.fault.Code):
		return fmt.Errorf("the error does not carry its cause: %w", err)
	case met && s.fault.Times >= 0 && s.fault.Code.Retryable() && err != nil && !errors.Is(err, manager.ErrCommitUnknown):
		return fmt.Errorf("was not tried again: %w", err)
	}
	return nil
}

// causedBy reports whether the driver's error in err has the code.
func causedBy(err error, code faultdriver.Code) bool {
	var e sqlite3.Error
	if errors.As(err, &e) {
		return faultdriver.Code(e.ExtendedCode) == code
	}
	return code == faultdriver.ConnectionLost && errors.Is(err, driver.ErrBadConn)
}

// noStrays checks that nothing was changed outside a transaction.
func (s *stage) noStrays() error {
	if len(s.strays) > 0 {
		return fmt.Errorf("statements outside a transaction: %q", s.strays)
	}
	return nil
}

// idle checks that the statistics show no transaction when none runs. It waits a
// little, since a caller who had to wait is answered before the writer is free.
func idle(current func() manager.Stats) error {
	stats := current()
	for end := time.Now().Add(10 * time.Second); stats.WriterLabel != "" && time.Now().Before(end); stats = current() {
		runtime.Gosched()
	}
	if stats.Queue != 0 || stats.WriterLabel != "" || len(stats.ReaderLabels) > 0 {
		return fmt.Errorf("statistics of an idle database: queue %d, writer %q, readers %q", stats.Queue, stats.WriterLabel, stats.ReaderLabels)
	}
	return nil
}

// soon bounds what must not hang.
func soon() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), time.Minute)
}
