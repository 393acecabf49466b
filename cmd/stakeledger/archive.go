package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// archiveFlags say what is archived.
type archiveFlags struct {
	olderThan *option[time.Duration]
	before    *option[chain.Time]
	miner     *option[minerName]
	rows      *option[int64]
}

func newArchive(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "archive",
		Short: "Archive positions closed long ago",
		Long: `Archive the positions whose last exit lies before a moment, with their closes, and each trade whose
positions are all archived. The lifetime figures of the report stay as they are; positions and
trades no longer list what is archived.

It goes in many short transactions, so others may write meanwhile, and may be interrupted: running
it again goes on.`,
		Example: `  stakeledger archive --older-than 168h
  stakeledger archive --before 2026-01-01T00:00:00Z --json`,
		Args: exactArgs(0, false),
	}
	f := archiveFlags{
		olderThan: addOption(cmd, "older-than", "DURATION", "last exit longer ago than this, such as 7d", parseAge),
		before:    addOption(cmd, "before", "TIME", "last exit before this time: "+timeWords, parseMoment),
		miner:     addMiner(cmd),
		rows:      addOption(cmd, "rows", "ROWS", "rows a transaction: fewer let others write sooner, more are faster (default 300)", parseBatch),
	}
	markExclusive(cmd, "older-than", "before")
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		before, err := f.cutoff()
		if err != nil {
			return err
		}
		return a.withExisting(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			return f.run(ctx, cmd, l, before, *asJSON)
		})
	}
	return cmd
}

// cutoff is the time before which a last exit must lie.
func (f archiveFlags) cutoff() (chain.Time, error) {
	if (f.olderThan.value == nil) == (f.before.value == nil) {
		return 0, usagef("give either --older-than or --before")
	}
	if f.before.value != nil {
		return *f.before.value, nil
	}
	return chain.TimeOf(time.Now().Add(-*f.olderThan.value).Truncate(time.Microsecond))
}

func (f archiveFlags) run(ctx context.Context, cmd *cobra.Command, l *ledger.Ledger, before chain.Time, asJSON bool) error {
	p := newProgress(cmd.ErrOrStderr(), "archive")
	defer p.finish()
	opts := []ledger.ArchiveOption{ledger.OnArchived(func(s ledger.ArchiveSummary) {
		p.show(ledger.Progress{Phase: "positions moved", Done: s.Positions})
	})}
	if f.miner.value != nil {
		m, err := f.miner.value.find(ctx, l)
		if err != nil {
			return err
		}
		opts = append(opts, ledger.OfMiner(m.Coldkey))
	}
	if f.rows.value != nil {
		opts = append(opts, ledger.ArchiveRows(int(*f.rows.value)))
	}
	s, err := l.ArchiveClosedPositions(ctx, before, opts...)
	p.finish()
	if err != nil {
		return err
	}
	if asJSON {
		return writeObject(cmd.OutOrStdout(), s)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "archived %s, %s and %s of %s\n", plural(s.Positions, "position", "positions"),
		plural(s.Closes, "close", "closes"), plural(s.Trades, "trade", "trades"), plural(s.Miners, "miner", "miners"))
	return err
}

// parseAge reads a duration that lies in the past.
func parseAge(s string) (time.Duration, error) {
	if d, ok := parseAgo(s); ok {
		return d, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("duration %s: want one such as 7d, 36h or 90m", chain.Quote(s))
	}
	return d, nil
}

// parseBatch reads how many rows a transaction may take.
func parseBatch(s string) (int64, error) {
	n, err := parseCount(s)
	if err != nil || n < 1 || n > 1_000_000 {
		return 0, fmt.Errorf("want a whole number from 1 to 1000000")
	}
	return n, nil
}
