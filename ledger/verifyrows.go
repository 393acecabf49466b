package ledger

import (
	"context"
	"fmt"
	"slices"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
)

// events finds events without their effect, or with one that they should not have.
func (v *verification) events(ctx context.Context, after, until int64) error {
	amiss, err := v.q.EventsAmiss(ctx, after, until)
	if err != nil {
		return err
	}
	for _, e := range amiss {
		applied := flag(e.Outcome == chain.Applied)
		compare(v, "events", id(e.EventID), "positions", applied*flag(e.Kind == chain.Stake), e.Positions)
		compare(v, "events", id(e.EventID), "trades", applied*flag(e.Kind == chain.Unstake), e.Trades)
	}
	unmatched, err := v.q.UnmatchedEvents(ctx, after, until)
	if err != nil {
		return err
	}
	for _, e := range unmatched {
		c := v.of(e.MinerID)
		c.unmatchedAlpha += e.Alpha
		c.unmatchedTAO += e.TAO
		if !e.Listed {
			v.nothingLeft("events", e.EventID, e.MinerID, e.Netuid, e.Time)
		}
	}
	return nil
}

// positions verifies positions with their closes.
func (v *verification) positions(ctx context.Context, after, until int64) error {
	positions, err := v.q.PositionsToVerify(ctx, after, until)
	if err != nil {
		return err
	}
	closes, err := v.q.ClosesToVerify(ctx, after, until)
	if err != nil {
		return err
	}
	orphans := func(until int64) {
		for len(closes) > 0 && closes[0].PositionID < until {
			c := closes[0]
			v.differ(place("closes", c.Archived), closeID(c.TradeID, c.Step), "position_id", "a position", c.PositionID)
			closes = closes[1:]
		}
	}
	for i, p := range positions {
		v.report.Positions++
		if i > 0 && positions[i-1].PositionID == p.PositionID {
			v.differ("positions", id(p.PositionID), "place", "live or archived", "both")
			continue
		}
		orphans(p.PositionID)
		n := 0
		for n < len(closes) && closes[n].PositionID == p.PositionID {
			n++
		}
		if err := v.position(ctx, p, closes[:n]); err != nil {
			return err
		}
		closes = closes[n:]
	}
	if len(closes) > 0 {
		orphans(closes[len(closes)-1].PositionID + 1)
	}
	return nil
}

// position verifies a position: what its closes took and gave is what it says.
func (v *verification) position(ctx context.Context, p read.PositionsToVerifyRow, closes []read.ClosesToVerifyRow) error {
	table, row := place("positions", p.Archived), id(p.PositionID)
	if !p.Whole {
		if err := v.explainPosition(ctx, p.PositionID, p.Archived); err != nil {
			return err
		}
	}
	miner := v.of(p.MinerID)
	var closed, cost, gain chain.Rao
	var lastExit *chain.Time
	for i := range closes {
		c := &closes[i]
		if err := v.close(ctx, p, c); err != nil {
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
			miner.winningCloses += flag(c.Gain > 0)
		}
	}
	v.firstIn(p, closes)
	compare(v, table, row, "remaining_alpha", p.EntryAlpha-closed, p.RemainingAlpha)
	if closed > 0 && closed <= p.EntryAlpha && p.EntryTAO > 0 {
		compare(v, table, row, "cost of its closes", chain.Share(p.EntryTAO, p.EntryAlpha, 0, closed), cost)
	}
	compare(v, table, row, "gain", gain, p.Gain)
	compareOptional(v, table, row, "last_exit_time", lastExit, p.LastExitTime)
	miner.positions++
	miner.openPositions += flag(closed < p.EntryAlpha)
	miner.entryTAO += p.EntryTAO
	miner.entryAlpha += p.EntryAlpha
	return nil
}

// close verifies a close by itself: by the rules, and that its cost is its share of the position's, to the
// rao. Which way it is rounded depends on what was closed before; that all are right together, the sum tells.
func (v *verification) close(ctx context.Context, p read.PositionsToVerifyRow, c *read.ClosesToVerifyRow) error {
	v.report.Closes++
	table, row := place("closes", c.Archived), closeID(c.TradeID, c.Step)
	if c.Alpha > 0 && c.Alpha <= p.EntryAlpha && p.EntryTAO > 0 {
		part := chain.Rao(chain.MulDivFloor(int64(p.EntryTAO), int64(c.Alpha), int64(p.EntryAlpha)))
		if c.Cost != part && c.Cost != part+1 {
			v.differ(table, row, "cost", fmt.Sprintf("%s or one rao more", part), c.Cost)
		}
	}
	if c.Archived != p.Archived && (p.Archived || p.RemainingAlpha > 0) {
		v.differ(table, row, "place", place("closes", p.Archived), table)
	}
	if c.Ruled {
		return nil
	}
	return v.explainClose(ctx, c)
}

