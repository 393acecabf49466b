package ledger

import (
	"context"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/manager"
)

// Report is every miner's lifetime figures, by coldkey, with what they are based on. Its JSON writes counts as numbers
// and amounts as strings with nine places.
type Report struct {
	Miners []ReportRow `json:"miners"`
	Basis
}

// ReportRow is a miner's lifetime figures. ExitTAO and CostTAO are sums over closes; what is unmatched
// includes events ignored because nothing was open. Archiving changes none of them.
type ReportRow struct {
	Coldkey        chain.Address `json:"coldkey"`
	Trades         int64         `json:"trades"`
	Positions      int64         `json:"positions"`
	OpenPositions  int64         `json:"open_positions"`
	Closes         int64         `json:"closes"`
	EntryTAO       chain.Rao     `json:"entry_tao"`
	EntryAlpha     chain.Rao     `json:"entry_alpha"`
	OpenAlpha      chain.Rao     `json:"open_alpha"`
	ClosedAlpha    chain.Rao     `json:"closed_alpha"`
	ExitTAO        chain.Rao     `json:"exit_tao"`
	CostTAO        chain.Rao     `json:"cost_tao"`
	RawGainTAO     chain.Rao     `json:"raw_gain_tao"`
	GainTAO        chain.Rao     `json:"gain_tao"`
	Wins           int64         `json:"wins"`
	CountedCloses  int64         `json:"counted_closes"`
	UnmatchedAlpha chain.Rao     `json:"unmatched_alpha"`
	UnmatchedTAO   chain.Rao     `json:"unmatched_tao"`
}

// Report reads every miner's figures from its counters, in one snapshot.
func (l *Ledger) Report(ctx context.Context) (Report, error) {
	return manager.Read(ctx, l.db, func(ctx context.Context, q *read.Queries) (Report, error) {
		basis, err := readBasis(ctx, q)
		if err != nil {
			return Report{}, err
		}
		report := Report{Miners: []ReportRow{}, Basis: basis}
		for page, err := range minersInOrder(ctx, q, "", maxPage) {
			if err != nil {
				return Report{}, err
			}
			for _, m := range page {
				report.Miners = append(report.Miners, reportRow(m))
			}
		}
		return report, nil
	})
}

func reportRow(m Miner) ReportRow {
	return ReportRow{
		Coldkey: m.Coldkey, Trades: m.Trades, Positions: m.Positions, OpenPositions: m.OpenPositions, Closes: m.Closes,
		EntryTAO: m.EntryTAO, EntryAlpha: m.EntryAlpha, OpenAlpha: m.EntryAlpha - m.ClosedAlpha, ClosedAlpha: m.ClosedAlpha,
		ExitTAO: m.ExitTAO, CostTAO: m.ExitTAO - m.RawGain, RawGainTAO: m.RawGain, GainTAO: m.Gain,
		Wins: m.WinningCloses, CountedCloses: m.CountedCloses, UnmatchedAlpha: m.UnmatchedAlpha, UnmatchedTAO: m.UnmatchedTAO,
	}
}
