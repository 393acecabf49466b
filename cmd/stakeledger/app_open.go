package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

// closeTimeout bounds how long a command waits at its end for the ledger to close.
const closeTimeout = 10 * time.Second

// withReadOnly runs fn on the ledger, opened read-only, also while another process writes it.
func (a *app) withReadOnly(cmd *cobra.Command, fn func(ctx context.Context, l *ledger.Ledger) error) error {
	if !a.onServer() { // on a server OpenReadOnly itself finds out
		if err := a.checkExists(cmd); err != nil {
			return err
		}
	}
	if a.standby != "" && !(a.onServer() && manager.IsURL(a.standby)) {
		return usagef("--standby is the URL of a standby of the PostgreSQL database that --db names; got --standby %s and --db %s", plainName(a.standby), a.name())
	}
	l, err := ledger.OpenReadOnly(cmd.Context(), a.db, a.managerOptions(cmd), ledger.WithStandby(a.standby))
	if err != nil {
		return err
	}
	return runAndClose(cmd.Context(), l, a.withLog(cmd, l, fn))
}

// withWritable runs fn on the ledger, which is created or brought up to date first.
func (a *app) withWritable(cmd *cobra.Command, fn func(ctx context.Context, l *ledger.Ledger) error, opts ...ledger.Option) error {
	if a.readOnly {
		return usagef("%s changes the ledger, and --read-only is given", cmd.CommandPath())
	}
	found, err := ledger.Exists(cmd.Context(), a.db, a.managerOptions(cmd))
	if err != nil {
		return err
	}
	if !found && a.noCreate {
		return fmt.Errorf("open %s: there is no ledger, and --no-create is given; --db names another", a.name())
	}
	l, err := ledger.Open(cmd.Context(), a.db, append(opts, a.managerOptions(cmd))...)
	if err != nil {
		return err
	}
	if !found {
		fmt.Fprintf(cmd.ErrOrStderr(), "created %s\n", escapeControls(a.name()))
	}
	return runAndClose(cmd.Context(), l, a.withLog(cmd, l, fn))
}

// withExisting is withWritable for a command that has nothing to do where there is no ledger yet.
func (a *app) withExisting(cmd *cobra.Command, fn func(ctx context.Context, l *ledger.Ledger) error) error {
	if err := a.checkExists(cmd); err != nil {
		return err
	}
	return a.withWritable(cmd, fn)
}

// runAndClose runs fn and closes l, also when the context has ended.
func runAndClose(ctx context.Context, l *ledger.Ledger, fn func(ctx context.Context, l *ledger.Ledger) error) (err error) {
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		err = errors.Join(err, l.Close(ctx))
	}()
	return fn(ctx, l)
}

// checkExists refuses a missing file, or a server's database without a ledger; an empty
// ledger is fine.
func (a *app) checkExists(cmd *cobra.Command) error {
	if a.onServer() {
		found, err := ledger.Exists(cmd.Context(), a.db, a.managerOptions(cmd))
		if err == nil && !found {
			err = fmt.Errorf("open %s: there is no ledger in it; stakeledger ingest makes one, --db names another", a.name())
		}
		return err
	}
	if _, err := os.Stat(a.db); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("open %s: there is no such file; stakeledger ingest creates a ledger, --db names another", a.db)
	}
	return nil
}

// ledgerSuffixes are the suffixes of the files of a ledger.
var ledgerSuffixes = []string{"", "-wal", "-shm", "-journal", "-lock", upkeepSuffix}

// notTheLedger refuses to open one of the ledger's own files, under whatever name. Closing it would drop the locks that
// the process has on it (fcntl(2)), and another program could then remove the log from under it.
func (a *app) notTheLedger(op, file string) error {
	info, err := os.Stat(file)
	if err != nil || a.onServer() {
		return nil // opening it reports the error
	}
	for _, suffix := range ledgerSuffixes {
		if own, err := os.Stat(a.db + suffix); err == nil && os.SameFile(info, own) {
			return fmt.Errorf("%s %s: that is a file of the ledger itself (--db %s); name another", op, file, a.db)
		}
	}
	return nil
}
