package ledger

import (
	"context"
	"slices"
	"strings"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/manager"
)

// MinersNamed lists at most limit miners whose coldkey begins and ends with the given texts or, if there is none,
// whose current hotkey does.
func (l *Ledger) MinersNamed(ctx context.Context, begins, ends string, limit int) ([]Miner, error) {
	return manager.Read(ctx, l.db, func(ctx context.Context, q *read.Queries) ([]Miner, error) {
		found, err := minersByColdkey(ctx, q, begins, ends, limit)
		if err != nil || len(found) > 0 {
			return found, err
		}
		return minersByHotkey(ctx, q, begins, ends, limit)
	}, manager.Label("ledger.MinersNamed"))
}

// minersByColdkey reads from the first coldkey with that beginning on.
func minersByColdkey(ctx context.Context, q *read.Queries, begins, ends string, limit int) (found []Miner, err error) {
	for page, err := range minersInOrder(ctx, q, chain.Address(begins), defaultPage) {
		if err != nil {
			return nil, err
		}
		for _, m := range page {
			if !strings.HasPrefix(string(m.Coldkey), begins) || len(found) == limit {
				return found, nil
			}
			if strings.HasSuffix(string(m.Coldkey), ends) {
				found = append(found, m)
			}
		}
	}
	return found, nil
}

// minersByHotkey looks through the current registrations, at most one for each
// UID.
func minersByHotkey(ctx context.Context, q *read.Queries, begins, ends string, limit int) (found []Miner, err error) {
	for page, err := range currentRegistrations(ctx, q) {
		if err != nil {
			return nil, err
		}
		for _, r := range page {
			if len(found) == limit {
				return found, nil
			}
			same := func(m Miner) bool { return m.MinerID == r.MinerID } // by another of its hotkeys
			if !strings.HasPrefix(string(r.Hotkey), begins) || !strings.HasSuffix(string(r.Hotkey), ends) || slices.ContainsFunc(found, same) {
				continue
			}
			m, err := q.MinerByID(ctx, r.MinerID)
			if err != nil {
				return nil, err
			}
			found = append(found, m)
		}
	}
	return found, nil
}
