package ledger

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/write"
	"github.com/stakeledger/stakeledger/manager"
)

// stageSize is how many events one transaction stages, or deletes from staging.
const stageSize = 2000

// stageInput checks a whole input and writes it to the staging tables. When it returns nil, the input is complete
// and will be applied; after an error none of it will.
func (l *Ledger) stageInput(ctx context.Context, events iter.Seq2[Event, error], c applyConfig) (intakeID, staged int64, err error) {
	var policy Policy
	intakeID, err = commit(ctx, l, func(ctx context.Context, tx Tx, _ *int64) (int64, error) {
		if policy, err = readPolicy(ctx, tx.Reader); err != nil {
			return 0, err
		}
		terms, err := c.underPolicy(policy)
		if err != nil {
			return 0, &Error{Op: "apply", Err: err}
		}
		now := l.now()
		return tx.write.InsertIntake(ctx, write.InsertIntakeParams{
			CreatedAt: now, Heartbeat: now, MinBlocks: terms.minBlocks, SelfTrade: terms.selfTrade,
			NoRegister: c.noRegister, TrackingStart: c.miner.trackingStart,
		})
	}, manager.Label("ledger.Apply: begin"))
	if err != nil {
		return 0, 0, err
	}
	staged, err = l.stageAll(ctx, intakeID, events, policy, c.progress)
	if err != nil {
		l.discardInput(ctx, intakeID)
		return 0, 0, err
	}
	return intakeID, staged, nil
}

// stageAll pulls the events and writes them in chunks; between chunks it holds no
// transaction.
func (l *Ledger) stageAll(ctx context.Context, intakeID int64, events iter.Seq2[Event, error], policy Policy, progress func(Progress)) (staged int64, err error) {
	known := checkedAddresses{}
	chunk := make([]Event, 0, stageSize)
	for e, err := range events {
		place := staged + int64(len(chunk)) + 1
		if err == nil {
			err = known.validate(e)
		}
		if err != nil {
			return 0, &Error{Op: "stage", Subject: fmt.Sprintf("event %d of the input", place), Err: err}
		}
		e.Excluded = e.Excluded || policy.excludes(e)
		if chunk = append(chunk, e); len(chunk) < stageSize {
			continue
		}
		if err := l.stageChunk(ctx, intakeID, staged, chunk, false); err != nil {
			return 0, err
		}
		staged += int64(len(chunk))
		chunk = chunk[:0]
		progress(Progress{Phase: Staging, Done: staged})
	}
	if err := l.stageChunk(ctx, intakeID, staged, chunk, true); err != nil {
		return 0, err
	}
	staged += int64(len(chunk))
	progress(Progress{Phase: Staging, Done: staged})
	return staged, nil
}

// stageChunk writes events of an input, and with the last chunk marks the input as complete.
func (l *Ledger) stageChunk(ctx context.Context, intakeID, before int64, chunk []Event, last bool) error {
	return l.idempotent(ctx, func(ctx context.Context, tx Tx) error {
		if manager.CommitUnknown(ctx) {
			if done, err := isStaged(ctx, tx, intakeID, before+int64(len(chunk)), last); done || err != nil {
				return err
			}
		}
		alive, err := tx.write.AddToStaging(ctx, write.AddToStagingParams{IntakeID: intakeID, Staged: int64(len(chunk)), Heartbeat: l.now()})
		if err != nil {
			return err
		}
		if alive == 0 {
			return &Error{Op: "stage", Subject: fmt.Sprintf("input %d", intakeID), Err: ErrNotFound,
				Detail: fmt.Sprintf("another process has collected it, since it gave no sign of life for %s; run it again", abandonedAfter)}
		}
		for i, e := range chunk {
			err := tx.write.InsertStagedEvent(ctx, write.InsertStagedEventParams{
				IntakeID: intakeID, Coldkey: e.Coldkey, EventKey: e.eventKey(), Seq: before + int64(i), Time: e.Time, Block: e.Block,
				ExtrinsicID: e.ExtrinsicID, EventIndex: e.EventIndex, Kind: e.Kind, Netuid: e.Netuid, Hotkey: e.Hotkey,
				TAO: e.TAO, Alpha: e.Alpha, Excluded: e.Excluded, IsTransfer: e.IsTransfer, Fee: e.Fee, USD: e.USD,
			})
			if err != nil {
				return err
			}
		}
		if last {
			_, err = tx.write.FinishStaging(ctx, l.now(), intakeID)
		}
		return err
	}, manager.Label("ledger.Apply: stage"))
}

// isStaged reports whether an input holds that many events and, if these are all of it, is
// complete.
func isStaged(ctx context.Context, tx Tx, intakeID, events int64, all bool) (bool, error) {
	in, err := tx.IntakeByID(ctx, intakeID)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return in.Staged >= events && (!all || in.State == "staged" || in.State == "done"), err
}

// checkedAddresses remembers which addresses have been checked, since an input repeats the same few.
type checkedAddresses map[chain.Address]bool

// maxAddresses bounds the memory for an input with many different ones.
const maxAddresses = 1 << 14

func (known checkedAddresses) validate(e Event) error {
	if !known[e.Coldkey] || !known[e.Hotkey] {
		if err := e.Validate(); err != nil {
			return err
		}
		if len(known) >= maxAddresses {
			clear(known)
		}
		known[e.Coldkey], known[e.Hotkey] = true, true
		return nil
	}
	return e.validateRest()
}

// discardInput marks an input as never to be applied, even if ctx has ended, and deletes what was staged of it.
// What is left, the next Apply collects.
func (l *Ledger) discardInput(ctx context.Context, intakeID int64) {
	marking, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := l.idempotent(marking, func(ctx context.Context, tx Tx) error {
		_, err := tx.write.DiscardIntake(ctx, intakeID)
		return err
	}, manager.Label("ledger.Apply: discard"))
	if err == nil && ctx.Err() == nil {
		_ = l.collectAbandoned(ctx) // the caller gets the error that made the input bad
	}
}
