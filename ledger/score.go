package ledger

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/manager"
)

// DefaultLookback is how many days before the day of the score count.
const DefaultLookback = 21

// maxLookback bounds what one call reads; a gain of a year ago counts for nothing.
const maxLookback = 3650

// decayRate is λ: a gain of some days ago counts exp(−λ·days).
var decayRate = 0.25 * math.Exp(math.Log(20)/14)

// Score is a miner's recent performance. Raw is in TAO: the sum of its daily gains, each decayed by its age, divided
// by the number of days on which it closed a position. Among the eligible miners, those that the chain can give
// weight to, Normalized runs from 0 to 1 between the lowest and the highest positive Raw, and Weight is the share of
// Raw in the sum of all positive ones; both are 0 if Raw is not positive or the miner is not eligible.
type Score struct {
	MinerID    int64             `json:"miner_id"`
	Coldkey    chain.Address     `json:"coldkey"`
	UID        *chain.UID        `json:"uid"`    // the lowest that it holds now
	Hotkey     *chain.Address    `json:"hotkey"` // with that UID
	Status     chain.MinerStatus `json:"status"`
	Eligible   bool              `json:"eligible"`
	Raw        float64           `json:"raw"`
	Normalized float64           `json:"normalized"`
	Weight     float64           `json:"weight"`
	Days       []DayGain         `json:"days"` // on which it closed a position, oldest first
}

// DayGain is what a miner gained on a day: the whole gain of each position that was closed on it.
type DayGain struct {
	Day  Day       `json:"day"`
	Gain chain.Rao `json:"gain_tao"`
}

// ScoreOption sets which miners Scores scores.
type ScoreOption func(*scoreConfig)

type scoreConfig struct{ all bool }

// AllMiners scores every miner, also those that are blacklisted or hold no UID and so get no weight. Default: only
// those that the chain can give weight to.
func AllMiners() ScoreOption {
	return func(c *scoreConfig) { c.all = true }
}

// Scores scores the miners that the chain can give weight to: those that now (not at the time at) hold a UID and are
// not blacklisted. A ledger without any UID, because no metagraph has been synced, scores every miner, without UIDs; a
// blacklisted one is not eligible there either.
//
// It scores for the UTC day of at, over the positions, live and archived, that were closed on that day (the whole of
// it) or on one of the lookback days before; Policy holds the ledger's lookback. The list is ordered by descending
// Raw, equal ones by coldkey. It reads one snapshot of the ledger. Error: ErrInvalid.
func (l *Ledger) Scores(ctx context.Context, at chain.Time, lookback int, opts ...ScoreOption) ([]Score, error) {
	var c scoreConfig
	for _, o := range opts {
		o(&c)
	}
	if at <= 0 || at > maxTime {
		return nil, &Error{Op: "score", Err: invalid("at", at, "want a time after 1970-01-01T00:00:00Z and before the year 10000")}
	}
	if lookback < 0 || lookback > maxLookback {
		return nil, &Error{Op: "score", Err: invalid("lookback", lookback, fmt.Sprintf("want 0 to %d days", maxLookback))}
	}
	today := DayOf(at)
	scores, err := manager.Read(ctx, l.db, func(ctx context.Context, q *read.Queries) ([]Score, error) {
		scores, err := scoredMiners(ctx, q, c)
		if err != nil {
			return nil, err
		}
		return scores, addDays(ctx, q, scores, today-Day(lookback), today)
	})
	if err != nil {
		return nil, err
	}
	rankScores(scores, today)
	return scores, nil
}

// scoredMiners lists the miners to be scored, by id.
func scoredMiners(ctx context.Context, q *read.Queries, c scoreConfig) ([]Score, error) {
	holders, err := uidHolders(ctx, q)
	if err != nil {
		return nil, err
	}
	last, err := q.LastRegistrationID(ctx)
	if err != nil {
		return nil, err
	}
	scores := []Score{}
	miners := pages("miners", maxPage, 0, minerIDOf, func(after int64) ([]Miner, error) { return q.Miners(ctx, after, maxPage) })
	for page, err := range miners {
		if err != nil {
			return nil, err
		}
		for _, m := range page {
			s := Score{MinerID: m.MinerID, Coldkey: m.Coldkey, Status: m.Status, Days: []DayGain{}}
			if r, holds := holders[m.MinerID]; holds {
				s.UID, s.Hotkey = &r.UID, &r.Hotkey
			}
			s.Eligible = m.Status != chain.MinerBlacklisted && (s.UID != nil || last == 0)
			if s.Eligible || c.all || last == 0 {
				scores = append(scores, s)
			}
		}
	}
	return scores, nil
}

// uidHolders returns each miner's current registration with the lowest UID, by miner id.
func uidHolders(ctx context.Context, q *read.Queries) (map[int64]RecordedRegistration, error) {
	holders := map[int64]RecordedRegistration{}
	for page, err := range currentRegistrations(ctx, q) {
		if err != nil {
			return nil, err
		}
		for _, r := range page {
			if _, lower := holders[r.MinerID]; !lower {
				holders[r.MinerID] = r
			}
		}
	}
	return holders, nil
}

// addDays adds the gains of the days from first to last to the scores, which are ordered by miner id.
func addDays(ctx context.Context, q *read.Queries, scores []Score, first, last Day) error {
	days, err := q.DailyGains(ctx, max(0, first.Start()), (last+1).Start()-1)
	if err != nil {
		return err
	}
	for _, d := range days {
		i, ok := slices.BinarySearchFunc(scores, d.MinerID, func(s Score, id int64) int { return cmp.Compare(s.MinerID, id) })
		if ok {
			scores[i].Days = append(scores[i].Days, DayGain{Day(d.Day), d.Gain})
		}
	}
	return nil
}

// rankScores computes the scores and sorts them. It sums in a fixed order, so that the same ledger gives the same
// digits.
func rankScores(scores []Score, today Day) {
	for i := range scores {
		scores[i].Raw = rawScore(scores[i].Days, today)
	}
	slices.SortFunc(scores, func(a, b Score) int {
		return cmp.Or(cmp.Compare(b.Raw, a.Raw), cmp.Compare(a.Coldkey, b.Coldkey))
	})
	var positive []*Score
	sum := 0.0
	for i := range scores {
		if s := &scores[i]; s.Eligible && s.Raw > 0 {
			positive = append(positive, s)
			sum += s.Raw
		}
	}
	for _, s := range positive {
		highest, lowest := positive[0].Raw, positive[len(positive)-1].Raw
		s.Weight, s.Normalized = s.Raw/sum, 1
		if highest > lowest {
			s.Normalized = (s.Raw - lowest) / (highest - lowest)
		}
	}
}

// rawScore is the decayed gain in TAO per day with a close.
func rawScore(days []DayGain, today Day) float64 {
	if len(days) == 0 {
		return 0
	}
	sum := 0.0
	for _, d := range days {
		sum += Decay(int64(today-d.Day)) * (float64(d.Gain) / chain.RaoPerTAO)
	}
	return sum / float64(len(days))
}
