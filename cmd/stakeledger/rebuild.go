package main

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/ledger"
)

// rebuildFlags say what is rebuilt and how it is shown.
type rebuildFlags struct {
	all   *bool
	limit limit
	json  *bool
}

func newRebuild(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rebuild COLDKEY|--all",
		Short: "Make a miner's positions anew from its events in order",
		Long: `Make the positions, trades, closes and figures of a miner, named by its coldkey, its current hotkey
or its current UID, anew from its events in the order of their time, as if none had come late, and
print what changed. Ids stay. Where the events came in order nothing changes.

Each miner is one step, all or nothing; with --all they come one after the other, others may write
in between, and after an interruption running it again is safe.`,
		Example: `  stakeledger rebuild 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY
  stakeledger rebuild --all --json`,
	}
	f := rebuildFlags{
		all:   cmd.Flags().Bool("all", false, "rebuild every miner"),
		limit: addLimit(cmd),
		json:  addJSON(cmd),
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if *f.all && len(args) > 0 {
			return usagef("give either a miner or --all, not both")
		}
		if !*f.all && len(args) == 0 {
			return usagef("an argument is missing: %s COLDKEY, or --all", cmd.CommandPath())
		}
		return takes(min(1, len(args)), false)(cmd, args)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name := &option[minerName]{}
		if !*f.all {
			named, err := parseMinerName(args[0])
			if err != nil {
				return usagef("%w", err)
			}
			name.value = &named
		}
		if err := a.exists(); err != nil {
			return err
		}
		return a.writing(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			return f.rebuild(ctx, cmd, l, name)
		})
	}
	return cmd
}

// rebuild rebuilds the named miner, or all, and prints each as it is done.
func (f rebuildFlags) rebuild(ctx context.Context, cmd *cobra.Command, l *ledger.Ledger, name *option[minerName]) error {
	var failed failures
	bar := newProgress(cmd.ErrOrStderr(), "rebuild")
	defer bar.finish()
	results := rebuilds(ctx, l, selected(ctx, l, name), &failed, bar)
	out := cmd.OutOrStdout()
	switch {
	case *f.json && *f.all:
		if err := writeArray(out, mapped(results, newRebuiltRow)); err != nil {
			return err
		}
	case *f.json:
		for r, err := range results {
			if err != nil {
				return err
			}
			return writeObject(out, newRebuiltRow(r))
		}
	default:
		if err := writeRebuilt(out, results, f.limit.rows.or(tableRows)); err != nil {
			return err
		}
	}
	return failed.error()
}

// rebuilt is what a rebuild changed of a miner.
type rebuilt struct {
	miner ledger.Miner
	ledger.RebuildResult
}

// rebuilds rebuilds one miner after the other as it is asked for the next. A miner that cannot be rebuilt is
// left as it is, and the others follow.
func rebuilds(ctx context.Context, l *ledger.Ledger, miners iter.Seq2[ledger.Miner, error], failed *failures, bar *progress) iter.Seq2[rebuilt, error] {
	return func(yield func(rebuilt, error) bool) {
		done := int64(0)
		for m, err := range miners {
			var result ledger.RebuildResult
			if err == nil {
				result, err = l.Rebuild(ctx, m.Coldkey)
			}
			if err != nil && m.Coldkey != "" && errors.Is(err, ledger.ErrInvalid) {
				failed.add(fmt.Errorf("rebuild miner %s: %w", m.Coldkey, err))
				continue
			}
			if done++; err == nil {
				bar.show(ledger.Progress{Phase: "miners", Done: done})
			}
			if !yield(rebuilt{m, result}, err) || err != nil {
				return
			}
		}
		bar.finish()
	}
}

// failures counts what failed while the rest went on.
type failures struct {
	n     int64
	first error
}

func (f *failures) add(err error) {
	if f.n++; f.n == 1 {
		f.first = err
	}
}

func (f *failures) error() error {
	if f.n > 1 {
		return fmt.Errorf("%d miners could not be rebuilt and are as they were; the first: %w", f.n, f.first)
	}
	return f.first
}

// mapped is a sequence with each of its rows made into another.
func mapped[T, R any](rows iter.Seq2[T, error], made func(T) R) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		for row, err := range rows {
			var out R
			if err == nil {
				out = made(row)
			}
			if !yield(out, err) {
				return
			}
		}
	}
}
