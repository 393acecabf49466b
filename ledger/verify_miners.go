package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/stakeledger/stakeledger/chain"
)

// allMiners has every miner's row verified.
func (v *verification) allMiners(ctx context.Context, verify func(ctx context.Context, m Miner) error) error {
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

// minersTrades verifies the counters of a miner that count trades, and what is unmatched.
func (v *verification) minersTrades(_ context.Context, m Miner) error {
	got := counters{trades: m.Trades, unmatchedAlpha: m.UnmatchedAlpha, unmatchedTAO: m.UnmatchedTAO}
	v.counters(id(m.MinerID), *v.sumOf(m.MinerID), got)
	return nil
}

// miner verifies a miner's row but for what minersTrades does.
func (v *verification) miner(ctx context.Context, m Miner) error {
	got := countersOf(m)
	got.trades, got.unmatchedAlpha, got.unmatchedTAO = 0, 0, 0
	v.counters(id(m.MinerID), *v.sumOf(m.MinerID), got)
	var latest *chain.EventKey
	switch key, err := v.q.LatestKey(ctx, m.MinerID, lastKey); {
	case err == nil:
		latest = &key
	case !errors.Is(err, ErrNotFound):
		return err
	}
	compareOptional(v, "miners", id(m.MinerID), "latest_key", latest, m.LatestKey)
	var lastActive *chain.Time
	switch at, err := v.q.LastActive(ctx, m.MinerID, lastKey); {
	case err == nil:
		lastActive = &at
	case !errors.Is(err, ErrNotFound):
		return err
	}
	compareOptional(v, "miners", id(m.MinerID), "last_active", lastActive, m.LastActive)
	if err := v.disorderedMiners(ctx, m.MinerID); err != nil {
		return err
	}
	return v.snapshots(ctx, m.MinerID)
}

// counters names the counters that differ.
func (v *verification) counters(row fmt.Stringer, want, got counters) {
	if want == got {
		return
	}
	compare(v, "miners", row, "positions", want.positions, got.positions)
	compare(v, "miners", row, "open_positions", want.openPositions, got.openPositions)
	compare(v, "miners", row, "trades", want.trades, got.trades)
	compare(v, "miners", row, "closes", want.closes, got.closes)
	compare(v, "miners", row, "entry_tao", want.entryTAO, got.entryTAO)
	compare(v, "miners", row, "entry_alpha", want.entryAlpha, got.entryAlpha)
	compare(v, "miners", row, "closed_alpha", want.closedAlpha, got.closedAlpha)
	compare(v, "miners", row, "open alpha", want.entryAlpha-want.closedAlpha, got.entryAlpha-got.closedAlpha)
	compare(v, "miners", row, "exit_tao", want.exitTAO, got.exitTAO)
	compare(v, "miners", row, "raw_gain", want.rawGain, got.rawGain)
	compare(v, "miners", row, "gain", want.gain, got.gain)
	compare(v, "miners", row, "counted_closes", want.countedCloses, got.countedCloses)
	compare(v, "miners", row, "winning_closes", want.winningCloses, got.winningCloses)
	compare(v, "miners", row, "counted_duration_us", want.countedDurations, got.countedDurations)
	compare(v, "miners", row, "unmatched_alpha", want.unmatchedAlpha, got.unmatchedAlpha)
	compare(v, "miners", row, "unmatched_tao", want.unmatchedTAO, got.unmatchedTAO)
}
