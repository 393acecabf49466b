package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

func newDiff(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "diff OTHER",
		Short: "Name where two ledgers differ",
		Long: `Name where the ledger and OTHER, a file or the URL of a PostgreSQL database, differ: in their
policies, in who holds which UID now, and miner by miner in the first event that only one has or
that was recorded otherwise, or else in the first with another result. Ids, and what is archived,
are no difference. Nothing is changed, and both may be written meanwhile.

Amounts are in rao and times in microseconds, as they are stored. The exit code is 1 where anything
differs.`,
		Example: `  stakeledger diff /var/lib/other/stakeledger.db
  stakeledger diff other.db --json | jq '.[].coldkey'`,
		Args: exactArgs(1, false),
	}
	out := addOutput(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		there := *a
		there.db = args[0]
		if err := there.checkExists(cmd); err != nil {
			return fmt.Errorf("diff: %w", err)
		}
		return a.withReadOnly(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			other, err := ledger.OpenReadOnly(ctx, there.db, a.managerOptions(cmd))
			if err != nil {
				return fmt.Errorf("diff: %w", about(args[0], err))
			}
			return runAndClose(ctx, other, func(ctx context.Context, other *ledger.Ledger) error {
				found := []ledger.Divergence{}
				if err := l.Diff(ctx, other, func(d ledger.Divergence) error {
					found = append(found, d)
					return nil
				}); err != nil {
					return err
				}
				err := listOutput[ledger.Divergence]{out, diffHeader, diffCells, "Nothing differs.", timeSpan{}}.write(sequenceOf(found))
				if len(found) > 0 {
					return errors.Join(unlessQuiet(err), fmt.Errorf("diff %s: the ledgers differ in %s", there.name(), plural(int64(len(found)), "place", "places")))
				}
				return err
			})
		})
	}
	return cmd
}

var diffHeader = columns{
	[]string{"MINER", "EVENT", "FIELD", "HERE", "THERE"},
	nil,
}

func diffCells(d ledger.Divergence) []any {
	miner, event := any(none), none
	if d.Coldkey != "" {
		miner = d.Coldkey
	}
	if d.ExtrinsicID != "" {
		event = fmt.Sprintf("%s #%d", d.ExtrinsicID, d.EventIndex)
	}
	value := func(s string) any {
		if s == "" {
			return none
		}
		if address, err := chain.ParseAddress(s); err == nil {
			return address
		}
		return briefText{s, 21}
	}
	return []any{miner, briefText{event, 15}, d.Field, value(d.Here), value(d.There)}
}
