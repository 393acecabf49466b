package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

const defaultWindow = 30 * 24 * time.Hour

func newSnapshot(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "snapshot",
		Short: "Record how miners stand, and list it",
		Long: `Record how miners stand over the positions of a window of time, so that it can be looked up later
whatever happens to the positions since.`,
		Example: `  stakeledger snapshot take
  stakeledger snapshot list --miner 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY`,
	}
	asGroup(cmd)
	cmd.AddCommand(newSnapshotTake(a), newSnapshotList(a), newSnapshotPrune(a))
	return cmd
}

func newSnapshotTake(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "take",
		Short: "Take a snapshot of every miner, or of one",
		Long: `Take a snapshot of every miner, or of one, over the positions entered within a window before a
moment. There is one snapshot for a miner and a moment; those that are there already stay.`,
		Example: `  stakeledger snapshot take --window 720h
  stakeledger snapshot take --at 2026-01-31T00:00:00Z --json`,
		Args: exactArgs(0, false),
	}
	at := addOption(cmd, "at", "TIME", "the moment (default now, to the second)", parseMoment)
	window := addOption(cmd, "window", "DURATION", "how far back positions were entered (default 720h)", parseAge)
	miner := addMiner(cmd)
	weights := addOption(cmd, "weights", "GAIN,VOLUME,WINS", "what of the score is weighted gain, volume and win rate (default .6,.2,.2)", parseWeights)
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		now, err := chain.TimeOf(time.Now().Truncate(time.Second))
		if err != nil {
			return err
		}
		return a.withExisting(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			s, err := takeSnapshots(ctx, l, miner, at.valueOr(now), window.valueOr(defaultWindow), weights.valueOr(nil)...)
			if err != nil {
				return err
			}
			if *asJSON {
				return writeObject(cmd.OutOrStdout(), s)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "took %s as of %s; %d were there already\n", plural(s.Taken, "snapshot", "snapshots"), at.valueOr(now), s.Existing)
			return err
		})
	}
	return cmd
}

// takeSnapshots takes a snapshot of one miner, or of all where none is named.
func takeSnapshots(ctx context.Context, l *ledger.Ledger, miner *option[minerName], at chain.Time, window time.Duration, opts ...ledger.SnapshotOption) (ledger.SnapshotSummary, error) {
	if miner.value == nil {
		return l.TakeSnapshots(ctx, at, window, opts...)
	}
	m, err := miner.value.find(ctx, l)
	if err != nil {
		return ledger.SnapshotSummary{}, err
	}
	_, isNew, err := l.TakeSnapshot(ctx, m.Coldkey, at, window, opts...)
	if isNew {
		return ledger.SnapshotSummary{Taken: 1}, err
	}
	return ledger.SnapshotSummary{Existing: 1}, err
}

// parseWeights reads three numbers from 0 to 1.
func parseWeights(s string) ([]ledger.SnapshotOption, error) {
	parts := strings.Split(s, ",")
	var numbers [3]float64
	for i, part := range parts {
		n, err := strconv.ParseFloat(part, 64)
		if err != nil || len(parts) != len(numbers) || !(n >= 0 && n <= 1) {
			return nil, fmt.Errorf("want three numbers from 0 to 1, such as .6,.2,.2")
		}
		numbers[i] = n
	}
	return []ledger.SnapshotOption{ledger.SnapshotWeights(numbers[0], numbers[1], numbers[2])}, nil
}

// snapshotRow is a snapshot as JSON has it. The means are derived, and rounded as floats are.
type snapshotRow struct {
	MinerID         int64         `json:"miner_id"`
	Coldkey         chain.Address `json:"coldkey"`
	At              chain.Time    `json:"at"`
	WindowSeconds   int64         `json:"window_s"`
	Positions       int64         `json:"positions"`
	OpenPositions   int64         `json:"open_positions"`
	ClosedPositions int64         `json:"closed_positions"`
	EntryTAO        chain.Rao     `json:"entry_tao"`
	EntryAlpha      chain.Rao     `json:"entry_alpha"`
	GainTAO         chain.Rao     `json:"gain_tao"`
	MeanGain        float64       `json:"mean_gain_tao"`
	MeanGainPercent float64       `json:"mean_gain_percent"`
	WeightedGain    float64       `json:"weighted_gain_tao"`
	WinRate         float64       `json:"win_rate_percent"`
	MeanDuration    float64       `json:"mean_duration_s"`
	Score           *float64      `json:"score"`
}

