package ledger

import (
	"context"
	"errors"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/dbgen/write"
	"github.com/stakeledger/stakeledger/manager"
)

// abandonedAfter is how long an input may stay in staging without a heartbeat before another process
// considers its owner dead.
const abandonedAfter = 10 * time.Minute

// collectAbandoned deletes what was staged of inputs that will never be applied: bad ones, and those whose process
// died while staging. It works in short transactions.
func (l *Ledger) collectAbandoned(ctx context.Context) error {
	intakes, err := manager.Read(ctx, l.db, func(ctx context.Context, q *read.Queries) ([]read.Intake, error) {
		staging, err := q.IntakesByState(ctx, read.IntakesByStateParams{State: "staging", PageSize: maxPage})
		if err != nil {
			return nil, err
		}
		discarded, err := q.IntakesByState(ctx, read.IntakesByStateParams{State: "discarded", PageSize: maxPage})
		return append(discarded, staging...), err
	})
	if err != nil {
		return err
	}
	deadline := l.now().Add(-abandonedAfter)
	for _, in := range intakes {
		if in.State == "staging" && in.Heartbeat >= deadline {
			continue
		}
		if err := l.deleteIntake(ctx, in.IntakeID, deadline); err != nil {
			return err
		}
	}
	return nil
}

// deleteIntake deletes the staged events of an input in chunks, and then the input. An input whose
// heartbeat is newer than deadline is left alone.
func (l *Ledger) deleteIntake(ctx context.Context, intakeID int64, deadline chain.Time) error {
	for {
		finished, err := commit(ctx, l, func(ctx context.Context, tx Tx, _ *bool) (bool, error) {
			if _, err := tx.write.DiscardAbandonedIntakes(ctx, deadline); err != nil {
				return false, err
			}
			in, err := tx.IntakeByID(ctx, intakeID)
			if errors.Is(err, ErrNotFound) || err == nil && in.State != "discarded" {
				return true, nil // another process deleted it, or its owner is alive
			}
			if err != nil {
				return false, err
			}
			coldkey, err := tx.NextStagedColdkey(ctx, intakeID, "")
			if errors.Is(err, ErrNotFound) {
				_, err := tx.write.DeleteDiscardedIntakes(ctx)
				return true, err
			}
			if err != nil {
				return false, err
			}
			rows, err := tx.StagedEvents(ctx, read.StagedEventsParams{IntakeID: intakeID, Coldkey: coldkey, PageSize: stageSize})
			if err != nil {
				return false, err
			}
			if len(rows) == 0 {
				return false, noStaged(coldkey, intakeID)
			}
			return false, deleteStaged(ctx, tx, rows[len(rows)-1])
		}, manager.Label("ledger.Apply: collect"))
		if err != nil || finished {
			return err
		}
	}
}

// noStaged is the error for a coldkey that one query lists as having staged
// events while another finds none.
func noStaged(coldkey chain.Address, intakeID int64) error {
	return stuckError("apply", "staged events of coldkey %s, input %d", chain.Quote(string(coldkey)), intakeID)
}

// deleteStaged deletes the staged events of an input and coldkey up to and
// including last.
func deleteStaged(ctx context.Context, tx Tx, last read.StagedEvent) error {
	deleted, err := tx.write.DeleteStagedEvents(ctx, write.DeleteStagedEventsParams{
		IntakeID: last.IntakeID, Coldkey: last.Coldkey, EventKey: last.EventKey, Block: last.Block,
		Kind: last.Kind, Netuid: last.Netuid, Hotkey: last.Hotkey, TAO: last.TAO, Alpha: last.Alpha, Seq: last.Seq,
	})
	if err == nil && deleted == 0 {
		err = stuckError("apply", "staged event %s #%d of %s, input %d", last.ExtrinsicID, last.EventIndex, last.Coldkey, last.IntakeID)
	}
	return err
}
