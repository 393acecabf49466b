package ledger

import (
	"cmp"
	"context"

	"github.com/stakeledger/stakeledger/dbgen/read"
)

// Lot is a close as accounting wants it: alpha that was acquired at one time and disposed of at another, first in first
// out. Cost and TAO are its shares of EntryTAO and ExitTAO; these, like the dollars, are those of the whole position
// and trade.
type Lot = read.LotsRow

// Lots lists a miner's closes as lots, in the order of Closes. It ignores the filter's
// Newest.
func (l *Ledger) Lots(ctx context.Context, minerID int64, f CloseFilter, p Page[Lot]) ([]Lot, error) {
	order := func(a, b Lot) int { return cmp.Or(cmp.Compare(a.EventKey, b.EventKey), cmp.Compare(a.Step, b.Step)) }
	return listPage(ctx, l, "lots", p, order, func(ctx context.Context, q *read.Queries, after Lot, limit int64) ([]Lot, error) {
		low, high := keysBetween(f.From, f.Until, after.EventKey, false)
		params := read.LotsParams{
			MinerID: minerID, Archived: zeroOrOne(f.Archived), AnyNetuid: zeroOrOne(f.Netuid == nil),
			AfterKey: low, AfterStep: -1, BeforeKey: high, PageSize: limit,
		}
		if f.Netuid != nil {
			params.Netuid = *f.Netuid
		}
		if p.After != nil && low == after.EventKey {
			params.AfterStep = after.Step
		}
		return q.Lots(ctx, params)
	})
}
