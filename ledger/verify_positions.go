package ledger

import (
	"context"
	"fmt"
	"math"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
)

// verifyPositions verifies the positions of a span with their closes, and that every applied stake opened one: that
// is so if each position matches its event and there are as many positions as applied stakes.
func (v *verification) verifyPositions(ctx context.Context, after, until int64) error {
	positions, err := v.q.PositionsToVerify(ctx, after, until)
	if err != nil {
		return err
	}
	closes, err := v.q.ClosesToVerify(ctx, after, until)
	if err != nil {
		return err
	}
	whole := true
	orphans := func(until int64) {
		for len(closes) > 0 && closes[0].PositionID < until {
			c := closes[0]
			v.reportDifference("closes", closeID{c.TradeID, c.Step}, "position_id", "a position", c.PositionID)
			closes = closes[1:]
		}
	}
	unmatched, err := v.q.UnmatchedToVerify(ctx, after, until)
	if err != nil {
		return err
	}
	unmatchedBefore := func(id int64) {
		for len(unmatched) > 0 && unmatched[0].EventID < id {
			u := unmatched[0]
			v.enterQueue(fifoEntry{minerID: u.MinerID, netuid: u.Netuid, id: u.EventID, key: u.EventKey})
			unmatched = unmatched[1:]
		}
	}
	for _, p := range positions {
		unmatchedBefore(p.PositionID)
		v.report.Positions++
		whole = whole && p.Whole
		orphans(p.PositionID)
		n := 0
		for n < len(closes) && closes[n].PositionID == p.PositionID {
			n++
		}
		if err := v.verifyPosition(ctx, p, closes[:n]); err != nil {
			return err
		}
		closes = closes[n:]
	}
	unmatchedBefore(math.MaxInt64)
	if len(closes) > 0 {
		orphans(closes[len(closes)-1].PositionID + 1)
	}
	applied, err := v.q.AppliedEvents(ctx, read.AppliedEventsParams{Stakes: 1, After: after, Until: until})
	if err != nil || whole && applied == int64(len(positions)) {
		return err
	}
	return v.explainStakes(ctx, after, until)
}

// explainStakes reports the stakes whose effect contradicts their outcome.
func (v *verification) explainStakes(ctx context.Context, after, until int64) error {
	wrong, err := v.q.WrongStakes(ctx, after, until)
	if err != nil {
		return err
	}
	for _, e := range wrong {
		expect(v, "events", rowID(e.EventID), "positions", zeroOrOne(e.Outcome == chain.Applied), e.Positions)
	}
	return nil
}

// verifyPosition verifies a position against its event and its closes.
func (v *verification) verifyPosition(ctx context.Context, p read.PositionsToVerifyRow, closes []read.ClosesToVerifyRow) error {
	const table = "positions"
	row := rowID(p.PositionID)
	if !p.Whole {
		if err := v.explainPosition(ctx, p.PositionID); err != nil {
			return err
		}
	} else {
		expect(v, table, row, "event_key", chain.NewEventKey(p.EntryTime, p.EntryBlock, p.ExtrinsicID, p.EventIndex), p.EventKey)
	}
	if p.Archived && p.RemainingAlpha != 0 {
		v.reportDifference(table, row, "archive_run", "none, since it is not closed", "one")
	}
	miner := v.sumsOf(p.MinerID)
	var closed, cost, gain chain.Rao
	var lastExit *chain.Time
	for i := range closes {
		c := &closes[i]
		if err := v.verifyClose(ctx, p, c); err != nil {
			return err
		}
		closed, cost, gain = closed+c.Alpha, cost+c.Cost, gain+c.Gain
		if lastExit == nil || *lastExit < c.ExitTime {
			lastExit = &c.ExitTime
		}
		miner.closes++
		miner.closedAlpha += c.Alpha
		miner.exitTAO += c.TAO
		miner.rawGain += c.TAO - c.Cost
		miner.gain += c.Gain
		if c.MinBlocksMet {
			miner.countedCloses++
			miner.countedDurations += c.DurationUs
			miner.winningCloses += zeroOrOne(c.Gain > 0)
		}
	}
	v.enterQueue(fifoEntryOf(p, closes))
	expect(v, table, row, "remaining_alpha", p.EntryAlpha-closed, p.RemainingAlpha)
	if closed > 0 && closed <= p.EntryAlpha && p.EntryTAO > 0 {
		if share, err := chain.Share(p.EntryTAO, p.EntryAlpha, 0, closed); err != nil || share != cost {
			v.reportDifference(table, row, "cost of its closes", share, cost)
		}
	}
	expect(v, table, row, "gain", gain, p.Gain)
	expectOptional(v, table, row, "last_exit_time", lastExit, p.LastExitTime)
	miner.positions++
	miner.openPositions += zeroOrOne(closed < p.EntryAlpha)
	miner.entryTAO += p.EntryTAO
	miner.entryAlpha += p.EntryAlpha
	return nil
}

// verifyClose verifies a close by itself: by the rules, and that its cost is its share of the position's cost,
// rounded up or down. Which of the two depends on the closes before it; verifyPosition checks their sum.
func (v *verification) verifyClose(ctx context.Context, p read.PositionsToVerifyRow, c *read.ClosesToVerifyRow) error {
	v.report.Closes++
	const table = "closes"
	row := closeID{c.TradeID, c.Step}
	if c.Alpha > 0 && c.Alpha <= p.EntryAlpha && p.EntryTAO > 0 {
		part, err := chain.Share(p.EntryTAO, p.EntryAlpha, 0, c.Alpha)
		if err != nil || c.Cost != part && c.Cost != part+1 {
			v.reportDifference(table, row, "cost", fmt.Sprintf("%s or one rao more", part), c.Cost)
		}
	}
	if c.Ruled {
		return nil
	}
	return v.explainClose(ctx, c)
}
