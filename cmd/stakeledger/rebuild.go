package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/ledger"
)

// rebuildFlags say what is rebuilt and how it is shown.
type rebuildFlags struct {
	all    *bool
	marked *bool
	policy *bool
	limit  rowLimit
	json   *bool
}

func newRebuild(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rebuild COLDKEY|--marked|--all",
		Short: "Make a miner's positions anew from its events in order",
		Long: `Make the positions, trades, closes and figures of a miner, named by its coldkey, its current hotkey
or its current UID, anew from its events in the order of their time, as if none had come late, and
print what changed. Ids stay. Where the events came in order nothing changes.

--marked rebuilds the miners that wait for a replay, each from its oldest late event on. With
--policy the events are handled under the ledger's policy of now, which is stored on them, instead
of the one that each was handled under; see stakeledger policy.

Each miner is one step, all or nothing; with --all or --marked they come one after the other, others
may write in between, and after an interruption running it again is safe.`,
		Example: `  stakeledger rebuild 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY
  stakeledger rebuild --marked
  stakeledger rebuild --all --policy --json`,
	}
	f := rebuildFlags{
		all:    cmd.Flags().Bool("all", false, "rebuild every miner"),
		marked: cmd.Flags().Bool("marked", false, "rebuild the miners that wait for a replay"),
		policy: cmd.Flags().Bool("policy", false, "handle the events under the ledger's policy of now"),
		limit:  addLimit(cmd),
		json:   addJSON(cmd),
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		switch several := *f.all || *f.marked; {
		case *f.all && *f.marked || several && len(args) > 0:
			return usagef("give a miner, --marked or --all, one of them")
		case *f.marked && *f.policy:
			return usagef("--policy needs all events of a miner; give the miner or --all")
		case !several && len(args) == 0:
			return usagef("an argument is missing: %s COLDKEY, --marked or --all", cmd.CommandPath())
		}
		return exactArgs(min(1, len(args)), false)(cmd, args)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name := &option[minerName]{}
		if len(args) > 0 {
			named, err := parseMinerName(args[0])
			if err != nil {
				return usagef("%w", err)
			}
			name.value = &named
		}
		return a.withExisting(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			return f.run(ctx, cmd, l, name)
		})
	}
	return cmd
}

// run rebuilds the named miner, or all, and prints each as it is done.
func (f rebuildFlags) run(ctx context.Context, cmd *cobra.Command, l *ledger.Ledger, name *option[minerName]) error {
	var failed failureCount
	bar := newProgress(cmd.ErrOrStderr(), "rebuild")
	defer bar.finish()
	results := f.rebuildEach(ctx, l, selectedMiners(ctx, l, name), &failed, bar)
	out := cmd.OutOrStdout()
	switch {
	case *f.json && name.value == nil:
		if err := writeArray(out, ofMiner(results, func(r rebuildOfMiner) (rebuiltRow, bool) { return newRebuiltRow(r), true })); err != nil {
			return err
		}
	case *f.json:
		for r, err := range results {
			if err != nil {
				return err
			}
			if err := writeObject(out, newRebuiltRow(r)); err != nil {
				return err
			}
		}
	default:
		if err := writeRebuilt(out, results, f.limit.rows.valueOr(tableRows)); err != nil {
			return err
		}
	}
	if *f.policy {
		if _, err := l.RefreshPolicy(ctx); err != nil {
			return err
		}
	}
	return failed.error()
}

// rebuildOfMiner is what a rebuild changed of a miner.
type rebuildOfMiner struct {
	miner ledger.Miner
	ledger.RebuildResult
}

// rebuildEach rebuilds one miner after the other as it is asked for the next. A miner that cannot be rebuilt is
// left as it is, and the others follow.
func (f rebuildFlags) rebuildEach(ctx context.Context, l *ledger.Ledger, miners iter.Seq2[ledger.Miner, error], failed *failureCount, bar *progressBar) iter.Seq2[rebuildOfMiner, error] {
	if *f.marked {
		return replayMarked(ctx, l, failed, bar)
	}
	var opts []ledger.RebuildOption
	if *f.policy {
		opts = append(opts, ledger.UnderPolicy())
	}
	return func(yield func(rebuildOfMiner, error) bool) {
		done := int64(0)
		for m, err := range miners {
			var result ledger.RebuildResult
			if err == nil {
				result, err = l.Rebuild(ctx, m.Coldkey, opts...)
			}
			if err != nil && m.Coldkey != "" && errors.Is(err, ledger.ErrInvalid) {
				failed.add(fmt.Errorf("rebuild miner %s: %w", m.Coldkey, err))
				continue
			}
			if done++; err == nil {
				bar.show(ledger.Progress{Phase: "miners", Done: done})
			}
			if !yield(rebuildOfMiner{m, result}, err) || err != nil {
				return
			}
		}
		bar.finish()
	}
}

// replayMarked replays the marked miners, one after the other.
func replayMarked(ctx context.Context, l *ledger.Ledger, failed *failureCount, bar *progressBar) iter.Seq2[rebuildOfMiner, error] {
	return func(yield func(rebuildOfMiner, error) bool) {
		done, more := int64(0), true
		var failure error
		err := l.RebuildMarked(ctx, func(r ledger.RebuildResult) {
			m, err := l.Miner(ctx, r.MinerID)
			failure = cmp.Or(failure, err)
			done++
			bar.show(ledger.Progress{Phase: "miners", Done: done})
			more = more && err == nil && yield(rebuildOfMiner{m, r}, nil)
		})
		bar.finish()
		if errors.Is(err, ledger.ErrInvalid) && failure == nil {
			failed.add(err)
			err = nil
		}
		if err = cmp.Or(failure, err); err != nil && more {
			yield(rebuildOfMiner{}, err)
		}
	}
}

// failureCount counts what failed while the rest went on.
type failureCount struct {
	n     int64
	first error
}

func (f *failureCount) add(err error) {
	if f.n++; f.n == 1 {
		f.first = err
	}
}

func (f *failureCount) error() error {
	if f.n > 1 {
		return fmt.Errorf("%d miners could not be rebuilt and are as they were; the first: %w", f.n, f.first)
	}
	return f.first
}
