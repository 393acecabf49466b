package faults_test

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager/faultdriver"
	"github.com/stakeledger/stakeledger/torture/effort"
)

// least is how many different combinations of operation, call and code must have
// failed in a run.
const least = 2000

// operations are what is made to fail.
var operations = slices.Concat(throughSQL, []operation{
	firstOfSQL, rolledBackInSQL, groupOfSQL, rowsOfSQL,
	alone, rowsOpen, rowsForgotten, first, failing, nested, group, snapshot, pinnedSnapshot, opening, closing, backup,
	ledgerOpening, applying, trade, archive, snapshots, rebuild,
})

// An operation is something that the manager or the ledger does for a caller.
type operation struct {
	name   string
	points []faultdriver.Point
	// open makes the place where the operation can be attempted.
	open func(t *testing.T, s *stage) attempt
	// fresh is set if every attempt needs a place of its own.
	fresh bool
	// few is how many of the codes and moments are tried on each call in make test;
	// 0 means all of them, which make torture always tries.
	few int
	// can reports whether SQLite could meet a fault here; nil means that it could
	// meet every one.
	can func(faultdriver.Fault) bool
}

// An attempt does the operation once and says what is wrong afterwards.
type attempt func() error

// TestEveryFault goes through operation × point × call × code × moment.
func TestEveryFault(t *testing.T) {
	var met tally
	t.Run("in", func(t *testing.T) {
		for _, op := range operations {
			for _, point := range op.points {
				t.Run(op.name+"/"+string(point), func(t *testing.T) {
					t.Parallel()
					op.everyCall(t, point, &met)
				})
			}
		}
	})
	t.Logf("%d different operation, call and code failed in %d attempts\n%s", len(met.triples), met.attempts, met.String())
	noGoroutines(t)
	if got := len(met.triples); got < least {
		t.Errorf("different operation, call and code that failed: got %d, want at least %d", got, least)
	}
}

// noGoroutines waits for the end of all that the managers started, which have been closed.
func noGoroutines(t *testing.T) {
	t.Helper()
	text := make([]byte, 1<<20)
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		stacks := text[:runtime.Stack(text, true)]
		if !bytes.Contains(stacks, []byte("stakeledger/manager.")) && !bytes.Contains(stacks, []byte("database/sql.")) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("goroutines that were left:\n%s", stacks)
		}
	}
}

// everyCall makes each call that the operation does at a point fail.
func (op operation) everyCall(t *testing.T, point faultdriver.Point, met *tally) {
	quiet := newStage()
	try := op.open(t, quiet)
	if err := try(); err != nil {
		t.Fatalf("without a fault: %v", err)
	}
	calls := quiet.counts[point]
	if calls == 0 {
		t.Fatalf("makes no call at %s: this test tries nothing", point)
	}
	s := newStage()
	try = nil
	turn, wrong := 0, 0
	for nth := range calls {
		all := variants(point, nth+1, op.can)
		for i := range op.choose(len(all)) {
			if try == nil || op.fresh {
				try = op.open(t, s)
			}
			s.fault = &all[(turn+i)%len(all)]
			if err := try(); err != nil {
				t.Errorf("%v: %v", *s.fault, err)
				try = nil // the place is no longer in a known state
				if wrong++; wrong == 10 {
					t.Fatal("and so on")
				}
			}
			met.add(op.name, s.fired)
		}
		turn += op.choose(len(all))
	}
}

func (op operation) choose(all int) int {
	if op.few == 0 || effort.Long() {
		return all
	}
	return min(op.few, all)
}

// variants are the codes and moments at which a call can fail.
func variants(point faultdriver.Point, nth int, can func(faultdriver.Fault) bool) (list []faultdriver.Fault) {
	for _, moment := range []faultdriver.Moment{faultdriver.Before, faultdriver.After, faultdriver.RolledBack, fromThenOn} {
		for _, code := range faultdriver.Codes() {
			f := faultdriver.Fault{Point: point, Nth: nth, Code: code, Moment: moment}
			if moment == fromThenOn {
				f.Moment, f.Times = faultdriver.Before, -1
			}
			if possible(f) && (can == nil || can(f)) {
				list = append(list, f)
			}
		}
	}
	return list
}

// fromThenOn is a fault of every call from the nth on.
const fromThenOn = faultdriver.Moment("from then on")

// possible reports whether SQLite can fail in this way.
func possible(f faultdriver.Fault) bool {
	switch f.Moment {
	case faultdriver.After:
		switch f.Point {
		case faultdriver.Open, faultdriver.Close, faultdriver.CloseRows: // there is no other moment
			return false
		case faultdriver.Commit: // a busy COMMIT leaves the transaction, a full disk is met before the record is whole
			return !f.Code.Retryable() && f.Code != faultdriver.Full
		}
	case faultdriver.RolledBack:
		switch f.Point {
		case faultdriver.Statement, faultdriver.Step, faultdriver.CloseRows, faultdriver.Savepoint, faultdriver.Release, faultdriver.RollbackTo, faultdriver.Commit:
			return f.Code == faultdriver.Full || f.Code == faultdriver.IOErr || f.Code == faultdriver.IOErrFsync || f.Code == faultdriver.NoMem || f.Code == faultdriver.Interrupt
		}
		return false
	}
	if f.Times < 0 {
		switch f.Point {
		case faultdriver.Begin, faultdriver.Statement, faultdriver.Savepoint, faultdriver.Release, faultdriver.Commit, faultdriver.Rollback, faultdriver.RollbackTo, faultdriver.Open:
			return f.Code == faultdriver.Full || f.Code == faultdriver.IOErr || f.Code == faultdriver.NoMem || f.Code == faultdriver.Busy || f.Code == faultdriver.ConnectionLost
		}
		return false
	}
	return true
}

// A tally counts what failed.
type tally struct {
	mu       sync.Mutex
	triples  map[string]bool
	byName   map[string]int
	attempts int
}

func (m *tally) add(operation string, fired []faultdriver.Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.attempts++
	if m.triples == nil {
		m.triples, m.byName = map[string]bool{}, map[string]int{}
	}
	for _, f := range fired[:min(1, len(fired))] { // a lasting fault counts once
		key := fmt.Sprint(operation, "/", f.Point, "/", f.Nth, "/", f.Code)
		if !m.triples[key] {
			m.triples[key] = true
			m.byName[operation]++
		}
	}
}

func (m *tally) String() string {
	var b strings.Builder
	for _, op := range operations {
		fmt.Fprintf(&b, "%7d %s\n", m.byName[op.name], op.name)
	}
	return b.String()
}
