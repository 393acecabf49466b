package main

import (
	"cmp"
	"html/template"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// pagePlaces is how many decimal places of an amount a row of the page shows.
const pagePlaces = 4

// reportPage is the HTML report as its template takes it: texts as they are shown, sizes in percent.
type reportPage struct {
	Policy     template.HTML
	Style      template.CSS
	Script     template.JS
	Ledger     string
	Generated  string
	LastActive string
	Figures    []figure
	Days       int // with a point in the chart
	Step       int64
	Chart      gainChart
	Subnets    []subnetBar
	winRates
	Miners []pageMiner
}

// figure is a number of the whole ledger.
type figure struct{ Name, Value, Class string }

// pageMiner is a row of the leaderboard.
type pageMiner struct {
	Rank                        int
	Coldkey, Short, UID, Status string
	Open, Trades                int64
	WinRate, Entry, Exit, Gain  string
	Class, LastActive           string
}

func newReportPage(o overview, db string, now time.Time) reportPage {
	slices.SortFunc(o.miners, func(x, y ledger.Miner) int {
		return cmp.Or(cmp.Compare(y.Gain, x.Gain), cmp.Compare(x.Coldkey, y.Coldkey))
	})
	p := reportPage{
		Ledger: printable(filepath.Base(db)), Generated: now.UTC().Format(minute),
		winRates: newWinRates(o.miners), Subnets: newSubnetBars(o.open),
	}
	p.Chart, p.Step = newGainChart(o.miners, o.days)
	p.Days = len(p.Chart.Times)
	var last *chain.Time
	for i, m := range o.miners {
		p.Miners = append(p.Miners, newPageMiner(i+1, m, o.uids[m.MinerID]))
		if m.LastActive != nil && (last == nil || *m.LastActive > *last) {
			last = m.LastActive
		}
	}
	if last != nil {
		p.LastActive = last.Time().Format(minute)
	}
	p.Figures = newFigures(o)
	return p
}

func newPageMiner(rank int, m ledger.Miner, uids []chain.UID) pageMiner {
	return pageMiner{
		Rank: rank, Coldkey: printable(string(m.Coldkey)), Short: shortAddress(m.Coldkey), UID: uidText(uids), Status: printable(string(m.Status)),
		Open: m.OpenPositions, Trades: m.Trades, WinRate: percent{m.WinningCloses, m.CountedCloses}.String(),
		Entry: pageAmount(&m.EntryTAO, pagePlaces), Exit: pageAmount(&m.ExitTAO, pagePlaces), Gain: pageAmount(&m.Gain, pagePlaces),
		Class: direction(m.Gain), LastActive: cellText(m.LastActive, 0),
	}
}

// direction is the class of a gain, beside its sign.
func direction(r chain.Rao) string {
	switch {
	case r > 0:
		return "up"
	case r < 0:
		return "down"
	}
	return ""
}

// pageAmount prints an amount with its thousands apart, or a dash where there is none.
func pageAmount(r *chain.Rao, places int) string {
	if r == nil {
		return none
	}
	return grouped(amount(*r, places))
}

// totalAmount prints a sum with as many places as fit where it stands.
func totalAmount(s sum) string {
	total := s.amount()
	if total != nil && (*total >= 1e6*chain.RaoPerTAO || *total <= -1e6*chain.RaoPerTAO) {
		return pageAmount(total, 0)
	}
	return pageAmount(total, 2)
}

// grouped puts a comma between the thousands of a decimal number.
func grouped(s string) string {
	start := strings.IndexAny(s, "0123456789")
	end := strings.IndexByte(s, '.')
	if end < 0 {
		end = len(s)
	}
	for i := end - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func newFigures(o overview) []figure {
	var all totals
	var cost sum
	for _, m := range o.miners {
		all.open += m.OpenPositions
		all.trades += m.Trades
		all.entry.add(m.EntryTAO)
		all.exit.add(m.ExitTAO)
		all.gain.add(m.Gain)
	}
	for _, e := range o.open {
		cost.add(e.TAO)
	}
	gain := figure{Name: "Gain TAO", Value: totalAmount(all.gain)}
	if total := all.gain.amount(); total != nil {
		gain.Class = direction(*total)
	}
	return []figure{
		{Name: "Miners", Value: grouped(strconv.Itoa(len(o.miners)))},
		{Name: "Trades", Value: grouped(strconv.FormatInt(all.trades, 10))},
		{Name: "Open positions", Value: grouped(strconv.FormatInt(all.open, 10))},
		{Name: "Entry TAO", Value: totalAmount(all.entry)},
		{Name: "Exit TAO", Value: totalAmount(all.exit)},
		{Name: "Open TAO, at cost", Value: totalAmount(cost)},
		gain,
	}
}
