package ledger

import (
	"context"
	"fmt"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
)

// verifyTrades verifies the trades of a span with their shares, and that every applied unstake made one, as
// verifyPositions does for stakes.
func (v *verification) verifyTrades(ctx context.Context, after, until int64) error {
	trades, err := v.q.TradesToVerify(ctx, after, until)
	if err != nil {
		return err
	}
	shares, err := v.q.SharesToVerify(ctx, after, until)
	if err != nil {
		return err
	}
	whole := true
	orphans := func(until int64) {
		for len(shares) > 0 && shares[0].TradeID < until {
			s := shares[0]
			v.reportDifference("closes", closeID{s.TradeID, s.Step}, "trade_id", "a trade", s.TradeID)
			shares = shares[1:]
		}
	}
	for _, t := range trades {
		v.report.Trades++
		whole = whole && t.Whole
		orphans(t.TradeID)
		n := 0
		for n < len(shares) && shares[n].TradeID == t.TradeID {
			n++
		}
		if err := v.verifyTrade(ctx, t, shares[:n]); err != nil {
			return err
		}
		shares = shares[n:]
	}
	if len(shares) > 0 {
		orphans(shares[len(shares)-1].TradeID + 1)
	}
	applied, err := v.q.AppliedEvents(ctx, read.AppliedEventsParams{Stakes: 0, After: after, Until: until})
	if err != nil {
		return err
	}
	if !whole || applied != int64(len(trades)) {
		if err := v.explainUnstakes(ctx, after, until); err != nil {
			return err
		}
	}
	return v.verifyIgnored(ctx, after, until)
}

// explainUnstakes reports the unstakes whose effect contradicts their outcome.
func (v *verification) explainUnstakes(ctx context.Context, after, until int64) error {
	wrong, err := v.q.WrongUnstakes(ctx, after, until)
	if err != nil {
		return err
	}
	for _, e := range wrong {
		expect(v, "events", rowID(e.EventID), "trades", zeroOrOne(e.Outcome == chain.Applied), e.Trades)
	}
	return nil
}

// verifyIgnored verifies the keys of the ignored events, and sums up the unstakes that found nothing to close.
func (v *verification) verifyIgnored(ctx context.Context, after, until int64) error {
	events, err := v.q.IgnoredEvents(ctx, after, until)
	if err != nil {
		return err
	}
	for _, e := range events {
		expect(v, "events", rowID(e.EventID), "event_key", chain.NewEventKey(e.Time, e.Block, e.ExtrinsicID, e.EventIndex), e.EventKey)
		if !e.Unmatched {
			continue
		}
		c := v.sumsOf(e.MinerID)
		c.unmatchedAlpha += e.Alpha
		c.unmatchedTAO += e.TAO
	}
	return nil
}

// verifyTrade verifies a trade: each share is the rounded difference of running totals, and together with
// what is unmatched the shares are the whole trade.
func (v *verification) verifyTrade(ctx context.Context, t read.TradesToVerifyRow, shares []read.SharesToVerifyRow) error {
	const table = "trades"
	row := rowID(t.TradeID)
	if !t.Whole {
		if err := v.explainTrade(ctx, t.TradeID); err != nil {
			return err
		}
	} else {
		expect(v, table, row, "event_key", chain.NewEventKey(t.ExitTime, t.ExitBlock, t.ExtrinsicID, t.EventIndex), t.EventKey)
	}
	if len(shares) == 0 {
		v.reportDifference(table, row, "closes", "at least one", 0)
	}
	var sold, tao chain.Rao
	step := int64(0)
	for i, s := range shares {
		share := closeID{s.TradeID, s.Step}
		expect(v, "closes", share, "step", step, s.Step)
		expect(v, "closes", share, "self_trade", shares[0].SelfTrade, s.SelfTrade)
		if i > 0 && s.PositionKey <= shares[i-1].PositionKey {
			v.reportDifference("closes", share, "first in, first out", fmt.Sprintf("position %d before %d", s.PositionID, shares[i-1].PositionID), "after it")
		}
		step = s.Step + 1
		if s.Alpha > 0 && t.ExitAlpha > 0 && t.ExitTAO >= 0 && sold >= 0 && sold <= t.ExitAlpha-s.Alpha {
			if tao, err := chain.Share(t.ExitTAO, t.ExitAlpha, sold, sold+s.Alpha); err != nil || tao != s.TAO {
				v.reportDifference("closes", share, "tao", tao, s.TAO)
			}
		}
		if t.Archived && !s.Archived {
			v.reportDifference(table, row, "archive_run", fmt.Sprintf("none, since position %d is not archived", s.PositionID), "one")
		}
		sold, tao = sold+s.Alpha, tao+s.TAO
	}
	expect(v, table, row, "unmatched_alpha", t.ExitAlpha-sold, t.UnmatchedAlpha)
	expect(v, table, row, "unmatched_tao", t.ExitTAO-tao, t.UnmatchedTAO)
	miner := v.sumsOf(t.MinerID)
	miner.trades++
	miner.unmatchedAlpha += t.UnmatchedAlpha
	miner.unmatchedTAO += t.UnmatchedTAO
	return nil
}
