package ledger

import (
	"context"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/manager"
)

// ListedClose is a close with its trade's subnet, hotkey and exit and with its position's entry, as Closes lists it.
type ListedClose = read.ClosesRow

// CloseFilter narrows a list of closes. The zero value lists all of trades that are not archived.
type CloseFilter struct {
	Netuid      *chain.Netuid
	From, Until chain.Time // exit time, both ends in; an Until of 0 has no end
	Archived    bool       // lists the closes of archived trades, in place of the others
	Newest      bool       // lists the newest first
}

// Closes lists a miner's closes in the order of their trades' events, within a trade by step.
func (l *Ledger) Closes(ctx context.Context, minerID int64, f CloseFilter, p Page[ListedClose]) ([]ListedClose, error) {
	return listPage(ctx, l, "closes", p, inOrder(byListedClose, f.Newest), func(ctx context.Context, q *read.Queries, after ListedClose, limit int64) ([]ListedClose, error) {
		params := f.params(minerID, after.EventKey, after.Step, limit)
		if !f.Newest {
			return q.Closes(ctx, params)
		}
		down := read.ClosesDownParams{
			MinerID: minerID, Archived: params.Archived, AnyNetuid: params.AnyNetuid, Netuid: params.Netuid,
			AfterKey: params.AfterKey, BeforeKey: params.BeforeKey, PageSize: limit,
		}
		if params.BeforeKey == after.EventKey {
			down.BeforeStep = after.Step
		}
		rows, err := q.ClosesDown(ctx, down)
		return convertRows(rows, func(r read.ClosesDownRow) ListedClose { return ListedClose(r) }), err
	})
}

// params is the filter as the parameters of a query, for a page after a row.
func (f CloseFilter) params(minerID int64, afterKey chain.EventKey, afterStep, limit int64) read.ClosesParams {
	low, high := keysBetween(f.From, f.Until, afterKey, f.Newest)
	q := read.ClosesParams{
		MinerID: minerID, Archived: zeroOrOne(f.Archived), AnyNetuid: zeroOrOne(f.Netuid == nil),
		AfterKey: low, AfterStep: -1, BeforeKey: high, PageSize: limit,
	}
	if f.Netuid != nil {
		q.Netuid = *f.Netuid
	}
	if afterKey != "" && low == afterKey {
		q.AfterStep = afterStep
	}
	return q
}

// keysBetween returns the exclusive bounds of the keys of a page: within the span of time, and after the last row
// of the page before, whose key is empty at the start.
func keysBetween(from, until chain.Time, after chain.EventKey, newest bool) (low, high chain.EventKey) {
	high = keyBefore(until)
	if !newest {
		return keyAfter(from, after), high
	}
	if after != "" {
		high = min(high, after)
	}
	return keyAfter(from, ""), high
}

// TradeSums are the sums over the closes of a trade.
type TradeSums = read.SumsOfTradesRow

// SumsOfTrades sums up the closes of each of the given trades, archived or not, in one query. A trade without a close
// has no sums.
func (l *Ledger) SumsOfTrades(ctx context.Context, tradeIDs []int64) (map[int64]TradeSums, error) {
	rows, err := manager.Read(ctx, l.db, func(ctx context.Context, q *read.Queries) ([]TradeSums, error) {
		return q.SumsOfTrades(ctx, idList(tradeIDs))
	})
	sums := make(map[int64]TradeSums, len(rows))
	for _, r := range rows {
		sums[r.TradeID] = r
	}
	return sums, err
}
