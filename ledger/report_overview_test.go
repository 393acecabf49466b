package ledger_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// overview is what miners gained by day, from the first id on, and what is open.
func overview(t *testing.T, l *ledger.Ledger, ids ...int64) (days [][]ledger.GainStretch, open []ledger.Exposure) {
	t.Helper()
	for _, id := range ids {
		gains, err := l.GainsOverTime(context.Background(), id, 24*time.Hour)
		if err != nil {
			t.Fatalf("gains over time: %v", err)
		}
		days = append(days, gains)
	}
	open, err := l.OpenExposures(context.Background())
	if err != nil {
		t.Fatalf("open exposures: %v", err)
	}
	return days, open
}

func TestOverview(t *testing.T) {
	const day = 24 * 60 // minutes
	l := open(t)
	register(t, l, 1, 2, 3)
	elsewhere := func(e ledger.Event) ledger.Event { e.Netuid = 7; return e }
	addPosition(t, l, stake("a", 0, 100, 90))
	addPosition(t, l, stake("b", 1, 10, 10))
	addPosition(t, l, elsewhere(stake("c", 2, 7, 50)))
	addPosition(t, l, elsewhere(of(2, stake("d", 3, 1000, 3))))
	processClose(t, l, unstake("s", day, 40, 30))                    // cost 33 or 34
	processClose(t, l, unstake("t", day+1, 100, 61))                 // closes a, and takes 1 of b for a cost of 1
	processClose(t, l, unstake("u", 2*day, 6, 4))                    // 4 of b for 6, cost 4
	processClose(t, l, elsewhere(of(2, unstake("v", 2*day, 10, 1)))) // cost 333 or 334

	today := int64(ledger.DayOf(noon))
	cost := costOfCloses(t, l, 2)
	wantDays := [][]ledger.GainStretch{
		{{today + 1, 39, 3, 3, 3}, {today + 2, 2, 1, 1, 1}},
		{{today + 2, 10 - cost, 1, 1, 0}},
		{},
	}
	wantOpen := []ledger.Exposure{
		{MinerID: 1, Netuid: 1, Positions: 1, Alpha: 5, TAO: 5}, {MinerID: 1, Netuid: 7, Positions: 1, Alpha: 50, TAO: 7},
		{MinerID: 2, Netuid: 7, Positions: 1, Alpha: 2, TAO: 1000 - cost},
	}
	check := func(when string) {
		t.Helper()
		days, open := overview(t, l, 1, 2, 3)
		if !reflect.DeepEqual(days, wantDays) {
			t.Errorf("%s: got days %+v, want %+v", when, days, wantDays)
		}
		if !reflect.DeepEqual(open, wantOpen) {
			t.Errorf("%s: got exposures %+v, want %+v", when, open, wantOpen)
		}
	}
	check("live")
	processClose(t, l, unstake("w", 3*day, 12, 50), ledger.Mode(chain.Lenient)) // closes b, and sells more than there is
	archive(t, l, after(2*day+1))                                               // a, whose trades have all moved
	wantDays[0] = append(wantDays[0], ledger.GainStretch{today + 3, miner(t, l, 1).Gain - 41, 1, 1, 0})
	wantOpen = wantOpen[1:]
	check("archived in part")
	archive(t, l, after(4*day))
	check("archived")
}

// costOfCloses is what a miner's closes cost.
func costOfCloses(t *testing.T, l *ledger.Ledger, n byte) chain.Rao {
	m := miner(t, l, n)
	return m.ExitTAO - m.RawGain
}

