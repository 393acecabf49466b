package ledger

import (
	"context"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
)

// PositionFilter narrows a list of positions. The zero value lists all.
type PositionFilter struct {
	Netuid      *chain.Netuid
	Status      chain.PositionStatus // empty: any
	From, Until chain.Time           // entry time, both ends in; an Until of 0 has no end
	Archived    bool                 // lists the archived positions, in place of those that are not
	Newest      bool                 // lists the newest first
}

// validate returns ErrInvalid for an unknown status.
func (f PositionFilter) validate() error {
	if f.Status != "" && !f.Status.Valid() {
		return &Error{Op: "list positions", Err: invalid("position status", f.Status, "want open, partial or closed")}
	}
	return nil
}

func (f PositionFilter) params(minerID int64, after Position, limit int64) read.PositionsParams {
	low, high := keysBetween(f.From, f.Until, after.EventKey, f.Newest)
	q := read.PositionsParams{
		MinerID: minerID, Archived: zeroOrOne(f.Archived), AnyNetuid: zeroOrOne(f.Netuid == nil), AnyStatus: zeroOrOne(f.Status == ""), Status: f.Status,
		AfterKey: low, BeforeKey: high, PageSize: limit,
	}
	if f.Netuid != nil {
		q.Netuid = *f.Netuid
	}
	return q
}

// Positions lists a miner's positions in the order of their events. Error: ErrInvalid for an unknown status.
func (l *Ledger) Positions(ctx context.Context, minerID int64, f PositionFilter, p Page[Position]) ([]Position, error) {
	if err := f.validate(); err != nil {
		return nil, err
	}
	return listPage(ctx, l, "positions", p, inOrder(byPositionKey, f.Newest), func(ctx context.Context, q *read.Queries, after Position, limit int64) ([]Position, error) {
		if f.Newest {
			return q.PositionsDown(ctx, read.PositionsDownParams(f.params(minerID, after, limit)))
		}
		return q.Positions(ctx, f.params(minerID, after, limit))
	})
}

// OpenPositions lists a miner's open and partial positions by subnet, first in first out.
func (l *Ledger) OpenPositions(ctx context.Context, minerID int64, p Page[Position]) ([]Position, error) {
	return listPage(ctx, l, "open positions", p, bySubnet, func(ctx context.Context, q *read.Queries, after Position, limit int64) ([]Position, error) {
		return q.OpenPositions(ctx, read.OpenPositionsParams{
			MinerID: minerID, AfterNetuid: after.Netuid, AfterKey: after.EventKey, PageSize: limit,
		})
	})
}

// TradeFilter narrows a list of trades. The zero value lists all.
type TradeFilter struct {
	Netuid      *chain.Netuid
	From, Until chain.Time // exit time, both ends in; an Until of 0 has no end
	Archived    bool       // lists the archived trades, in place of those that are not
	Newest      bool       // lists the newest first
}

// params is the filter as the parameters of a query, for a page after a row.
func (f TradeFilter) params(minerID int64, after Trade, limit int64) read.TradesParams {
	low, high := keysBetween(f.From, f.Until, after.EventKey, f.Newest)
	q := read.TradesParams{
		MinerID: minerID, Archived: zeroOrOne(f.Archived), AnyNetuid: zeroOrOne(f.Netuid == nil),
		AfterKey: low, BeforeKey: high, PageSize: limit,
	}
	if f.Netuid != nil {
		q.Netuid = *f.Netuid
	}
	return q
}

// Trades lists a miner's trades in the order of their events.
func (l *Ledger) Trades(ctx context.Context, minerID int64, f TradeFilter, p Page[Trade]) ([]Trade, error) {
	return listPage(ctx, l, "trades", p, inOrder(byTradeKey, f.Newest), func(ctx context.Context, q *read.Queries, after Trade, limit int64) ([]Trade, error) {
		if f.Newest {
			return q.TradesDown(ctx, read.TradesDownParams(f.params(minerID, after, limit)))
		}
		return q.Trades(ctx, f.params(minerID, after, limit))
	})
}