func newSnapshotRow(m ledger.Miner, s ledger.Snapshot) snapshotRow {
	r := snapshotRow{
		MinerID: s.MinerID, Coldkey: m.Coldkey, At: s.At, WindowSeconds: s.WindowUs / 1e6, Positions: s.Positions,
		OpenPositions: s.OpenPositions, ClosedPositions: s.ClosedPositions, EntryTAO: s.EntryTAO, EntryAlpha: s.EntryAlpha,
		GainTAO: s.Gain, MeanGain: s.MeanGain(), MeanGainPercent: s.MeanGainPercent(), WeightedGain: s.WeightedGain(),
		WinRate: s.WinRate(), MeanDuration: s.MeanDurationUs() / 1e6,
	}
	if score, ok := s.ScoreValue(); ok {
		r.Score = &score
	}
	return r
}

var snapshotHeader = columns{
	[]string{"MINER", "AT (UTC)", "POS", "CLOSED", "ENTRY TAO", "GAIN TAO", "WIN %", "SCORE"},
	[]string{"CLOSED", "ENTRY TAO", "POS", "WIN %"},
}

func (r snapshotRow) cells() []any {
	score := none
	if r.Score != nil {
		score = formatFloat(*r.Score)
	}
	return []any{r.Coldkey, r.At, r.Positions, r.ClosedPositions, r.EntryTAO, r.GainTAO, fmt.Sprintf("%.1f", r.WinRate), score}
}

func newSnapshotList(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List snapshots",
		Long:  `List snapshots, one miner's after another's, each miner's by their moment.`,
		Example: `  stakeledger snapshot list --from 2026-01-01T00:00:00Z
  stakeledger snapshot list --miner 7 --json`,
		Args: exactArgs(0, false),
	}
	miner, during, out := addMiner(cmd), addSpan(cmd, "taken for a moment"), addOutput(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := during.validate(); err != nil {
			return err
		}
		filter := ledger.SnapshotFilter{From: during.start(), Until: during.last()}
		return a.withList(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			rows := func(yield func(snapshotRow, error) bool) {
				for m, err := range selectedMiners(ctx, l, miner) {
					if err != nil {
						yield(snapshotRow{}, err)
						return
					}
					for row, err := range ofMiner(allPages(func(p ledger.Page[ledger.Snapshot]) ([]ledger.Snapshot, error) {
						return l.Snapshots(ctx, m.MinerID, filter, p)
					}), func(s ledger.Snapshot) (snapshotRow, bool) { return newSnapshotRow(m, s), true }) {
						if !yield(row, err) {
							return
						}
					}
				}
			}
			return listOutput[snapshotRow]{out, snapshotHeader, snapshotRow.cells, "No such snapshots.", during}.write(rows)
		})
	}
	return cmd
}

func newSnapshotPrune(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "prune",
		Short:   "Delete snapshots of long ago",
		Long:    `Delete the snapshots of moments before a time. Positions and scores do not depend on them.`,
		Example: `  stakeledger snapshot prune --before 2025-01-01T00:00:00Z`,
		Args:    exactArgs(0, false),
	}
	before := addOption(cmd, "before", "TIME", "delete those of moments before this time", parseMoment)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if before.value == nil {
			return usagef("give --before, the time from which snapshots stay")
		}
		return a.withExisting(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			n, err := l.PruneSnapshots(ctx, *before.value)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "deleted %s\n", plural(n, "snapshot", "snapshots"))
			return err
		})
	}
	return cmd
}
