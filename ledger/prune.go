package ledger

import (
	"context"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/manager"
)

// pruneSize is how many rows a prune deletes in one transaction.
const pruneSize = 1000

// prune deletes what is older than a time page by page, each at most pruneSize rows in a transaction of its own, and
// returns how many rows that were.
func (l *Ledger) prune(ctx context.Context, op, label string, before chain.Time, page func(context.Context, Tx) (int64, error)) (total int64, err error) {
	if before <= 0 || before > maxTime {
		return 0, &Error{Op: op, Err: invalid("before", before, "want a time after 1970-01-01T00:00:00Z and before the year 10000")}
	}
	for {
		deleted, err := commit(ctx, l, func(ctx context.Context, tx Tx, was *int64) (int64, error) {
			n, err := page(ctx, tx)
			if was != nil && n < *was { // what the run before deleted was gone, so it was committed
				n += *was
			}
			return n, err
		}, manager.Label(label))
		total += deleted
		if err != nil || deleted < pruneSize {
			return total, err
		}
	}
}
