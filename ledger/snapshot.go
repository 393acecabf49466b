package ledger

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/dbgen/write"
	"github.com/stakeledger/stakeledger/manager"
)

// snapshotMiners is how many miners TakeSnapshots takes in one transaction.
const snapshotMiners = 100

// Snapshot is a miner's trading as it was when the snapshot was taken, over the positions entered in the
// window that ends at At, both ends included. It holds exact sums; its methods compute means.
//
// GainByEntry is Σ gain·entry_tao over the closed positions, in rao·rao, an integer in decimals.
// GainPercent is the mean of 100·gain/entry_tao over them, rounded to nine places. OpenAgeUs is the mean age
// of the open and partial ones, rounded down to a microsecond. Weights and Score are in billionths; Score is
// nil below three positions.
type Snapshot read.Snapshot

// SnapshotOption sets how a snapshot is taken.
type SnapshotOption func(*snapshotWeights)

// snapshotWeights are the weights of the parts of a score.
type snapshotWeights struct {
	gain, volume, winRate float64
}

// SnapshotWeights sets the weights in the score of weighted gain (in TAO), volume (in TAO) and win rate
// (in percent), each from 0 to 1 and rounded to nine places. Default: 0.6, 0.2 and 0.2.
func SnapshotWeights(gain, volume, winRate float64) SnapshotOption {
	return func(w *snapshotWeights) { *w = snapshotWeights{gain, volume, winRate} }
}

// TakeSnapshot records a miner's results over the positions, live and archived, with an entry time from at
// − window to at, as they are now. There is one snapshot for each miner and time: taken again with the
// same window and weights, the earlier one is returned, and isNew is false.
//
// Errors: ErrInvalid, ErrNotFound for an unknown miner, ErrSnapshotExists when the earlier one has another
// window or other weights.
func (l *Ledger) TakeSnapshot(ctx context.Context, coldkey chain.Address, at chain.Time, window time.Duration, opts ...SnapshotOption) (s Snapshot, isNew bool, err error) {
	frame, err := newSnapshot(at, window, opts)
	if err != nil {
		return Snapshot{}, false, &Error{Op: "take snapshot", Subject: string(coldkey), Err: err}
	}
	s, err = manager.Read(ctx, l.db, func(ctx context.Context, q *read.Queries) (Snapshot, error) {
		m, err := q.MinerByColdkey(ctx, coldkey)
		if err != nil {
			return Snapshot{}, nameMissing(err, "take snapshot", "of miner %s", coldkey)
		}
		return surveyMiner(ctx, q, m.MinerID, frame)
	}, manager.Label("ledger.TakeSnapshot: read"))
	if err != nil {
		return Snapshot{}, false, err
	}
	s.TakenAt = l.now()
	taken, err := commit(ctx, l, func(ctx context.Context, tx Tx, was *takenSnapshot) (takenSnapshot, error) {
		recorded, isNew, err := insertSnapshot(ctx, tx, s)
		if was != nil && was.TakenAt == recorded.TakenAt {
			isNew = was.isNew
		}
		return takenSnapshot{recorded, isNew}, err
	}, manager.Label("ledger.TakeSnapshot"))
	return taken.Snapshot, taken.isNew, err
}

type takenSnapshot struct {
	Snapshot
	isNew bool
}

// SnapshotSummary is what TakeSnapshots did.
type SnapshotSummary struct {
	Taken    int64 `json:"taken"`
	Existing int64 `json:"existing"` // were there already
}

// TakeSnapshots takes a snapshot of every miner at one time, see TakeSnapshot, in many short transactions,
// so that other writers do not wait long. It may be stopped at any moment and run again, and then takes
// those that are missing. After an error the summary holds what had been done before it.
func (l *Ledger) TakeSnapshots(ctx context.Context, at chain.Time, window time.Duration, opts ...SnapshotOption) (SnapshotSummary, error) {
	frame, err := newSnapshot(at, window, opts)
	if err != nil {
		return SnapshotSummary{}, &Error{Op: "take snapshots", Err: err}
	}
	var total SnapshotSummary
	minerID := func(s Snapshot) int64 { return s.MinerID }
	surveys := pages("miners", snapshotMiners, 0, minerID, func(after int64) ([]Snapshot, error) { return l.surveyMiners(ctx, after, frame) })
	for surveyed, err := range surveys {
		if err != nil {
			return total, err
		}
		taken, err := commit(ctx, l, func(ctx context.Context, tx Tx, was *int64) (int64, error) {
			var taken int64
			for _, s := range surveyed {
				_, isNew, err := insertSnapshot(ctx, tx, s)
				if err != nil {
					return 0, err
				}
				taken += zeroOrOne(isNew)
			}
			if was != nil && taken == 0 {
				taken = *was
			}
			return taken, nil
		}, manager.Label("ledger.TakeSnapshots"))
		if err != nil {
			return total, err
		}
		total.Taken += taken
		total.Existing += int64(len(surveyed)) - taken
	}
	return total, nil
}

