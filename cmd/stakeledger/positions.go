package main

import (
	"context"
	"iter"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// positionRow is a position as JSON has it.
type positionRow struct {
	PositionID     int64                `json:"position_id"`
	MinerID        int64                `json:"miner_id"`
	Coldkey        chain.Address        `json:"coldkey"`
	Netuid         chain.Netuid         `json:"netuid"`
	Hotkey         chain.Address        `json:"hotkey"`
	ExtrinsicID    string               `json:"extrinsic_id"`
	EventIndex     int64                `json:"event_index"`
	EntryBlock     int64                `json:"entry_block"`
	EntryTime      chain.Time           `json:"entry_time"`
	EntryTAO       chain.Rao            `json:"entry_tao"`
	EntryAlpha     chain.Rao            `json:"entry_alpha"`
	RemainingAlpha chain.Rao            `json:"remaining_alpha"`
	Status         chain.PositionStatus `json:"status"`
	LastExitTime   *chain.Time          `json:"last_exit_time"`
	ClosedAt       *chain.Time          `json:"closed_at"`
	GainTAO        chain.Rao            `json:"gain_tao"`
}

func newPositionRow(m ledger.Miner, p ledger.Position) (positionRow, error) {
	return positionRow{
		PositionID: p.PositionID, MinerID: p.MinerID, Coldkey: m.Coldkey, Netuid: p.Netuid, Hotkey: p.Hotkey,
		ExtrinsicID: p.ExtrinsicID, EventIndex: p.EventIndex, EntryBlock: p.EntryBlock, EntryTime: p.EntryTime,
		EntryTAO: p.EntryTAO, EntryAlpha: p.EntryAlpha, RemainingAlpha: p.RemainingAlpha, Status: p.Status,
		LastExitTime: p.LastExitTime, ClosedAt: p.ClosedAt, GainTAO: p.Gain,
	}, nil
}

var positionHeader = []string{"ID", "MINER", "NETUID", "STATUS", "ENTRY (UTC)", "ENTRY TAO", "OPEN ALPHA", "GAIN TAO"}

func (r positionRow) cells() []any {
	return []any{r.PositionID, r.Coldkey, r.Netuid, string(r.Status), r.EntryTime, r.EntryTAO, r.RemainingAlpha, r.GainTAO}
}

// positionFlags say which positions are wanted.
type positionFlags struct {
	miner  *option[minerName]
	status *option[chain.PositionStatus]
	netuid *option[chain.Netuid]
	open   *bool
	span   span
}

func newPositions(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "positions",
		Short: "List positions: TAO staked into subnets",
		Long: `List positions: TAO staked into a subnet, which bought alpha. One miner's positions follow
another's, each miner's by entry time; with --open by subnet, first in first out, the order in
which they will be closed.`,
		Example: `  stakeledger positions --open --netuid 64
  stakeledger positions --miner 7 --from 2026-01-01T00:00:00Z --json`,
		Args: takes(0, false),
	}
	f := positionFlags{
		miner:  addMiner(cmd),
		status: addOption(cmd, "status", "open|partial|closed", "only those of this status", chain.ParsePositionStatus),
		netuid: addNetuid(cmd),
		open:   cmd.Flags().Bool("open", false, "only those with alpha left: open and partial"),
		span:   addSpan(cmd, "entered"),
	}
	limit, asJSON := addLimit(cmd), addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := f.check(); err != nil {
			return err
		}
		return a.reading(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			rows := ofEach(selected(ctx, l, f.miner), func(m ledger.Miner) iter.Seq2[ledger.Position, error] {
				return f.positions(ctx, l, m.MinerID)
			}, newPositionRow)
			return listing[positionRow]{*asJSON, limit, positionHeader, positionRow.cells, "No such positions."}.write(rows)
		})
	}
	return cmd
}

func (f positionFlags) check() error {
	if *f.open && f.status.value != nil {
		return usagef("--open and --status exclude each other; --open is both open and partial")
	}
	return f.span.check()
}

// positions goes through a miner's positions.
func (f positionFlags) positions(ctx context.Context, l *ledger.Ledger, minerID int64) iter.Seq2[ledger.Position, error] {
	if *f.open {
		return openPositions(ctx, l, minerID, func(p ledger.Position) bool {
			return p.Netuid == f.netuid.or(p.Netuid) && f.span.holds(p.EntryTime)
		})
	}
	filter := ledger.PositionFilter{Netuid: f.netuid.value, Status: f.status.or(""), From: f.span.from.or(0), Until: f.span.until.or(0)}
	return pages(func(p ledger.Page[ledger.Position]) ([]ledger.Position, error) {
		return l.Positions(ctx, minerID, filter, p)
	})
}

// openPositions goes through those of a miner's positions with alpha left that are wanted.
func openPositions(ctx context.Context, l *ledger.Ledger, minerID int64, wanted func(ledger.Position) bool) iter.Seq2[ledger.Position, error] {
	return func(yield func(ledger.Position, error) bool) {
		for position, err := range pages(func(p ledger.Page[ledger.Position]) ([]ledger.Position, error) {
			return l.OpenPositions(ctx, minerID, p)
		}) {
			if (err != nil || wanted(position)) && !yield(position, err) {
				return
			}
		}
	}
}
