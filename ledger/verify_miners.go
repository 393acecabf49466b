package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/stakeledger/stakeledger/chain"
)

// eachMiner calls verify for every miner.
func (v *verification) eachMiner(ctx context.Context, verify func(ctx context.Context, m Miner) error) error {
	miners := pages("miners", verifySpan, 0, minerIDOf, func(after int64) ([]Miner, error) { return v.q.Miners(ctx, after, verifySpan) })
	for page, err := range miners {
		if err != nil {
			return err
		}
		for _, m := range page {
			v.report.Miners++
			if err := verify(ctx, m); err != nil {
				return err
			}
		}
		v.c.progress(VerifyProgress{Phase: VerifyingMiners, Done: v.report.Miners})
	}
	return nil
}

// verifyMinerTrades verifies a miner's counters of trades and of unmatched amounts.
func (v *verification) verifyMinerTrades(_ context.Context, m Miner) error {
	got := counters{trades: m.Trades, unmatchedAlpha: m.UnmatchedAlpha, unmatchedTAO: m.UnmatchedTAO}
	v.expectCounters(rowID(m.MinerID), *v.sumsOf(m.MinerID), got)
	return nil
}

// verifyMiner verifies the rest of a miner's row, and its snapshots.
func (v *verification) verifyMiner(ctx context.Context, m Miner) error {
	got := countersOf(m)
	got.trades, got.unmatchedAlpha, got.unmatchedTAO = 0, 0, 0
	v.expectCounters(rowID(m.MinerID), *v.sumsOf(m.MinerID), got)
	var latest *chain.EventKey
	switch key, err := v.q.LatestKey(ctx, m.MinerID, lastKey); {
	case err == nil:
		latest = &key
	case !errors.Is(err, ErrNotFound):
		return err
	}
	expectOptional(v, "miners", rowID(m.MinerID), "latest_key", latest, m.LatestKey)
	var lastActive *chain.Time
	switch at, err := v.q.LastActive(ctx, m.MinerID, lastKey); {
	case err == nil:
		lastActive = &at
	case !errors.Is(err, ErrNotFound):
		return err
	}
	expectOptional(v, "miners", rowID(m.MinerID), "last_active", lastActive, m.LastActive)
	if err := v.verifyDisordered(ctx, m.MinerID); err != nil {
		return err
	}
	return v.verifySnapshots(ctx, m.MinerID)
}

func (v *verification) expectCounters(row fmt.Stringer, want, got counters) {
	if want == got {
		return
	}
	expect(v, "miners", row, "positions", want.positions, got.positions)
	expect(v, "miners", row, "open_positions", want.openPositions, got.openPositions)
	expect(v, "miners", row, "trades", want.trades, got.trades)
	expect(v, "miners", row, "closes", want.closes, got.closes)
	expect(v, "miners", row, "entry_tao", want.entryTAO, got.entryTAO)
	expect(v, "miners", row, "entry_alpha", want.entryAlpha, got.entryAlpha)
	expect(v, "miners", row, "closed_alpha", want.closedAlpha, got.closedAlpha)
	expect(v, "miners", row, "open alpha", want.entryAlpha-want.closedAlpha, got.entryAlpha-got.closedAlpha)
	expect(v, "miners", row, "exit_tao", want.exitTAO, got.exitTAO)
	expect(v, "miners", row, "raw_gain", want.rawGain, got.rawGain)
	expect(v, "miners", row, "gain", want.gain, got.gain)
	expect(v, "miners", row, "counted_closes", want.countedCloses, got.countedCloses)
	expect(v, "miners", row, "winning_closes", want.winningCloses, got.winningCloses)
	expect(v, "miners", row, "counted_duration_us", want.countedDurations, got.countedDurations)
	expect(v, "miners", row, "unmatched_alpha", want.unmatchedAlpha, got.unmatchedAlpha)
	expect(v, "miners", row, "unmatched_tao", want.unmatchedTAO, got.unmatchedTAO)
}
