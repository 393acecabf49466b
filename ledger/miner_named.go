package ledger

import (
	"context"
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
	coldkey := func(m Miner) chain.Address { return m.Coldkey }
	for page, err := range pages("miners", defaultPage, chain.Address(begins), coldkey, func(after chain.Address) ([]Miner, error) {
		return q.MinersByColdkey(ctx, after, defaultPage)
	}) {
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
	uid := func(r RecordedRegistration) int64 { return int64(r.UID) }
	for page, err := range pages("registrations", maxPage, -1, uid, func(after int64) ([]RecordedRegistration, error) {
		return q.CurrentRegistrations(ctx, after, maxPage)
	}) {
		if err != nil {
			return nil, err
		}
		for _, r := range page {
			if len(found) == limit || !strings.HasPrefix(string(r.Hotkey), begins) || !strings.HasSuffix(string(r.Hotkey), ends) {
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
