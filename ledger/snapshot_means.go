package ledger

import (
	"math/big"
	"strconv"

	"github.com/stakeledger/stakeledger/chain"
)

// minScored is the least number of positions for which a snapshot has a score.
const minScored = 3

// MeanGain is the mean gain of the closed positions in TAO; 0 when there is none.
func (s Snapshot) MeanGain() float64 {
	return ratioOrZero(int64(s.Gain), s.ClosedPositions) / chain.RaoPerTAO
}

// WeightedGain is Σ(gain·entry_tao) / Σ entry_tao over the closed positions in TAO; 0 when there is none.
func (s Snapshot) WeightedGain() float64 {
	f, _ := new(big.Rat).Quo(s.weightedGain(), big.NewRat(chain.RaoPerTAO, 1)).Float64()
	return f
}

// MeanGainPercent is the mean of 100·gain/entry_tao over the closed positions; 0 when there is none.
func (s Snapshot) MeanGainPercent() float64 {
	f, _ := strconv.ParseFloat(s.GainPercent, 64) // the schema lets only decimals in
	return f
}

// WinRate is the percentage of closed positions with a gain; 0 when there is
// none.
func (s Snapshot) WinRate() float64 { return ratioOrZero(100*s.WinningPositions, s.ClosedPositions) }

// MeanDurationUs is the mean duration, in microseconds, of those closes of closed positions that count; 0
// when there is none.
func (s Snapshot) MeanDurationUs() float64 { return ratioOrZero(s.CountedDurationUs, s.CountedCloses) }

// ScoreValue is the score, and whether there is one.
func (s Snapshot) ScoreValue() (score float64, ok bool) {
	if s.Score == nil {
		return 0, false
	}
	return float64(*s.Score) / 1e9, true
}

// weightedGain is the weighted gain in rao, exactly.
func (s Snapshot) weightedGain() *big.Rat {
	sum, ok := new(big.Int).SetString(s.GainByEntry, 10)
	if !ok || s.ClosedEntryTAO == 0 {
		return new(big.Rat)
	}
	return new(big.Rat).SetFrac(sum, big.NewInt(int64(s.ClosedEntryTAO)))
}

// exactScore is the score in billionths. Amounts count in TAO, so their rao are billionths already; the win
// rate counts in percent.
func (s Snapshot) exactScore() *big.Rat {
	weighted := new(big.Rat).Mul(s.weightedGain(), big.NewRat(s.GainWeight, 1e9))
	volume := new(big.Rat).Mul(big.NewRat(int64(s.EntryTAO), 1), big.NewRat(s.VolumeWeight, 1e9))
	score := weighted.Add(weighted, volume)
	if s.ClosedPositions > 0 {
		winRate := new(big.Rat).Mul(big.NewRat(s.WinningPositions, s.ClosedPositions), big.NewRat(100, 1))
		score.Add(score, winRate.Mul(winRate, big.NewRat(s.WinRateWeight, 1)))
	}
	return score
}

// roundToNearest rounds to the nearest integer, halves away from zero.
func roundToNearest(r *big.Rat) *big.Int {
	n, _ := new(big.Int).SetString(r.FloatString(0), 10)
	return n
}

// ratioOrZero is a / b, or 0 if b is 0.
func ratioOrZero(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}
