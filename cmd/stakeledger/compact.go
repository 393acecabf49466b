package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/ledger"
)

// compactResult is the size of the ledger's files before and after.
type compactResult struct {
	Before int64 `json:"bytes_before"`
	After  int64 `json:"bytes_after"`
}

func newCompact(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "compact",
		Short: "Give the space that holds nothing back to the disk",
		Long: `Write the ledger's file anew without the space that holds nothing, and print its size before and
after. The disk must have room for it once more. Who writes meanwhile waits; reading goes on.
PostgreSQL does this by itself.`,
		Example: `  stakeledger compact`,
		Args:    exactArgs(0, false),
	}
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := a.onlyFiles("compact", "psql --command='VACUUM (FULL, ANALYZE)' "+shellQuoted(a.name())+" rewrites the tables, which nobody reads meanwhile; without it autovacuum reuses the space"); err != nil {
			return err
		}
		size := compactResult{Before: a.fileBytes()}
		if err := a.withExisting(cmd, func(ctx context.Context, l *ledger.Ledger) error { return l.Compact(ctx) }); err != nil {
			return err
		}
		size.After = a.fileBytes()
		a.recordUpkeep(cmd, func(u *upkeepLog, d *upkeepRun) { u.Compact = d }, upkeepRun{OK: true})
		if *asJSON {
			return writeObject(cmd.OutOrStdout(), size)
		}
		return writeText(cmd.OutOrStdout(), fmt.Sprintf("compacted %s: %s before, %s after\n", escapeControls(a.db), bytesText(size.Before), bytesText(size.After)))
	}
	return cmd
}

// fileBytes is how large the ledger's file and its log are.
func (a *app) fileBytes() (bytes int64) {
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(a.db + suffix); err == nil {
			bytes += info.Size()
		}
	}
	return bytes
}

// bytesText is a size for people.
func bytesText(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
}
