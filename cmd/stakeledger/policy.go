package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

func newPolicy(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Show or set the rules by which events count",
		Long: `Show the ledger's policy: how many blocks a position must be held for its gain to count, what a
stake and unstake in one extrinsic gains, whether transfers of stake count, and how many days scores
look back. Every event is handled under it, and every figure stands under it.`,
		Example: `  stakeledger policy --json
  stakeledger policy set --min-blocks 0 --transfers exclude`,
		Args: exactArgs(0, false),
	}
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.withReadOnly(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			p, err := l.Policy(ctx)
			if err != nil {
				return err
			}
			return showPolicy(cmd, p, *asJSON)
		})
	}
	cmd.AddCommand(newPolicySet(a))
	return cmd
}

func newPolicySet(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "set",
		Short: "Set the policy, or parts of it",
		Long: `Set the policy, or the parts of it that are named. It makes the ledger where there is none yet. What
is recorded stays as it was handled, and reports say so, until stakeledger rebuild --all --policy.`,
		Example: `  stakeledger policy set --min-blocks 360 --self-trades zero --transfers include --lookback 21`,
		Args:    exactArgs(0, false),
	}
	minBlocks := addOption(cmd, "min-blocks", "BLOCKS", "how long a position must be held for its gain to count; 0: any time", parseCount)
	selfTrades := addOption(cmd, "self-trades", "zero|clamp", "what the gain of a stake and unstake in one extrinsic counts", chain.ParseSelfTradePolicy)
	transfers := addOption(cmd, "transfers", "include|exclude", "whether transfers of stake count as stakes and unstakes", chain.ParseTransferPolicy)
	lookback := addOption(cmd, "lookback", "DAYS", "how many days before count for scores as well", parseCount)
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if minBlocks.value == nil && selfTrades.value == nil && transfers.value == nil && lookback.value == nil {
			return usagef("nothing to set; see %s --help", cmd.CommandPath())
		}
		return a.withWritable(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			p, err := l.Policy(ctx)
			if err != nil {
				return err
			}
			p.MinBlocks, p.SelfTrade = minBlocks.valueOr(p.MinBlocks), selfTrades.valueOr(p.SelfTrade)
			p.Transfers, p.LookbackDays = transfers.valueOr(p.Transfers), int(lookback.valueOr(int64(p.LookbackDays)))
			if p, err = l.SetPolicy(ctx, p); err != nil {
				return impossibleIsUsage(err)
			}
			return showPolicy(cmd, p, *asJSON)
		})
	}
	return cmd
}

func showPolicy(cmd *cobra.Command, p ledger.Policy, asJSON bool) error {
	if asJSON {
		return writeObject(cmd.OutOrStdout(), p)
	}
	return writeNote(cmd.OutOrStdout(), policyText(p))
}
