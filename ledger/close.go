package ledger

import (
	"context"
	"errors"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/dbgen/write"
	"github.com/stakeledger/stakeledger/manager"
)

// CloseResult is the outcome of an unstake.
type CloseResult struct {
	Event  RecordedEvent
	Trade  *Trade  // nil: the event was ignored, and Event.Reason says why
	Closes []Close // first in, first out
	IsNew  bool    // false: it was recorded before, and this is the earlier result
}

// ProcessClose records an unstake and closes the miner's open positions of its subnet that stand before it in the order
// of events (see chain.EventKey), first in first out. If the unstake's own extrinsic opened positions, only those are
// closed, see SelfTrade. An empty Kind counts as unstake.
//
// In strict mode a trade that sells more than is open is an error; in lenient mode the rest is recorded as
// unmatched, and where there is nothing to close the event is recorded as ignored.
//
// Errors: ErrInvalid (also when a counter of the miner would overflow, and for options that differ from the ledger's
// policy), ErrNotFound for an unknown miner or a listed position the miner does not have, ErrDuplicateEvent,
// ErrNoOpenPosition, ErrInsufficientAlpha.
func (l *Ledger) ProcessClose(ctx context.Context, e Event, opts ...CloseOption) (CloseResult, error) {
	e, err := e.checkedAs(chain.Unstake)
	if err != nil {
		return CloseResult{}, &Error{Op: "close", Subject: e.ExtrinsicID, Err: err}
	}
	given, err := newCloseTerms(opts)
	if err != nil {
		return CloseResult{}, &Error{Op: "close", Subject: e.subject(), Err: err}
	}
	return commit(ctx, l, func(ctx context.Context, tx Tx, was *CloseResult) (CloseResult, error) {
		row, err := tx.MinerAndPolicy(ctx, e.Coldkey)
		if err != nil {
			return CloseResult{}, nameMissing(err, "close", "for miner %s", e.Coldkey)
		}
		a, policy := accountOf(row.Miner), policyOf(row.Policy)
		terms, err := policy.completeTerms(e, given)
		if err != nil {
			return CloseResult{}, err
		}
		result, err := closePositions(ctx, tx, a, e, terms)
		if err != nil {
			return CloseResult{}, err
		}
		if result.IsNew && policy.handlesOtherwise(e, terms) {
			if err := policy.noteMixed(ctx, tx); err != nil {
				return CloseResult{}, err
			}
		}
		if was != nil && was.Event.EventID == result.Event.EventID {
			result.IsNew = was.IsNew
		}
		return result, a.save(ctx, tx)
	}, manager.Label("ledger.ProcessClose"), ofMiners(e.Coldkey))
}

// completeTerms completes an unstake's terms by the policy.
func (p Policy) completeTerms(e Event, given closeTerms) (closeTerms, error) {
	terms, err := given.underPolicy(p)
	if err == nil {
		err = p.checkTransfer(e, terms)
	}
	if err != nil {
		err = &Error{Op: "close", Subject: e.subject(), Err: err}
	}
	return terms, err
}

// closePositions records a validated unstake with its trade and closes, and adds it to the account. It
// reads everything and checks the counters for overflow before it writes anything.
// Whether the event is on record is asked first, unless it comes after all that were handled: then it mostly is not,
// and INSERT, or what stands in the way of it, tells.
func closePositions(ctx context.Context, tx Tx, a *account, e Event, terms closeTerms) (CloseResult, error) {
	e.key = e.eventKey()
	if a.latest != nil && e.key <= *a.latest {
		recorded, err := findEvent(ctx, tx, a.miner.MinerID, e)
		if err == nil {
			return closedEarlier(ctx, tx, recorded)
		}
		if !errors.Is(err, ErrNotFound) {
			return CloseResult{}, err
		}
		return closeNew(ctx, tx, a, e, terms)
	}
	result, err := closeNew(ctx, tx, a, e, terms)
	if err == nil || !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrNoOpenPosition) && !errors.Is(err, ErrInsufficientAlpha) {
		return result, err
	}
	recorded, findErr := findEvent(ctx, tx, a.miner.MinerID, e)
	switch {
	case findErr == nil:
		return closedEarlier(ctx, tx, recorded)
	case errors.Is(findErr, ErrNotFound):
		return CloseResult{}, err
	}
	return CloseResult{}, findErr
}

// closeNew is closePositions of an event that is not known to be on record. Its errors come before anything is written.
func closeNew(ctx context.Context, tx Tx, a *account, e Event, terms closeTerms) (CloseResult, error) {
	p, err := planClose(ctx, tx, a.miner.MinerID, e, terms)
	if err != nil {
		return CloseResult{}, err
	}
	added, err := p.addedCounters()
	if err != nil {
		return CloseResult{}, &Error{Op: "close", Subject: e.subject(), Err: err}
	}
	if len(p.steps) == 0 {
		added.trades = 0
	}
	total, err := a.total.plus(added)
	if err != nil {
		return CloseResult{}, &Error{Op: "close", Subject: e.subject(), Err: err}
	}
	result, err := writePlan(ctx, tx, a, e, terms, p)
	if err != nil || !result.IsNew {
		return result, err
	}
	a.addEvent(result.Event.EventKey, added, total)
	if result.Trade != nil {
		a.markActive(e.Time)
	}
	return result, nil
}

