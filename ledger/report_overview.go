package ledger

import (
	"context"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/manager"
)

// MinerDay is what a miner gained on a day: the gain, in rao, of each close whose trade was on it. Over all
// days that is the miner's Gain. A Score's DayGain is another figure: it counts a position as a whole, on the
// day on which nothing was left of it.
type MinerDay struct {
	MinerID int64
	Day     Day
	Gain    chain.Rao
}

// Exposure is what a miner has open on a subnet, in rao: the alpha that is left, and what of the TAO paid for
// it is left, which is what it cost. Over all subnets these are the miner's EntryAlpha − ClosedAlpha, and its
// EntryTAO less the cost of its closes.
type Exposure struct {
	MinerID   int64
	Netuid    chain.Netuid
	Positions int64
	Alpha     chain.Rao
	TAO       chain.Rao
}

// GainsByDay sums up the closes of every miner, live and archived, by UTC day: by miner, and by day for each.
// It reads every close there is, in one snapshot: some seconds for millions of them.
func (l *Ledger) GainsByDay(ctx context.Context) ([]MinerDay, error) {
	return manager.Read(ctx, l.db, func(ctx context.Context, q *read.Queries) ([]MinerDay, error) {
		rows, err := q.GainsByDay(ctx)
		days := make([]MinerDay, len(rows))
		for i, r := range rows {
			days[i] = MinerDay{MinerID: r.MinerID, Day: Day(r.Day), Gain: r.Gain}
		}
		return days, err
	}, manager.Label("ledger.GainsByDay"))
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
