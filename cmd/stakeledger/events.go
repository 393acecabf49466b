package main

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// outcomeRejected stands beside the outcomes of recorded events.
const outcomeRejected = "rejected"

// eventRow is an event as JSON has it. A rejected one has no id, and is never recorded out of order.
type eventRow struct {
	EventID     *int64          `json:"event_id"`
	Coldkey     chain.Address   `json:"coldkey"`
	Hotkey      chain.Address   `json:"hotkey"`
	Kind        chain.EventKind `json:"kind"`
	Netuid      chain.Netuid    `json:"netuid"`
	ExtrinsicID string          `json:"extrinsic_id"`
	EventIndex  int64           `json:"event_index"`
	Block       int64           `json:"block"`
	Time        chain.Time      `json:"time"`
	TAO         chain.Rao       `json:"tao"`
	Alpha       chain.Rao       `json:"alpha"`
	Transfer    *bool           `json:"transfer"` // nil: not known, as are fee and usd
	Fee         *chain.Rao      `json:"fee"`
	USD         *chain.USD      `json:"usd"`
	Outcome     string          `json:"outcome"`
	Reason      *string         `json:"reason"` // nil: applied
	OutOfOrder  bool            `json:"out_of_order"`
}

func newEventRow(m ledger.Miner, e ledger.RecordedEvent) eventRow {
	transfer := e.IsTransfer
	if e.Reason != nil && *e.Reason == chain.Excluded {
		transfer = new(true) // read again, the row is excluded where this one was
	}
	return eventRow{
		EventID: &e.EventID, Coldkey: m.Coldkey, Hotkey: e.Hotkey, Kind: e.Kind, Netuid: e.Netuid,
		ExtrinsicID: e.ExtrinsicID, EventIndex: e.EventIndex, Block: e.Block, Time: e.Time, TAO: e.TAO, Alpha: e.Alpha,
		Transfer: transfer, Fee: e.Fee, USD: e.USD, Outcome: string(e.Outcome), Reason: (*string)(e.Reason), OutOfOrder: e.OutOfOrder,
	}
}

// newRejectedRow takes the event's contents from its payload, a line of the project's own form.
func newRejectedRow(r ledger.RejectedEvent) (eventRow, error) {
	var row eventRow
	if err := json.Unmarshal([]byte(r.Payload), &row); err != nil {
		return eventRow{}, &ledger.Error{Op: "read rejected event", Subject: chain.Quote(r.Payload), Err: err}
	}
	row.EventID, row.Outcome, row.Reason, row.OutOfOrder = nil, outcomeRejected, &r.Reason, false
	row.Coldkey, row.ExtrinsicID, row.EventIndex = r.Coldkey, r.ExtrinsicID, r.EventIndex
	return row, nil
}

var eventHeader = columns{
	[]string{"MINER", "EXTRINSIC", "KIND", "NETUID", "TIME (UTC)", "TAO", "OUTCOME"},
	[]string{"NETUID", "EXTRINSIC", "KIND", "TIME (UTC)"},
}

func (r eventRow) cells() []any {
	outcome := r.Outcome
	if r.Reason != nil {
		outcome = *r.Reason
	}
	return []any{r.Coldkey, briefText{r.ExtrinsicID, 13}, string(r.Kind), r.Netuid, r.Time, r.TAO, briefText{outcome, 21}}
}

func newEvents(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "events",
		Short: "List events with their outcome",
		Long: `List the events that were taken in, with what became of them: applied, or ignored for a reason. With
--outcome rejected, list instead the events that the ledger could not take (recorded before with
other contents, of an unknown miner, too large), as they came. Events are never archived.`,
		Example: `  stakeledger events --outcome ignored
  stakeledger events --miner 7 --from 2026-01-01T00:00:00Z --json
  stakeledger events --outcome rejected --json`,
		Args: exactArgs(0, false),
	}
	r, outcome := addEvents(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if outcome.valueOr("") != outcomeRejected {
			return r.run(a, cmd)
		}
		if err := r.span.validate(); err != nil {
			return err
		}
		return a.withList(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			rows := rejectedEvents(ctx, l, r.miner, r.span)
			return listOutput[eventRow]{r.output, eventHeader, eventRow.cells, "No such events.", r.span}.write(rows)
		})
	}
	return cmd
}

// addEvents adds the flags of a list of events.
func addEvents(cmd *cobra.Command) (*recordList[eventRow], *option[string]) {
	r := addRecords[eventRow](cmd, "events", "dated", false)
	r.header, r.cells = eventHeader, eventRow.cells
	outcome := addOption(cmd, "outcome", "applied|ignored|rejected", "only those with this outcome", parseOutcome)
	r.rows = func(ctx context.Context, l *ledger.Ledger, m ledger.Miner, p listPart) iter.Seq2[keyedRow[eventRow], error] {
		filter := ledger.EventFilter{Outcome: chain.Outcome(outcome.valueOr("")), From: r.span.start(), Until: r.span.last(), Newest: p.newest}
		return ofMiner(allPages(func(page ledger.Page[ledger.RecordedEvent]) ([]ledger.RecordedEvent, error) {
			return l.Events(ctx, m.MinerID, filter, page)
		}), func(e ledger.RecordedEvent) (keyedRow[eventRow], bool) {
			return keyedRow[eventRow]{e.EventKey, 0, newEventRow(m, e)}, true
		})
	}
	return r, outcome
}

func parseOutcome(s string) (string, error) {
	if s == outcomeRejected {
		return s, nil
	}
	outcome, err := chain.ParseOutcome(s)
	if err != nil {
		return "", fmt.Errorf("want applied, ignored or rejected")
	}
	return string(outcome), nil
}

// rejectedEvents goes through what was rejected. The miner may be none of the ledger's: its name is then the
// coldkey.
func rejectedEvents(ctx context.Context, l *ledger.Ledger, miner *option[minerName], span timeSpan) iter.Seq2[eventRow, error] {
	return func(yield func(eventRow, error) bool) {
		var coldkey chain.Address
		if miner.value != nil {
			coldkey = miner.value.address
			if m, err := miner.value.find(ctx, l); err == nil {
				coldkey = m.Coldkey
			} else if coldkey == "" {
				yield(eventRow{}, err)
				return
			}
		}
		for r, err := range allPages(func(p ledger.Page[ledger.RejectedEvent]) ([]ledger.RejectedEvent, error) {
			return l.RejectedEvents(ctx, coldkey, p)
		}) {
			var row eventRow
			if err == nil {
				row, err = newRejectedRow(r)
			}
			if err != nil || span.contains(row.Time) {
				if !yield(row, err) || err != nil {
					return
				}
			}
		}
	}
}
