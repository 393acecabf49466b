package ledger

import (
	"context"
	"math"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
)

// PositionsClosed lists the positions of a miner that were closed from one time to another, both included, in the
// order of closing: those that are archived, or those that are not. Their gains are what Scores sums up by day.
func (l *Ledger) PositionsClosed(ctx context.Context, minerID int64, from, until chain.Time, archived bool, p Page[Position]) ([]Position, error) {
	return listPage(ctx, l, "positions", p, byClosedAt, func(ctx context.Context, q *read.Queries, after Position, limit int64) ([]Position, error) {
		params := read.PositionsClosedParams{
			MinerID: minerID, Archived: zeroOrOne(archived), From: from, Until: until, AfterPositionID: after.PositionID, PageSize: limit,
		}
		if after.ClosedAt != nil {
			params.AfterClosedAt = *after.ClosedAt
		}
		return q.PositionsClosed(ctx, params)
	})
}

// Decay is the factor with which a gain of that many days ago counts in a score: 1 for today, less for older
// ones.
func Decay(daysAgo int64) float64 { return math.Exp(-decayRate * float64(daysAgo)) }
