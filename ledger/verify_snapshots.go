package ledger

import (
	"context"
	"fmt"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
)

// verifySnapshots verifies each of a miner's snapshots by itself: the state that it recorded is gone, but its
// numbers must be consistent, and its score follows from them.
func (v *verification) verifySnapshots(ctx context.Context, minerID int64) error {
	snapshots := pages("snapshots", verifySpan, 0, func(s read.Snapshot) chain.Time { return s.At }, func(after chain.Time) ([]read.Snapshot, error) {
		return v.q.Snapshots(ctx, read.SnapshotsParams{MinerID: minerID, After: after, Until: maxTime, PageSize: verifySpan})
	})
	for page, err := range snapshots {
		if err != nil {
			return err
		}
		for i := range page {
			v.verifySnapshot(Snapshot(page[i]))
		}
	}
	return nil
}

func (v *verification) verifySnapshot(s Snapshot) {
	row := snapshotID{s.MinerID, s.At}
	expect(v, "snapshots", row, "positions", s.OpenPositions+s.ClosedPositions, s.Positions)
	checkWithin(v, row, "winning_positions", s.WinningPositions, s.ClosedPositions)
	checkWithin(v, row, "closed_entry_tao", s.ClosedEntryTAO, s.EntryTAO)
	if s.ClosedPositions == 0 {
		expect(v, "snapshots", row, "gain", 0, s.Gain)
		expect(v, "snapshots", row, "counted_closes", 0, s.CountedCloses)
	}
	if s.Positions < minScored {
		expectOptional(v, "snapshots", row, "score", nil, s.Score)
		return
	}
	score := roundToNearest(s.exactScore())
	if s.Score == nil || !score.IsInt64() || score.Int64() != *s.Score {
		v.reportDifference("snapshots", row, "score", score, valueOrNone(s.Score))
	}
}

// checkWithin reports a part that is negative or more than its whole.
func checkWithin[T int64 | chain.Rao](v *verification, row fmt.Stringer, field string, part, whole T) {
	if part < 0 || part > whole {
		v.reportDifference("snapshots", row, field, fmt.Sprintf("0 to %v", whole), part)
	}
}