// ClosesOfTrade lists the closes of a trade, archived or not, first in first out.
func (l *Ledger) ClosesOfTrade(ctx context.Context, tradeID int64, p Page[Close]) ([]Close, error) {
	return listPage(ctx, l, "closes", p, byStep, func(ctx context.Context, q *read.Queries, after Close, limit int64) ([]Close, error) {
		if p.After == nil {
			after.Step = -1
		}
		return q.ClosesOfTrade(ctx, read.ClosesOfTradeParams{TradeID: tradeID, AfterStep: after.Step, PageSize: limit})
	})
}

// ClosesOfPosition lists the closes of a position, archived or not, in the order of their trades' events.
func (l *Ledger) ClosesOfPosition(ctx context.Context, positionID int64, p Page[Close]) ([]Close, error) {
	return listPage(ctx, l, "closes", p, byCloseKey, func(ctx context.Context, q *read.Queries, after Close, limit int64) ([]Close, error) {
		return q.ClosesOfPosition(ctx, read.ClosesOfPositionParams{PositionID: positionID, AfterKey: after.EventKey, PageSize: limit})
	})
}

// EventFilter narrows a list of events. The zero value lists all.
type EventFilter struct {
	Outcome     chain.Outcome // empty: any
	From, Until chain.Time    // both ends in; an Until of 0 has no end
	Newest      bool          // lists the newest first
}

// Events lists a miner's events with their outcome, in order (see chain.EventKey). Error: ErrInvalid for an
// unknown outcome.
func (l *Ledger) Events(ctx context.Context, minerID int64, f EventFilter, p Page[RecordedEvent]) ([]RecordedEvent, error) {
	if f.Outcome != "" && !f.Outcome.Valid() {
		return nil, &Error{Op: "list events", Err: invalid("outcome", f.Outcome, "want applied or ignored")}
	}
	return listPage(ctx, l, "events", p, inOrder(byKey, f.Newest), func(ctx context.Context, q *read.Queries, after RecordedEvent, limit int64) ([]RecordedEvent, error) {
		low, high := keysBetween(f.From, f.Until, after.EventKey, f.Newest)
		params := read.EventsParams{
			MinerID: minerID, AnyOutcome: zeroOrOne(f.Outcome == ""), Outcome: f.Outcome,
			AfterKey: low, BeforeKey: high, PageSize: limit,
		}
		if f.Newest {
			return q.EventsDown(ctx, read.EventsDownParams(params))
		}
		return q.Events(ctx, params)
	})
}

// RejectedEvents lists what Apply could not take, oldest record first: of one coldkey, or of all when it is
// empty.
func (l *Ledger) RejectedEvents(ctx context.Context, coldkey chain.Address, p Page[RejectedEvent]) ([]RejectedEvent, error) {
	return listPage(ctx, l, "rejected events", p, byRejectedID, func(ctx context.Context, q *read.Queries, after RejectedEvent, limit int64) ([]RejectedEvent, error) {
		if coldkey == "" {
			return q.RejectedEvents(ctx, after.RejectedID, limit)
		}
		return q.RejectedEventsOfColdkey(ctx, read.RejectedEventsOfColdkeyParams{Coldkey: coldkey, AfterRejectedID: after.RejectedID, PageSize: limit})
	})
}

// zeroOrOne is a bool for SQL that also runs on PostgreSQL, which does not
// compare booleans with numbers.
func zeroOrOne(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// untilOrMax is the end of a period; 0 means none.
func untilOrMax(t chain.Time) chain.Time {
	if t == 0 {
		return maxTime
	}
	return t
}

// keyAfter is the exclusive lower bound of a list's keys: the key of the last row of the page before, or the one
// just below the span of time.
func keyAfter(from chain.Time, after chain.EventKey) chain.EventKey {
	if from <= 0 {
		return after
	}
	return max(after, chain.FirstEventKey(from))
}

// lastKey is greater than every key.
const lastKey chain.EventKey = "~"

// keyBefore is the exclusive upper bound of the keys of events up to a time; 0
// means no bound.
func keyBefore(until chain.Time) chain.EventKey {
	if until <= 0 || until >= maxTime {
		return lastKey
	}
	return chain.FirstEventKey(until + 1)
}
