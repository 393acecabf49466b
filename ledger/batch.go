package ledger

import (
	"context"
	"errors"
	"slices"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/dbgen/write"
	"github.com/stakeledger/stakeledger/manager"
)

// batch is the work of one transaction of Apply: the next events of one miner, from whichever inputs.
type batch struct {
	coldkey chain.Address // empty: nothing was left
	intakes map[int64]read.Intake
	tallies map[int64]*tally
	account *account // nil while the miner is unknown
	now     chain.Time
}

// applyBatch applies the next events of the first miner at or after a coldkey that has any. The events, what
// they do, the counters, the deletion of the staged rows and the tallies are one transaction, so a crash
// leaves all of it or none.
func (l *Ledger) applyBatch(ctx context.Context, from chain.Address) (*batch, error) {
	return manager.Write(ctx, l.db, func(ctx context.Context, tx Tx) (*batch, error) {
		b := &batch{intakes: map[int64]read.Intake{}, tallies: map[int64]*tally{}, now: l.now()}
		rows, err := b.next(ctx, tx, from, l.batchSize)
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			_, err := tx.FinishIntakes(ctx) // inputs that held no event
			return b, err
		}
		b.account, err = openAccount(ctx, tx, b.coldkey)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		for _, row := range rows {
			if err := b.apply(ctx, tx, row); err != nil {
				return nil, err
			}
		}
		return b, b.finish(ctx, tx, rows)
	}, manager.Label("ledger.Apply: batch"))
}

// next reads the staged events that come next, merged over all complete inputs; mostly there is one.
func (b *batch) next(ctx context.Context, tx Tx, from chain.Address, size int64) ([]read.StagedEvent, error) {
	intakes, err := tx.IntakesByState(ctx, read.IntakesByStateParams{State: "staged", PageSize: maxPage})
	if err != nil {
		return nil, err
	}
	for _, in := range intakes {
		b.intakes[in.IntakeID] = in
		coldkey, err := tx.NextStagedColdkey(ctx, in.IntakeID, from)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if b.coldkey == "" || coldkey < b.coldkey {
			b.coldkey = coldkey
		}
	}
	if b.coldkey == "" {
		return nil, nil
	}
	var rows []read.StagedEvent
	for _, in := range intakes {
		page, err := tx.StagedEvents(ctx, read.StagedEventsParams{IntakeID: in.IntakeID, Coldkey: b.coldkey, PageSize: size})
		if err != nil {
			return nil, err
		}
		rows = append(rows, page...)
	}
	if len(intakes) > 1 {
		slices.SortStableFunc(rows, func(x, y read.StagedEvent) int {
			switch a, b := stagedOrder(x), stagedOrder(y); {
			case a.before(b):
				return -1
			case b.before(a):
				return 1
			}
			return 0
		})
	}
	return rows[:min(int64(len(rows)), size)], nil
}

func stagedOrder(r read.StagedEvent) order {
	return order{r.Time, r.Block, r.ExtrinsicBlock, r.ExtrinsicNumber, r.ExtrinsicID, r.EventIndex}
}

// apply gives one staged event its outcome. An error is one of storage and ends the batch.
func (b *batch) apply(ctx context.Context, tx Tx, row read.StagedEvent) error {
	in := b.intakes[row.IntakeID]
	t := b.tallies[row.IntakeID]
	if t == nil {
		t = newTally()
		b.tallies[row.IntakeID] = t
	}
	e := Event{
		Kind: row.Kind, Coldkey: row.Coldkey, Hotkey: row.Hotkey, Netuid: row.Netuid, ExtrinsicID: row.ExtrinsicID,
		EventIndex: row.EventIndex, Block: row.Block, Time: row.Time, TAO: row.TAO, Alpha: row.Alpha, Excluded: row.Excluded,
	}
	if b.account == nil {
		if in.NoRegister {
			return reject(ctx, tx, t, e, UnknownMiner)
		}
		if err := b.register(ctx, tx, in, t); err != nil {
			return err
		}
	}
	err := handle(ctx, tx, b.account, e, inputs{mode: chain.Lenient, minBlocks: in.MinBlocks, selfTrade: in.SelfTrade}, t)
	var overflow *overflowError
	switch {
	case errors.Is(err, ErrDuplicateEvent):
		return reject(ctx, tx, t, e, DuplicateConflict)
	case errors.As(err, &overflow):
		return reject(ctx, tx, t, e, Overflow)
	}
	return err
}

