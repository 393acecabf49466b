package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

const defaultLookback = 21 // days

func newScores(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "scores",
		Short: "Score miners by their gains of late",
		Long: `Score every miner by the gains of the positions it closed on the UTC day of a moment and on the days
before, which count less the longer ago they are. RAW is the mean over the days with a close,
decayed; NORMALIZED runs from 0 to 1 over the positive ones; WEIGHT is the part of their sum, which
is what the chain wants.`,
		Example: `  stakeledger scores
  stakeledger scores --at 2026-01-31T00:00:00Z --lookback 7 --json`,
		Args: takes(0, false),
	}
	at := addOption(cmd, "at", "TIME", "score on the UTC day of this time (default now)", chain.ParseTime)
	lookback := cmd.Flags().Int("lookback", defaultLookback, "how many `DAYS` before count as well")
	limit, asJSON := addLimit(cmd), addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		now, err := chain.TimeOf(time.Now().Truncate(time.Microsecond))
		if err != nil {
			return err
		}
		return a.reading(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			scores, err := l.Scores(ctx, at.or(now), *lookback)
			if err != nil {
				return err
			}
			rows := func(yield func(ledger.Score, error) bool) {
				for _, s := range scores {
					if !yield(s, nil) {
						return
					}
				}
			}
			return listing[ledger.Score]{*asJSON, limit, scoreHeader, scoreCells, "No miners."}.write(rows)
		})
	}
	return cmd
}

var scoreHeader = []string{"MINER", "STATUS", "DAYS", "RAW", "NORMALIZED", "WEIGHT"}

func scoreCells(s ledger.Score) []any {
	return []any{s.Coldkey, string(s.Status), len(s.Days), fraction(s.Raw), fraction(s.Normalized), fraction(s.Weight)}
}

// fraction prints a number that is derived and therefore inexact.
func fraction(f float64) string {
	if f != 0 && (f >= 1e9 || f <= -1e9) {
		return fmt.Sprintf("%.6g", f)
	}
	return strconv.FormatFloat(f, 'f', 6, 64)
}
