package main

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// rejectedRow is a rejected event, with the recorded values in conflict with it.
type rejectedRow struct {
	RejectedID     int64             `json:"rejected_id"`
	Coldkey        chain.Address     `json:"coldkey"`
	ExtrinsicID    string            `json:"extrinsic_id"`
	EventIndex     int64             `json:"event_index"`
	Reason         string            `json:"reason"`
	AcknowledgedAt *chain.Time       `json:"acknowledged_at"`
	Conflicts      []ledger.Conflict `json:"conflicts"`
}

var rejectedHeader = columns{
	[]string{"ID", "MINER", "EXTRINSIC", "REASON", "FIELD", "REJECTED", "RECORDED", "SEEN TO"},
	[]string{"SEEN TO", "EXTRINSIC", "RECORDED", "REJECTED", "FIELD"},
}

func (r rejectedRow) cells() []any {
	field, theirs, recorded := none, any(none), any(none)
	if len(r.Conflicts) > 0 {
		c := r.Conflicts[0]
		field, theirs, recorded = c.Field, briefText{c.Rejected, 14}, briefText{c.Recorded, 14}
		if more := len(r.Conflicts) - 1; more > 0 {
			field += fmt.Sprintf(" +%d", more)
		}
	}
	return []any{r.RejectedID, r.Coldkey, briefText{r.ExtrinsicID, 13}, r.Reason, field, theirs, recorded, r.AcknowledgedAt}
}

func newRejected(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rejected",
		Short: "List what could not be taken in, and see to it",
		Long: `List the events that could not be taken in and that nobody has acknowledged: of each conflict what
was rejected and what is on record. What was recorded first stands; a wrong record is put right
from a backup, or by making the ledger anew. unknown_miner is a notice: it goes when the miner is
registered and the input is taken in again.`,
		Example: `  stakeledger rejected
  stakeledger rejected acknowledge 3 4
  stakeledger rejected prune --older-than 720h`,
		Args: exactArgs(0, false),
	}
	out := addOutput(cmd)
	all := cmd.Flags().Bool("all", false, "list those too that were acknowledged")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.withList(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			return listOutput[rejectedRow]{out, rejectedHeader, rejectedRow.cells, "Nothing was rejected that is not acknowledged.", timeSpan{}}.write(rejectedRows(ctx, l, *all))
		})
	}
	cmd.AddCommand(newAcknowledge(a), newPruneRejected(a))
	return cmd
}

func rejectedRows(ctx context.Context, l *ledger.Ledger, all bool) iter.Seq2[rejectedRow, error] {
	return func(yield func(rejectedRow, error) bool) {
		for r, err := range rejectedAfter(ctx, l, 0) {
			if err == nil && r.AcknowledgedAt != nil && !all {
				continue
			}
			row := rejectedRow{
				RejectedID: r.RejectedID, Coldkey: r.Coldkey, ExtrinsicID: r.ExtrinsicID, EventIndex: r.EventIndex, Reason: r.Reason,
				AcknowledgedAt: r.AcknowledgedAt,
			}
			if err == nil {
				row.Conflicts, err = conflictsOf(ctx, l, r)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// conflictsOf are the values in which a rejected event and the one on record differ, if that is why it was rejected.
func conflictsOf(ctx context.Context, l *ledger.Ledger, r ledger.RejectedEvent) ([]ledger.Conflict, error) {
	if r.Reason != string(ledger.DuplicateConflict) {
		return []ledger.Conflict{}, nil
	}
	return l.Conflicts(ctx, r)
}

func newAcknowledge(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "acknowledge ID...|--all",
		Short: "Note that rejected events have been seen to",
		Long: `Note that rejected events have been seen to, by the ids that stakeledger rejected lists. They are
listed no more, and where the same events come again, that is no failure any more.`,
		Example: `  stakeledger rejected acknowledge 3 4
  stakeledger rejected acknowledge --all`,
	}
	all := cmd.Flags().Bool("all", false, "all that are not acknowledged")
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if *all == (len(args) > 0) {
			return usagef("give either ids or --all")
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var ids []int64
		for _, arg := range args {
			id, err := strconv.ParseInt(arg, 10, 64)
			if err != nil {
				return usagef("id %s: want a number that stakeledger rejected lists", chain.Quote(arg))
			}
			ids = append(ids, id)
		}
		return a.withExisting(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			if *all {
				for r, err := range rejectedRows(ctx, l, false) {
					if err != nil {
						return err
					}
					ids = append(ids, r.RejectedID)
				}
			}
			n, err := l.AcknowledgeRejected(ctx, ids...)
			if err != nil {
				return err
			}
			return writeText(cmd.OutOrStdout(), plural(n, "rejected event", "rejected events")+" acknowledged\n")
		})
	}
	return cmd
}

func newPruneRejected(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Delete rejected events that were acknowledged",
		Long: `Delete the rejected events that were acknowledged, all of them or those that were some time ago.
Events on record are not touched.`,
		Example: `  stakeledger rejected prune --older-than 720h`,
		Args:    exactArgs(0, false),
	}
	olderThan := addOption(cmd, "older-than", "DURATION", "only those acknowledged longer ago, as 30d", parseAge)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		before, err := chain.TimeOf(time.Now().Add(-olderThan.valueOr(0)).Truncate(time.Microsecond))
		if err != nil {
			return err
		}
		return a.withExisting(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			n, err := l.PruneRejected(ctx, before)
			if err != nil {
				return err
			}
			return writeText(cmd.OutOrStdout(), plural(n, "rejected event", "rejected events")+" deleted\n")
		})
	}
	return cmd
}
