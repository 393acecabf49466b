package main

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// closeLine is a close as JSON has it: the part of a trade that closed a part of a position.
type closeLine struct {
	TradeID      int64         `json:"trade_id"`
	Step         int64         `json:"step"`
	PositionID   int64         `json:"position_id"`
	MinerID      int64         `json:"miner_id"`
	Coldkey      chain.Address `json:"coldkey"`
	Netuid       chain.Netuid  `json:"netuid"`
	Hotkey       chain.Address `json:"hotkey"`
	ExtrinsicID  string        `json:"extrinsic_id"`
	EventIndex   int64         `json:"event_index"`
	EntryBlock   int64         `json:"entry_block"`
	EntryTime    chain.Time    `json:"entry_time"`
	ExitBlock    int64         `json:"exit_block"`
	ExitTime     chain.Time    `json:"exit_time"`
	Alpha        chain.Rao     `json:"alpha"`
	TAO          chain.Rao     `json:"tao"`
	CostTAO      chain.Rao     `json:"cost_tao"`
	RawGainTAO   chain.Rao     `json:"raw_gain_tao"`
	GainTAO      chain.Rao     `json:"gain_tao"`
	DurationUs   int64         `json:"duration_us"`
	MinBlocksMet bool          `json:"min_blocks_met"`
	SelfTrade    bool          `json:"self_trade"`
	Archived     bool          `json:"archived"`
}

func newCloseLine(m ledger.Miner, c ledger.ListedClose) closeLine {
	return closeLine{
		TradeID: c.TradeID, Step: c.Step, PositionID: c.PositionID, MinerID: c.MinerID, Coldkey: m.Coldkey, Netuid: c.Netuid,
		Hotkey: c.Hotkey, ExtrinsicID: c.ExtrinsicID, EventIndex: c.EventIndex, EntryBlock: c.EntryBlock, EntryTime: c.EntryTime,
		ExitBlock: c.ExitBlock, ExitTime: c.ExitTime, Alpha: c.Alpha, TAO: c.TAO, CostTAO: c.Cost, RawGainTAO: c.RawGain, GainTAO: c.Gain,
		DurationUs: c.DurationUs, MinBlocksMet: bool(c.MinBlocksMet), SelfTrade: bool(c.SelfTrade), Archived: c.ArchiveRun != nil,
	}
}

var closeHeader = columns{
	[]string{"TRADE", "POSITION", "MINER", "NETUID", "EXIT (UTC)", "HELD", "COST TAO", "GAIN TAO", "COUNTS"},
	[]string{"COST TAO", "HELD", "POSITION", "NETUID", "TRADE"},
}

func (r closeLine) cells() []any {
	return []any{r.TradeID, r.PositionID, r.Coldkey, r.Netuid, r.ExitTime, heldFor(r.DurationUs), r.CostTAO, r.RawGainTAO, r.whyCounted()}
}

// whyCounted says whether the gain counts, or why not.
func (r closeLine) whyCounted() string {
	switch {
	case r.SelfTrade:
		return "self-trade"
	case !r.MinBlocksMet:
		return "too short"
	}
	return "yes"
}

// heldFor is a duration for people: 12 days 3 h, 5 h 2 min.
func heldFor(us int64) string {
	d := time.Duration(us) * time.Microsecond
	days, hours, minutes := int64(d/(24*time.Hour)), int64(d.Hours())%24, int64(d.Minutes())%60
	switch {
	case days > 0:
		return fmt.Sprintf("%s %d h", plural(days, "day", "days"), hours)
	case hours > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	}
	return fmt.Sprintf("%d min", minutes)
}

func newCloses(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "closes",
		Short: "List closes: what each trade gained on which position",
		Long: `List closes, the parts of trades that closed parts of positions, by the time of the exit: what they
cost, gained, and how long they were held. GAIN TAO is what was gained; COUNTS says whether it
counts for the miner, or why not: held for less than the minimum of blocks, or a self-trade.`,
		Example: `  stakeledger closes --during 2026-01 --csv
  stakeledger closes --miner 7 --from 7d
  stakeledger closes --position 12`,
		Args: exactArgs(0, false),
	}
	r := addRecords[closeLine](cmd, "closes", "made", true)
	r.header, r.cells = closeHeader, closeLine.cells
	netuid := addNetuid(cmd)
	trade := addOption(cmd, "trade", "ID", "only those of this trade", parseID)
	position := addOption(cmd, "position", "ID", "only those of this position", parseID)
	markExclusive(cmd, "trade", "position", "miner")
	r.rows = func(ctx context.Context, l *ledger.Ledger, m ledger.Miner, p listPart) iter.Seq2[keyedRow[closeLine], error] {
		filter := ledger.CloseFilter{Netuid: netuid.value, From: r.span.start(), Until: r.span.last(), Archived: p.archived, Newest: p.newest}
		return ofMiner(allPages(func(page ledger.Page[ledger.ListedClose]) ([]ledger.ListedClose, error) {
			return l.Closes(ctx, m.MinerID, filter, page)
		}), func(c ledger.ListedClose) (keyedRow[closeLine], bool) {
			wanted := c.TradeID == trade.valueOr(c.TradeID) && c.PositionID == position.valueOr(c.PositionID)
			return keyedRow[closeLine]{c.EventKey, c.Step, newCloseLine(m, c)}, wanted
		})
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		r.ofOne(trade, position)
		return r.run(a, cmd)
	}
	return cmd
}

// ofOne narrows the list to the closes of a trade or a position, archived or not, if one is named. It reads only the
// span of time in which they must be.
func (r *recordList[R]) ofOne(trade, position *option[int64]) {
	if trade.value == nil && position.value == nil {
		return
	}
	r.archived.text = archiveToo
	r.miner.value = &minerName{of: func(ctx context.Context, l *ledger.Ledger) (int64, error) {
		if trade.value != nil {
			t, err := l.Trade(ctx, *trade.value)
			r.span.narrow(t.ExitTime, t.ExitTime+1)
			return t.MinerID, err
		}
		p, err := l.Position(ctx, *position.value)
		if p.LastExitTime != nil {
			r.span.narrow(p.EntryTime, *p.LastExitTime+1)
		}
		return p.MinerID, err
	}}
}

// ofMiner is a sequence with each of its rows made into another, and without those that are not wanted.
func ofMiner[T, R any](rows iter.Seq2[T, error], made func(T) (R, bool)) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		for row, err := range rows {
			if err != nil {
				yield(*new(R), err)
				return
			}
			if out, wanted := made(row); wanted && !yield(out, nil) {
				return
			}
		}
	}
}
