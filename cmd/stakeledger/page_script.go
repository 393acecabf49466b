package main

import (
	"math"
	"slices"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// pageData is what the page's script draws and chooses from. Amounts are in TAO, rounded to as many places as
// the page shows, times in minutes since 1970.
type pageData struct {
	timeline
	Places int           `json:"places"`
	All    []float64     `json:"all"`    // gains of all miners together at the fine points
	Totals [][4]any      `json:"totals"` // of all miners in each period: gain, closes, counted closes, won
	Miners []minerData   `json:"miners"` // in the order of the leaderboard
	Lines  [][]chartLine `json:"lines"`  // of each period: winners and losers
}

// chartLine is a line of a chart: a miner by its place in the list, and its points.
type chartLine struct {
	Miner  int       `json:"m"`
	Values []float64 `json:"v"`
}

// minerData is a miner's own section.
type minerData struct {
	Periods   [][4]any  `json:"p"`
	Curve     []float64 `json:"c"`
	Positions [][7]any  `json:"o"` // id, entered at, subnet, TAO, alpha, alpha left, gain
	Closes    [][9]any  `json:"x"` // trade, position, closed at, subnet, alpha, TAO, gain, minutes held, remark
	Of        [2]int64  `json:"n"` // how many positions and closes there are
}

// The remarks on a close.
const (
	closeCounts = iota
	closeTooEarly
	closeSelfTrade
)

func newPageData(o pageOverview, places int) pageData {
	tao := func(r chain.Rao) float64 { return roundTo(inTAO(r), places) }
	d := pageData{timeline: o.timeline, Places: places, All: roundedAll(o.curve), Totals: totalQuadruples(o.periods, places), Miners: []minerData{}}
	for _, m := range o.miners {
		h := o.history[m.MinerID]
		data := minerData{
			Periods: totalQuadruples(h.periods, places), Curve: roundedAll(h.curve), Positions: [][7]any{}, Closes: [][9]any{},
			Of: [2]int64{m.Positions, m.Closes},
		}
		for _, p := range h.positions {
			data.Positions = append(data.Positions, [7]any{p.PositionID, unixMinutes(p.EntryTime), p.Netuid, tao(p.EntryTAO), tao(p.EntryAlpha), tao(p.RemainingAlpha), tao(p.Gain)})
		}
		for _, c := range h.closes {
			remark := closeCounts
			switch {
			case c.SelfTrade:
				remark = closeSelfTrade
			case !c.MinBlocksMet:
				remark = closeTooEarly
			}
			held := time.Duration(c.DurationUs) * time.Microsecond
			data.Closes = append(data.Closes, [9]any{c.TradeID, c.PositionID, unixMinutes(c.ExitTime), c.Netuid, tao(c.Alpha), tao(c.TAO), tao(c.Gain), int64(held.Minutes()), remark})
		}
		d.Miners = append(d.Miners, data)
	}
	d.Lines = make([][]chartLine, len(o.lines))
	for i, lines := range o.lines {
		for _, l := range lines {
			place := slices.IndexFunc(o.miners, func(m ledger.Miner) bool { return m.MinerID == l.minerID })
			d.Lines[i] = append(d.Lines[i], chartLine{place, roundedAll(l.values)})
		}
	}
	return d
}

func totalQuadruples(totals []gainTotal, places int) [][4]any {
	list := make([][4]any, len(totals))
	for i, t := range totals {
		list[i] = [4]any{roundTo(t.gain, places), t.closes, t.counted, t.won}
	}
	return list
}

// roundedAll rounds the points of a curve to four digits of the largest: more cannot be seen.
func roundedAll(values []float64) []float64 {
	largest := 1.0
	for _, v := range values {
		largest = max(largest, math.Abs(v))
	}
	unit := math.Pow(10, min(pagePlaces, 3-math.Floor(math.Log10(largest))))
	list := make([]float64, len(values))
	for i, v := range values {
		list[i] = math.Round(v*unit) / unit
	}
	return list
}

func roundTo(v float64, places int) float64 {
	unit := math.Pow10(places)
	return math.Round(v*unit) / unit
}

func unixMinutes(t chain.Time) int64 { return t.Time().Unix() / 60 }
