package ledger

import (
	"cmp"
	"context"
	"slices"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/manager"
)

// Period bounds what PeriodReport sums up: From <= time < Until, where 0 means unbounded, on one subnet or
// all.
type Period struct {
	From, Until chain.Time
	Netuid      *chain.Netuid
}

// PeriodRow is what a miner did in a period: what it entered by the time of the entry, what it closed and gained by
// the time of the exit. So the rows of consecutive periods sum to the lifetime figures.
type PeriodRow struct {
	MinerID        int64             `json:"miner_id"`
	Coldkey        chain.Address     `json:"coldkey"`
	Status         chain.MinerStatus `json:"status"`
	Trades         int64             `json:"trades"`
	Positions      int64             `json:"positions"`
	Closes         int64             `json:"closes"`
	EntryTAO       chain.Rao         `json:"entry_tao"`
	EntryAlpha     chain.Rao         `json:"entry_alpha"`
	ClosedAlpha    chain.Rao         `json:"closed_alpha"`
	ExitTAO        chain.Rao         `json:"exit_tao"`
	CostTAO        chain.Rao         `json:"cost_tao"`
	RawGainTAO     chain.Rao         `json:"raw_gain_tao"`
	GainTAO        chain.Rao         `json:"gain_tao"`
	Wins           int64             `json:"wins"`
	CountedCloses  int64             `json:"counted_closes"`
	UnmatchedAlpha chain.Rao         `json:"unmatched_alpha"`
	UnmatchedTAO   chain.Rao         `json:"unmatched_tao"`
}

// PeriodReport sums up a period for every miner of the ledger, by coldkey, in one snapshot. It reads the rows of the
// period alone; a period without bounds is the lifetime, which the miners' counters have.
func (l *Ledger) PeriodReport(ctx context.Context, p Period) ([]PeriodRow, error) {
	return manager.Read(ctx, l.db, func(ctx context.Context, q *read.Queries) ([]PeriodRow, error) {
		isLifetime := p == Period{}
		rows, err := periodMiners(ctx, q, isLifetime)
		if err == nil && !isLifetime {
			err = p.addSums(ctx, q, rows)
		}
		if err != nil {
			return nil, err
		}
		slices.SortFunc(rows, func(a, b PeriodRow) int { return cmp.Compare(a.Coldkey, b.Coldkey) })
		return rows, nil
	}, manager.Label("ledger.PeriodReport"))
}

// periodMiners is a row for every miner, by id, with its lifetime figures or with none.
func periodMiners(ctx context.Context, q *read.Queries, lifetime bool) ([]PeriodRow, error) {
	rows := []PeriodRow{}
	for page, err := range pages("miners", maxPage, 0, minerIDOf, func(after int64) ([]Miner, error) { return q.Miners(ctx, after, maxPage) }) {
		if err != nil {
			return nil, err
		}
		for _, m := range page {
			row := PeriodRow{MinerID: m.MinerID, Coldkey: m.Coldkey, Status: m.Status}
			if lifetime {
				row = lifetimeOf(m)
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func lifetimeOf(m Miner) PeriodRow {
	return PeriodRow{
		MinerID: m.MinerID, Coldkey: m.Coldkey, Status: m.Status, Trades: m.Trades, Positions: m.Positions, Closes: m.Closes,
		EntryTAO: m.EntryTAO, EntryAlpha: m.EntryAlpha, ClosedAlpha: m.ClosedAlpha, ExitTAO: m.ExitTAO, CostTAO: m.ExitTAO - m.RawGain,
		RawGainTAO: m.RawGain, GainTAO: m.Gain, Wins: m.WinningCloses, CountedCloses: m.CountedCloses,
		UnmatchedAlpha: m.UnmatchedAlpha, UnmatchedTAO: m.UnmatchedTAO,
	}
}

// addSums adds the sums of the period to the rows, which are ordered by miner
// id.
func (p Period) addSums(ctx context.Context, q *read.Queries, rows []PeriodRow) error {
	bounds := read.PeriodEntriesParams{AnyNetuid: zeroOrOne(p.Netuid == nil), AfterKey: keyAfter(p.From, ""), BeforeKey: lastKey}
	if p.Netuid != nil {
		bounds.Netuid = *p.Netuid
	}
	if p.Until > 0 {
		bounds.BeforeKey = chain.FirstEventKey(p.Until)
	}
	of := func(minerID int64) *PeriodRow {
		i, _ := slices.BinarySearchFunc(rows, minerID, func(r PeriodRow, id int64) int { return cmp.Compare(r.MinerID, id) })
		return &rows[i]
	}
	entries, err := q.PeriodEntries(ctx, bounds)
	for _, e := range entries {
		r := of(e.MinerID)
		r.Positions, r.EntryTAO, r.EntryAlpha = e.Positions, e.EntryTAO, e.EntryAlpha
	}
	if err != nil {
		return err
	}
	trades, err := q.PeriodTrades(ctx, read.PeriodTradesParams(bounds))
	for _, t := range trades {
		r := of(t.MinerID)
		r.Trades, r.UnmatchedAlpha, r.UnmatchedTAO = t.Trades, t.UnmatchedAlpha, t.UnmatchedTAO
	}
	if err != nil {
		return err
	}
	closes, err := q.PeriodCloses(ctx, read.PeriodClosesParams(bounds))
	for _, c := range closes {
		r := of(c.MinerID)
		r.Closes, r.ClosedAlpha, r.ExitTAO, r.CostTAO = c.Closes, c.Alpha, c.TAO, c.Cost
		r.RawGainTAO, r.GainTAO, r.CountedCloses, r.Wins = c.RawGain, c.Gain, c.CountedCloses, c.Wins
	}
	if err != nil {
		return err
	}
	unmatched, err := q.PeriodUnmatched(ctx, read.PeriodUnmatchedParams(bounds))
	for _, u := range unmatched {
		r := of(u.MinerID)
		r.UnmatchedAlpha += u.Alpha
		r.UnmatchedTAO += u.TAO
	}
	return err
}
