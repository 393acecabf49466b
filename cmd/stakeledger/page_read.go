package main

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

const (
	drawnMiners = 3    // winners of a period, and as many losers, that its chart has lines of
	sharedRows  = 2500 // positions, and as many closes, that the sections of all miners show together, about
	mostRows    = 50   // that the section of one miner shows of each
)

// pageOverview is what the page is made of, read in one snapshot.
type pageOverview struct {
	miners   []ledger.Miner
	uids     map[int64][]chain.UID
	scores   map[int64]ledger.Score
	open     []ledger.Exposure
	basis    ledger.Basis
	late     map[int64]bool // miners with events that came late and were not replayed yet
	timeline timeline
	history  map[int64]minerHistory
	curve    []float64     // of all miners, in TAO, at the fine points
	periods  []gainTotal   // of all miners
	lines    [][]gainCurve // of each period: its winners and losers, best first
}

// gainCurve is what a miner gained in a period, at the fine points of it.
type gainCurve struct {
	minerID int64
	values  []float64
}

// minerHistory is what of a miner's past the page holds.
type minerHistory struct {
	periods   []gainTotal
	curve     []float64 // in TAO, at the coarse points
	positions []ledger.RecentPosition
	closes    []ledger.RecentClose
}

// gainTotal sums up stretches. The gain is in TAO, for show: all miners together may have more than fits rao.
type gainTotal struct {
	gain                 float64
	closes, counted, won int64
}

func (t *gainTotal) add(o gainTotal) {
	t.gain += o.gain
	t.closes += o.closes
	t.counted += o.counted
	t.won += o.won
}

func readOverview(ctx context.Context, l *ledger.Ledger, now time.Time) (o pageOverview, err error) {
	at, err := chain.TimeOf(now.Truncate(time.Microsecond))
	if err != nil {
		return o, err
	}
	err = l.ReadOnly(ctx, func(ctx context.Context, _ *ledger.Reader) (err error) {
		o = pageOverview{scores: map[int64]ledger.Score{}, late: map[int64]bool{}}
		if o.basis, err = l.Basis(ctx); err != nil {
			return err
		}
		for m, err := range allPages(func(p ledger.Page[ledger.Miner]) ([]ledger.Miner, error) { return l.Miners(ctx, p) }) {
			if err != nil {
				return err
			}
			o.miners = append(o.miners, m)
			if m.OldestLateKey != nil {
				o.late[m.MinerID] = true
			}
		}
		if o.uids, err = heldUIDs(ctx, l); err != nil {
			return err
		}
		scores, err := l.Scores(ctx, at, o.basis.Policy.LookbackDays, ledger.AllMiners())
		if err != nil {
			return err
		}
		for _, s := range scores {
			o.scores[s.MinerID] = s
		}
		if o.open, err = l.OpenExposures(ctx); err != nil {
			return err
		}
		return o.readHistory(ctx, l)
	}, manager.MayBeStale())
	return o, err
}

// readHistory reads miner by miner, so that no more than one's gains are in memory at a time.
func (o *pageOverview) readHistory(ctx context.Context, l *ledger.Ledger) error {
	first, last, err := l.SpanOfTrades(ctx)
	if err != nil {
		return err
	}
	o.prepareGains(newTimeline(first, last, len(o.miners)))
	most := min(mostRows, max(1, sharedRows/max(1, len(o.miners))))
	for _, m := range o.miners {
		gains, err := l.GainsOverTime(ctx, m.MinerID, o.timeline.stretchLength())
		if err != nil {
			return err
		}
		positions, err := l.NewestPositions(ctx, m.MinerID, most)
		if err != nil {
			return err
		}
		closes, err := l.NewestCloses(ctx, m.MinerID, most)
		if err != nil {
			return err
		}
		o.addGains(m.MinerID, gains, minerHistory{positions: positions, closes: closes})
	}
	return o.readLines(func(minerID int64) ([]ledger.GainStretch, error) {
		return l.GainsOverTime(ctx, minerID, o.timeline.stretchLength())
	})
}

// readLines reads again the gains of those who won and lost the most in a period, to draw them finely.
func (o *pageOverview) readLines(gains func(minerID int64) ([]ledger.GainStretch, error)) error {
	curves := map[int64][]float64{}
	o.lines = make([][]gainCurve, len(o.timeline.Periods))
	for i, p := range o.timeline.Periods {
		from, until := o.timeline.curveRange(p)
		for _, id := range o.topAndBottom(i) {
			if curves[id] == nil {
				stretches, err := gains(id)
				if err != nil {
					return err
				}
				curves[id] = accumulate(o.timeline.Fine, stretches)
			}
			values := make([]float64, until-from)
			for j := range values {
				values[j] = curves[id][from+j] - curves[id][from]
			}
			o.lines[i] = append(o.lines[i], gainCurve{id, values})
		}
	}
	return nil
}

// topAndBottom are the miners that gained the most in a period and, after them, those that lost the most.
func (o *pageOverview) topAndBottom(period int) []int64 {
	gain := func(m ledger.Miner) float64 { return o.history[m.MinerID].periods[period].gain }
	ranked := slices.SortedFunc(slices.Values(o.miners), func(x, y ledger.Miner) int {
		return cmp.Or(cmp.Compare(gain(y), gain(x)), cmp.Compare(x.Coldkey, y.Coldkey))
	})
	var ids []int64
	for i, m := range ranked {
		if gain(m) > 0 && i < drawnMiners || gain(m) < 0 && i >= len(ranked)-drawnMiners {
			ids = append(ids, m.MinerID)
		}
	}
	return ids
}

// prepareGains prepares for the gains of miners over a time.
func (o *pageOverview) prepareGains(t timeline) {
	o.timeline, o.history = t, map[int64]minerHistory{}
	o.curve, o.periods = make([]float64, len(t.Fine)), make([]gainTotal, len(t.Periods))
}

// addGains adds a miner's gains to its history and to what all miners have in common.
func (o *pageOverview) addGains(minerID int64, gains []ledger.GainStretch, h minerHistory) {
	t := o.timeline
	h.curve, h.periods = accumulate(t.Coarse, gains), make([]gainTotal, len(t.Periods))
	for i, v := range accumulate(t.Fine, gains) {
		o.curve[i] += v
	}
	for _, g := range gains {
		for i, p := range t.Periods {
			if g.Stretch >= p.From && g.Stretch < p.Until {
				h.periods[i].add(gainTotal{inTAO(g.Gain), g.Closes, g.CountedCloses, g.WinningCloses})
			}
		}
	}
	for i, total := range h.periods {
		o.periods[i].add(total)
	}
	o.history[minerID] = h
}

// accumulate adds gains up to the end of each of the stretches that are points, in TAO.
func accumulate(points []int64, gains []ledger.GainStretch) []float64 {
	values := make([]float64, len(points))
	total := 0.0
	for i, p := range points {
		for ; len(gains) > 0 && gains[0].Stretch <= p; gains = gains[1:] {
			total += inTAO(gains[0].Gain)
		}
		values[i] = total
	}
	return values
}

func inTAO(r chain.Rao) float64 { return float64(r) / chain.RaoPerTAO }
