package ledger

import (
	"context"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/manager"
)

// ofMiners says that a transaction writes nothing but what belongs to these miners, the counts of an input and the
// mark that a policy is mixed, so that it may run beside those of other miners (see manager.Keyed). A transaction
// that reads or writes anything else has no keys.
func ofMiners(coldkeys ...chain.Address) manager.TxOption {
	keys := make([]string, len(coldkeys))
	for i, coldkey := range coldkeys {
		keys[i] = "miner/" + string(coldkey)
	}
	return manager.Keyed(keys...)
}

// commit runs fn in one transaction and commits it. If it is unknown whether the commit took place, fn runs again (see
// manager.Idempotent); was is then what it returned before, otherwise nil. fn must not do anything twice, and if it
// finds that it was committed, it returns the same answer again.
// It must return every error that it gets (see manager.Pipelined).
func commit[T any](ctx context.Context, l *Ledger, fn func(ctx context.Context, tx Tx, was *T) (T, error), opts ...manager.TxOption) (T, error) {
	var last T
	return manager.Write(ctx, l.db, func(ctx context.Context, tx Tx) (T, error) {
		var was *T
		if manager.CommitUnknown(ctx) {
			earlier := last
			was = &earlier
		}
		value, err := fn(ctx, tx, was)
		if err == nil {
			last = value
		}
		return value, err
	}, append(opts, manager.Idempotent(), manager.Pipelined())...)
}

// idempotent is commit for an fn that gives the same answer again by itself.
func (l *Ledger) idempotent(ctx context.Context, fn func(ctx context.Context, tx Tx) error, opts ...manager.TxOption) error {
	return l.db.WithTx(ctx, fn, append(opts, manager.Idempotent(), manager.Pipelined())...)
}
