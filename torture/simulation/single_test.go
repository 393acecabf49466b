package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/torture/model"
)

// byRule reports whether an answer follows from the rules: success, or one of the
// ledger's own errors. Other errors are of storage.
func byRule(err error) bool { return !strings.HasPrefix(model.KindOf(err), "another error") }

// inParts reports whether an operation takes several transactions, so that after an
// error a part may be there, to be continued.
func inParts(o model.Op) bool {
	return o.Do == "apply" || o.Do == "replay" || o.Do == "archive" || o.Do == "snapshots"
}

// single runs one operation.
func (w *world) single() error {
	o := w.generator.Next(12)
	w.note("%s", lines(o))
	w.tally["operations"]++
	w.tally["events of inputs"] += inputs(o)
	var got model.Answer
	h, err := w.disturb(6+6*len(o.Events), func(ctx context.Context) { got = w.Do(ctx, o) })
	if err != nil {
		return err
	}
	return w.settle(o, got, h)
}

func inputs(o model.Op) int {
	if o.Do == "apply" {
		return len(o.Events)
	}
	return 0
}

// settle runs an operation on the model as well, and compares.
func (w *world) settle(o model.Op, got model.Answer, h happening) error {
	if byRule(got.Err) {
		want := w.Model.Do(o)
		if err := model.Differ("error", model.KindOf(got.Err), want.Err); err != nil {
			return fmt.Errorf("%w (%v)", err, got.Err)
		}
		if err := w.compare(want); err != nil || want.Err != "" {
			return err
		}
		return w.Ledger.ReadOnly(context.Background(), func(context.Context, *read.Queries) error { return w.Answered(o, got, want) })
	}
	if err := h.mayFail(got.Err); err != nil {
		return err
	}
	w.tally["failed"]++
	w.note("answered %v", got.Err)
	if inParts(o) {
		return w.goOn(o, got)
	}
	return w.find(got.Err, h, func() model.Outcome { return w.Model.Do(o) })
}

// Comparisons of whole miners leave out single keys: ids of what a crowd did are not
// all known when the first of its operations is looked at.

// find compares with the ledger to learn whether a change happened, and makes the
// model agree.
func (w *world) find(err error, h happening, change func() model.Outcome) error {
	before := w.Model.Save()
	want := change()
	want.Refs, want.Whole = nil, true
	if errors.Is(err, manager.ErrCommitUnknown) {
		w.tally["commit unknown"]++
	}
	var there error
	if h.mayBeThere(err) {
		if there = w.compare(want); there == nil {
			w.tally["commit unknown, and there"]++
			return nil
		}
	}
	w.Model.Restore(before)
	if absent := w.compare(want); absent != nil {
		return fmt.Errorf("answered with %w: it is not absent: %w; nor there: %v", err, absent, there)
	}
	return nil
}

// goOn runs an operation in parts again, without faults, until it is complete.
func (w *world) goOn(o model.Op, got model.Answer) error {
	if w.chance(20) {
		if err := w.reopen(); err != nil {
			return err
		}
	}
	if o.Do == "apply" && w.chance(50) {
		if err := w.allOrNone(o); err != nil {
			return err
		}
	}
	w.tally["continued"]++
	again := w.Do(context.Background(), o)
	want := w.Model.Do(o)
	if err := model.Differ("error once more", model.KindOf(again.Err), want.Err); err != nil {
		return fmt.Errorf("%w (%v)", err, again.Err)
	}
	if o.Do == "archive" && !errors.Is(got.Err, manager.ErrCommitUnknown) && want.Err == "" {
		sum := [3]int64{got.Moved.Positions + again.Moved.Positions, got.Moved.Trades + again.Moved.Trades, got.Moved.Closes + again.Moved.Closes}
		if err := model.Differ("moved in parts", sum, [3]int64(want.Moved[1:])); err != nil {
			return err
		}
	}
	want.Refs, want.Whole = nil, true
	return w.compare(want)
}

// allOrNone applies an empty input, which completes what an interrupted one staged,
// and checks that all of its events are recorded, or none. What waited for a replay
// has had it either way.
func (w *world) allOrNone(o model.Op) error {
	empty := model.Op{Do: "apply"}
	if got := w.Do(context.Background(), empty); got.Err != nil {
		return fmt.Errorf("an empty input: %w", got.Err)
	}
	before := w.Model.Save()
	old := map[model.Ref]bool{}
	for _, e := range o.Events {
		old[e.Ref] = w.Model.Recorded(e.Ref)
	}
	want := w.Model.Do(o)
	want.Refs, want.Whole = nil, true
	w.Model.Do(empty)
	all := w.compare(want)
	fresh := 0
	for at, was := range old {
		if !was && w.Model.Recorded(at) {
			fresh++
		}
	}
	if all == nil {
		w.tally["staged, and applied by the next"]++
		return nil
	}
	w.Model.Restore(before)
	w.Model.Do(empty)
	if none := w.compare(want); none != nil {
		return fmt.Errorf("after an interrupted input of %d new events: not all %w; not none: %w", fresh, all, none)
	}
	return nil
}
