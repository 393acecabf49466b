package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// weightsResult are weights with their basis.
type weightsResult struct {
	ledger.Weights
	At       chain.Time `json:"at"`
	UIDsAsOf chain.Time `json:"uids_as_of"`
	ledger.Basis
}

func newWeights(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "weights",
		Short: "Print the weights for the chain",
		Long: `Print the weights that a validator sets on the chain, as JSON: "uids", and for each of them
"weights", numbers that sum to 1, and "weights_u16", whole numbers of which the largest is 65535.

A miner's weight is its part of all positive scores (see stakeledger scores). Only miners that hold
a UID now and are not blacklisted have any. A miner with several UIDs gets its weight once, on the
lowest of them. A ledger that knows no UID has to be synced with a metagraph first.`,
		Example: `  stakeledger weights
  stakeledger weights --at 2026-01-31T00:00:00Z --lookback 7 | jq '.uids, .weights_u16'`,
		Args: exactArgs(0, false),
	}
	scoring := addScoring(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.withReadOnly(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			var result weightsResult
			err := l.ReadOnly(ctx, func(ctx context.Context, _ *ledger.Reader) error {
				scores, err := scoring.read(ctx, l)
				if err != nil {
					return err
				}
				result = weightsResult{At: scores.At, UIDsAsOf: scores.UIDsAsOf, Basis: scores.Basis}
				result.Weights, err = l.Weights(ctx, scores.At, int(scores.Lookback))
				return err
			})
			if err != nil {
				return err
			}
			return errors.Join(unlessQuiet(writeObject(cmd.OutOrStdout(), result)), checkBasis(cmd, result.Basis, time.Now()))
		})
	}
	return cmd
}
