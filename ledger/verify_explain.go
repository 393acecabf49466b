package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
)

// The queries of Verify only find that a row is wrong. The functions here read
// the whole row to name the field.

// explainPosition names the fields of a position that contradict its event or its remaining alpha.
func (v *verification) explainPosition(ctx context.Context, positionID int64) error {
	const table = "positions"
	row := rowID(positionID)
	p, err := v.q.PositionByID(ctx, positionID)
	if err != nil {
		return err
	}
	if err := v.expectEvent(ctx, table, row, chain.Stake, eventOfPosition(p)); err != nil {
		return err
	}
	status := chain.PositionPartial
	switch p.RemainingAlpha {
	case 0:
		status = chain.PositionClosed
	case p.EntryAlpha:
		status = chain.PositionOpen
	}
	expect(v, table, row, "status", status, p.Status)
	var closedAt *chain.Time
	if p.RemainingAlpha == 0 {
		closedAt = p.LastExitTime
	}
	expectOptional(v, table, row, "closed_at", closedAt, p.ClosedAt)
	return nil
}

// explainTrade names the fields of a trade that contradict its event.
func (v *verification) explainTrade(ctx context.Context, tradeID int64) error {
	t, err := v.q.TradeByID(ctx, tradeID)
	if err != nil {
		return err
	}
	return v.expectEvent(ctx, "trades", rowID(tradeID), chain.Unstake, RecordedEvent{
		EventID: t.TradeID, MinerID: t.MinerID, Netuid: t.Netuid, Hotkey: t.Hotkey, ExtrinsicID: t.ExtrinsicID,
		EventIndex: t.EventIndex, EventKey: t.EventKey, Block: t.ExitBlock, Time: t.ExitTime, TAO: t.ExitTAO, Alpha: t.ExitAlpha,
	})
}

// expectEvent compares the part of its event that a position or a trade repeats with the event. Fields have
// the event's names.
func (v *verification) expectEvent(ctx context.Context, table string, row fmt.Stringer, kind chain.EventKind, got RecordedEvent) error {
	e, err := v.q.EventByID(ctx, got.EventID)
	if errors.Is(err, ErrNotFound) {
		v.reportDifference(table, row, "event", "an event of the same id", "none")
		return nil
	}
	if err != nil {
		return err
	}
	expect(v, table, row, "kind of its event", kind, e.Kind)
	expect(v, table, row, "outcome of its event", chain.Applied, e.Outcome)
	expect(v, table, row, "miner_id", e.MinerID, got.MinerID)
	expect(v, table, row, "netuid", e.Netuid, got.Netuid)
	expect(v, table, row, "hotkey", e.Hotkey, got.Hotkey)
	expect(v, table, row, "extrinsic_id", e.ExtrinsicID, got.ExtrinsicID)
	expect(v, table, row, "event_index", e.EventIndex, got.EventIndex)
	expect(v, table, row, "event_key", e.EventKey, got.EventKey)
	expect(v, table, row, "block", e.Block, got.Block)
	expect(v, table, row, "time", e.Time, got.Time)
	expect(v, table, row, "tao", e.TAO, got.TAO)
	expect(v, table, row, "alpha", e.Alpha, got.Alpha)
	return nil
}

// explainClose names the fields of a close that break the rules, by computing
// them again.
func (v *verification) explainClose(ctx context.Context, c *read.ClosesToVerifyRow) error {
	const table = "closes"
	row := closeID{c.TradeID, c.Step}
	exit, err := v.q.EventByID(ctx, c.TradeID)
	if errors.Is(err, ErrNotFound) {
		return nil // the missing trade is reported elsewhere
	}
	if err != nil {
		return err
	}
	entry, err := v.q.EventByID(ctx, c.PositionID)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	got, err := v.wholeClose(ctx, c)
	if err != nil {
		return err
	}
	before := v.report.Found
	expect(v, table, row, "miner_id", entry.MinerID, got.MinerID)
	expect(v, table, row, "miner of its trade", entry.MinerID, exit.MinerID)
	expect(v, table, row, "netuid of its trade", entry.Netuid, exit.Netuid)
	expect(v, table, row, "kind of its trade", chain.Unstake, exit.Kind)
	expect(v, table, row, "event_key", exit.EventKey, got.EventKey)
	if exit.EventKey <= entry.EventKey {
		v.reportDifference(table, row, "order of its trade", "after that of its position", "before it")
	}
	terms, err := termsOf(exit)
	if err != nil {
		v.reportDifference("events", rowID(exit.EventID), "terms", "those of an unstake", err)
		return nil
	}
	if terms.listed && !slices.Contains(terms.list, c.PositionID) {
		v.reportDifference(table, row, "position_id", "one of its trade's list", c.PositionID)
	}
	s := closeStep{candidate: candidateOf(positionOf(entry)), tao: got.TAO, cost: got.Cost, rawGain: got.TAO - got.Cost, selfTrade: entry.ExtrinsicID == exit.ExtrinsicID}
	s.settleGain(Event{Time: exit.Time, Block: exit.Block}, terms)
	expect(v, table, row, "raw_gain", s.rawGain, got.RawGain)
	expect(v, table, row, "self_trade", s.selfTrade, got.SelfTrade)
	expect(v, table, row, "duration_us", s.durationUs, got.DurationUs)
	expect(v, table, row, "min_blocks_met", s.minBlocksMet, got.MinBlocksMet)
	expect(v, table, row, "gain", s.gain, got.Gain)
	if v.report.Found == before {
		v.reportDifference(table, row, "rules", "followed", "not followed")
	}
	return nil
}

// wholeClose reads a close.
func (v *verification) wholeClose(ctx context.Context, c *read.ClosesToVerifyRow) (Close, error) {
	page, err := v.q.ClosesOfTrade(ctx, read.ClosesOfTradeParams{TradeID: c.TradeID, AfterStep: c.Step - 1, PageSize: 1})
	if err != nil || len(page) == 0 {
		return Close{}, err
	}
	return page[0], nil
}
