package isolation_test

import (
	"context"
	"errors"

	"github.com/stakeledger/stakeledger/manager"
)

// errOwn is how a closure ends that changed its mind.
var errOwn = errors.New("changed my mind")

// A client does operations. What it saw counts if the error is nil or errOwn.
type client interface {
	do(ctx context.Context, o op) (saw cells, err error)
}

// honest asks the manager.
type honest struct{ db *store }

func (h honest) do(ctx context.Context, o op) (saw cells, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	inside := func() {}
	switch o.Cancel {
	case "soon":
		go cancel() // before it, in the queue, inside, at COMMIT or too late
	case "inside":
		inside = cancel
	}
	if o.Kind == look || o.Kind == peek {
		return h.read(ctx, o, inside)
	}
	var seen cells // not the result: an evicted closure may outlive its call
	err = h.db.WithTx(ctx, func(ctx context.Context, q queries) error {
		if o.Wary {
			if err := q.untouched(ctx); err != nil {
				return err
			}
		}
		now, err := h.write(ctx, q, o)
		if err != nil {
			return err
		}
		if err := q.stray(ctx, o.Stray); err != nil {
			return err
		}
		seen = now
		inside()
		if o.Fails {
			return errOwn
		}
		return nil
	})
	if err != nil && !errors.Is(err, errOwn) {
		return cells{}, err
	}
	return seen, err
}

func (h honest) read(ctx context.Context, o op, inside func()) (saw cells, err error) {
	var opts []manager.TxOption
	if o.Kind == peek {
		opts = append(opts, manager.Pinned())
	}
	err = h.db.ReadOnly(ctx, func(ctx context.Context, q queries) error {
		if saw, err = q.all(ctx); err != nil || o.Kind == look {
			return err
		}
		inside()
		return h.db.ReadOnly(ctx, func(ctx context.Context, q queries) error {
			again, err := q.all(ctx)
			if err == nil && again != saw {
				return errors.New("a snapshot changed while it was read")
			}
			return err
		})
	}, opts...)
	return saw, err
}

// write does what o asks for in the transaction of q, and returns what it saw.
func (h honest) write(ctx context.Context, q queries, o op) (saw cells, err error) {
	switch o.Kind {
	case transfer:
		from, err := q.balance(ctx, o.From)
		if err != nil {
			return saw, err
		}
		to, err := q.balance(ctx, o.To)
		if err != nil {
			return saw, err
		}
		saw.Accounts[o.From], saw.Accounts[o.To] = from, to
		return saw, errors.Join(q.setBalance(ctx, o.From, from-o.Amount), q.setBalance(ctx, o.To, to+o.Amount))
	case count:
		value, err := q.counter(ctx, o.Cell)
		if err != nil {
			return saw, err
		}
		saw.Counters[o.Cell] = value
		return saw, q.setCounter(ctx, o.Cell, counted(value, o.Name))
	case note:
		return saw, q.appendLog(ctx, o.Cell, o.Name)
	}
	return h.nest(ctx, q, o)
}

// nest counts in one savepoint, rolls another one back, looks, and notes.
func (h honest) nest(ctx context.Context, q queries, o op) (saw cells, err error) {
	err = h.db.WithTx(ctx, func(ctx context.Context, q queries) error {
		value, err := q.counter(ctx, o.Cell)
		if err != nil {
			return err
		}
		return q.setCounter(ctx, o.Cell, counted(value, o.Name))
	})
	if err != nil {
		return saw, err
	}
	err = h.db.WithTx(ctx, func(ctx context.Context, q queries) error {
		if err := q.appendLog(ctx, o.Cell, "never "+o.Name); err != nil {
			return err
		}
		return errOwn
	})
	if !errors.Is(err, errOwn) {
		return saw, err
	}
	err = h.db.ReadOnly(ctx, func(ctx context.Context, q queries) error {
		saw, err = q.all(ctx)
		return err
	})
	if err != nil {
		return saw, err
	}
	return saw, q.appendLog(ctx, o.Cell, o.Name)
}
