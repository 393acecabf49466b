package ledger

import (
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
	f.Newest = false
	return listPage(ctx, l, "lots", p, byLot, func(ctx context.Context, q *read.Queries, after Lot, limit int64) ([]Lot, error) {
		return q.Lots(ctx, read.LotsParams(f.params(minerID, after.EventKey, after.Step, limit)))
	})
}
