package ledger

import (
	"context"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
)

// readAll reads a miner's recorded rows after a key, archived or not.
func (a minerRows) readAll(ctx context.Context, q *read.Queries, minerID int64, after chain.EventKey) error {
	for _, archived := range []int64{0, 1} {
		if err := a.readPositions(ctx, q, read.PositionsParams{
			MinerID: minerID, Archived: archived, AfterKey: after, BeforeKey: lastKey, AnyNetuid: 1, AnyStatus: 1, PageSize: maxPage,
		}); err != nil {
			return err
		}
		if err := a.readTrades(ctx, q, read.TradesParams{
			MinerID: minerID, Archived: archived, AfterKey: after, BeforeKey: lastKey, AnyNetuid: 1, PageSize: maxPage,
		}); err != nil {
			return err
		}
	}
	return nil
}

func (a minerRows) readPositions(ctx context.Context, q *read.Queries, query read.PositionsParams) error {
	positions := pages("positions", query.PageSize, query.AfterKey, func(p Position) chain.EventKey { return p.EventKey }, func(after chain.EventKey) ([]Position, error) {
		query.AfterKey = after
		return q.Positions(ctx, query)
	})
	for page, err := range positions {
		if err != nil {
			return err
		}
		for _, p := range page {
			a.positions[p.PositionID] = p
		}
	}
	return nil
}

func (a minerRows) readTrades(ctx context.Context, q *read.Queries, query read.TradesParams) error {
	trades := pages("trades", query.PageSize, query.AfterKey, func(t Trade) chain.EventKey { return t.EventKey }, func(after chain.EventKey) ([]Trade, error) {
		query.AfterKey = after
		return q.Trades(ctx, query)
	})
	for page, err := range trades {
		if err != nil {
			return err
		}
		ids := make([]int64, len(page))
		for i, t := range page {
			a.trades[t.TradeID], ids[i] = t, t.TradeID
		}
		closes, err := q.ClosesOfTrades(ctx, idList(ids))
		if err != nil {
			return err
		}
		for _, c := range closes {
			a.closes[closeKey{c.TradeID, c.Step}] = c
		}
	}
	return nil
}

// keepArchived keeps recorded positions archived if they are still closed. A trade whose positions are all
// archived is archived too, by the run of the last of them unless it was before.
func (a minerRows) keepArchived(recorded minerRows) {
	for id, p := range a.positions {
		if was := recorded.positions[id]; was.ArchiveRun != nil && p.ClosedAt != nil {
			p.ArchiveRun = was.ArchiveRun
			a.positions[id] = p
		}
	}
	live, last := map[int64]bool{}, map[int64]*int64{}
	for key, c := range a.closes {
		switch run := a.positions[c.PositionID].ArchiveRun; {
		case run == nil:
			live[key.tradeID] = true
		case last[key.tradeID] == nil || *last[key.tradeID] < *run:
			last[key.tradeID] = run
		}
	}
	for id, t := range a.trades {
		if live[id] {
			continue
		}
		if t.ArchiveRun = recorded.trades[id].ArchiveRun; t.ArchiveRun == nil {
			t.ArchiveRun = last[id]
		}
		a.trades[id] = t
	}
}