// register creates the batch's miner.
func (b *batch) register(ctx context.Context, tx Tx, in read.Intake, t *tally) error {
	_, err := createMiner(ctx, tx, Registration{Coldkey: b.coldkey}, b.now, minerConfig{trackingStart: in.TrackingStart})
	if err != nil {
		return err
	}
	t.registeredMiners++
	b.account, err = openAccount(ctx, tx, b.coldkey)
	return err
}

// handle records an event of a known miner and counts its outcome. It returns ErrDuplicateEvent and
// *overflowError before it has written anything.
func handle(ctx context.Context, tx Tx, a *account, e Event, in inputs, t *tally) error {
	if reason := ignoreReason(e, a.miner.TrackingStart); reason != "" {
		return handleIgnored(ctx, tx, a, e, reason, in, t)
	}
	if e.Kind == chain.Stake {
		result, err := openPosition(ctx, tx, a, e)
		switch {
		case errors.Is(err, ErrIgnored), err == nil && !result.isNew:
			t.duplicates++
			return nil
		case err == nil:
			t.apply(result.outOfOrder)
		}
		return err
	}
	result, err := closePositions(ctx, tx, a, e, in)
	switch {
	case err != nil:
		return err
	case !result.IsNew:
		t.duplicates++
	case result.Trade == nil:
		t.ignored[*result.Event.Reason]++
	default:
		t.apply(result.Event.OutOfOrder)
	}
	return nil
}

// handleIgnored records an event that is ignored whatever its miner holds.
func handleIgnored(ctx context.Context, tx Tx, a *account, e Event, reason chain.IgnoreReason, in inputs, t *tally) error {
	inputs := &in
	if e.Kind == chain.Stake {
		inputs = nil
	}
	_, isNew, err := ignoreEvent(ctx, tx, a, e, reason, inputs)
	switch {
	case err != nil:
		return err
	case isNew:
		t.ignored[reason]++
	default:
		t.duplicates++
	}
	return nil
}

// ignoreReason says why an event is ignored whatever its miner holds, or is empty.
func ignoreReason(e Event, trackingStart *chain.Time) chain.IgnoreReason {
	switch {
	case trackingStart != nil && e.Time < *trackingStart:
		return chain.BeforeTrackingStart
	case e.Netuid == 0:
		return chain.InvalidNetuid
	case e.TAO == 0 || e.Alpha == 0:
		return chain.ZeroAmounts
	case e.Excluded:
		return chain.Excluded
	}
	return ""
}

// reject records an event that cannot be taken, and counts it.
func reject(ctx context.Context, tx Tx, t *tally, e Event, reason RejectReason) error {
	payload, err := e.payload()
	if err != nil {
		return err
	}
	t.rejected[reason]++
	_, err = tx.InsertRejectedEvent(ctx, write.InsertRejectedEventParams{
		Coldkey: e.Coldkey, ExtrinsicID: e.ExtrinsicID, EventIndex: e.EventIndex, Reason: string(reason), Payload: payload,
	})
	return err
}

// finish writes the miner's counters and the tallies, deletes what was staged, and marks inputs that have
// nothing staged any more as done.
func (b *batch) finish(ctx context.Context, tx Tx, rows []read.StagedEvent) error {
	if b.account != nil {
		if err := b.account.save(ctx, tx); err != nil {
			return err
		}
	}
	last := map[int64]read.StagedEvent{}
	for _, row := range rows {
		last[row.IntakeID] = row
	}
	for id, t := range b.tallies {
		if err := deleteStaged(ctx, tx, last[id]); err != nil {
			return err
		}
		if err := t.save(ctx, tx, id); err != nil {
			return err
		}
	}
	_, err := tx.FinishIntakes(ctx)
	return err
}
