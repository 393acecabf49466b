package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/torture/model"
)

var errOwn = errors.New("the closure's own error")

// An ending is how a closure ends once it has done its work.
type ending string

const (
	commits ending = "commits"
	fails   ending = "fails"
	panics  ending = "panics"
	exits   ending = "exits"
)

// A section is a part of a batch: operations, in a nested transaction if nested is
// set, which is rolled back if undone is set.
type section struct {
	ops            []model.Op
	nested, undone bool
}

// A batch is many operations in one transaction.
type batch struct {
	sections []section
	ending   ending
	stubborn bool // the closure goes on after errors of storage
}

// answers are the answers to a batch's operations in the last run, and whether each
// section's transaction was kept.
type answers struct {
	of    [][]model.Answer
	stand []bool
}

// drawBatch draws operations that build on one another, by running them on the model.
func (w *world) drawBatch() (b batch, size int) {
	b = batch{ending: commits, stubborn: w.chance(30)}
	if w.chance(12) {
		b.ending = []ending{fails, panics, exits}[w.IntN(3)]
	}
	most := []int{10, 60, 250, 600}[w.IntN(4)]
	for size < most && w.IntN(8) > 0 {
		s := section{nested: w.chance(30)}
		s.undone = s.nested && w.chance(30)
		before := w.Model.Save()
		for range 1 + w.IntN(most) {
			o := w.generator.Next(1)
			if inParts(o) {
				continue
			}
			if !w.Known(o) {
				o.List = nil // of a position that this batch would open, so its id is not known yet
			}
			w.Model.Do(o)
			s.ops = append(s.ops, o)
		}
		if s.undone {
			w.Model.Restore(before)
		}
		size += len(s.ops)
		b.sections = append(b.sections, s)
	}
	return b, size
}

// batch runs a batch.
func (w *world) batch() error {
	before := w.Model.Save()
	b, size := w.drawBatch()
	w.Model.Restore(before)
	w.note("a batch of %d operations in %d sections that %s, stubborn: %v", size, len(b.sections), b.ending, b.stubborn)
	w.tally["operations"] += size
	w.tally["batches"]++
	w.tally["batches that "+string(b.ending)]++
	var got answers
	var end ending
	var err error
	h, stray := w.disturb(4+size*6, func(ctx context.Context) { got, end, err = w.run(ctx, b) })
	if stray != nil {
		return stray
	}
	switch {
	case end == panics && err != nil:
		return err
	case end != commits || errors.Is(err, errOwn):
		if errors.Is(err, errOwn) {
			end = fails
		}
		if end != b.ending {
			return fmt.Errorf("the batch %s, and should be one that %s", end, b.ending)
		}
		return w.watched(b)
	case err == nil:
		if b.ending != commits {
			return fmt.Errorf("a batch that %s was answered with success", b.ending)
		}
		return w.follow(b, got)
	}
	if err := h.mayFail(err); err != nil {
		return err
	}
	w.tally["failed"]++
	w.note("answered %v", err)
	var different error
	found := w.find(err, h, func() model.Outcome {
		var want model.Outcome
		want, different = w.replay(b, got)
		return want
	})
	if found == nil && different != nil && h.mayBeThere(err) {
		return different
	}
	return found
}

// run runs a batch on the ledger. A panic or Goexit of the closure must reach the
// caller unchanged.
func (w *world) run(ctx context.Context, b batch) (got answers, end ending, err error) {
	done := make(chan struct{})
	go func() {
		end = exits
		defer close(done)
		defer func() {
			if v := recover(); v != nil {
				end = panics
				if v != any(errOwn) {
					err = fmt.Errorf("another panic: %v", v)
				}
			}
		}()
		err = w.Ledger.WithTx(ctx, func(ctx context.Context, _ ledger.Tx) error {
			var err error
			if got, err = w.sections(ctx, b); err != nil {
				return err
			}
			switch b.ending {
			case fails:
				return errOwn
			case panics:
				panic(errOwn)
			case exits:
				runtime.Goexit()
			}
			return nil
		})
		end = commits
	}()
	<-done
	return got, end, err
}

func (w *world) sections(ctx context.Context, b batch) (got answers, err error) {
	for _, s := range b.sections {
		var told []model.Answer
		work := func(ctx context.Context) (err error) {
			told = nil
			for _, o := range s.ops {
				a := w.Do(ctx, o)
				told = append(told, a)
				if !byRule(a.Err) && !b.stubborn {
					return a.Err
				}
			}
			return nil
		}
		if s.nested {
			err = w.Ledger.WithTx(ctx, func(ctx context.Context, _ ledger.Tx) error {
				if err := work(ctx); err != nil || !s.undone {
					return err
				}
				return errOwn
			})
		} else {
			err = work(ctx)
		}
		got.of, got.stand = append(got.of, told), append(got.stand, err == nil)
		if err != nil && !errors.Is(err, errOwn) && !b.stubborn {
			return got, err
		}
	}
	return got, nil
}

// replay runs on the model what the ledger acknowledged.
func (w *world) replay(b batch, got answers) (touched model.Outcome, err error) {
	touched = model.Outcome{Refs: map[model.Ref]bool{}, Miners: map[int]bool{}}
	for i, told := range got.of {
		before := w.Model.Save()
		for j, a := range told {
			o := b.sections[i].ops[j]
			if !byRule(a.Err) {
				continue
			}
			want := w.Model.Do(o)
			if different := errors.Join(model.Differ("error", model.KindOf(a.Err), want.Err), model.Differ("new", a.IsNew, want.IsNew && o.Do != "snapshots" && o.Do != "register")); different != nil && err == nil {
				err = fmt.Errorf("operation %d of section %d, %s: %w (%v)", j, i, lines(o), different, a.Err)
			}
			for at := range want.Refs {
				touched.Refs[at] = true
			}
			for n := range want.Miners {
				touched.Miners[n] = true
			}
		}
		if !got.stand[i] {
			w.Model.Restore(before)
		}
	}
	return touched, err
}

// follow runs on the model a batch that succeeded.
func (w *world) follow(b batch, got answers) error {
	touched, err := w.replay(b, got)
	if err != nil {
		return err
	}
	if len(touched.Refs) > 60 { // so many are compared faster by lists
		touched.Refs, touched.Whole = nil, true
	}
	return w.compare(touched)
}

// watched checks that a batch had no effect.
func (w *world) watched(b batch) error {
	touched := model.Outcome{Miners: map[int]bool{}, Whole: true}
	for _, s := range b.sections {
		for _, o := range s.ops {
			for _, e := range o.Events {
				touched.Miners[e.Miner] = true
			}
			if o.Miner != 0 {
				touched.Miners[o.Miner] = true
			}
		}
	}
	return w.compare(touched)
}