// surveyMiners computes the snapshots of the next miners by id.
func (l *Ledger) surveyMiners(ctx context.Context, after int64, frame Snapshot) ([]Snapshot, error) {
	return manager.Read(ctx, l.db, func(ctx context.Context, q *read.Queries) ([]Snapshot, error) {
		miners, err := q.Miners(ctx, after, snapshotMiners)
		if err != nil {
			return nil, err
		}
		surveyed := make([]Snapshot, len(miners))
		for i, m := range miners {
			if surveyed[i], err = surveyMiner(ctx, q, m.MinerID, frame); err != nil {
				return nil, err
			}
			surveyed[i].TakenAt = l.now()
		}
		return surveyed, nil
	}, manager.Label("ledger.TakeSnapshots: read"))
}

// newSnapshot checks and sets time, window and weights.
func newSnapshot(at chain.Time, window time.Duration, opts []SnapshotOption) (Snapshot, error) {
	w := snapshotWeights{0.6, 0.2, 0.2}
	for _, o := range opts {
		o(&w)
	}
	switch {
	case at <= 0 || at > maxTime:
		return Snapshot{}, invalid("at", at, "want a time after 1970-01-01T00:00:00Z and before the year 10000")
	case window < 0:
		return Snapshot{}, invalid("window", window, "is negative")
	case window%time.Microsecond != 0:
		return Snapshot{}, invalid("window", window, "is finer than a microsecond")
	}
	s := Snapshot{At: at, WindowUs: window.Microseconds()}
	var err error
	s.GainWeight = billionths(&err, "gain weight", w.gain)
	s.VolumeWeight = billionths(&err, "volume weight", w.volume)
	s.WinRateWeight = billionths(&err, "win rate weight", w.winRate)
	return s, err
}

// billionths is a weight as it is stored.
func billionths(err *error, field string, weight float64) int64 {
	if !(weight >= 0 && weight <= 1) { // NaN is neither
		*err = invalid(field, weight, "want 0 to 1")
		return 0
	}
	return int64(math.Round(weight * 1e9))
}

// insertSnapshot records a snapshot, or returns the one that exists.
func insertSnapshot(ctx context.Context, tx Tx, s Snapshot) (_ Snapshot, isNew bool, err error) {
	earlier, err := tx.SnapshotByKey(ctx, s.MinerID, s.At)
	if errors.Is(err, ErrNotFound) {
		return s, true, tx.write.InsertSnapshot(ctx, write.InsertSnapshotParams(s))
	}
	if err != nil {
		return Snapshot{}, false, err
	}
	e := Snapshot(earlier)
	if e.WindowUs != s.WindowUs || e.weights() != s.weights() {
		return Snapshot{}, false, &Error{Op: "take snapshot", Subject: fmt.Sprintf("of miner %d at %s", s.MinerID, s.At), Err: ErrSnapshotExists,
			Detail: fmt.Sprintf("it covers %d us with weights of %v billionths, not %d us with %v", e.WindowUs, e.weights(), s.WindowUs, s.weights())}
	}
	return e, false, nil
}

func (s Snapshot) weights() [3]int64 {
	return [3]int64{s.GainWeight, s.VolumeWeight, s.WinRateWeight}
}

// SnapshotFilter narrows a list of snapshots. The zero value lists all.
type SnapshotFilter struct {
	From, Until chain.Time // both ends in; an Until of 0 has no end
}

// Snapshots lists a miner's snapshots by their time.
func (l *Ledger) Snapshots(ctx context.Context, minerID int64, f SnapshotFilter, p Page[Snapshot]) ([]Snapshot, error) {
	return listPage(ctx, l, "snapshots", p, byMoment, func(ctx context.Context, q *read.Queries, after Snapshot, limit int64) ([]Snapshot, error) {
		rows, err := q.Snapshots(ctx, read.SnapshotsParams{MinerID: minerID, After: max(after.At, f.From-1), Until: untilOrMax(f.Until), PageSize: limit})
		return convertRows(rows, asSnapshot), err
	})
}

// SnapshotsAt lists the snapshots of one time by miner id.
func (l *Ledger) SnapshotsAt(ctx context.Context, at chain.Time, p Page[Snapshot]) ([]Snapshot, error) {
	return listPage(ctx, l, "snapshots", p, byMiner, func(ctx context.Context, q *read.Queries, after Snapshot, limit int64) ([]Snapshot, error) {
		rows, err := q.SnapshotsAt(ctx, read.SnapshotsAtParams{At: at, AfterMinerID: after.MinerID, PageSize: limit})
		return convertRows(rows, asSnapshot), err
	})
}

func asSnapshot(s read.Snapshot) Snapshot { return Snapshot(s) }

// PruneSnapshots deletes the snapshots whose time is before a given one, in short transactions, and returns how
// many; after an error, how many until then. Error: ErrInvalid for a time out of range.
func (l *Ledger) PruneSnapshots(ctx context.Context, before chain.Time) (int64, error) {
	return l.prune(ctx, "prune snapshots", "ledger.PruneSnapshots", before, func(ctx context.Context, tx Tx) (int64, error) {
		return tx.write.PruneSnapshots(ctx, before, pruneSize)
	})
}
