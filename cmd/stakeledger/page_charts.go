package main

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

const (
	chartMiners  = 5    // that have a line of their own
	chartPoints  = 1000 // of a line, at most
	shownSubnets = 20
)

// gainChart are lines of gains in TAO: the first of all miners together, then one each of the best. Times are
// days in seconds since 1970.
type gainChart struct {
	Names  []string    `json:"names"`
	Times  []int64     `json:"times"`
	Values [][]float64 `json:"values"`
}

// newGainChart adds the gains up from day to day. The lines begin with nothing on the day before the first;
// where there are more days than points, a point stands for several days and is what they end with.
func newGainChart(miners []ledger.Miner, days []ledger.MinerDay) (c gainChart, step int64) {
	if len(days) == 0 {
		return c, 1
	}
	c.Names = []string{"All miners"}
	line := map[int64]int{}
	for _, m := range miners[:min(chartMiners, len(miners))] {
		line[m.MinerID] = len(c.Names)
		c.Names = append(c.Names, shortAddress(m.Coldkey))
	}
	slices.SortStableFunc(days, func(x, y ledger.MinerDay) int { return cmp.Compare(x.Day, y.Day) })
	first, last := days[0].Day-1, days[len(days)-1].Day
	step = 1 + int64(last-first)/chartPoints
	c.Values = make([][]float64, len(c.Names))
	totals := make([]float64, len(c.Names))
	for day := first; ; day = min(day+ledger.Day(step), last) {
		for ; len(days) > 0 && days[0].Day <= day; days = days[1:] {
			gain := float64(days[0].Gain) / chain.RaoPerTAO
			totals[0] += gain
			if i := line[days[0].MinerID]; i > 0 {
				totals[i] += gain
			}
		}
		c.Times = append(c.Times, int64(day)*24*60*60)
		for i, total := range totals {
			c.Values[i] = append(c.Values[i], math.Round(total*1e4)/1e4)
		}
		if day == last {
			return c, step
		}
	}
}

// subnetBar is what is open on a subnet.
type subnetBar struct {
	Name       string
	Positions  string
	Alpha, TAO string
	Percent    string // of the largest; empty: no bar
}

// exposed sums up over miners.
type exposed struct {
	netuid    chain.Netuid
	positions int64
	alpha     sum
	tao       sum
}

// newSubnetBars adds up over miners, the largest first; the subnets after the first of them share a row.
func newSubnetBars(open []ledger.Exposure) []subnetBar {
	by := map[chain.Netuid]*exposed{}
	var list []*exposed
	for _, e := range open {
		s := by[e.Netuid]
		if s == nil {
			s = &exposed{netuid: e.Netuid}
			by[e.Netuid] = s
			list = append(list, s)
		}
		s.add(e.Positions, e.Alpha, e.TAO)
	}
	slices.SortFunc(list, func(x, y *exposed) int {
		return cmp.Or(cmp.Compare(y.tao.total, x.tao.total), cmp.Compare(x.netuid, y.netuid))
	})
	others := exposed{}
	count := max(0, len(list)-shownSubnets)
	for _, s := range list[len(list)-count:] {
		others.add(s.positions, s.alpha.total, s.tao.total)
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

func (s *exposed) add(positions int64, alpha, tao chain.Rao) {
	s.positions += positions
	s.alpha.add(alpha)
	s.tao.add(tao)
}

func (s *exposed) bar(name string, largest *exposed) subnetBar {
	return subnetBar{
		Name: name, Positions: grouped(strconv.FormatInt(s.positions, 10)), Alpha: pageAmount(s.alpha.amount(), pagePlaces), TAO: pageAmount(s.tao.amount(), pagePlaces),
		Percent: share(float64(s.tao.total), float64(largest.tao.total)),
	}
}

// share is a part of the largest in percent, for a bar that cannot be longer than all of it.
func share(part, largest float64) string {
	if largest <= 0 {
		return "0"
	}
	return strconv.FormatFloat(min(100, 100*part/largest), 'f', 1, 64)
}

// winRates are how many miners have a win rate of which tenth.
type winRates struct {
	Bins           [10]winBin
	Rated, Unrated int    // miners with and without a counted close
	Won, WinRate   string // of the counted closes of all of them
}

// winBin is a tenth, from a percentage on.
type winBin struct {
	From    int
	Miners  int
	Percent string // of the largest
}

func newWinRates(miners []ledger.Miner) (w winRates) {
	largest := 0
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
		w.Bins[i].From = 10 * i
		w.Bins[i].Percent = share(float64(w.Bins[i].Miners), float64(largest))
	}
	w.Won = grouped(strconv.FormatInt(won, 10)) + " of " + grouped(strconv.FormatInt(counted, 10))
	w.WinRate = percent{won, counted}.String()
	return w
}
