package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ingest"
	"github.com/stakeledger/stakeledger/ledger"
)

// syncFlags say how a metagraph is taken.
type syncFlags struct {
	at         *option[chain.Time]
	partial    *bool
	allowEmpty *bool
	force      *bool
	json       *bool
}

func newSync(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sync FILE...",
		Short: "Make the registrations those of a metagraph",
		Long: `Make the current registrations exactly those of a metagraph: what the FILEs, or standard input for
-, do not hold ends, what is new starts, and what stands on both sides is left alone. It is one
step: all of it or, where a line is bad, nothing.

The FILEs together are one metagraph: Taostats' metagraph response, its pages in any order, or one
row per UID, as JSON objects with uid, hotkey and coldkey, or as CSV with these columns in its
header; other fields are not looked at. Coldkeys that are not known become miners. A miner that
loses its last UID is inactive then, an inactive one that holds a UID is active again, and a
blacklisted one stays blacklisted.

A download that failed looks like a metagraph with fewer UIDs, which would end the others. So what
is not all there is refused, with exit code 4: pages of which some are missing (--partial takes
them), no row at all (--allow-empty ends every registration), and rows without more than a tenth of
the UIDs that are held (--force ends these).`,
		Example: `  stakeledger sync metagraph.json
  stakeledger sync page*.json
  stakeledger sync - --at 2026-01-31T00:00:00Z --json`,
		Args: exactArgs(1, true),
	}
	f := syncFlags{
		at:         addOption(cmd, "at", "TIME", "when the registrations end and start (default now)", parseMoment),
		partial:    cmd.Flags().Bool("partial", false, "take the pages that are there for the whole metagraph"),
		allowEmpty: cmd.Flags().Bool("allow-empty", false, "take no rows for a metagraph without UIDs"),
		force:      cmd.Flags().Bool("force", false, "end the UIDs that are not there, however many"),
		json:       addJSON(cmd),
	}
	cmd.RunE = func(cmd *cobra.Command, files []string) error {
		rows, err := a.openMetagraph(cmd, f, files)
		if err != nil {
			return err
		}
		return a.withWritable(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			return syncMetagraph(ctx, cmd, l, f, files, rows)
		})
	}
	return cmd
}

// openMetagraph reads the rows of files or standard input, before any ledger is open.
func (a *app) openMetagraph(cmd *cobra.Command, f syncFlags, files []string) ([]ledger.MetagraphRow, error) {
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel() // releases whoever still waits for more input
	inputs, closeAll, err := a.openInputs(ctx, "sync", cmd.InOrStdin(), files)
	if err != nil {
		return nil, err
	}
	defer closeAll()
	rows, err := ingest.ReadMetagraph(ingest.Options{Partial: *f.partial}, inputs...)
	if bad, ok := errors.AsType[*ingest.IncompleteError](err); ok {
		return nil, doubtf("sync %s; nothing of it was applied, --partial takes what is there for the whole", bad)
	}
	if err != nil {
		return nil, fmt.Errorf("sync %w; nothing of this input was applied", err)
	}
	if len(rows) == 0 && !*f.allowEmpty {
		return nil, doubtf("sync %s: no row in it, which would end every registration; --allow-empty does that", inputNames(inputs))
	}
	return rows, nil
}

func syncMetagraph(ctx context.Context, cmd *cobra.Command, l *ledger.Ledger, f syncFlags, files []string, rows []ledger.MetagraphRow) error {
	if len(rows) > 0 && !*f.force {
		if err := checkShrinking(ctx, l, files, rows); err != nil {
			return err
		}
	}
	result, err := l.SyncMetagraph(ctx, rows, f.at.valueOr(0))
	if err != nil {
		return fmt.Errorf("sync %s: %w; nothing of this input was applied", strings.Join(files, ", "), err)
	}
	return writeSynced(cmd, result, *f.json)
}

// checkShrinking refuses rows without more than a tenth of the UIDs that are held.
func checkShrinking(ctx context.Context, l *ledger.Ledger, files []string, rows []ledger.MetagraphRow) error {
	there := make(map[chain.UID]bool, len(rows))
	for _, r := range rows {
		there[r.UID] = true
	}
	held, gone := 0, 0
	for r, err := range allPages(func(p ledger.Page[ledger.RecordedRegistration]) ([]ledger.RecordedRegistration, error) {
		return l.CurrentRegistrations(ctx, p)
	}) {
		if err != nil {
			return err
		}
		held++
		if !there[r.UID] {
			gone++
		}
	}
	if gone*10 > held {
		return doubtf("sync %s: %d of the %d UIDs that are held are not there, which looks like a download that failed; nothing of it was applied, --force ends them",
			strings.Join(files, ", "), gone, held)
	}
	return nil
}

func writeSynced(cmd *cobra.Command, r ledger.SyncResult, asJSON bool) error {
	if asJSON {
		return writeObject(cmd.OutOrStdout(), r)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s started and %d ended; %s, %d inactive, %d active again\n",
		plural(r.Started, "registration", "registrations"), r.Ended, plural(r.NewMiners, "new miner", "new miners"), r.Deactivated, r.Reactivated)
	return err
}
