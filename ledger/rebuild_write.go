package ledger

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/stakeledger/stakeledger/dbgen/write"
)

// writeChanges writes the differences, between BeginRebuild and EndRebuild, which allow closes to be deleted.
// Closes are removed first, since they refer to positions and trades. While closes are inserted, positions have
// their whole alpha, because triggers check that enough is left; their final values are set last.
func (r *rebuildPlan) writeChanges(ctx context.Context, tx Tx) error {
	if !r.result.Changed() && r.miner.OldestLateKey == nil && len(r.trades) == 0 {
		return nil
	}
	if _, err := tx.write.BeginRebuild(ctx, r.miner.MinerID); err != nil {
		return err
	}
	for _, step := range []func(context.Context, Tx) error{
		r.removeCloses, r.writeOutcomes, r.openPositions, r.writeTrades, r.insertCloses, r.setPositions, r.archiveTrades, r.writeCounters,
	} {
		if err := step(ctx, tx); err != nil {
			return err
		}
	}
	_, err := tx.write.EndRebuild(ctx, r.miner.MinerID)
	return err
}

func (r *rebuildPlan) removeCloses(ctx context.Context, tx Tx) error {
	for _, key := range sortedKeys(r.removed) {
		if _, err := tx.write.RemoveClose(ctx, key.tradeID, key.step); err != nil {
			return err
		}
	}
	return nil
}

func (r *rebuildPlan) writeOutcomes(ctx context.Context, tx Tx) error {
	for _, e := range r.outcomes {
		_, err := tx.write.SetEventOutcome(ctx, write.SetEventOutcomeParams{
			Outcome: e.Outcome, Reason: e.Reason, OutOfOrder: e.OutOfOrder, MinBlocks: e.MinBlocks, SelfTrade: e.SelfTrade, EventID: e.EventID,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// openPositions gives the positions their whole alpha, so that closes find enough left.
func (r *rebuildPlan) openPositions(ctx context.Context, tx Tx) error {
	for _, id := range slices.Sorted(maps.Keys(r.positions)) {
		if !r.mustReplacePosition(id) {
			if err := setPosition(ctx, tx, positionOf(eventOfPosition(r.want.positions[id]))); err != nil {
				return err
			}
			continue
		}
		if _, recorded := r.recorded.positions[id]; recorded {
			if _, err := tx.write.RemovePosition(ctx, id); err != nil {
				return err
			}
		}
		if p, wanted := r.want.positions[id]; wanted {
			if err := insertPosition(ctx, tx, positionOf(eventOfPosition(p))); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *rebuildPlan) writeTrades(ctx context.Context, tx Tx) error {
	for _, id := range slices.Sorted(maps.Keys(r.trades)) {
		t, wanted := r.want.trades[id]
		if !r.mustReplaceTrade(id) {
			t.ArchiveRun = nil
			if err := setTrade(ctx, tx, t); err != nil {
				return err
			}
			continue
		}
		if _, recorded := r.recorded.trades[id]; recorded {
			if _, err := tx.write.RemoveTrade(ctx, id); err != nil {
				return err
			}
		}
		if wanted {
			if err := insertTrade(ctx, tx, t); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *rebuildPlan) insertCloses(ctx context.Context, tx Tx) error {
	for _, key := range sortedKeys(r.inserted) {
		if err := tx.write.InsertClose(ctx, write.InsertCloseParams(r.want.closes[key])); err != nil {
			return err
		}
	}
	return nil
}

func (r *rebuildPlan) setPositions(ctx context.Context, tx Tx) error {
	for _, id := range slices.Sorted(maps.Keys(r.positions)) {
		p, wanted := r.want.positions[id]
		if !wanted {
			continue
		}
		if err := setPosition(ctx, tx, p); err != nil {
			return err
		}
	}
	return nil
}

func setPosition(ctx context.Context, tx Tx, p Position) error {
	_, err := tx.write.SetPosition(ctx, write.SetPositionParams{
		RemainingAlpha: p.RemainingAlpha, Status: p.Status, LastExitTime: p.LastExitTime, ClosedAt: p.ClosedAt, Gain: p.Gain, ArchiveRun: p.ArchiveRun, PositionID: p.PositionID,
	})
	return err
}

func setTrade(ctx context.Context, tx Tx, t Trade) error {
	_, err := tx.write.SetTrade(ctx, write.SetTradeParams{UnmatchedAlpha: t.UnmatchedAlpha, UnmatchedTAO: t.UnmatchedTAO, ArchiveRun: t.ArchiveRun, TradeID: t.TradeID})
	return err
}

func (r *rebuildPlan) writeCounters(ctx context.Context, tx Tx) error {
	c := r.total
	_, err := tx.write.SetMinerCounters(ctx, write.SetMinerCountersParams{
		MinerID: r.miner.MinerID, LatestKey: r.latest, LastActive: r.lastActive,
		Positions: c.positions, OpenPositions: c.openPositions, Trades: c.trades, Closes: c.closes,
		EntryTAO: c.entryTAO, EntryAlpha: c.entryAlpha,
		ClosedAlpha: c.closedAlpha, ExitTAO: c.exitTAO, RawGain: c.rawGain, Gain: c.gain,
		CountedCloses: c.countedCloses, WinningCloses: c.winningCloses, CountedDurationUs: c.countedDurations,
		UnmatchedAlpha: c.unmatchedAlpha, UnmatchedTAO: c.unmatchedTAO,
	})
	return err
}

// archiveTrades archives trades again that were archived, which must happen after their positions are. It takes
// trades from before the replay out of the archive if a position that they closed is open again.
func (r *rebuildPlan) archiveTrades(ctx context.Context, tx Tx) error {
	var reopened []int64
	for id := range r.positions {
		if was, is := r.recorded.positions[id], r.want.positions[id]; was.ArchiveRun != nil && is.ArchiveRun == nil {
			reopened = append(reopened, id)
		}
	}
	if len(reopened) > 0 {
		if _, err := tx.write.UnarchiveTradesOf(ctx, idList(reopened)); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(r.trades)) {
		if t, wanted := r.want.trades[id]; wanted && t.ArchiveRun != nil {
			if err := setTrade(ctx, tx, t); err != nil {
				return err
			}
		}
	}
	return nil
}

func sortedKeys(keys map[closeKey]bool) []closeKey {
	return slices.SortedFunc(maps.Keys(keys), func(a, b closeKey) int {
		return cmp.Or(cmp.Compare(a.tradeID, b.tradeID), cmp.Compare(a.step, b.step))
	})
}
