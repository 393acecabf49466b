package main

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"math/big"
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
	Security   template.HTML
	Style      template.CSS
	Script     template.JS
	Ledger     string
	Generated  string
	LastActive string
	Figures    []pageFigure
	Winners    []rankedMiner
	Losers     []rankedMiner
	Timeline   timeline
	Subnets    []subnetBar
	WinRates   winRates
	Miners     []pageMiner
	Scored     string
	Policy     []pageFigure
	Late       []pageMiner // whose figures wait for a replay
	Data       pageData
}

// pageFigure is a figure of the whole ledger. If it has a key, the page's script replaces it by that of the chosen
// period.
type pageFigure struct{ Name, Value, Class, Key string }

// pageMiner is a row of the leaderboard.
type pageMiner struct {
	Rank                        int
	Coldkey, Short, UID, Status string
	Open, Trades                int64
	Closes                      int64
	Gain, Class, WinRate        string
	Weight, Score               string
	Entry, Exit, LastActive     string
}

func newReportPage(o pageOverview, db string, now time.Time) reportPage {
	slices.SortFunc(o.miners, func(x, y ledger.Miner) int {
		return cmp.Or(cmp.Compare(y.Gain, x.Gain), cmp.Compare(x.Coldkey, y.Coldkey))
	})
	places := placesOf(o.miners)
	p := reportPage{
		Ledger: escapeControls(filepath.Base(db)), Generated: now.UTC().Format(minute), Timeline: o.timeline,
		WinRates: newWinRates(o.miners), Subnets: newSubnetBars(o.open), Figures: newFigures(o), Data: newPageData(o, places), Policy: policyFigures(o.basis.Policy),
		Scored: fmt.Sprintf("Scores and weights are of %s: what closed on that day (UTC) and the %d days before.", now.UTC().Format(time.DateOnly), o.basis.Policy.LookbackDays),
	}
	p.Winners, p.Losers = newStandings(o.miners, places)
	var last *chain.Time
	for i, m := range o.miners {
		row := newPageMiner(i+1, m, o, places)
		p.Miners = append(p.Miners, row)
		if o.late[m.MinerID] {
			p.Late = append(p.Late, row)
		}
		if m.LastActive != nil && (last == nil || *m.LastActive > *last) {
			last = m.LastActive
		}
	}
	if last != nil {
		p.LastActive = last.Time().Format(minute)
	}
	return p
}

// policyFigures are the values of the policy.
func policyFigures(p ledger.Policy) []pageFigure {
	figures := []pageFigure{
		{Name: "Minimum of blocks", Value: strconv.FormatInt(p.MinBlocks, 10)},
		{Name: "Self-trades", Value: string(p.SelfTrade)},
		{Name: "Transfers", Value: string(p.Transfers)},
		{Name: "Scores, days", Value: strconv.Itoa(p.LookbackDays)},
	}
	if p.Mixed {
		figures = append(figures, pageFigure{Name: "Events under another policy", Value: "some"})
	}
	return figures
}

func newPageMiner(rank int, m ledger.Miner, o pageOverview, places int) pageMiner {
	score := o.scores[m.MinerID]
	row := pageMiner{
		Rank: rank, Coldkey: escapeControls(string(m.Coldkey)), Short: shortAddress(m.Coldkey), UID: uidText(o.uids[m.MinerID]), Status: escapeControls(string(m.Status)),
		Open: m.OpenPositions, Trades: m.Trades, Closes: m.Closes, WinRate: percent{m.WinningCloses, m.CountedCloses}.String(),
		Gain: pageAmount(m.Gain, places), Class: gainClass(cmp.Compare(m.Gain, 0)), Weight: weightText(score.Weight), Score: scoreText(score.Raw),
		Entry: pageAmount(m.EntryTAO, places), Exit: pageAmount(m.ExitTAO, places), LastActive: (&table{most: maxWidth}).cellText(m.LastActive, 0),
	}
	if o.late[m.MinerID] {
		row.Status += ", late"
	}
	return row
}

// weightText is the part of all weight, in percent.
func weightText(w float64) string {
	if w == 0 {
		return "0"
	}
	return strconv.FormatFloat(100*w, 'f', 2, 64)
}

// scoreText is a raw score in TAO.
func scoreText(raw float64) string {
	if raw == 0 {
		return "0"
	}
	text := strconv.FormatFloat(raw, 'f', pagePlaces, 64)
	if strings.Trim(text, "-0.") == "" {
		return strings.TrimPrefix(text, "-")
	}
	return text
}

// placesOf is how many decimal places the amounts of the leaderboard have room for.
func placesOf(miners []ledger.Miner) int {
	most := chain.Rao(0)
	for _, m := range miners {
		most = max(most, m.EntryTAO, m.ExitTAO, m.Gain, -max(m.Gain, -math.MaxInt64))
	}
	switch {
	case most < 1e5*chain.RaoPerTAO:
		return pagePlaces
	case most < 1e7*chain.RaoPerTAO:
		return 2
	}
	return 0
}

// gainClass is the class of a gain of that sign.
func gainClass(sign int) string {
	switch {
	case sign > 0:
		return "up"
	case sign < 0:
		return "down"
	}
	return ""
}

// pageAmount prints an amount with its thousands apart.
func pageAmount(r chain.Rao, places int) string { return groupThousands(formatAmount(r, places)) }

// totalAmount prints a sum with as many places as fit where it stands.
func totalAmount(s *amountSum) string {
	places := 2
	if s.total.CmpAbs(big.NewInt(1e6*chain.RaoPerTAO)) >= 0 {
		places = 0
	}
	return groupThousands(s.format(places))
}

// groupThousands puts a comma between the thousands of a decimal number.
func groupThousands(s string) string {
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

func newFigures(o pageOverview) []pageFigure {
	var all minerTotals
	var cost amountSum
	var closes int64
	for _, m := range o.miners {
		all.open += m.OpenPositions
		all.trades += m.Trades
		all.wins += m.WinningCloses
		all.counted += m.CountedCloses
		closes += m.Closes
		all.entry.add(m.EntryTAO)
		all.exit.add(m.ExitTAO)
		all.gain.add(m.Gain)
	}
	for _, e := range o.open {
		cost.add(e.TAO)
	}
	gain := pageFigure{Name: "Gain TAO", Value: totalAmount(&all.gain), Key: "gain", Class: gainClass(all.gain.total.Sign())}
	count := func(n int64) string { return groupThousands(strconv.FormatInt(n, 10)) }
	return []pageFigure{
		gain,
		{Name: "Win rate, %", Value: percent{all.wins, all.counted}.String(), Key: "rate"},
		{Name: "Closes", Value: count(closes), Key: "closes"},
		{Name: "Miners", Value: count(int64(len(o.miners)))},
		{Name: "Trades", Value: count(all.trades)},
		{Name: "Open positions", Value: count(all.open)},
		{Name: "Open, cost TAO", Value: totalAmount(&cost)},
		{Name: "Entry TAO", Value: totalAmount(&all.entry)},
		{Name: "Exit TAO", Value: totalAmount(&all.exit)},
	}
}
