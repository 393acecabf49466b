package ledger

import (
	"context"
	"slices"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/manager"
)

// Basis is what the ledger's figures are based on: its policy, how recent its
// events are, and which miners wait for a replay.
type Basis struct {
	Policy      Policy          `json:"policy"`
	NewestEvent *chain.Time     `json:"newest_event"` // the latest time of an event on record, nil without events
	Marked      []chain.Address `json:"marked"`       // miners whose figures wait for a replay, in order, see Miner.OldestLateKey
}

// Basis returns what figures are based on now. Inside ReadOnly it comes from the same snapshot
// as the figures.
func (l *Ledger) Basis(ctx context.Context) (Basis, error) { return manager.Read(ctx, l.db, readBasis) }

func readBasis(ctx context.Context, q *read.Queries) (Basis, error) {
	policy, err := readPolicy(ctx, q)
	if err != nil {
		return Basis{}, err
	}
	b := Basis{Policy: policy, Marked: []chain.Address{}}
	newest, err := q.NewestEventTime(ctx)
	if err != nil {
		return Basis{}, err
	}
	if newest > 0 {
		b.NewestEvent = &newest
	}
	marked := pages("marked miners", maxPage, 0, minerIDOf, func(after int64) ([]Miner, error) {
		return q.MarkedMiners(ctx, after, maxPage)
	})
	for page, err := range marked {
		if err != nil {
			return Basis{}, err
		}
		for _, m := range page {
			b.Marked = append(b.Marked, m.Coldkey)
		}
	}
	slices.Sort(b.Marked) // ids say in which order miners came
	return b, nil
}
