package main

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/ingest"
	"github.com/stakeledger/stakeledger/ingest/simulate"
)

func newSimulate() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Write made-up stake events, for trying things out",
		Long: `Write made-up stake events as JSON Lines to standard output. The data is synthetic: nothing of it
happened on the chain, and nobody has the keys of its addresses. It looks like the chain's: prices
move, miners sell parts and more than they bought, events come in batches, late and twice.

The same flags give the same events, to the byte; a --start such as 90d is another time each time.`,
		Example: `  stakeledger simulate --events 5000 | stakeledger ingest -
  stakeledger simulate --seed 7 --miners 256 --start 2026-01-01T00:00:00Z --span 720h > events.jsonl`,
		Args: exactArgs(0, false),
	}
	seed := cmd.Flags().Uint64("seed", 1, "another seed makes other events")
	miners := cmd.Flags().Int("miners", 100, "coldkeys that trade")
	validators := cmd.Flags().Int("validators", 8, "hotkeys they stake to")
	subnets := cmd.Flags().Int("subnets", 16, "subnets they trade in")
	events := cmd.Flags().Int("events", 10_000, "events to write, those that come twice included")
	start := addOption(cmd, "start", "TIME", "time of the first block, as 2026-01-31 or 90d ago (default 2025-01-01T00:00:00Z)", parseMoment)
	span := addOption(cmd, "span", "DURATION", "time over which the events spread (default 90d)", parseAge)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		for name, n := range map[string]int{"miners": *miners, "validators": *validators, "subnets": *subnets, "events": *events} {
			if n < 1 {
				return usagef("--%s %d: want 1 or more", name, n)
			}
		}
		rows, err := simulate.Events(simulate.Config{
			Seed: *seed, Miners: *miners, Validators: *validators, Subnets: *subnets, Events: *events,
			Start: start.valueOr(0), Span: span.valueOr(90 * 24 * time.Hour),
		})
		if err != nil {
			return usagef("simulate: %w", err)
		}
		if _, err := ingest.WriteJSONL(cmd.OutOrStdout(), untilEnd(cmd.Context(), rows)); err != nil {
			return err
		}
		if cmd.Context().Err() != nil {
			return fmt.Errorf("simulate: interrupted")
		}
		return nil
	}
	return cmd
}

// untilEnd ends a sequence when ctx ends.
func untilEnd[T any](ctx context.Context, rows iter.Seq[T]) iter.Seq[T] {
	return func(yield func(T) bool) {
		for row := range rows {
			if ctx.Err() != nil || !yield(row) {
				return
			}
		}
	}
}