// trades verifies trades with their shares.
func (v *verification) trades(ctx context.Context, after, until int64) error {
	trades, err := v.q.TradesToVerify(ctx, after, until)
	if err != nil {
		return err
	}
	shares, err := v.q.SharesToVerify(ctx, after, until)
	if err != nil {
		return err
	}
	orphans := func(until int64) {
		for len(shares) > 0 && shares[0].TradeID < until {
			s := shares[0]
			v.differ(place("closes", s.Archived), closeID(s.TradeID, s.Step), "trade_id", "a trade", s.TradeID)
			shares = shares[1:]
		}
	}
	for i, t := range trades {
		v.report.Trades++
		if i > 0 && trades[i-1].TradeID == t.TradeID {
			v.differ("trades", id(t.TradeID), "place", "live or archived", "both")
			continue
		}
		orphans(t.TradeID)
		n := 0
		for n < len(shares) && shares[n].TradeID == t.TradeID {
			n++
		}
		if err := v.trade(ctx, t, shares[:n]); err != nil {
			return err
		}
		shares = shares[n:]
	}
	if len(shares) > 0 {
		orphans(shares[len(shares)-1].TradeID + 1)
	}
	return nil
}

// trade verifies a trade: its shares telescope, and with what is unmatched they are the whole of it.
func (v *verification) trade(ctx context.Context, t read.TradesToVerifyRow, shares []read.SharesToVerifyRow) error {
	table, row := place("trades", t.Archived), id(t.TradeID)
	if !t.Whole {
		if err := v.explainTrade(ctx, t.TradeID, t.Archived); err != nil {
			return err
		}
	}
	if len(shares) == 0 {
		v.differ(table, row, "closes", "at least one", 0)
	}
	var sold, tao chain.Rao
	step := int64(0)
	for i, s := range shares {
		of := place("closes", s.Archived)
		if i > 0 && shares[i-1].Step == s.Step {
			v.differ("closes", closeID(s.TradeID, s.Step), "place", "live or archived", "both")
			continue
		}
		compare(v, of, closeID(s.TradeID, s.Step), "step", step, s.Step)
		compare(v, of, closeID(s.TradeID, s.Step), "self_trade", shares[0].SelfTrade, s.SelfTrade)
		if i > 0 && (s.EntryTime < shares[i-1].EntryTime || s.EntryTime == shares[i-1].EntryTime && s.EntryBlock < shares[i-1].EntryBlock) {
			v.differ(of, closeID(s.TradeID, s.Step), "first in, first out", "position "+id(s.PositionID)+" before "+id(shares[i-1].PositionID), "after it")
		}
		step = s.Step + 1
		if s.Alpha > 0 && t.ExitTAO >= 0 && sold <= t.ExitAlpha-s.Alpha {
			compare(v, of, closeID(s.TradeID, s.Step), "tao", chain.Share(t.ExitTAO, t.ExitAlpha, sold, sold+s.Alpha), s.TAO)
		}
		if t.Archived && !s.Archived {
			v.differ(of, closeID(s.TradeID, s.Step), "place", "archived_closes", of)
		}
		sold, tao = sold+s.Alpha, tao+s.TAO
	}
	if t.UnmatchedAlpha > 0 && !t.Listed && !slices.ContainsFunc(shares, func(s read.SharesToVerifyRow) bool { return s.SelfTrade }) {
		v.nothingLeft(table, t.TradeID, t.MinerID, t.Netuid, t.ExitTime)
	}
	compare(v, table, row, "unmatched_alpha", t.ExitAlpha-sold, t.UnmatchedAlpha)
	compare(v, table, row, "unmatched_tao", t.ExitTAO-tao, t.UnmatchedTAO)
	miner := v.of(t.MinerID)
	miner.trades++
	miner.unmatchedAlpha += t.UnmatchedAlpha
	miner.unmatchedTAO += t.UnmatchedTAO
	return nil
}
