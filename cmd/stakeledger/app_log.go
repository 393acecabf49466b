package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

// logger writes to standard error: warnings; with -v what the command does, with files, counts and durations; with -vv
// also what the database does underneath.
func (a *app) logger(cmd *cobra.Command) *slog.Logger {
	level := slog.LevelWarn
	switch {
	case a.verbose > 1:
		level = slog.LevelDebug
	case a.verbose == 1:
		level = slog.LevelInfo
	}
	opts := &slog.HandlerOptions{Level: level}
	if a.logFormat.text == "json" {
		return slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), opts))
	}
	return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), opts))
}

// managerOptions are the options of the manager that the flags of the root set. Warnings about slow transactions are
// shown only with -vv, since the user sees that the command is slow.
func (a *app) managerOptions(cmd *cobra.Command) ledger.Option {
	return ledger.WithManager(a.managerFlags(cmd)...)
}

// managerFlags are the same by themselves.
func (a *app) managerFlags(cmd *cobra.Command) []manager.Option {
	opts := []manager.Option{manager.WithLogger(a.logger(cmd)), manager.WithRetryBudget(a.timeout.valueOr(defaultTimeout)),
		manager.WithMaxQueueWait(max(a.timeout.valueOr(0), 30*time.Second))}
	if a.verbose < 2 {
		opts = append(opts, manager.WithSlowWarnings(0, 0, 0))
	}
	return opts
}

// withLog runs fn on an open ledger and logs the file and how long it took.
func (a *app) withLog(cmd *cobra.Command, l *ledger.Ledger, fn func(context.Context, *ledger.Ledger) error) func(context.Context, *ledger.Ledger) error {
	return func(ctx context.Context, _ *ledger.Ledger) error {
		began := time.Now()
		opened := []any{slog.String("file", a.name())}
		if info, err := os.Stat(a.db); err == nil {
			opened = append(opened, slog.Int64("bytes", info.Size()))
		}
		a.logger(cmd).Info("opened", opened...)
		err := fn(ctx, l)
		stats := l.Stats()
		done := []any{slog.String("command", cmd.Name()), slog.Duration("took", time.Since(began).Round(time.Microsecond)),
			slog.Uint64("commits", uint64(stats.Commits)), slog.Bool("failed", err != nil)}
		if a.standby != "" {
			done = append(done, slog.Bool("standby", stats.StandbyReads > 0))
		}
		a.logger(cmd).Info("done", done...)
		return err
	}
}
