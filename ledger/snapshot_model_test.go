package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// Snapshots of a random history, archived bit by bit, against sums made in fractions from all its positions.
func TestSnapshotFollowsTheFractions(t *testing.T) {
	const seed = 61
	whole, archived := open(t), open(t)
	for _, l := range []*ledger.Ledger{whole, archived} {
		apply(t, l, history(seed, 900), ledger.MinBlocks(100), ledger.OverridePolicy())
	}
	ctx := context.Background()
	closed := 0
	for i, cutoff := range []int{0, 300, 600, 1000} {
		// Small enough transactions that some position has moved in part when it is stopped.
		if _, err := archived.ArchiveClosedPositions(endsAfter(40+i), after(cutoff), ledger.ArchiveRows(3)); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		for n := range byte(4) {
			at, window := after(250*(i+1)), time.Duration(50+200*i)*time.Minute
			got := snapshot(t, archived, n, at, window)
			want := inFractions(t, ctx, whole, n, at, at.Add(-window))
			if got := figuresIn(got); !reflect.DeepEqual(got, want) {
				t.Errorf("seed %d, miner %d at %s, window %s:\ngot  %+v\nwant %+v", seed, n, at, window, got, want)
			}
			closed += int(got.ClosedPositions)
		}
	}
	if closed < 100 {
		t.Errorf("seed %d: got %d closed positions in all, want more to sum", seed, closed)
	}
}

// fractions are the figures of a snapshot, each worked out to its end.
type fractions struct {
	positions, open, closed, winning, counted    int
	volume, meanGain, percent, weighted, winRate string
	duration, age, score                         string
}

func figuresIn(s ledger.Snapshot) fractions {
	rat := func(a, b int64) string {
		if b == 0 {
			return "0"
		}
		return big.NewRat(a, b).RatString()
	}
	weighted := new(big.Rat)
	if s.ClosedEntryTAO > 0 {
		weighted.SetString(s.GainByEntry + "/" + fmt.Sprint(int64(s.ClosedEntryTAO)))
	}
	f := fractions{
		positions: int(s.Positions), open: int(s.OpenPositions), closed: int(s.ClosedPositions), winning: int(s.WinningPositions), counted: int(s.CountedCloses),
		volume: fmt.Sprint(int64(s.EntryTAO), int64(s.EntryAlpha)), meanGain: rat(int64(s.Gain), s.ClosedPositions), percent: s.GainPercent,
		weighted: weighted.RatString(), winRate: rat(100*s.WinningPositions, s.ClosedPositions),
		duration: rat(s.CountedDurationUs, s.CountedCloses), age: fmt.Sprint(s.OpenAgeUs), score: "none",
	}
	if s.Score != nil {
		f.score = fmt.Sprint(*s.Score)
	}
	return f
}

// inFractions works a snapshot out from lists of a ledger in which nothing is archived.
func inFractions(t *testing.T, ctx context.Context, l *ledger.Ledger, n byte, at, from chain.Time) fractions {
	t.Helper()
	m := miner(t, l, n)
	positions, err := l.Positions(ctx, m.MinerID, ledger.PositionFilter{From: from, Until: at}, ledger.Page[ledger.Position]{Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	f := fractions{score: "none"}
	var volume, alpha int64
	gain, percent, byEntry, entry, duration, age := new(big.Rat), new(big.Rat), new(big.Rat), new(big.Rat), new(big.Rat), new(big.Rat)
	add := func(sum *big.Rat, n, d int64) { sum.Add(sum, big.NewRat(n, d)) }
	for _, p := range positions {
		f.positions++
		volume += int64(p.EntryTAO)
		alpha += int64(p.EntryAlpha)
		if p.Status != chain.PositionClosed {
			f.open++
			add(age, int64(at-p.EntryTime), 1)
			continue
		}
		f.closed++
		if p.Gain > 0 {
			f.winning++
		}
		add(gain, int64(p.Gain), 1)
		add(percent, 100*int64(p.Gain), int64(p.EntryTAO))
		add(byEntry, int64(p.Gain)*int64(p.EntryTAO), 1)
		add(entry, int64(p.EntryTAO), 1)
		closes, err := l.ClosesOfPosition(ctx, p.PositionID, ledger.Page[ledger.Close]{Limit: 10_000})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range closes {
			if c.MinBlocksMet {
				f.counted++
				add(duration, c.DurationUs, 1)
			}
		}
	}
	over := func(sum *big.Rat, n int) *big.Rat { return new(big.Rat).Mul(sum, big.NewRat(1, int64(max(1, n)))) }
	f.volume, f.meanGain, f.percent = fmt.Sprint(volume, alpha), over(gain, f.closed).RatString(), over(percent, f.closed).FloatString(9)
	weighted := new(big.Rat)
	if entry.Sign() > 0 {
		weighted.Quo(byEntry, entry)
	}
	winRate := over(big.NewRat(100*int64(f.winning), 1), f.closed)
	f.weighted, f.winRate, f.duration = weighted.RatString(), winRate.RatString(), over(duration, f.counted).RatString()
	ages := over(age, f.open)
	f.age = new(big.Int).Quo(ages.Num(), ages.Denom()).String()
	if f.positions >= 3 {
		score := new(big.Rat).Add(weighted.Mul(weighted, big.NewRat(6, 10)), big.NewRat(2*volume, 10))
		score.Add(score, winRate.Mul(winRate, big.NewRat(2*1e9, 10)))
		f.score = score.FloatString(0)
	}
	return f
}
