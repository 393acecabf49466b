package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

func newSync(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sync FILE",
		Short: "Make the registrations those of a metagraph",
		Long: `Make the current registrations exactly those of a metagraph: what FILE, or standard input for -,
does not hold ends, what is new starts, and what stands on both sides is left alone. It is one step:
all of it or, where a line is bad, nothing.

FILE has one UID a line, either as JSON objects with uid, hotkey and coldkey, or as CSV with these
columns in its header; other fields are not looked at. Coldkeys that are not known become miners. A
miner that loses its last UID is inactive then, an inactive one that holds a UID is active again,
and a blacklisted one stays blacklisted.

A file without any row is refused, since a download that failed looks like that; --empty ends every
registration.`,
		Example: `  stakeledger sync metagraph.jsonl
  stakeledger sync - --at 2026-01-31T00:00:00Z --json`,
		Args: takes(1, false),
	}
	at := addOption(cmd, "at", "TIME", "when the registrations end and start (default now)", chain.ParseTime)
	empty := cmd.Flags().Bool("empty", false, "take a file without rows as a metagraph without UIDs")
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if at.value != nil && *at.value <= 0 {
			return usagef("--at %s: want a time after 1970-01-01T00:00:00Z", at)
		}
		rows, err := openMetagraph(cmd, args[0])
		if err != nil {
			return err
		}
		if len(rows) == 0 && !*empty {
			return fmt.Errorf("sync %s: it holds no row, which would end every registration; --empty does that", args[0])
		}
		return a.writing(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			result, err := l.SyncMetagraph(ctx, rows, at.or(0))
			if err != nil {
				return fmt.Errorf("sync %s: %w; nothing of this input was applied", args[0], err)
			}
			return writeSynced(cmd, result, *asJSON)
		})
	}
	return cmd
}

// openMetagraph reads the rows of a file or standard input, before any ledger is open.
func openMetagraph(cmd *cobra.Command, file string) ([]ledger.MetagraphRow, error) {
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel() // releases whoever still waits for more input
	in, err := openInput(ctx, "sync", cmd.InOrStdin(), file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return readMetagraph(in, in.name)
}

func writeSynced(cmd *cobra.Command, r ledger.SyncResult, asJSON bool) error {
	if asJSON {
		return writeObject(cmd.OutOrStdout(), r)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s started and %d ended; %s, %d inactive, %d active again\n",
		plural(r.Started, "registration", "registrations"), r.Ended, plural(r.NewMiners, "new miner", "new miners"), r.Deactivated, r.Reactivated)
	return err
}
