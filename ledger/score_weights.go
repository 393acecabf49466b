package ledger

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/manager"
)

// Weights are what a validator sets on the chain: one for each miner with a positive score, on the lowest UID
// that it holds, ordered by UID. Float holds shares that sum to 1; U16 holds the same, scaled so that the
// largest is 65535.
type Weights struct {
	UIDs  []chain.UID `json:"uids"`
	Float []float64   `json:"weights"`
	U16   []uint16    `json:"weights_u16"`
}

// Weights computes the weights from the scores at a time, see Scores. A miner gets its weight once, however many UIDs
// it holds. Errors: ErrInvalid, and ErrNotFound if the ledger knows no UID, because no metagraph has been synced.
func (l *Ledger) Weights(ctx context.Context, at chain.Time, lookback int) (Weights, error) {
	return manager.Read(ctx, l.db, func(ctx context.Context, q *read.Queries) (Weights, error) {
		last, err := q.LastRegistrationID(ctx)
		if err != nil {
			return Weights{}, err
		}
		if last == 0 {
			return Weights{}, &Error{Op: "weigh miners", Err: ErrNotFound, Detail: "the ledger knows no UID; sync a metagraph first"}
		}
		scores, err := l.Scores(ctx, at, lookback)
		return weightsOf(scores), err
	}, manager.Label("ledger.Weights"))
}

func weightsOf(scores []Score) Weights {
	scores = slices.DeleteFunc(slices.Clone(scores), func(s Score) bool { return s.Weight <= 0 })
	slices.SortFunc(scores, func(a, b Score) int { return cmp.Compare(*a.UID, *b.UID) })
	w := Weights{UIDs: []chain.UID{}, Float: []float64{}, U16: []uint16{}}
	highest := 0.0
	for _, s := range scores {
		highest = max(highest, s.Weight)
	}
	for _, s := range scores {
		w.UIDs, w.Float = append(w.UIDs, *s.UID), append(w.Float, s.Weight)
		w.U16 = append(w.U16, uint16(math.Round(s.Weight/highest*math.MaxUint16)))
	}
	return w
}
