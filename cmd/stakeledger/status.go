package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

func newStatus(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status MINER active|inactive|blacklisted",
		Short: "Set a miner's status",
		Long: `Set the status of a miner, named by its coldkey, its current hotkey or its current UID. A
blacklisted miner stays blacklisted, whatever else happens to it, until this command says
otherwise; its events are still recorded.`,
		Example: `  stakeledger status 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY blacklisted`,
		Args:    exactArgs(2, false),
	}
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name, err := parseMinerName(args[0])
		if err != nil {
			return usagef("%w", err)
		}
		status, err := chain.ParseMinerStatus(args[1])
		if err != nil {
			return usagef("%w", err)
		}
		return a.withExisting(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			m, err := name.find(ctx, l)
			if err != nil {
				return err
			}
			if m, err = l.UpdateMinerStatus(ctx, m.Coldkey, status); err != nil {
				return err
			}
			return writeMiner(ctx, cmd, l, m, *asJSON)
		})
	}
	return cmd
}
