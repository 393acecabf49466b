package ledger

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"

	"github.com/stakeledger/stakeledger/dbgen/write"
)

// write writes the differences under the mark that lets closes be undone. Closes go first, since they hold
// their positions and trades in place; positions stand whole while closes are inserted, and are set last.
func (r *rebuilding) write(ctx context.Context, tx Tx) error {
	if _, err := tx.BeginRebuild(ctx, r.miner.MinerID); err != nil {
		return err
	}
	for _, step := range []func(context.Context, Tx) error{
		r.removeCloses, r.writeOutcomes, r.openPositions, r.writeTrades, r.insertCloses, r.setPositions, r.writeCounters, r.archiveAgain,
	} {
		if err := step(ctx, tx); err != nil {
			return err
		}
	}
	_, err := tx.EndRebuild(ctx, r.miner.MinerID)
	return err
}

func (r *rebuilding) removeCloses(ctx context.Context, tx Tx) error {
	for _, key := range sortedKeys(r.removed) {
		remove := tx.RemoveClose
		if r.recorded.archivedCloses[key] {
			remove = tx.RemoveArchivedClose
		}
		if _, err := remove(ctx, key.tradeID, key.step); err != nil {
			return err
		}
	}
	return nil
}

func (r *rebuilding) writeOutcomes(ctx context.Context, tx Tx) error {
	for _, e := range r.outcomes {
		_, err := tx.SetEventOutcome(ctx, write.SetEventOutcomeParams{Outcome: e.Outcome, Reason: e.Reason, OutOfOrder: e.OutOfOrder, EventID: e.EventID})
		if err != nil {
			return err
		}
	}
	return nil
}

// openPositions makes the positions whole again, so that closes find enough left of them.
func (r *rebuilding) openPositions(ctx context.Context, tx Tx) error {
	for _, id := range slices.Sorted(maps.Keys(r.positions)) {
		if !r.begins(id) {
			if err := setPosition(ctx, tx, positionOf(eventOfPosition(r.want.positions[id]))); err != nil {
				return err
			}
			continue
		}
		if _, recorded := r.recorded.positions[id]; recorded {
			remove := tx.RemovePosition
			if r.recorded.archivedPositions[id] {
				remove = tx.RemoveArchivedPosition
			}
			if _, err := remove(ctx, id); err != nil {
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

func (r *rebuilding) writeTrades(ctx context.Context, tx Tx) error {
	for _, id := range slices.Sorted(maps.Keys(r.trades)) {
		t, wanted := r.want.trades[id]
		if !r.beginsTrade(id) {
			if t != r.recorded.trades[id] {
				_, err := tx.SetUnmatched(ctx, write.SetUnmatchedParams{UnmatchedAlpha: t.UnmatchedAlpha, UnmatchedTAO: t.UnmatchedTAO, TradeID: id})
				if err != nil {
					return err
				}
			}
			continue
		}
		if _, recorded := r.recorded.trades[id]; recorded {
			remove := tx.RemoveTrade
			if r.recorded.archivedTrades[id] {
				remove = tx.RemoveArchivedTrade
			}
			if _, err := remove(ctx, id); err != nil {
				return err
			}
		}
		if wanted {
			if err := tx.InsertTrade(ctx, write.InsertTradeParams(t)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *rebuilding) insertCloses(ctx context.Context, tx Tx) error {
	for _, key := range sortedKeys(r.inserted) {
		if err := tx.InsertClose(ctx, write.InsertCloseParams(r.want.closes[key])); err != nil {
			return err
		}
	}
	return nil
}

func (r *rebuilding) setPositions(ctx context.Context, tx Tx) error {
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
	_, err := tx.SetPosition(ctx, write.SetPositionParams{
		RemainingAlpha: p.RemainingAlpha, Status: p.Status, LastExitTime: p.LastExitTime, ClosedAt: p.ClosedAt, Gain: p.Gain, PositionID: p.PositionID,
	})
	return err
}

func (r *rebuilding) writeCounters(ctx context.Context, tx Tx) error {
	a := account{miner: r.miner, latestID: r.latestID, lastActive: r.lastActive, added: r.added, changed: r.result.Counters.Before != nil}
	return a.save(ctx, tx)
}

// archiveAgain moves those positions back that were archived and are closed now, and every trade that has no
// live close.
func (r *rebuilding) archiveAgain(ctx context.Context, tx Tx) error {
	var positions, trades []int64
	for _, id := range slices.Sorted(maps.Keys(r.positions)) {
		if p, wanted := r.want.positions[id]; wanted && p.ClosedAt != nil && r.recorded.archivedPositions[id] {
			positions = append(positions, id)
		}
	}
	for part := range slices.Chunk(positions, defaultArchiveRows) {
		if _, err := moveToArchive(ctx, tx, toArchive{positions: part, untilTrade: math.MaxInt64}, maxTime+1); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(r.trades)) {
		if _, wanted := r.want.trades[id]; wanted {
			trades = append(trades, id)
		}
	}
	for part := range slices.Chunk(trades, defaultArchiveRows) {
		if err := moveTrades(ctx, tx, part, archivedByMiner{}); err != nil {
			return err
		}
	}
	return nil
}

func sortedKeys(keys map[closeKey]bool) []closeKey {
	return slices.SortedFunc(maps.Keys(keys), func(a, b closeKey) int {
		return cmp.Or(cmp.Compare(a.tradeID, b.tradeID), cmp.Compare(a.step, b.step))
	})
}
