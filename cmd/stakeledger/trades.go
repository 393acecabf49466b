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
		UnmatchedAlpha: t.UnmatchedAlpha, UnmatchedTAO: t.UnmatchedTAO,
	}
}

var tradeHeader = []string{"ID", "MINER", "NETUID", "EXIT (UTC)", "CLOSES", "EXIT ALPHA", "EXIT TAO", "GAIN TAO", "UNMATCHED"}

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
first out. One miner's trades follow another's, each miner's by exit time. GAIN TAO is the sum
over the closes of the trade; UNMATCHED is the alpha for which no position was open.`,
		Example: `  stakeledger trades --netuid 64 --limit 20
  stakeledger trades --miner 7 --from 2026-01-01T00:00:00Z --until 2026-01-31T23:59:59Z --json`,
		Args: takes(0, false),
	}
	miner, netuid, span := addMiner(cmd), addNetuid(cmd), addSpan(cmd, "sold")
	limit, asJSON := addLimit(cmd), addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := span.check(); err != nil {
			return err
		}
		filter := ledger.TradeFilter{Netuid: netuid.value, From: span.from.or(0), Until: span.until.or(0)}
		return a.reading(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			rows := ofEach(selected(ctx, l, miner), func(m ledger.Miner) iter.Seq2[ledger.Trade, error] {
				return pages(func(p ledger.Page[ledger.Trade]) ([]ledger.Trade, error) { return l.Trades(ctx, m.MinerID, filter, p) })
			}, func(m ledger.Miner, t ledger.Trade) (tradeRow, error) {
				sums, err := sumCloses(ctx, l, t)
				return newTradeRow(m, t, sums), err
			})
			return listing[tradeRow]{*asJSON, limit, tradeHeader, tradeRow.cells, "No such trades."}.write(rows)
		})
	}
	return cmd
}

// closeTotals are sums over closes.
type closeTotals struct {
	closes                     int64
	alpha, cost, rawGain, gain chain.Rao
}

// add counts a close in.
func (s *closeTotals) add(c ledger.Close) {
	s.closes++
	s.alpha += c.Alpha
	s.cost += c.Cost
	s.rawGain += c.RawGain
	s.gain += c.Gain
}

// sumCloses adds up the closes of a trade. Closes that do not cover what the trade sold from positions are not all
// of them, and then there is no sum.
func sumCloses(ctx context.Context, l *ledger.Ledger, t ledger.Trade) (closeSums, error) {
	var total closeTotals
	for c, err := range pages(func(p ledger.Page[ledger.Close]) ([]ledger.Close, error) { return l.ClosesOfTrade(ctx, t.TradeID, p) }) {
		if err != nil {
			return closeSums{}, err
		}
		total.add(c)
	}
	if total.alpha != t.ExitAlpha-t.UnmatchedAlpha {
		return closeSums{}, nil
	}
	return closeSums{&total.closes, &total.cost, &total.rawGain, &total.gain}, nil
}
