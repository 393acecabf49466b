package ledger

import (
	"context"
	"fmt"
	"math/big"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
)

// percentScale is the precision in which percentages are summed: fine enough that rounding
// each down does not change the nine places that a snapshot keeps.
const percentScale = 1_000_000_000_000_000_000

var hundredScaled = new(big.Int).Mul(big.NewInt(100), big.NewInt(percentScale))

// surveyMiner computes a miner's snapshot. The sums are exact: products of two amounts are summed in more than 64
// bits.
func surveyMiner(ctx context.Context, q *read.Queries, minerID int64, frame Snapshot) (Snapshot, error) {
	v := surveyor{Snapshot: frame}
	v.MinerID = minerID
	from := max(0, frame.At-chain.Time(frame.WindowUs))
	after, before := chain.FirstEventKey(from), keyBefore(frame.At)
	for _, archived := range []int64{0, 1} {
		query := read.PositionsEnteredParams{MinerID: minerID, Archived: archived, BeforeKey: before, PageSize: maxPage}
		key := func(p read.PositionsEnteredRow) chain.EventKey { return p.EventKey }
		entered := pages("positions", maxPage, after, key, func(after chain.EventKey) ([]read.PositionsEnteredRow, error) {
			query.AfterKey = after
			return q.PositionsEntered(ctx, query)
		})
		for page, err := range entered {
			if err != nil {
				return Snapshot{}, err
			}
			for _, p := range page {
				if err := v.addPosition(p); err != nil {
					return Snapshot{}, err
				}
			}
		}
	}
	if v.ClosedPositions > 0 {
		counted, err := q.CountedClosesEntered(ctx, read.CountedClosesEnteredParams{MinerID: minerID, AfterKey: after, BeforeKey: before})
		if err != nil {
			return Snapshot{}, err
		}
		v.CountedCloses, v.CountedDurationUs = counted.Closes, counted.DurationUs
	}
	return v.finish()
}

// surveyor sums positions up into a snapshot. Sums of amounts fit in 64 bits, since they are parts of the
// miner's counters.
type surveyor struct {
	Snapshot
	gainByEntry big.Int // rao * rao
	percents    big.Int // in parts of percentScale, each rounded down
	ages        big.Int // microseconds
	x, y        big.Int // scratch space
}

// addPosition adds a position. The error is ErrCorrupt, for amounts that no position can
// have.
func (v *surveyor) addPosition(p read.PositionsEnteredRow) error {
	if p.EntryTAO <= 0 {
		return corruptField("positions", rowID(p.PositionID).String(), "entry_tao", p.EntryTAO, "is not positive")
	}
	v.Positions++
	v.EntryTAO += p.EntryTAO
	v.EntryAlpha += p.EntryAlpha
	if p.RemainingAlpha > 0 {
		v.OpenPositions++
		v.ages.Add(&v.ages, v.x.SetInt64(int64(v.At-p.EntryTime)))
		return nil
	}
	v.ClosedPositions++
	v.ClosedEntryTAO += p.EntryTAO
	v.Gain += p.Gain
	v.WinningPositions += zeroOrOne(p.Gain > 0)
	gain, entry := v.x.SetInt64(int64(p.Gain)), v.y.SetInt64(int64(p.EntryTAO))
	v.gainByEntry.Add(&v.gainByEntry, new(big.Int).Mul(gain, entry))
	percent := gain.Mul(gain, hundredScaled)
	v.percents.Add(&v.percents, percent.Div(percent, entry))
	return nil
}

// finish computes the means and the score. The error is ErrInvalid, for a score that does not fit
// in 64 bits.
func (v *surveyor) finish() (Snapshot, error) {
	s := v.Snapshot
	s.GainByEntry = v.gainByEntry.String()
	s.GainPercent = "0.000000000"
	if s.ClosedPositions > 0 {
		n := big.NewInt(s.ClosedPositions)
		s.GainPercent = new(big.Rat).SetFrac(&v.percents, n.Mul(n, big.NewInt(percentScale))).FloatString(9)
		if s.GainPercent == "-0.000000000" {
			s.GainPercent = "0.000000000"
		}
	}
	if s.OpenPositions > 0 {
		s.OpenAgeUs = v.ages.Div(&v.ages, big.NewInt(s.OpenPositions)).Int64()
	}
	if s.Positions < minScored {
		return s, nil
	}
	score := roundToNearest(s.exactScore())
	if !score.IsInt64() {
		return Snapshot{}, &Error{Op: "take snapshot", Subject: fmt.Sprintf("of miner %d at %s", s.MinerID, s.At),
			Err: invalid("score", score, "does not fit; give smaller weights")}
	}
	whole := score.Int64()
	s.Score = &whole
	return s, nil
}
