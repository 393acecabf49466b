package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ingest"
	"github.com/stakeledger/stakeledger/ledger"
)

// ingestFlags say how events are taken in.
type ingestFlags struct {
	noRegister *bool
	transfers  *option[string]
	minBlocks  *option[int64]
	selfTrades *option[string]
	tracking   *option[chain.Time]
	json       *bool
}

func newIngest(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ingest FILE...",
		Short: "Take stake events in from files, or from standard input (-)",
		Long: `Take stake events in. Each FILE, or standard input for -, is a delegation response of Taostats, or
JSON Lines or CSV of our own form; which one is told by its contents. Within one file the order
does not matter. Each file is taken in as a whole, one after the other: where a row is bad,
nothing of its file is applied.

An event that was taken in before is a duplicate and counts once. So running the same input again
is always safe, and it is how to go on after an interruption or a crash: the ledger will be the
same, to the rao.

Events may be ignored for a reason: before_tracking_start, invalid_netuid, zero_amounts,
no_open_position, excluded. They are rejected, and the exit code is 3, when the same event was
recorded with other contents (duplicate_conflict), when its miner is unknown and --no-register is
given (unknown_miner), or when a sum would not fit (overflow).`,
		Example: `  stakeledger ingest delegations.json more.csv
  stakeledger simulate --events 5000 | stakeledger ingest -
  stakeledger ingest --no-register --transfers exclude --json events.jsonl`,
		Args: takes(1, true),
	}
	f := ingestFlags{
		noRegister: cmd.Flags().Bool("no-register", false, "reject the events of miners that are not registered"),
		transfers:  addChoice(cmd, "transfers", "whether transfers of stake count as stakes and unstakes", "include", "exclude"),
		minBlocks:  addOption(cmd, "min-blocks", "BLOCKS", "how long a position must be held for its gain to count (default 360); 0: any time", parseCount),
		selfTrades: addChoice(cmd, "self-trades", "what the gain of a stake and unstake in one extrinsic counts", string(chain.SelfTradeZero), string(chain.SelfTradeClamp)),
		tracking:   addOption(cmd, "tracking-start", "TIME", "for miners that this registers: ignore their events before this time", chain.ParseTime),
		json:       addJSON(cmd),
	}
	cmd.RunE = func(cmd *cobra.Command, files []string) error {
		return a.writing(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			return ingestAll(ctx, cmd, l, f, files)
		})
	}
	return cmd
}

// ingestAll takes the files in, each by itself, and prints what became of those that were taken in, also when
// another one fails.
func ingestAll(ctx context.Context, cmd *cobra.Command, l *ledger.Ledger, f ingestFlags, files []string) error {
	var results []ingested
	var rejected int64
	err := func() error {
		for _, file := range files {
			result, err := ingestOne(ctx, cmd, l, f, file)
			if err != nil {
				return err
			}
			results = append(results, result)
			for _, n := range result.Rejected {
				rejected += n
			}
			if !*f.json {
				if err := result.write(cmd.OutOrStdout()); err != nil && !quiet(err) {
					return err
				}
			}
		}
		return nil
	}()
	if *f.json {
		if jsonErr := writeArray(cmd.OutOrStdout(), sequence(results)); !quiet(jsonErr) {
			err = errors.Join(err, jsonErr)
		}
	}
	if err == nil && rejected > 0 {
		err = &rejectedError{rejected}
	}
	return err
}

// ingestOne takes one file in.
func ingestOne(ctx context.Context, cmd *cobra.Command, l *ledger.Ledger, f ingestFlags, file string) (ingested, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // releases whoever still waits for more input
	in, err := openInput(ctx, "ingest", cmd.InOrStdin(), file)
	if err != nil {
		return ingested{}, err
	}
	defer in.Close()
	before, err := lastRejected(ctx, l)
	if err != nil {
		return ingested{}, explainIngest(ctx, in.name, err)
	}
	bar := newProgress(cmd.ErrOrStderr(), in.name)
	events := ingest.Read(in, in.name, ingest.Options{ExcludeTransfers: f.transfers.text == "exclude"})
	summary, err := l.Apply(ctx, events, f.options(bar)...)
	bar.finish()
	if err != nil {
		return ingested{}, explainIngest(ctx, in.name, err)
	}
	result := ingested{Input: in.name, Summary: summary}
	if result.New, result.more, err = rejectedSince(ctx, l, before); err != nil {
		return ingested{}, explainIngest(ctx, in.name, err)
	}
	return result, nil
}

func (f ingestFlags) options(bar *progress) []ledger.ApplyOption {
	opts := []ledger.ApplyOption{ledger.OnProgress(bar.show), ledger.SelfTrade(chain.SelfTradePolicy(f.selfTrades.text))}
	if f.minBlocks.value != nil {
		opts = append(opts, ledger.MinBlocks(*f.minBlocks.value))
	}
	if *f.noRegister {
		opts = append(opts, ledger.NoRegister())
	}
	if f.tracking.value != nil {
		opts = append(opts, ledger.TrackingStart(*f.tracking.value))
	}
	return opts
}

// explainIngest says what a failure left behind and what to do about it.
func explainIngest(ctx context.Context, name string, err error) error {
	if bad, ok := errors.AsType[*ingest.Error](err); ok && errors.Is(err, ledger.ErrInvalid) {
		return fmt.Errorf("ingest %w; nothing of this input was applied", bad)
	}
	switch {
	case errors.Is(err, ledger.ErrInvalid):
		return fmt.Errorf("ingest %s: %w; nothing of this input was applied", name, err)
	case ctx.Err() != nil:
		return fmt.Errorf("ingest %s: interrupted; running the same input again continues", name)
	default:
		return fmt.Errorf("ingest %s: %w; running the same input again continues", name, err)
	}
}
