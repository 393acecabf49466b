package ledger_test

import (
	"context"
	"reflect"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

func overview(t *testing.T, l *ledger.Ledger) ([]ledger.MinerDay, []ledger.Exposure) {
	t.Helper()
	days, err := l.GainsByDay(context.Background())
	if err != nil {
		t.Fatalf("gains by day: %v", err)
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

	today := ledger.DayOf(noon)
	cost := costOfCloses(t, l, 2)
	wantDays := []ledger.MinerDay{
		{MinerID: 1, Day: today + 1, Gain: 39}, {MinerID: 1, Day: today + 2, Gain: 2}, {MinerID: 2, Day: today + 2, Gain: 10 - cost},
	}
	wantOpen := []ledger.Exposure{
		{MinerID: 1, Netuid: 1, Positions: 1, Alpha: 5, TAO: 5}, {MinerID: 1, Netuid: 7, Positions: 1, Alpha: 50, TAO: 7},
		{MinerID: 2, Netuid: 7, Positions: 1, Alpha: 2, TAO: 1000 - cost},
	}
	check := func(when string) {
		t.Helper()
		days, open := overview(t, l)
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
	wantDays = append(wantDays[:2:2], append([]ledger.MinerDay{{MinerID: 1, Day: today + 3, Gain: miner(t, l, 1).Gain - 41}}, wantDays[2:]...)...)
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
			days, open := overview(t, l)
			gain, alpha, tao := map[int64]chain.Rao{}, map[int64]chain.Rao{}, map[int64]chain.Rao{}
			for _, d := range days {
				gain[d.MinerID] += d.Gain
			}
			for _, e := range open {
				alpha[e.MinerID], tao[e.MinerID] = alpha[e.MinerID]+e.Alpha, tao[e.MinerID]+e.TAO
			}
			miners, err := l.Miners(context.Background(), ledger.Page[ledger.Miner]{})
			if err != nil || len(miners) == 0 || len(days) == 0 || len(open) == 0 {
				t.Fatalf("seed %d: got %d miners, %d days, %d exposures and %v", seed, len(miners), len(days), len(open), err)
			}
			for _, m := range miners {
				id := m.MinerID
				if want := m.EntryTAO - (m.ExitTAO - m.RawGain); gain[id] != m.Gain || alpha[id] != m.EntryAlpha-m.ClosedAlpha || tao[id] != want {
					t.Errorf("seed %d, %s, miner %d: got gain %d, alpha %d and TAO %d, want %d, %d and %d", seed, when, id,
						gain[id], alpha[id], tao[id], m.Gain, m.EntryAlpha-m.ClosedAlpha, want)
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
