package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ingest"
	"github.com/stakeledger/stakeledger/ledger"
)

// ingestFlags say how events are ingested.
type ingestFlags struct {
	noRegister *bool
	tracking   *option[chain.Time]
	leaveLate  *bool
	lenient    *bool
	partial    *bool
	allowEmpty *bool
	json       *bool
}

func newIngest(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ingest FILE...",
		Short: "Take stake events in from files, or from standard input (-)",
		Long: `Take stake events in. The FILEs, or standard input for -, together are one input: neither the order
of the files nor that within one matters, and where a row of any is bad, nothing of any is applied.

A file holds JSON or CSV, as it is or packed with gzip; what it is, its contents tell: pages of
Taostats' delegation or event response, lists that events, trades or positions print with --json,
or JSON Lines or CSV of our own form.

An event that was taken in before is a duplicate and counts once. So running the same input again
is always safe, and it is how to go on after an interruption or a crash: the ledger will be the
same, to the rao.

What counts is the ledger's policy: see stakeledger policy.

Events may be ignored for a reason: before_tracking_start, invalid_netuid, zero_amounts,
no_open_position, excluded. They are rejected, and the exit code is 3, when the same event was
recorded with other contents (duplicate_conflict) or when a sum would not fit (overflow), until
somebody has acknowledged it: see stakeledger rejected. With --no-register the events of miners that
are not registered are set aside too (unknown_miner), as a notice: once the miner is registered, the
same input takes them in and clears it.

Where pages are missing, or a file holds no event, what is there is applied and the exit code is 4;
--partial and --allow-empty accept that.`,
		Example: `  stakeledger ingest delegations.json more.csv.gz
  stakeledger ingest page*.json
  stakeledger simulate --events 5000 | stakeledger ingest -
  stakeledger ingest --no-register --json events.jsonl`,
		Args: exactArgs(1, true),
	}
	f := ingestFlags{
		noRegister: cmd.Flags().Bool("no-register", false, "reject the events of miners that are not registered"),
		tracking:   addOption(cmd, "tracking-start", "TIME", "for miners that this registers: ignore their events before this time", parseMoment),
		leaveLate:  cmd.Flags().Bool("leave-late", false, "leave miners whose events came late marked, for stakeledger rebuild --marked to replay"),
		lenient:    cmd.Flags().Bool("lenient", false, "skip fields and columns that our own form does not have"),
		partial:    cmd.Flags().Bool("partial", false, "accept pages of which others are missing"),
		allowEmpty: cmd.Flags().Bool("allow-empty", false, "accept files that hold no event"),
		json:       addJSON(cmd),
	}
	cmd.RunE = func(cmd *cobra.Command, files []string) error { return ingestFiles(a, cmd, f, files) }
	return cmd
}

// ingestFiles opens the files before the ledger, and applies them as one input.
func ingestFiles(a *app, cmd *cobra.Command, f ingestFlags, files []string) error {
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel() // ends a read that still waits for input
	inputs, closeAll, err := a.openInputs(ctx, "ingest", cmd.InOrStdin(), files)
	if err != nil {
		return err
	}
	defer closeAll()
	name := inputNames(inputs)
	batch, err := ingest.Open(ingest.Options{Lenient: *f.lenient}, inputs...)
	if err != nil {
		return explainIngest(ctx, name, err)
	}
	events, stop, err := begunEvents(batch)
	if err != nil {
		return ofHowMany(explainIngest(ctx, name, err), batch.FilesRead(), len(files))
	}
	defer stop()
	if events == nil {
		if err := f.checkDoubts(batch); err != nil {
			return err
		}
		events = func(func(ledger.Event, error) bool) {}
	}
	return a.withWritable(cmd, func(ctx context.Context, l *ledger.Ledger) error {
		result, err := ingestBatch(ctx, cmd, l, f, events, name)
		if err != nil {
			return ofHowMany(explainIngest(ctx, name, err), batch.FilesRead(), len(files))
		}
		result.Inputs = batch.Counts()
		for _, in := range result.Inputs {
			a.logger(cmd).Info("read", slog.String("input", in.Name), slog.Int64("events", in.Events))
		}
		for _, field := range batch.UnknownFields() {
			fmt.Fprintf(cmd.ErrOrStderr(), "ingest %s: field %s is not one of ours and was skipped\n", name, field)
		}
		if *f.json {
			err = writeObject(cmd.OutOrStdout(), result)
		} else {
			err = result.write(cmd.OutOrStdout(), name)
		}
		if isBrokenPipe(err) {
			err = nil // the exit code also reports the events
		}
		return errors.Join(err, f.checkDoubts(batch), result.rejectionError(ctx, l))
	})
}

// begunEvents are the events of batch, of which the first is read: an input that is wrong from its beginning, or holds
// no event, must not create a ledger. Without an event they are nil. stop ends reading.
func begunEvents(batch *ingest.Batch) (events iter.Seq2[ledger.Event, error], stop func(), err error) {
	next, stop := iter.Pull2(batch.Events())
	event, err, more := next()
	if err != nil || !more {
		stop()
		return nil, func() {}, err
	}
	return func(yield func(ledger.Event, error) bool) {
		for more && yield(event, err) {
			event, err, more = next()
		}
	}, stop, nil
}

func ingestBatch(ctx context.Context, cmd *cobra.Command, l *ledger.Ledger, f ingestFlags, events iter.Seq2[ledger.Event, error], name string) (result ingestResult, err error) {
	before, err := lastRejected(ctx, l)
	if err != nil {
		return result, err
	}
	bar := newProgress(cmd.ErrOrStderr(), name)
	result.Summary, err = l.Apply(ctx, events, f.applyOptions(bar)...)
	bar.finish()
	if err == nil {
		result.New, result.more, err = rejectedSince(ctx, l, before)
	}
	return result, err
}

func (f ingestFlags) applyOptions(bar *progressBar) []ledger.ApplyOption {
	opts := []ledger.ApplyOption{ledger.OnProgress(bar.show)}
	if *f.noRegister {
		opts = append(opts, ledger.NoRegister())
	}
	if *f.leaveLate {
		opts = append(opts, ledger.LeaveLate())
	}
	if f.tracking.value != nil {
		opts = append(opts, ledger.TrackingStart(*f.tracking.value))
	}
	return opts
}

// checkDoubts returns doubtfulError if the input seems incomplete, unless a
// flag accepts that.
func (f ingestFlags) checkDoubts(batch *ingest.Batch) error {
	var lacks []string
	if err := batch.Incomplete(); err != nil && !*f.partial {
		lacks = append(lacks, fmt.Sprintf("%s; what is there was applied, --partial accepts that", err))
	}
	if empty := batch.Empty(); len(empty) > 0 && !*f.allowEmpty {
		name := strings.Join(empty, ", ")
		if len(empty) > 3 {
			name = fmt.Sprintf("%s and %d other files", empty[0], len(empty)-1)
		}
		lacks = append(lacks, fmt.Sprintf("%s: no event in it; --allow-empty accepts that", name))
	}
	if lacks == nil {
		return nil
	}
	return doubtf("ingest %s", strings.Join(lacks, "; "))
}

// explainIngest adds to an error what was left behind and what to do.
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

// ofHowMany says after an error how far reading got, if several files were to be read and not all were.
func ofHowMany(err error, read, all int) error {
	if all == 1 || read == all {
		return err
	}
	verb := "were"
	if read == 1 {
		verb = "was"
	}
	return fmt.Errorf("%w (%d of %d files %s read before)", err, read, all, verb)
}
