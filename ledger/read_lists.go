package ledger

import (
	"context"
	"math"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
)

// PositionFilter narrows a list of positions. The zero value lists all.
type PositionFilter struct {
	Netuid      *chain.Netuid
	Status      chain.PositionStatus // empty: any
	From, Until chain.Time           // entry time, both ends in; an Until of 0 has no end
}

// check is an ErrInvalid for a status that cannot be.
func (f PositionFilter) check() error {
	if f.Status != "" && !f.Status.Valid() {
		return &Error{Op: "list positions", Err: invalid("position status", f.Status, "want open, partial or closed")}
	}
	return nil
}

// query is the filter as the parameters of a query, for a page after a row.
func (f PositionFilter) query(minerID int64, after Position, limit int64) read.PositionsParams {
	q := read.PositionsParams{
		MinerID: minerID, AnyNetuid: flag(f.Netuid == nil), AnyStatus: flag(f.Status == ""), Status: f.Status,
		Until: until(f.Until), PageSize: limit,
	}
	q.AfterTime, q.AfterPositionID = begin(f.From, after.EntryTime, after.PositionID)
	if f.Netuid != nil {
		q.Netuid = *f.Netuid
	}
	return q
}

// Positions lists a miner's positions by entry time. Error: ErrInvalid for an unknown status.
func (l *Ledger) Positions(ctx context.Context, minerID int64, f PositionFilter, p Page[Position]) ([]Position, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	return list(ctx, l, p, func(ctx context.Context, q *read.Queries, after Position, limit int64) ([]Position, error) {
		return q.Positions(ctx, f.query(minerID, after, limit))
	})
}

// OpenPositions lists a miner's open and partial positions by subnet, first in first out.
func (l *Ledger) OpenPositions(ctx context.Context, minerID int64, p Page[Position]) ([]Position, error) {
	return list(ctx, l, p, func(ctx context.Context, q *read.Queries, after Position, limit int64) ([]Position, error) {
		return q.OpenPositions(ctx, read.OpenPositionsParams{
			MinerID: minerID, AfterNetuid: after.Netuid, AfterTime: after.EntryTime, AfterBlock: after.EntryBlock,
			AfterPositionID: after.PositionID, PageSize: limit,
		})
	})
}

// TradeFilter narrows a list of trades. The zero value lists all.
type TradeFilter struct {
	Netuid      *chain.Netuid
	From, Until chain.Time // exit time, both ends in; an Until of 0 has no end
}

// query is the filter as the parameters of a query, for a page after a row.
func (f TradeFilter) query(minerID int64, after Trade, limit int64) read.TradesParams {
	q := read.TradesParams{MinerID: minerID, AnyNetuid: flag(f.Netuid == nil), Until: until(f.Until), PageSize: limit}
	q.AfterTime, q.AfterTradeID = begin(f.From, after.ExitTime, after.TradeID)
	if f.Netuid != nil {
		q.Netuid = *f.Netuid
	}
	return q
}

// Trades lists a miner's trades by exit time.
func (l *Ledger) Trades(ctx context.Context, minerID int64, f TradeFilter, p Page[Trade]) ([]Trade, error) {
	return list(ctx, l, p, func(ctx context.Context, q *read.Queries, after Trade, limit int64) ([]Trade, error) {
		return q.Trades(ctx, f.query(minerID, after, limit))
	})
}

// ClosesOfTrade lists the closes of a trade, first in first out, except those that are archived: see
// ArchivedClosesOfTrade.
func (l *Ledger) ClosesOfTrade(ctx context.Context, tradeID int64, p Page[Close]) ([]Close, error) {
	return list(ctx, l, p, func(ctx context.Context, q *read.Queries, after Close, limit int64) ([]Close, error) {
		if p.After == nil {
			after.Step = -1
		}
		return q.ClosesOfTrade(ctx, read.ClosesOfTradeParams{TradeID: tradeID, AfterStep: after.Step, PageSize: limit})
	})
}

// ClosesOfPosition lists the closes of a position in the order in which its trades were recorded, except those
// that are archived: see ArchivedClosesOfPosition.
func (l *Ledger) ClosesOfPosition(ctx context.Context, positionID int64, p Page[Close]) ([]Close, error) {
	return list(ctx, l, p, func(ctx context.Context, q *read.Queries, after Close, limit int64) ([]Close, error) {
		return q.ClosesOfPosition(ctx, read.ClosesOfPositionParams{PositionID: positionID, AfterTradeID: after.TradeID, PageSize: limit})
	})
}

// EventFilter narrows a list of events. The zero value lists all.
type EventFilter struct {
	Outcome     chain.Outcome // empty: any
	From, Until chain.Time    // both ends in; an Until of 0 has no end
}

// Events lists a miner's events with their outcome, by time, block and id. Error: ErrInvalid for an unknown
// outcome.
func (l *Ledger) Events(ctx context.Context, minerID int64, f EventFilter, p Page[RecordedEvent]) ([]RecordedEvent, error) {
	if f.Outcome != "" && !f.Outcome.Valid() {
		return nil, &Error{Op: "list events", Err: invalid("outcome", f.Outcome, "want applied or ignored")}
	}
	return list(ctx, l, p, func(ctx context.Context, q *read.Queries, after RecordedEvent, limit int64) ([]RecordedEvent, error) {
		query := read.EventsParams{
			MinerID: minerID, AnyOutcome: flag(f.Outcome == ""), Outcome: f.Outcome, Until: until(f.Until),
			AfterTime: after.Time, AfterBlock: after.Block, AfterEventID: after.EventID, PageSize: limit,
		}
		if after.Time < f.From {
			query.AfterTime, query.AfterBlock, query.AfterEventID = f.From-1, math.MaxInt64, math.MaxInt64
		}
		return q.Events(ctx, query)
	})
}

// RejectedEvents lists what Apply could not take, oldest record first: of one coldkey, or of all when it is
// empty.
func (l *Ledger) RejectedEvents(ctx context.Context, coldkey chain.Address, p Page[RejectedEvent]) ([]RejectedEvent, error) {
	return list(ctx, l, p, func(ctx context.Context, q *read.Queries, after RejectedEvent, limit int64) ([]RejectedEvent, error) {
		if coldkey == "" {
			return q.RejectedEvents(ctx, after.RejectedID, limit)
		}
		return q.RejectedEventsOfColdkey(ctx, read.RejectedEventsOfColdkeyParams{Coldkey: coldkey, AfterRejectedID: after.RejectedID, PageSize: limit})
	})
}

// flag is a condition as the 0 or 1 of a query.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// until is the end of a span of time, where 0 stands for none.
func until(t chain.Time) chain.Time {
	if t == 0 {
		return maxTime
	}
	return t
}

// begin is the key after which a list starts: that of the row before, or just before the span of time.
func begin(from, afterTime chain.Time, afterID int64) (chain.Time, int64) {
	if afterTime < from {
		return from - 1, math.MaxInt64
	}
	return afterTime, afterID
}
