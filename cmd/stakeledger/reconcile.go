package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/ingest"
	"github.com/stakeledger/stakeledger/ledger"
)

func newReconcile(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reconcile FILE...",
		Short: "Compare the open alpha with balances of the chain",
		Long: `Compare what the ledger has open with balances that the chain says, at the time of each: Taostats'
response of stake balances, or JSON or CSV with block_number, timestamp, hotkey, coldkey, netuid and
balance (rao of alpha). The balances of a coldkey on a subnet are summed over its hotkeys.

EMITTED is what the chain has added since the balance before: by how much balance and open alpha
differ more, and what was sold without a position. Where it is less than nothing, an event is
missing, or is one too many; each is named, and the exit code is 1.`,
		Example: `  stakeledger reconcile balances.json
  stakeledger reconcile balances.json --csv`,
		Args: exactArgs(1, true),
	}
	out := addOutput(cmd)
	partial := cmd.Flags().Bool("partial", false, "accept pages of which others are missing")
	cmd.RunE = func(cmd *cobra.Command, files []string) error {
		balances, err := a.openBalances(cmd, *partial, files)
		if err != nil {
			return err
		}
		var impossible int64
		err = a.withSnapshot(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			rows, err := l.Reconcile(ctx, balances)
			if err != nil {
				return err
			}
			for _, r := range rows {
				if r.Impossible {
					impossible++
				}
			}
			return listOutput[ledger.Reconciled]{out, reconcileHeader, reconcileCells, "No balances.", timeSpan{}}.write(sequenceOf(rows))
		})
		if (err == nil || isBrokenPipe(err)) && impossible > 0 {
			return fmt.Errorf("reconcile: at %s the chain holds less than the ledger has open and emission explains; an event is missing, or is one too many, since the one before",
				plural(impossible, "balance", "balances"))
		}
		return err
	}
	return cmd
}

// openBalances reads balances before any ledger is open.
func (a *app) openBalances(cmd *cobra.Command, partial bool, files []string) ([]ledger.Balance, error) {
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	inputs, closeAll, err := a.openInputs(ctx, "reconcile", cmd.InOrStdin(), files)
	if err != nil {
		return nil, err
	}
	defer closeAll()
	balances, err := ingest.ReadBalances(ingest.Options{Partial: partial}, inputs...)
	if bad, ok := errors.AsType[*ingest.IncompleteError](err); ok {
		return nil, doubtf("reconcile %s; --partial accepts that", bad)
	}
	if err != nil {
		return nil, fmt.Errorf("reconcile %w", err)
	}
	if len(balances) == 0 {
		return nil, doubtf("reconcile %s: no balance in it", inputNames(inputs))
	}
	return balances, nil
}

var reconcileHeader = columns{
	[]string{"MINER", "NETUID", "BLOCK", "AT (UTC)", "BALANCE", "OPEN ALPHA", "EMITTED", ""},
	[]string{"BLOCK", "OPEN ALPHA", "BALANCE", "NETUID"},
}

func reconcileCells(r ledger.Reconciled) []any {
	verdict := ""
	if r.Impossible {
		verdict = "too little"
	}
	return []any{r.Coldkey, r.Netuid, r.Block, r.Time, r.Balance, r.OpenAlpha, r.Emitted, verdict}
}
