package ledger

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/manager"
)

// Balance is what the chain says a coldkey holds with a hotkey on a subnet at a block, emissions included.
type Balance struct {
	Coldkey chain.Address
	Hotkey  chain.Address
	Netuid  chain.Netuid
	Block   int64
	Time    chain.Time
	Alpha   chain.Rao
}

// Reconciled compares a balance of the chain, summed over the hotkeys, with what the ledger has open on the subnet at
// that time. Difference is Balance − OpenAlpha. Emitted is what the chain added since the previous balance, or ever
// if there is none: the growth of the difference plus what was sold without a position. Less than −1 rao, by which
// the chain rounds, is impossible: then the ledger has events that the chain does not have, or the other way around.
type Reconciled struct {
	Coldkey    chain.Address `json:"coldkey"`
	Netuid     chain.Netuid  `json:"netuid"`
	Block      int64         `json:"block"`
	Time       chain.Time    `json:"time"`
	Balance    chain.Rao     `json:"balance"`
	OpenAlpha  chain.Rao     `json:"open_alpha"`
	Difference chain.Rao     `json:"difference"`
	Unmatched  chain.Rao     `json:"unmatched_alpha"` // sold without a position since the previous balance
	Emitted    chain.Rao     `json:"emitted"`
	Impossible bool          `json:"impossible"`
}

// Reconcile compares balances of the chain with the open alpha of the ledger at their times, in one snapshot, by
// coldkey, subnet and time. A coldkey that the ledger does not know has nothing open. Error: ErrInvalid where sums do
// not fit.
func (l *Ledger) Reconcile(ctx context.Context, balances []Balance) ([]Reconciled, error) {
	rows, err := summedBalances(balances)
	if err != nil {
		return nil, err
	}
	return manager.Read(ctx, l.db, func(ctx context.Context, q *read.Queries) ([]Reconciled, error) {
		found := slices.Clone(rows)
		for i := range found {
			var before *Reconciled
			if i > 0 && found[i-1].Coldkey == found[i].Coldkey && found[i-1].Netuid == found[i].Netuid {
				before = &found[i-1]
			}
			if err := reconcileBalance(ctx, q, before, &found[i]); err != nil {
				return nil, err
			}
		}
		return found, nil
	}, manager.Label("ledger.Reconcile"))
}

// summedBalances sums up the balances of a coldkey on a subnet at a block over its hotkeys.
func summedBalances(balances []Balance) (rows []Reconciled, err error) {
	sorted := slices.Clone(balances)
	slices.SortFunc(sorted, func(a, b Balance) int {
		return cmp.Or(cmp.Compare(a.Coldkey, b.Coldkey), cmp.Compare(a.Netuid, b.Netuid), cmp.Compare(a.Time, b.Time),
			cmp.Compare(a.Block, b.Block), cmp.Compare(a.Hotkey, b.Hotkey))
	})
	for i, b := range slices.CompactFunc(sorted, func(a, b Balance) bool { return a == b }) {
		if last := len(rows) - 1; i > 0 && rows[last].Coldkey == b.Coldkey && rows[last].Netuid == b.Netuid && rows[last].Time == b.Time && rows[last].Block == b.Block {
			sum := rows[last].Balance + b.Alpha
			if sum < rows[last].Balance {
				return nil, &Error{Op: "reconcile", Subject: string(b.Coldkey), Err: invalid("balance", b.Alpha, "the sum over the hotkeys does not fit")}
			}
			rows[last].Balance = sum
			continue
		}
		rows = append(rows, Reconciled{Coldkey: b.Coldkey, Netuid: b.Netuid, Block: b.Block, Time: b.Time, Balance: b.Alpha})
	}
	return rows, nil
}

// reconcileBalance fills in the ledger's side of a balance, starting from the previous one.
func reconcileBalance(ctx context.Context, q *read.Queries, before, now *Reconciled) error {
	was := Reconciled{}
	if before != nil {
		was = *before
	}
	now.OpenAlpha = was.OpenAlpha
	m, err := q.MinerByColdkey(ctx, now.Coldkey)
	if err == nil {
		var moved read.AlphaMovedRow
		moved, err = q.AlphaMoved(ctx, read.AlphaMovedParams{
			MinerID: m.MinerID, Netuid: now.Netuid, FromKey: chain.FirstEventKey(was.Time + 1), BeforeKey: chain.FirstEventKey(now.Time + 1),
		})
		now.OpenAlpha += moved.Entered - moved.Closed
		now.Unmatched = moved.Unmatched
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	now.Difference = now.Balance - now.OpenAlpha
	now.Emitted = now.Difference - was.Difference + now.Unmatched
	now.Impossible = now.Emitted < -1
	return nil
}
