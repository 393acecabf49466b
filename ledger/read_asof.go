package ledger

import (
	"context"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
)

// PositionThen is a position as of a time: AlphaThen is the alpha of it that was not sold yet, CostThen the cost of
// that alpha.
type PositionThen = read.PositionsAsOfRow

// PositionsAsOf lists the positions of a miner that were open at a time, events at that time included, in the order
// of their events: those that are archived now, or those that are not. It ignores the filter's Status, Until and Newest. Error: ErrInvalid.
func (l *Ledger) PositionsAsOf(ctx context.Context, minerID int64, at chain.Time, f PositionFilter, p Page[PositionThen]) ([]PositionThen, error) {
	if at <= 0 || at > maxTime {
		return nil, &Error{Op: "list positions", Err: invalid("at", at, "want a time after 1970-01-01T00:00:00Z and before the year 10000")}
	}
	return listPage(ctx, l, "positions", p, byKeyThen, func(ctx context.Context, q *read.Queries, after PositionThen, limit int64) ([]PositionThen, error) {
		params := read.PositionsAsOfParams{
			MinerID: minerID, Archived: zeroOrOne(f.Archived), AnyNetuid: zeroOrOne(f.Netuid == nil),
			AfterKey: keyAfter(f.From, after.EventKey), BeforeKey: keyBefore(at), PageSize: limit,
		}
		if f.Netuid != nil {
			params.Netuid = *f.Netuid
		}
		return q.PositionsAsOf(ctx, params)
	})
}
