package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

func newBackup(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup DEST",
		Short: "Copy the ledger to a file while it is in use",
		Long: `Copy the ledger to the file DEST while others read and write it. The copy is one snapshot. It is
checked, brought to the disk, and appears at DEST in one step; whatever interrupts it leaves
nothing there. The write-ahead log beside the ledger grows while the copy is made.

Of a ledger on PostgreSQL pg_dump makes a backup; the error names the whole call.`,
		Example: `  stakeledger backup /mnt/backup/ledger-2026-01-01.db
  stakeledger --db ledger.db backup --overwrite ledger.bak`,
		Args: exactArgs(1, false),
	}
	overwrite := cmd.Flags().Bool("overwrite", false, "replace DEST, once the new copy is whole")
	quick := cmd.Flags().Bool("quick", false, "check the copy in a third of the time, without comparing indexes with their tables")
	unchecked := cmd.Flags().Bool("unchecked", false, "keep a copy that is damaged, to save what is left of a damaged ledger")
	markExclusive(cmd, "quick", "unchecked")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := a.onlyFiles("backup", "pg_dump --format=custom --file="+shellQuoted(args[0])+" "+shellQuoted(a.name())+
			" while it is in use, or pg_basebackup --wal-method=stream --pgdata="+shellQuoted(args[0])+" --dbname="+shellQuoted(a.name())+" and archived WAL for any point in time"); err != nil {
			return err
		}
		p := newProgress(cmd.ErrOrStderr(), "backup")
		defer p.finish()
		opts := []manager.BackupOption{manager.OnBackupProgress(func(now manager.BackupProgress) {
			p.show(ledger.Progress{Phase: ledger.Phase(now.Phase), Done: int64(now.Done), Total: int64(now.Total)})
		})}
		switch {
		case *quick:
			opts = append(opts, manager.QuickCheck())
		case *unchecked:
			opts = append(opts, manager.Unchecked())
		}
		if *overwrite {
			opts = append(opts, manager.Overwrite())
		}
		return a.withReadOnly(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			err := l.Backup(ctx, args[0], opts...)
			p.finish()
			if errors.Is(err, fs.ErrExist) && !*overwrite {
				return fmt.Errorf("%w; --overwrite replaces it", err)
			}
			if err != nil {
				return err
			}
			a.recordUpkeep(cmd, func(u *upkeepLog, d *upkeepRun) { u.Backup = d }, upkeepRun{File: args[0], OK: !*unchecked})
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "backed up to %s\n", escapeControls(args[0]))
			return err
		})
	}
	return cmd
}

func newRestore(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore SRC",
		Short: "Make the ledger's file from a backup",
		Long: `Copy the backup SRC to the ledger's file, which must not exist: nothing is ever overwritten. A file
that is damaged, another program's, or of a newer version is refused. The ledger appears in one
step, once it is whole and checked.

A ledger on PostgreSQL is restored by pg_restore; the error names the whole call.`,
		Example: `  stakeledger --db ledger.db restore /mnt/backup/ledger-2026-01-01.db`,
		Args:    exactArgs(1, false),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if a.readOnly {
			return usagef("%s makes a ledger, and --read-only is given", cmd.CommandPath())
		}
		if err := a.onlyFiles("restore", "pg_restore --exit-on-error --single-transaction --no-owner --dbname="+shellQuoted(a.name())+" "+shellQuoted(args[0])+" into an empty database"); err != nil {
			return err
		}
		if err := ledger.Restore(cmd.Context(), args[0], a.db, a.managerFlags(cmd)...); err != nil {
			if errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("%w; move it away first, or name another file with --db", err)
			}
			if isOfContents(err) {
				return about(args[0], err)
			}
			return err
		}
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "restored %s from %s\n", escapeControls(a.db), escapeControls(args[0]))
		return err
	}
	return cmd
}
