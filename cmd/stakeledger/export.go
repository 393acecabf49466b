package main

import (
	"context"
	"fmt"
	"math/big"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

func newExport(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write lots, trades and events for accounts and taxes",
		Long: `Write what accounts and taxes ask for, as CSV unless --json or --jsonl is given, one miner after the
other, each in the order of the events. What is archived is there too.`,
		Example: `  stakeledger export lots --during 2026 > lots.csv`,
	}
	asGroup(cmd)
	cmd.AddCommand(newExportLots(a), newExportTrades(a), newExportEvents(a))
	return cmd
}

// runExport prints all rows of a list, for programs.
func runExport[R any](a *app, r *recordList[R]) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		if !r.forPrograms() {
			*r.csv = true
		}
		if r.archived != nil && !cmd.Flags().Changed("archived") {
			r.archived.text = archiveToo
		}
		return r.run(a, cmd)
	}
}

func newExportTrades(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trades",
		Short: "Write trades: what was sold, and what it gained",
		Long: `Write a row for each trade, as CSV unless --json or --jsonl is given, with the sums over its closes
and what it sold without a position. Archived ones are there too.`,
		Example: `  stakeledger export trades --during 2026 --tz Europe/Zurich > trades.csv
  stakeledger export trades --miner 7 --jsonl`,
		Args: exactArgs(0, false),
	}
	cmd.RunE = runExport(a, addTrades(cmd))
	return cmd
}

func newExportEvents(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Write events: everything that was taken in",
		Long: `Write a row for each event on record, as CSV unless --json or --jsonl is given, with fees and
dollars where they are known and what became of it. What was rejected is not on record; stakeledger
rejected lists it.`,
		Example: `  stakeledger export events --during 2026 > events.csv
  stakeledger export events --outcome applied --jsonl`,
		Args: exactArgs(0, false),
	}
	r, outcome := addEvents(cmd)
	export := runExport(a, r)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if outcome.valueOr("") == outcomeRejected {
			return usagef("rejected events are not on record; stakeledger events --outcome rejected --csv prints them")
		}
		return export(cmd, args)
	}
	return cmd
}

// lotRow is a lot: alpha acquired at one time and disposed of at another, first in first out. The dollars are the
// lot's share of what is known of the stake and the unstake, to the cent.
type lotRow struct {
	Coldkey    chain.Address `json:"coldkey"`
	Netuid     chain.Netuid  `json:"netuid"`
	Acquired   chain.Time    `json:"acquired"`
	Disposed   chain.Time    `json:"disposed"`
	Alpha      chain.Rao     `json:"alpha"`
	CostTAO    chain.Rao     `json:"cost_tao"`
	Proceeds   chain.Rao     `json:"proceeds_tao"`
	GainTAO    chain.Rao     `json:"gain_tao"`
	DaysHeld   string        `json:"held_days"`
	CostUSD    *string       `json:"cost_usd"`
	USD        *string       `json:"proceeds_usd"`
	SelfTrade  bool          `json:"self_trade"`
	PositionID int64         `json:"position_id"`
	TradeID    int64         `json:"trade_id"`
	Acquiring  string        `json:"acquired_by"` // the extrinsic
	Disposing  string        `json:"disposed_by"`
}

func newLotRow(m ledger.Miner, l ledger.Lot) lotRow {
	return lotRow{
		Coldkey: m.Coldkey, Netuid: l.Netuid, Acquired: l.EntryTime, Disposed: l.ExitTime, Alpha: l.Alpha, CostTAO: l.Cost, Proceeds: l.TAO,
		GainTAO: l.RawGain, DaysHeld: fmt.Sprintf("%.2f", float64(l.DurationUs)/(24*60*60*1e6)),
		CostUSD: shareOf(l.EntryUSD, l.Cost, l.EntryTAO), USD: shareOf(l.ExitUSD, l.TAO, l.ExitTAO), SelfTrade: bool(l.SelfTrade),
		PositionID: l.PositionID, TradeID: l.TradeID, Acquiring: l.EntryExtrinsicID, Disposing: l.ExitExtrinsicID,
	}
}

// shareOf is part of whole of an amount in dollars, to the cent; nil where that is not known.
func shareOf(usd *chain.USD, part, whole chain.Rao) *string {
	if usd == nil || whole == 0 {
		return nil
	}
	amount, ok := new(big.Rat).SetString(string(*usd))
	if !ok {
		return nil
	}
	text := amount.Mul(amount, big.NewRat(int64(part), int64(whole))).FloatString(2)
	return &text
}

func newExportLots(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lots",
		Short: "Write lots: what was acquired and disposed of, first in, first out",
		Long: `Write a lot for each close, as CSV unless --json or --jsonl is given: when alpha was acquired and
disposed of, what it cost and brought, the whole gain whether it counts for the miner or not, how
long it was held, and dollars where the events have them. Archived ones are there too. What was
sold without a position has no lot; trades list it.`,
		Example: `  stakeledger export lots --during 2026 --tz Europe/Zurich > lots.csv
  stakeledger export lots --miner 7 --json`,
		Args: exactArgs(0, false),
	}
	r := addRecords[lotRow](cmd, "lots", "disposed of", true)
	netuid := addNetuid(cmd)
	r.rows = func(ctx context.Context, l *ledger.Ledger, m ledger.Miner, p listPart) rowsOf[lotRow] {
		filter := ledger.CloseFilter{Netuid: netuid.value, From: r.span.start(), Until: r.span.last(), Archived: p.archived}
		return inOrder(p.newest, ofMiner(allPages(func(page ledger.Page[ledger.Lot]) ([]ledger.Lot, error) {
			return l.Lots(ctx, m.MinerID, filter, page)
		}), func(lot ledger.Lot) (keyedRow[lotRow], bool) {
			return keyedRow[lotRow]{lot.EventKey, lot.Step, newLotRow(m, lot)}, true
		}))
	}
	cmd.RunE = runExport(a, r)
	return cmd
}
