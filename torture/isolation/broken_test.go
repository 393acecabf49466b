package isolation_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/stakeledger/stakeledger/torture/effort"
)

// TestBrokenManagersAreCaught uses clients that each break one promise. The check
// that the manager passes must find them.
func TestBrokenManagersAreCaught(t *testing.T) {
	const histories = 20 // it must be found in one of these
	for _, c := range []struct {
		name string
		make func(honest) client
	}{
		{"dirty read", func(h honest) client { return &dirtyRead{honest: h} }},
		{"torn snapshot", func(h honest) client { return tornSnapshot{h} }},
		{"stale snapshot", func(h honest) client { return &staleSnapshot{honest: h} }},
		{"read outside the transaction", func(h honest) client { return readOutside{h} }},
		{"write outside the transaction", func(h honest) client { return writeOutside{h} }},
		{"acknowledged and rolled back", func(h honest) client { return &acknowledged{honest: h} }},
		{"acknowledged and run later", func(h honest) client { return &reordered{honest: h} }},
		{"refused and committed", func(h honest) client { return refused{h} }},
		{"failed and committed", func(h honest) client { return failedAnyway{h} }},
		{"committed twice", func(h honest) client { return twice{h} }},
		{"savepoint kept", func(h honest) client { return savepointKept{h} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			random, total := effort.Rand(t), tally{}
			for i := range histories {
				db := open(t, filepath.Join(t.TempDir(), "cells.db"))
				h := record(t, c.make(honest{db}), plan{Fails: 20, Cancels: 10}, random, false, &total)
				shut(t, db)
				if got := h.check(); got == porcupine.Illegal {
					t.Logf("caught in history %d, after %d operations", i+1, total.operations)
					return
				} else if got == porcupine.Unknown {
					t.Errorf("history %d is undecided after %s", i+1, checkTime)
				}
			}
			t.Errorf("not caught in %d histories of %d operations", histories, total.operations)
		})
	}
}

// dirtyRead answers the next look with what a rolled-back transaction saw.
type dirtyRead struct {
	honest
	mu    sync.Mutex
	dirty *cells
}

