package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/faultdriver"
)

// A cutter cancels a context as a statement begins, counted from the next one.
type cutter struct {
	left   atomic.Int64
	cancel atomic.Pointer[context.CancelFunc]
}

// follow is for manager.WithTracer.
func (c *cutter) follow(ctx context.Context, op manager.Operation) (context.Context, func(error)) {
	if op.Kind == manager.OperationStatement && c.left.Add(-1) == 0 {
		if cancel := c.cancel.Load(); cancel != nil {
			(*cancel)()
		}
	}
	return ctx, func(error) {}
}

var (
	points = []faultdriver.Point{
		faultdriver.Statement, faultdriver.Statement, faultdriver.Statement, faultdriver.Statement, faultdriver.Step, faultdriver.Step,
		faultdriver.Prepare, faultdriver.CloseRows, faultdriver.Savepoint, faultdriver.Release, faultdriver.RollbackTo,
		faultdriver.Begin, faultdriver.Begin, faultdriver.Commit, faultdriver.Commit, faultdriver.Commit, faultdriver.Rollback,
		faultdriver.Open, faultdriver.Pragma, faultdriver.Close,
	}
	moments = []faultdriver.Moment{faultdriver.Before, faultdriver.After, faultdriver.RolledBack}
)

// drawFaults draws faults within the first span calls in percent of the cases, and
// otherwise none.
func (w *world) drawFaults(percent, span int) (list []faultdriver.Fault) {
	if !w.chance(percent) {
		return nil
	}
	codes := faultdriver.Codes()
	for range 1 + w.IntN(2) {
		f := faultdriver.Fault{Point: points[w.IntN(len(points))], Nth: 1 + w.IntN(2), Code: codes[w.IntN(len(codes))], Moment: moments[w.IntN(3)]}
		if f.Point == faultdriver.Commit && f.Code == faultdriver.Full && f.Moment == faultdriver.After {
			f.Moment = faultdriver.Before // SQLite meets a full disk before the record is complete, which the manager relies on
		}
		switch f.Point {
		case faultdriver.Statement, faultdriver.Step, faultdriver.CloseRows, faultdriver.Savepoint, faultdriver.Release:
			f.Nth = 1 + w.IntN(span)
		}
		switch w.IntN(20) {
		case 0:
			f.Times = -1
		case 1, 2:
			f.Times = 2 + w.IntN(3)
		}
		list = append(list, f)
	}
	return list
}

// armed runs do with the faults armed, and returns those that occurred.
func (w *world) armed(faults []faultdriver.Fault, do func()) (fired []faultdriver.Fault, strays []string) {
	w.faults.Arm(faults...)
	do()
	if len(faults) > 0 {
		w.idle() // a rollback may come after the answer
	}
	fired, strays = w.faults.Fired(), w.faults.Strays()
	w.faults.Arm()
	for _, f := range fired {
		w.tally["fault at "+string(f.Point)]++
		w.tally["faults"]++
	}
	return fired, strays
}

// A happening is what disturbed a step, if anything.
type happening struct {
	fired []faultdriver.Fault
	cut   bool
}

func (h happening) disturbed() bool { return h.cut || len(h.fired) > 0 }

// disturb runs do with faults, or with a context that is cancelled at one of the
// first span statements, or with neither.
func (w *world) disturb(span int, do func(ctx context.Context)) (h happening, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w.cutter.left.Store(0)
	if w.chance(20) {
		w.cutter.cancel.Store(&cancel)
		w.cutter.left.Store(1 + w.Int64N(int64(span)))
	}
	faults := w.drawFaults(40, span)
	if len(faults) > 0 {
		w.note("among %v", faults)
	}
	var strays []string
	h.fired, strays = w.armed(faults, func() { do(ctx) })
	w.cutter.cancel.Store(nil)
	if h.cut = ctx.Err() != nil; h.cut {
		w.tally["cancelled"]++
		w.note("its context was cancelled")
	}
	if len(h.fired) > 0 {
		w.note("fired: %v", h.fired)
	}
	if len(strays) > 0 {
		return h, fmt.Errorf("statements outside a transaction: %q", strays)
	}
	return h, nil
}

// mayFail returns an error if what happened does not explain an error of storage.
func (h happening) mayFail(err error) error {
	if errors.Is(err, manager.ErrBusy) || h.disturbed() {
		return nil
	}
	return fmt.Errorf("failed undisturbed: %w", err)
}

// mayBeThere reports whether a change may be there in spite of the error.
func (h happening) mayBeThere(err error) bool {
	if !errors.Is(err, manager.ErrCommitUnknown) {
		return false
	}
	for _, f := range h.fired {
		if f.Point == faultdriver.Commit && f.Moment == faultdriver.After {
			return true
		}
	}
	return false
}
