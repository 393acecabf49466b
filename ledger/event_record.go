package ledger

import (
	"cmp"
	"context"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/dbgen/write"
)

// eventRow is an event with its outcome, as it is written to the events table.
type eventRow struct {
	Event
	minerID    int64
	key        chain.EventKey
	outcome    chain.Outcome
	reason     *chain.IgnoreReason
	outOfOrder bool
	terms      *closeTerms // of an unstake, else nil
}

// insertEvent records an event, or finds the one that has its key: isNew is false then, and the event that
// was recorded is returned. The error is ErrDuplicateEvent when that one has other contents.
func insertEvent(ctx context.Context, tx Tx, r eventRow) (e RecordedEvent, isNew bool, err error) {
	row := write.InsertEventParams{
		MinerID: r.minerID, ExtrinsicID: r.ExtrinsicID, EventIndex: r.EventIndex, EventKey: r.key,
		Kind: r.Kind, Netuid: r.Netuid, Hotkey: r.Hotkey, Block: r.Block, Time: r.Time, TAO: r.TAO, Alpha: r.Alpha,
		Outcome: r.outcome, Reason: r.reason, OutOfOrder: r.outOfOrder, IsTransfer: r.IsTransfer, Fee: r.Fee, USD: r.USD,
	}
	if r.terms != nil {
		row.Mode, row.MinBlocks, row.SelfTrade = &r.terms.mode, &r.terms.minBlocks, &r.terms.selfTrade
		row.PositionIds = r.terms.listJSON()
	}
	result, err := tx.write.InsertEvent(ctx, row)
	if err != nil {
		return RecordedEvent{}, false, err
	}
	inserted, err := result.RowsAffected()
	if err != nil {
		return RecordedEvent{}, false, err
	}
	if inserted == 0 {
		e, err := findEvent(ctx, tx, r.minerID, r.Event)
		return e, false, err
	}
	id, err := result.LastInsertId()
	if err != nil {
		return RecordedEvent{}, false, err
	}
	return RecordedEvent{
		EventID: id, MinerID: row.MinerID, ExtrinsicID: row.ExtrinsicID, EventIndex: row.EventIndex, EventKey: row.EventKey,
		Kind: row.Kind, Netuid: row.Netuid, Hotkey: row.Hotkey, Block: row.Block, Time: row.Time,
		TAO: row.TAO, Alpha: row.Alpha, Outcome: row.Outcome, Reason: row.Reason, OutOfOrder: row.OutOfOrder,
		Mode: row.Mode, MinBlocks: row.MinBlocks, SelfTrade: row.SelfTrade, PositionIds: row.PositionIds,
		IsTransfer: row.IsTransfer, Fee: row.Fee, USD: row.USD,
	}, true, nil
}

// findEvent returns the recorded event that has e's key. Errors: ErrNotFound when there is none,
// ErrDuplicateEvent when it has other contents.
func findEvent(ctx context.Context, tx Tx, minerID int64, e Event) (RecordedEvent, error) {
	recorded, err := tx.EventByKey(ctx, read.EventByKeyParams{MinerID: minerID, ExtrinsicID: e.ExtrinsicID, EventIndex: e.EventIndex})
	if err != nil {
		return RecordedEvent{}, err
	}
	if difference := e.firstDifference(recorded); difference != "" {
		return RecordedEvent{}, &Error{Op: "record event", Subject: e.subject(), Err: ErrDuplicateEvent, Detail: difference}
	}
	return recorded, completeEvent(ctx, tx, &recorded, e)
}

// completeEvent fills in what a repeat adds to a recorded event besides its contents.
func completeEvent(ctx context.Context, tx Tx, recorded *RecordedEvent, e Event) error {
	if (e.IsTransfer == nil || recorded.IsTransfer != nil) && (e.Fee == nil || recorded.Fee != nil) && (e.USD == nil || recorded.USD != nil) {
		return nil
	}
	recorded.IsTransfer = cmp.Or(recorded.IsTransfer, e.IsTransfer)
	recorded.Fee = cmp.Or(recorded.Fee, e.Fee)
	recorded.USD = cmp.Or(recorded.USD, e.USD)
	if e.IsTransfer != nil && *e.IsTransfer && recorded.IsTransfer == e.IsTransfer {
		if err := noteTransfer(ctx, tx, *recorded); err != nil {
			return err
		}
	}
	_, err := tx.write.CompleteEvent(ctx, write.CompleteEventParams{
		IsTransfer: recorded.IsTransfer, Fee: recorded.Fee, USD: recorded.USD, EventID: recorded.EventID,
	})
	return err
}

// ignoreEvent records an event that has no effect on positions, for a reason. It reports whether it is new.
func ignoreEvent(ctx context.Context, tx Tx, a *account, e Event, reason chain.IgnoreReason, terms *closeTerms) (RecordedEvent, bool, error) {
	return insertEvent(ctx, tx, eventRow{Event: e, minerID: a.miner.MinerID, key: e.eventKey(), outcome: chain.Ignored, reason: &reason, terms: terms})
}