func (d *dirtyRead) do(ctx context.Context, o op) (saw cells, err error) {
	d.mu.Lock()
	dirty := d.dirty
	if o.Kind == look {
		d.dirty = nil
	}
	d.mu.Unlock()
	switch {
	case o.Kind == look && dirty != nil:
		return *dirty, nil
	case !o.Fails:
		return d.honest.do(ctx, o)
	}
	err = d.db.WithTx(ctx, func(ctx context.Context, q queries) error {
		if saw, err = d.write(ctx, q, o); err != nil {
			return err
		}
		state, err := q.all(ctx)
		if err != nil {
			return err
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.dirty = &state
		return errOwn
	})
	return saw, err
}

// tornSnapshot reads the two halves of a look in two snapshots.
type tornSnapshot struct{ honest }

func (c tornSnapshot) do(ctx context.Context, o op) (saw cells, err error) {
	if o.Kind != look {
		return c.honest.do(ctx, o)
	}
	first, err := c.honest.do(ctx, o)
	if err != nil {
		return saw, err
	}
	saw, err = c.honest.do(ctx, o)
	saw.Accounts, saw.Logs[0] = first.Accounts, first.Logs[0]
	return saw, err
}

// staleSnapshot answers four looks from the snapshot of the first.
type staleSnapshot struct {
	honest
	mu   sync.Mutex
	old  cells
	left int
}

func (s *staleSnapshot) do(ctx context.Context, o op) (saw cells, err error) {
	if o.Kind != look {
		return s.honest.do(ctx, o)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left > 0 {
		s.left--
		return s.old, nil
	}
	if s.old, err = s.honest.do(ctx, o); err == nil {
		s.left = 3
	}
	return s.old, err
}

// readOutside reads in a snapshot what it changes in a transaction: updates are lost.
type readOutside struct{ honest }

func (c readOutside) do(ctx context.Context, o op) (saw cells, err error) {
	if o.Kind != count || o.Fails {
		return c.honest.do(ctx, o)
	}
	err = c.db.ReadOnly(ctx, func(ctx context.Context, q queries) error {
		saw.Counters[o.Cell], err = q.counter(ctx, o.Cell)
		return err
	})
	if err != nil {
		return saw, err
	}
	return saw, c.db.WithTx(ctx, func(ctx context.Context, q queries) error {
		return q.setCounter(ctx, o.Cell, counted(saw.Counters[o.Cell], o.Name))
	})
}

// writeOutside writes the second half of a transfer in a transaction of its own.
type writeOutside struct{ honest }

func (c writeOutside) do(ctx context.Context, o op) (saw cells, err error) {
	if o.Kind != transfer || o.Fails {
		return c.honest.do(ctx, o)
	}
	var to int64
	err = c.db.WithTx(ctx, func(ctx context.Context, q queries) error {
		var errs [2]error
		saw.Accounts[o.From], errs[0] = q.balance(ctx, o.From)
		saw.Accounts[o.To], errs[1] = q.balance(ctx, o.To)
		to = saw.Accounts[o.To]
		return errors.Join(errs[0], errs[1], q.setBalance(ctx, o.From, saw.Accounts[o.From]-o.Amount))
	})
	if err != nil {
		return saw, err
	}
	return saw, c.db.WithTx(context.Background(), func(ctx context.Context, q queries) error {
		return q.setBalance(ctx, o.To, to+o.Amount)
	})
}

// acknowledged answers as if the group had been committed, when it was rolled back.
type acknowledged struct {
	honest
	mu    sync.Mutex
	notes int
}

func (a *acknowledged) do(ctx context.Context, o op) (cells, error) {
	if o.Kind == note && !o.Fails {
		a.mu.Lock()
		a.notes++
		lost := a.notes%5 == 0
		a.mu.Unlock()
		if lost {
			o.Fails = true
			saw, err := a.honest.do(ctx, o)
			if errors.Is(err, errOwn) {
				err = nil
			}
			return saw, err
		}
	}
	return a.honest.do(ctx, o)
}

// reordered answers a note at once and runs it after the next transaction.
type reordered struct {
	honest
	mu   sync.Mutex
	late *op
}

func (r *reordered) do(ctx context.Context, o op) (saw cells, err error) {
	r.mu.Lock()
	late := r.late
	r.late = nil
	if late == nil && o.Kind == note && !o.Fails {
		r.late = &o
		r.mu.Unlock()
		return saw, nil
	}
	r.mu.Unlock()
	saw, err = r.honest.do(ctx, o)
	if late != nil {
		if _, err := r.honest.do(context.Background(), *late); err != nil && late.Cancel == "" {
			return saw, err
		}
	}
	return saw, err
}

// refused commits although the context has ended, and answers with its error.
type refused struct{ honest }

func (c refused) do(ctx context.Context, o op) (cells, error) {
	if o.Cancel == "" || o.Fails || o.Kind == look || o.Kind == peek {
		return c.honest.do(ctx, o)
	}
	o.Cancel = ""
	if saw, err := c.honest.do(ctx, o); err != nil {
		return saw, err
	}
	return cells{}, context.Canceled
}

// failedAnyway commits what a closure had done before it failed.
type failedAnyway struct{ honest }

func (c failedAnyway) do(ctx context.Context, o op) (cells, error) {
	if !o.Fails {
		return c.honest.do(ctx, o)
	}
	o.Fails = false
	saw, err := c.honest.do(ctx, o)
	if err != nil {
		return saw, err
	}
	return saw, errOwn
}

// twice runs a closure again after its commit.
type twice struct{ honest }

func (c twice) do(ctx context.Context, o op) (cells, error) {
	if o.Kind == note && !o.Fails {
		if saw, err := c.honest.do(ctx, o); err != nil {
			return saw, err
		}
	}
	return c.honest.do(ctx, o)
}

// savepointKept keeps what a savepoint wrote whose closure failed.
type savepointKept struct{ honest }

func (c savepointKept) do(ctx context.Context, o op) (saw cells, err error) {
	if o.Kind != nest {
		return c.honest.do(ctx, o)
	}
	err = c.db.WithTx(ctx, func(ctx context.Context, q queries) error {
		if saw, err = c.nest(ctx, q, o); err != nil {
			return err
		}
		if err := q.appendLog(ctx, o.Cell, "never "+o.Name); err != nil || !o.Fails {
			return err
		}
		return errOwn
	})
	return saw, err
}