// writePlan writes the event and what the plan closes; a plan without steps is an ignored event.
func writePlan(ctx context.Context, tx Tx, a *account, e Event, terms closeTerms, p closePlan) (CloseResult, error) {
	if len(p.steps) == 0 {
		recorded, isNew, err := ignoreEvent(ctx, tx, a, e, chain.NoOpenPosition, &terms)
		if err == nil && !isNew {
			return closedEarlier(ctx, tx, recorded)
		}
		return CloseResult{Event: recorded, IsNew: isNew}, err
	}
	key := e.eventKey()
	recorded, isNew, err := insertEvent(ctx, tx, eventRow{
		Event: e, minerID: a.miner.MinerID, key: key, outcome: chain.Applied, outOfOrder: a.outOfOrder(key), terms: &terms,
	})
	if err != nil {
		return CloseResult{}, err
	}
	if !isNew {
		return closedEarlier(ctx, tx, recorded)
	}
	trade := tradeOf(recorded, p)
	if err := insertTrade(ctx, tx, trade); err != nil {
		return CloseResult{}, err
	}
	closes := make([]Close, len(p.steps))
	for i, s := range p.steps {
		if closes[i], err = writeStep(ctx, tx, trade, int64(i), s); err != nil {
			return CloseResult{}, err
		}
	}
	return CloseResult{Event: recorded, Trade: &trade, Closes: closes, IsNew: true}, nil
}

// tradeOf is the trade that an event and its plan make.
func tradeOf(e RecordedEvent, p closePlan) Trade {
	return Trade{
		TradeID: e.EventID, MinerID: e.MinerID, Netuid: e.Netuid, Hotkey: e.Hotkey,
		ExtrinsicID: e.ExtrinsicID, EventIndex: e.EventIndex, EventKey: e.EventKey, ExitBlock: e.Block, ExitTime: e.Time,
		ExitTAO: e.TAO, ExitAlpha: e.Alpha, UnmatchedAlpha: p.unmatchedAlpha, UnmatchedTAO: p.unmatchedTAO,
	}
}

// insertTrade writes a trade that is not archived.
func insertTrade(ctx context.Context, tx Tx, t Trade) error {
	return tx.write.InsertTrade(ctx, write.InsertTradeParams{
		TradeID: t.TradeID, MinerID: t.MinerID, Netuid: t.Netuid, Hotkey: t.Hotkey,
		ExtrinsicID: t.ExtrinsicID, EventIndex: t.EventIndex, EventKey: t.EventKey, ExitBlock: t.ExitBlock, ExitTime: t.ExitTime,
		ExitTAO: t.ExitTAO, ExitAlpha: t.ExitAlpha, UnmatchedAlpha: t.UnmatchedAlpha, UnmatchedTAO: t.UnmatchedTAO,
	})
}

// closeOf is the close that a step of a plan makes.
func closeOf(trade Trade, number int64, s closeStep) Close {
	return Close{
		TradeID: trade.TradeID, Step: number, PositionID: s.PositionID, MinerID: trade.MinerID, EventKey: trade.EventKey,
		Alpha: s.alpha, TAO: s.tao, Cost: s.cost, RawGain: s.rawGain, Gain: s.gain, DurationUs: s.durationUs,
		MinBlocksMet: s.minBlocksMet, SelfTrade: s.selfTrade,
	}
}

// shrinkBy is the change of a position that a step of a trade makes.
func shrinkBy(trade Trade, s closeStep) write.ShrinkPositionParams {
	shrink := write.ShrinkPositionParams{
		PositionID: s.PositionID, Alpha: s.alpha, Gain: s.gain, Status: chain.PositionPartial, LastExitTime: &trade.ExitTime,
	}
	if s.LastExitTime != nil && *s.LastExitTime > trade.ExitTime {
		shrink.LastExitTime = s.LastExitTime // a trade may be recorded after one whose exit is later
	}
	if s.closesPosition() {
		shrink.Status, shrink.ClosedAt = chain.PositionClosed, shrink.LastExitTime
	}
	return shrink
}

func writeStep(ctx context.Context, tx Tx, trade Trade, number int64, s closeStep) (Close, error) {
	c := closeOf(trade, number, s)
	if err := tx.write.InsertClose(ctx, write.InsertCloseParams(c)); err != nil {
		return Close{}, err
	}
	return c, tx.write.ShrinkPosition(ctx, shrinkBy(trade, s))
}

// closedEarlier is the result of an unstake that was recorded before.
func closedEarlier(ctx context.Context, tx Tx, recorded RecordedEvent) (CloseResult, error) {
	result := CloseResult{Event: recorded}
	if recorded.Outcome == chain.Ignored {
		return result, nil
	}
	trade, err := tx.TradeByID(ctx, recorded.EventID)
	if err != nil {
		return CloseResult{}, nameMissing(err, "close", "%s #%d, recorded before: trade %d", recorded.ExtrinsicID, recorded.EventIndex, recorded.EventID)
	}
	result.Trade = &trade
	closes := pages("closes of a trade", lastPage, -1, func(c Close) int64 { return c.Step }, func(after int64) ([]Close, error) {
		return tx.ClosesOfTrade(ctx, read.ClosesOfTradeParams{TradeID: trade.TradeID, AfterStep: after, PageSize: lastPage})
	})
	for page, err := range closes {
		if err != nil {
			return CloseResult{}, err
		}
		result.Closes = append(result.Closes, page...)
	}
	return result, nil
}
