package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

const (
	shownStandings = 5 // winners, and as many losers
	shownSubnets   = 20
)

// rankedMiner is a miner among the winners or the losers.
type rankedMiner struct {
	Coldkey, Short, Gain, WinRate string
	Percent                       string // of the largest gain or loss on the page
}

// newStandings are those of the miners, which are in the order of their gains, who gained and lost the most.
func newStandings(miners []ledger.Miner, places int) (winners, losers []rankedMiner) {
	if len(miners) == 0 {
		return nil, nil
	}
	largest := max(math.Abs(float64(miners[0].Gain)), math.Abs(float64(miners[len(miners)-1].Gain)))
	row := func(m ledger.Miner) rankedMiner {
		return rankedMiner{
			Coldkey: escapeControls(string(m.Coldkey)), Short: shortAddress(m.Coldkey), Gain: pageAmount(m.Gain, places),
			WinRate: percent{m.WinningCloses, m.CountedCloses}.String(), Percent: barPercent(math.Abs(float64(m.Gain)), largest),
		}
	}
	for _, m := range miners {
		if m.Gain > 0 && len(winners) < shownStandings {
			winners = append(winners, row(m))
		}
	}
	for _, m := range slices.Backward(miners) {
		if m.Gain < 0 && len(losers) < shownStandings {
			losers = append(losers, row(m))
		}
	}
	return winners, losers
}

// subnetBar is what is open on a subnet.
type subnetBar struct {
	Name       string
	Positions  string
	Alpha, TAO string
	Percent    string // of the largest; empty: no bar
}

// subnetExposure sums up over miners.
type subnetExposure struct {
	netuid    chain.Netuid
	positions int64
	alpha     amountSum
	tao       amountSum
}

// newSubnetBars adds up over miners, the largest first; the subnets after the first of them share a row.
func newSubnetBars(open []ledger.Exposure) []subnetBar {
	by := map[chain.Netuid]*subnetExposure{}
	var list []*subnetExposure
	for _, e := range open {
		s := by[e.Netuid]
		if s == nil {
			s = &subnetExposure{netuid: e.Netuid}
			by[e.Netuid] = s
			list = append(list, s)
		}
		s.add(e.Positions, e.Alpha, e.TAO)
	}
	slices.SortFunc(list, func(x, y *subnetExposure) int {
		return cmp.Or(y.tao.total.Cmp(&x.tao.total), cmp.Compare(x.netuid, y.netuid))
	})
	others := subnetExposure{}
	count := max(0, len(list)-shownSubnets)
	for _, s := range list[len(list)-count:] {
		others.positions += s.positions
		others.alpha.total.Add(&others.alpha.total, &s.alpha.total)
		others.tao.total.Add(&others.tao.total, &s.tao.total)
	}
	var bars []subnetBar
	for _, s := range list[:len(list)-count] {
		bars = append(bars, s.bar(s.netuid.String(), list[0]))
	}
	if count > 0 {
		row := others.bar(plural(int64(count), "other", "others"), list[0])
		row.Percent = "" // it is no subnet, and would dwarf them
		bars = append(bars, row)
	}
	return bars
}

func (s *subnetExposure) add(positions int64, alpha, tao chain.Rao) {
	s.positions += positions
	s.alpha.add(alpha)
	s.tao.add(tao)
}

func (s *subnetExposure) bar(name string, largest *subnetExposure) subnetBar {
	return subnetBar{
		Name: name, Positions: groupThousands(strconv.FormatInt(s.positions, 10)), Alpha: groupThousands(s.alpha.format(pagePlaces)), TAO: groupThousands(s.tao.format(pagePlaces)),
		Percent: barPercent(s.tao.float(), largest.tao.float()),
	}
}

// barPercent is a part of the largest in percent, for a bar that cannot be longer than all of it.
func barPercent(part, largest float64) string {
	if largest <= 0 {
		return "0"
	}
	return strconv.FormatFloat(min(100, 100*part/largest), 'f', 1, 64)
}

// winRates are how many miners have a win rate of which tenth.
type winRates struct {
	Bins           [10]winBin
	Rated, Unrated int // miners with and without a counted close
	Total          int
	Won, WinRate   string // of the counted closes of all of them
}

// winBin is a tenth, by its percentages.
type winBin struct {
	Name    string // "40–50"
	Miners  int
	Percent string // of the largest
}

func newWinRates(miners []ledger.Miner) (w winRates) {
	largest := 0
	w.Total = len(miners)
	var won, counted int64
	for _, m := range miners {
		if m.CountedCloses == 0 {
			w.Unrated++
			continue
		}
		w.Rated++
		won += m.WinningCloses
		counted += m.CountedCloses
		// All won belongs to the last tenth.
		i := min(9, int(10*float64(m.WinningCloses)/float64(m.CountedCloses)))
		w.Bins[i].Miners++
		largest = max(largest, w.Bins[i].Miners)
	}
	for i := range w.Bins {
		w.Bins[i].Name = fmt.Sprintf("%d–%d", 10*i, 10*i+10)
		w.Bins[i].Percent = barPercent(float64(w.Bins[i].Miners), float64(largest))
	}
	w.Won = groupThousands(strconv.FormatInt(won, 10)) + " of " + groupThousands(strconv.FormatInt(counted, 10))
	w.WinRate = percent{won, counted}.String()
	return w
}
