package main

import (
	"cmp"
	"context"
	"iter"
	"slices"

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
	Archived       bool                 `json:"archived"`
}

func newPositionRow(m ledger.Miner, p ledger.Position) positionRow {
	return positionRow{
		PositionID: p.PositionID, MinerID: p.MinerID, Coldkey: m.Coldkey, Netuid: p.Netuid, Hotkey: p.Hotkey,
		ExtrinsicID: p.ExtrinsicID, EventIndex: p.EventIndex, EntryBlock: p.EntryBlock, EntryTime: p.EntryTime,
		EntryTAO: p.EntryTAO, EntryAlpha: p.EntryAlpha, RemainingAlpha: p.RemainingAlpha, Status: p.Status,
		LastExitTime: p.LastExitTime, ClosedAt: p.ClosedAt, GainTAO: p.Gain,
		Archived: p.ArchiveRun != nil,
	}
}

var positionHeader = columns{
	[]string{"ID", "MINER", "NETUID", "STATUS", "ENTRY (UTC)", "ENTRY TAO", "OPEN ALPHA", "GAIN TAO"},
	[]string{"ENTRY TAO", "ENTRY (UTC)", "NETUID", "STATUS"},
}

func (r positionRow) cells() []any {
	return []any{r.PositionID, r.Coldkey, r.Netuid, string(r.Status), r.EntryTime, r.EntryTAO, r.RemainingAlpha, r.GainTAO}
}

// positionFlags say which positions are wanted.
type positionFlags struct {
	*recordList[positionRow]
	status *option[chain.PositionStatus]
	netuid *option[chain.Netuid]
	open   *bool
	at     *option[chain.Time]
}

func newPositions(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "positions",
		Short: "List positions: TAO staked into subnets",
		Long: `List positions: TAO staked into a subnet, which bought alpha, by the time of their entry. With
--open they are one miner's after another's, by subnet, first in first out: the order in which they
will be closed. With --at they are those that were open at an instant, as they stood then.`,
		Example: `  stakeledger positions --open --netuid 64
  stakeledger positions --at 2026-01-31
  stakeledger positions --miner 7 --from 2026-01-01T00:00:00Z --json`,
		Args: exactArgs(0, false),
	}
	f := positionFlags{
		recordList: addRecords[positionRow](cmd, "positions", "entered", true),
		status:     addOption(cmd, "status", "open|partial|closed", "only those of this status", chain.ParsePositionStatus),
		netuid:     addNetuid(cmd),
		open:       cmd.Flags().Bool("open", false, "only those with alpha left: open and partial"),
		at:         addOption(cmd, "at", "TIME", "those that were open at this time, as they stood then, archived since or not", parseMoment),
	}
	markExclusive(cmd, "at", "open")
	markExclusive(cmd, "open", "status")
	markExclusive(cmd, "at", "status")
	markExclusive(cmd, "at", "archived")
	f.header, f.cells, f.rows = positionHeader, positionRow.cells, f.rowsOf
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if f.at.value != nil {
			f.archived.text = archiveToo
		}
		if *f.open && f.sort.text == "" {
			f.sort.text = sortMiner
		}
		return f.run(a, cmd)
	}
	return cmd
}

// rowsOf goes through a miner's positions.
func (f positionFlags) rowsOf(ctx context.Context, l *ledger.Ledger, m ledger.Miner, p listPart) iter.Seq2[keyedRow[positionRow], error] {
	filter := ledger.PositionFilter{
		Netuid: f.netuid.value, Status: f.status.valueOr(""), From: f.span.start(), Until: f.span.last(), Archived: p.archived, Newest: p.newest,
	}
	place := func(p ledger.Position) (keyedRow[positionRow], bool) {
		return keyedRow[positionRow]{p.EventKey, 0, newPositionRow(m, p)}, true
	}
	switch {
	case f.at.value != nil:
		return ofMiner(inOrder(p.newest, allPages(func(page ledger.Page[ledger.PositionThen]) ([]ledger.PositionThen, error) {
			return l.PositionsAsOf(ctx, m.MinerID, *f.at.value, filter, page)
		})), func(p ledger.PositionThen) (keyedRow[positionRow], bool) {
			row := newPositionThen(m, p)
			return keyedRow[positionRow]{p.EventKey, 0, row}, f.span.contains(row.EntryTime)
		})
	case *f.open && p.archived: // none is open
		return func(func(keyedRow[positionRow], error) bool) {}
	case *f.open:
		open := openPositions(ctx, l, m.MinerID, func(p ledger.Position) bool {
			return p.Netuid == f.netuid.valueOr(p.Netuid) && f.span.contains(p.EntryTime)
		})
		if f.sortOrder() != sortMiner {
			open = byKey(p.newest, open)
		}
		return ofMiner(open, place)
	}
	return ofMiner(allPages(func(page ledger.Page[ledger.Position]) ([]ledger.Position, error) {
		return l.Positions(ctx, m.MinerID, filter, page)
	}), place)
}

// newPositionThen is a position as it stood.
func newPositionThen(m ledger.Miner, p ledger.PositionThen) positionRow {
	status := chain.PositionPartial
	if p.AlphaThen == p.EntryAlpha {
		status = chain.PositionOpen
	}
	return positionRow{
		PositionID: p.PositionID, MinerID: p.MinerID, Coldkey: m.Coldkey, Netuid: p.Netuid, Hotkey: p.Hotkey,
		ExtrinsicID: p.ExtrinsicID, EventIndex: p.EventIndex, EntryBlock: p.EntryBlock, EntryTime: p.EntryTime,
		EntryTAO: p.EntryTAO, EntryAlpha: p.EntryAlpha, RemainingAlpha: p.AlphaThen, Status: status, GainTAO: p.GainThen,
		Archived: p.ArchiveRun != nil,
	}
}

// inOrder turns a sequence around if the newest come first.
func inOrder[T any](newest bool, rows iter.Seq2[T, error]) iter.Seq2[T, error] {
	if !newest {
		return rows
	}
	return sortedRows(rows, func(all []T) { slices.Reverse(all) })
}

// byKey puts positions in the order of their events.
func byKey(newest bool, rows iter.Seq2[ledger.Position, error]) iter.Seq2[ledger.Position, error] {
	return sortedRows(rows, func(all []ledger.Position) {
		slices.SortFunc(all, func(x, y ledger.Position) int { return cmp.Compare(x.EventKey, y.EventKey) })
		if newest {
			slices.Reverse(all)
		}
	})
}

// sortedRows is a sequence that is read whole, and put in order.
func sortedRows[T any](rows iter.Seq2[T, error], order func([]T)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var all []T
		for row, err := range rows {
			if err != nil {
				yield(row, err)
				return
			}
			all = append(all, row)
		}
		order(all)
		sequenceOf(all)(yield)
	}
}

// openPositions goes through those of a miner's positions with alpha left that are wanted.
func openPositions(ctx context.Context, l *ledger.Ledger, minerID int64, wanted func(ledger.Position) bool) iter.Seq2[ledger.Position, error] {
	return ofMiner(allPages(func(p ledger.Page[ledger.Position]) ([]ledger.Position, error) {
		return l.OpenPositions(ctx, minerID, p)
	}), func(p ledger.Position) (ledger.Position, bool) { return p, wanted(p) })
}
