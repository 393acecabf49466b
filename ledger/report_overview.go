package ledger

import (
	"context"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/manager"
)

// GainStretch is what a miner gained in a stretch of time, in rao, by the closes of the trades in it.
// CountedCloses of them met the minimum of blocks, and WinningCloses of these had a gain. Summed over all
// stretches these are the miner's counters. A Score's DayGain differs: it counts the whole gain of a position
// on the day on which it was closed.
type GainStretch struct {
	Stretch       int64 // counted from 1970; for stretches of a day this is a Day
	Gain          chain.Rao
	Closes        int64
	CountedCloses int64
	WinningCloses int64
}

// RecentPosition is a position as NewestPositions lists it, live or archived.
type RecentPosition = read.NewestPositionsRow

// RecentClose is a close as NewestCloses lists it, live or archived, with the subnet and the time of its trade.
type RecentClose = read.NewestClosesRow

// Exposure is what a miner has open on a subnet, in rao: the alpha that is left, and its cost in TAO. Summed
// over all subnets these are the miner's EntryAlpha − ClosedAlpha, and its EntryTAO less the cost of its
// closes.
type Exposure struct {
	MinerID   int64
	Netuid    chain.Netuid
	Positions int64
	Alpha     chain.Rao
	TAO       chain.Rao
}

// GainsOverTime sums up a miner's closes, live and archived, by stretches of time of the given length, a whole
// number of microseconds, oldest first. Stretches without a close are left out. It reads every close of the
// miner. Error: ErrInvalid for a length below a microsecond.
func (l *Ledger) GainsOverTime(ctx context.Context, minerID int64, length time.Duration) ([]GainStretch, error) {
	if length < time.Microsecond {
		return nil, &Error{Op: "sum gains", Err: invalid("length", length, "want a microsecond or more")}
	}
	return manager.Read(ctx, l.db, func(ctx context.Context, q *read.Queries) ([]GainStretch, error) {
		rows, err := q.GainsOfMiner(ctx, length.Microseconds(), minerID)
		gains := make([]GainStretch, len(rows))
		for i, r := range rows {
			gains[i] = GainStretch(r)
		}
		return gains, err
	}, manager.Label("ledger.GainsOverTime"))
}

// SpanOfTrades returns the times of the first and the last trade of all miners, live or archived; 0 if there is
// none.
func (l *Ledger) SpanOfTrades(ctx context.Context) (first, last chain.Time, err error) {
	span, err := manager.Read(ctx, l.db, func(ctx context.Context, q *read.Queries) (read.SpanOfTradesRow, error) {
		return q.SpanOfTrades(ctx)
	}, manager.Label("ledger.SpanOfTrades"))
	return span.FirstTrade, span.LastTrade, err
}

// NewestPositions lists the positions that a miner entered last, archived ones too, newest first: at most limit.
func (l *Ledger) NewestPositions(ctx context.Context, minerID int64, limit int) ([]RecentPosition, error) {
	return listPage(ctx, l, "newest positions", Page[RecentPosition]{Limit: limit}, newestPosition, func(ctx context.Context, q *read.Queries, _ RecentPosition, limit int64) ([]RecentPosition, error) {
		return q.NewestPositions(ctx, limit, minerID)
	})
}

// NewestCloses lists the closes that a miner made last, archived ones too, newest first: at most limit.
func (l *Ledger) NewestCloses(ctx context.Context, minerID int64, limit int) ([]RecentClose, error) {
	return listPage(ctx, l, "newest closes", Page[RecentClose]{Limit: limit}, newestClose, func(ctx context.Context, q *read.Queries, _ RecentClose, limit int64) ([]RecentClose, error) {
		return q.NewestCloses(ctx, limit, minerID)
	})
}

// OpenExposures sums up the positions with alpha left, in one snapshot: by miner, and by subnet for each.
func (l *Ledger) OpenExposures(ctx context.Context) ([]Exposure, error) {
	return manager.Read(ctx, l.db, func(ctx context.Context, q *read.Queries) ([]Exposure, error) {
		rows, err := q.OpenExposures(ctx)
		exposures := make([]Exposure, len(rows))
		for i, r := range rows {
			exposures[i] = Exposure(r)
		}
		return exposures, err
	}, manager.Label("ledger.OpenExposures"))
}
