package main

import (
	"context"
	"iter"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// tradeRow is a trade as JSON has it, with the sums over its closes.
type tradeRow struct {
	TradeID     int64         `json:"trade_id"`
	MinerID     int64         `json:"miner_id"`
	Coldkey     chain.Address `json:"coldkey"`
	Netuid      chain.Netuid  `json:"netuid"`
	Hotkey      chain.Address `json:"hotkey"`
	ExtrinsicID string        `json:"extrinsic_id"`
	EventIndex  int64         `json:"event_index"`
	ExitBlock   int64         `json:"exit_block"`
	ExitTime    chain.Time    `json:"exit_time"`
	ExitTAO     chain.Rao     `json:"exit_tao"`
	ExitAlpha   chain.Rao     `json:"exit_alpha"`
	closeSums
	UnmatchedAlpha chain.Rao `json:"unmatched_alpha"`
	UnmatchedTAO   chain.Rao `json:"unmatched_tao"`
	Archived       bool      `json:"archived"`
}

// closeSums sum up the closes of a trade. They are nil unless every close of it is at hand.
type closeSums struct {
	Closes     *int64     `json:"closes"`
	CostTAO    *chain.Rao `json:"cost_tao"`
	RawGainTAO *chain.Rao `json:"raw_gain_tao"`
	GainTAO    *chain.Rao `json:"gain_tao"`
}

func newTradeRow(m ledger.Miner, t ledger.Trade, sums closeSums) tradeRow {
	return tradeRow{
		TradeID: t.TradeID, MinerID: t.MinerID, Coldkey: m.Coldkey, Netuid: t.Netuid, Hotkey: t.Hotkey,
		ExtrinsicID: t.ExtrinsicID, EventIndex: t.EventIndex, ExitBlock: t.ExitBlock, ExitTime: t.ExitTime,
		ExitTAO: t.ExitTAO, ExitAlpha: t.ExitAlpha, closeSums: sums,
		UnmatchedAlpha: t.UnmatchedAlpha, UnmatchedTAO: t.UnmatchedTAO, Archived: t.ArchiveRun != nil,
	}
}

var tradeHeader = columns{
	[]string{"ID", "MINER", "NETUID", "EXIT (UTC)", "CLOSES", "EXIT ALPHA", "EXIT TAO", "GAIN TAO", "UNMATCHED"},
	[]string{"CLOSES", "UNMATCHED", "EXIT ALPHA", "NETUID", "EXIT TAO"},
}

func (r tradeRow) cells() []any {
	closes := any(none)
	if r.Closes != nil {
		closes = *r.Closes
	}
	return []any{r.TradeID, r.Coldkey, r.Netuid, r.ExitTime, closes, r.ExitAlpha, r.ExitTAO, r.GainTAO, r.UnmatchedAlpha}
}

func newTrades(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trades",
		Short: "List trades: alpha sold for TAO",
		Long: `List trades: alpha that was unstaked, which is sold for TAO and closes open positions first in,
first out, by the time of the exit. GAIN TAO is the sum over the closes of the trade; UNMATCHED is
the alpha for which no position was open.`,
		Example: `  stakeledger trades --netuid 64 --limit 20
  stakeledger trades --miner 7 --during 2026-01 --json
  stakeledger trades --archived --csv`,
		Args: exactArgs(0, false),
	}
	r := addTrades(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return r.run(a, cmd) }
	return cmd
}

// addTrades adds the flags of a list of trades.
func addTrades(cmd *cobra.Command) *recordList[tradeRow] {
	r := addRecords[tradeRow](cmd, "trades", "sold", true)
	r.header, r.cells = tradeHeader, tradeRow.cells
	netuid := addNetuid(cmd)
	r.rows = func(ctx context.Context, l *ledger.Ledger, m ledger.Miner, p listPart) iter.Seq2[keyedRow[tradeRow], error] {
		filter := ledger.TradeFilter{Netuid: netuid.value, From: r.span.start(), Until: r.span.last(), Archived: p.archived, Newest: p.newest}
		var sums map[int64]ledger.TradeSums // of the page at hand
		return ofMiner(allPages(func(page ledger.Page[ledger.Trade]) (trades []ledger.Trade, err error) {
			if trades, err = l.Trades(ctx, m.MinerID, filter, page); err == nil {
				sums, err = sumCloses(ctx, l, trades)
			}
			return trades, err
		}), func(t ledger.Trade) (keyedRow[tradeRow], bool) {
			return keyedRow[tradeRow]{t.EventKey, 0, newTradeRow(m, t, sumsOf(t, sums))}, true
		})
	}
	return r
}

// sumCloses adds up the closes of trades.
func sumCloses(ctx context.Context, l *ledger.Ledger, trades []ledger.Trade) (map[int64]ledger.TradeSums, error) {
	ids := make([]int64, len(trades))
	for i, t := range trades {
		ids[i] = t.TradeID
	}
	return l.SumsOfTrades(ctx, ids)
}

// sumsOf are the sums of a trade. Closes that do not cover what the trade sold from positions are not all of them,
// and then there is no sum.
func sumsOf(t ledger.Trade, sums map[int64]ledger.TradeSums) closeSums {
	s := sums[t.TradeID]
	if s.Alpha != t.ExitAlpha-t.UnmatchedAlpha {
		return closeSums{}
	}
	return closeSums{&s.Closes, &s.Cost, &s.RawGain, &s.Gain}
}
