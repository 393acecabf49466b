package main

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/ledger"
)

func newCopy(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "copy FROM TO",
		Short: "Copy a whole ledger between a file and PostgreSQL",
		Long: `Copy the ledger FROM to TO, which must hold nothing yet. Either may be a file or the URL of a
PostgreSQL database. Everything is copied, ids too, so both print the same to the byte; at last
every row is compared. Until then no other command opens TO.

It reads one snapshot of FROM. What is written there meanwhile is not in the copy, so stop what
writes first, or ingest the same input into TO afterwards.

After an interruption the same call goes on where it was, as long as FROM has not changed.`,
		Example: `  stakeledger copy stakeledger.db postgres://me@db.example/ledger
  stakeledger copy postgres://me@db.example/ledger ledger.db --json`,
		Args: exactArgs(2, false),
	}
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if a.readOnly {
			return usagef("%s makes a ledger, and --read-only is given", cmd.CommandPath())
		}
		a.db = args[0]
		if err := a.checkExists(cmd); err != nil {
			return err
		}
		if err := a.checkCopyTo(cmd, args[1]); err != nil {
			return err
		}
		p := newProgress(cmd.ErrOrStderr(), "copy")
		defer p.finish()
		s, err := ledger.Copy(cmd.Context(), args[0], args[1], ledger.CopyManager(a.managerFlags(cmd)...), ledger.OnCopied(func(now ledger.Progress) {
			p.show(now)
			a.logger(cmd).Debug(string(now.Phase), slog.Int64("rows", now.Done), slog.Int64("of", now.Total))
		}))
		p.finish()
		if err != nil {
			return err
		}
		s.From, s.To = plainName(args[0]), plainName(args[1])
		if *asJSON {
			return writeObject(cmd.OutOrStdout(), s)
		}
		return writeText(cmd.OutOrStdout(), copyText(s))
	}
	return cmd
}

// checkCopyTo looks at the place of a copy, of which messages speak from now on.
func (a *app) checkCopyTo(cmd *cobra.Command, to string) error {
	if a.db = to; to == "" {
		return usagef("TO is empty; give the path of a file, or a URL")
	}
	if !a.noCreate {
		return nil
	}
	found, err := ledger.Exists(cmd.Context(), to, a.managerOptions(cmd))
	if err == nil && !found {
		err = fmt.Errorf("open %s: there is no ledger, and --no-create is given", a.name())
	}
	return err
}

func copyText(s ledger.CopySummary) string {
	verb := "copied"
	if s.Resumed {
		verb = "went on and copied"
	}
	var parts []string
	for _, name := range []struct{ table, one, many string }{
		{"miners", "miner", "miners"}, {"events", "event", "events"}, {"positions", "position", "positions"}, {"trades", "trade", "trades"}, {"closes", "close", "closes"},
	} {
		parts = append(parts, plural(s.Rows[name.table], name.one, name.many))
	}
	return fmt.Sprintf("%s %s from %s to %s; every row was compared\n", verb, strings.Join(parts, ", "), escapeControls(s.From), escapeControls(s.To))
}