// TestOverviewAddsUp compares the sums over days and subnets with the counters of the miners.
func TestOverviewAddsUp(t *testing.T) {
	for seed := range uint64(5) {
		l := open(t)
		apply(t, l, history(seed, 500))
		for _, when := range []string{"live", "archived in part", "archived"} {
			miners, err := l.Miners(context.Background(), ledger.Page[ledger.Miner]{})
			if err != nil || len(miners) == 0 {
				t.Fatalf("seed %d: got %d miners and %v", seed, len(miners), err)
			}
			_, open := overview(t, l)
			alpha, tao := map[int64]chain.Rao{}, map[int64]chain.Rao{}
			for _, e := range open {
				alpha[e.MinerID], tao[e.MinerID] = alpha[e.MinerID]+e.Alpha, tao[e.MinerID]+e.TAO
			}
			for _, m := range miners {
				days, _ := overview(t, l, m.MinerID)
				var sum ledger.GainStretch
				for _, d := range days[0] {
					sum.Gain += d.Gain
					sum.Closes += d.Closes
					sum.CountedCloses += d.CountedCloses
					sum.WinningCloses += d.WinningCloses
				}
				if want := (ledger.GainStretch{0, m.Gain, m.Closes, m.CountedCloses, m.WinningCloses}); sum != want || len(days[0]) == 0 {
					t.Errorf("seed %d, %s, miner %d: the days sum to %+v, want %+v", seed, when, m.MinerID, sum, want)
				}
				if want := m.EntryTAO - (m.ExitTAO - m.RawGain); alpha[m.MinerID] != m.EntryAlpha-m.ClosedAlpha || tao[m.MinerID] != want {
					t.Errorf("seed %d, %s, miner %d: got alpha %d and TAO %d open, want %d and %d", seed, when, m.MinerID,
						alpha[m.MinerID], tao[m.MinerID], m.EntryAlpha-m.ClosedAlpha, want)
				}
			}
			if when == "live" {
				archive(t, l, after(250))
			} else {
				archive(t, l, after(100_000))
			}
		}
	}
}

// TestNewest: the last rows of a miner, wherever they are, and when anybody traded.
func TestNewest(t *testing.T) {
	ctx := context.Background()
	l := open(t)
	if first, last, err := l.SpanOfTrades(ctx); first != 0 || last != 0 || err != nil {
		t.Errorf("no trades: got %v to %v and %v", first, last, err)
	}
	register(t, l, 1, 2)
	for i, id := range []string{"a", "b", "c"} {
		addPosition(t, l, stake(id, i, 10, 10))
	}
	addPosition(t, l, of(2, stake("other", 3, 10, 10)))
	processClose(t, l, unstake("s", 10, 15, 15)) // a, and half of b
	processClose(t, l, unstake("t", 20, 9, 5))   // what is left of b
	processClose(t, l, of(2, unstake("u", 30, 9, 5)))
	for _, when := range []string{"live", "archived in part", "archived"} {
		positions, err := l.NewestPositions(ctx, 1, 2)
		if err != nil || len(positions) != 2 || positions[0].EntryTime != after(2) || positions[1].EntryTime != after(1) || positions[1].RemainingAlpha != 0 {
			t.Errorf("%s: got positions %+v and %v, want the last two, newest first", when, positions, err)
		}
		closes, err := l.NewestCloses(ctx, 1, 2)
		if err != nil || len(closes) != 2 || closes[0].ExitTime != after(20) || closes[0].TAO != 9 || closes[0].Netuid != 1 || closes[1].ExitTime != after(10) || closes[1].Step != 1 {
			t.Errorf("%s: got closes %+v and %v, want the last two, newest first", when, closes, err)
		}
		if all, err := l.NewestCloses(ctx, 1, 100); err != nil || len(all) != 3 {
			t.Errorf("%s: got %d closes and %v, want all 3", when, len(all), err)
		}
		if first, last, err := l.SpanOfTrades(ctx); first != after(10) || last != after(30) || err != nil {
			t.Errorf("%s: got trades from %v to %v and %v, want %v to %v", when, first, last, err, after(10), after(30))
		}
		if when == "live" {
			archive(t, l, after(15))
		} else {
			archive(t, l, after(1000))
		}
	}
	if _, err := l.GainsOverTime(ctx, 1, time.Nanosecond); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("stretches of a nanosecond: got %v, want ErrInvalid", err)
	}
}
