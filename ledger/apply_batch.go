package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/dbgen/write"
	"github.com/stakeledger/stakeledger/manager"
)

// batch is the work of one transaction of Apply: the next events, miner by miner, of all complete
// inputs.
type batch struct {
	intakes []read.Intake // the complete ones; usually one
	tallies map[int64]*tally
	coldkey chain.Address // the current miner; empty when nothing is left
	account *account      // of that miner; nil while it is unknown
	now     chain.Time
	policy  Policy
	mixed   bool // an event was not handled as the policy says

	finished int // of the miners of a part
}

// applyBatch applies the next events of the miners at or after a coldkey. The events, what they do, the
// counters, the deletion of the staged rows and the tallies are one transaction, so a crash leaves all of it
// or none.
func (l *Ledger) applyBatch(ctx context.Context, from chain.Address) (*batch, error) {
	return commit(ctx, l, func(ctx context.Context, tx Tx, _ **batch) (*batch, error) {
		b, err := l.beginBatch(ctx, tx, from)
		if err != nil {
			return nil, err
		}
		for left := l.batchSize; left > 0; {
			n, err := b.applyMiner(ctx, tx, left)
			if err != nil {
				return nil, err
			}
			if n == 0 {
				break
			}
			left -= n
		}
		if err := b.save(ctx, tx); err != nil {
			return nil, err
		}
		_, err = tx.write.FinishIntakes(ctx)
		return b, err
	}, manager.Label("ledger.Apply: batch"))
}

// beginBatch reads what a batch applies, and under which policy.
func (l *Ledger) beginBatch(ctx context.Context, tx Tx, from chain.Address) (*batch, error) {
	intakes, err := tx.IntakesByState(ctx, read.IntakesByStateParams{State: "staged", PageSize: maxPage})
	if err != nil {
		return nil, err
	}
	b := &batch{intakes: intakes, tallies: map[int64]*tally{}, coldkey: from, now: l.now()}
	b.policy, err = readPolicy(ctx, tx.Reader)
	return b, err
}

// save writes what the batch counted, inputs in the order of their ids, so that batches that run side by side on a
// server do not wait for each other in a circle.
func (b *batch) save(ctx context.Context, tx Tx) error {
	for _, id := range slices.Sorted(maps.Keys(b.tallies)) {
		if err := b.tallies[id].save(ctx, tx, id); err != nil {
			return err
		}
	}
	if b.mixed {
		return b.policy.noteMixed(ctx, tx)
	}
	return nil
}

// addTo adds the batch's events to own if they are of an input, and otherwise to others.
func (b *batch) addTo(intakeID int64, own, others *int64) {
	for id, t := range b.tallies {
		if id == intakeID {
			*own += t.total()
		} else {
			*others += t.total()
		}
	}
}

// applyMiner applies the next events of the first miner that has any, at most size, and returns how many.
func (b *batch) applyMiner(ctx context.Context, tx Tx, size int64) (int64, error) {
	if err := b.nextMiner(ctx, tx); err != nil || b.coldkey == "" {
		return 0, err
	}
	n, err := b.applyTo(ctx, tx, size)
	if err == nil && n == 0 {
		err = noStaged(b.coldkey, b.intakes[0].IntakeID)
	}
	return n, err
}

// applyTo applies the next events of the batch's miner, at most so many, and returns how many.
func (b *batch) applyTo(ctx context.Context, tx Tx, size int64) (int64, error) {
	rows, err := b.nextEvents(ctx, tx, size)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	b.account, err = openAccount(ctx, tx, b.coldkey)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return 0, err
	}
	last := map[*read.Intake]read.StagedEvent{}
	for _, row := range rows {
		i := slices.IndexFunc(b.intakes, func(in read.Intake) bool { return in.IntakeID == row.IntakeID })
		if err := b.applyEvent(ctx, tx, b.intakes[i], row); err != nil {
			return 0, err
		}
		last[&b.intakes[i]] = row
	}
	for _, row := range last {
		if err := deleteStaged(ctx, tx, row); err != nil {
			return 0, err
		}
	}
	if b.account == nil {
		return int64(len(rows)), nil
	}
	if err := tx.write.ClearUnknownMiner(ctx, b.coldkey, b.account.miner.MinerID); err != nil {
		return 0, err
	}
	return int64(len(rows)), b.account.save(ctx, tx)
}

// nextMiner finds the first miner that has staged events, from the batch's on.
func (b *batch) nextMiner(ctx context.Context, tx Tx) error {
	from := b.coldkey
	b.coldkey = ""
	for _, in := range b.intakes {
		coldkey, err := tx.NextStagedColdkey(ctx, in.IntakeID, from)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if b.coldkey == "" || coldkey < b.coldkey {
			b.coldkey = coldkey
		}
	}
	return nil
}

// nextEvents reads the staged events of the batch's miner that come next, merged over all complete inputs.
func (b *batch) nextEvents(ctx context.Context, tx Tx, size int64) ([]read.StagedEvent, error) {
	var rows []read.StagedEvent
	for _, in := range b.intakes {
		page, err := tx.StagedEvents(ctx, read.StagedEventsParams{IntakeID: in.IntakeID, Coldkey: b.coldkey, PageSize: size})
		if err != nil {
			return nil, err
		}
		rows = append(rows, page...)
	}
	if len(b.intakes) > 1 {
		slices.SortStableFunc(rows, func(x, y read.StagedEvent) int { return cmp.Compare(x.EventKey, y.EventKey) })
	}
	return rows[:min(int64(len(rows)), size)], nil
}

// applyEvent handles one staged event. An error comes from storage and ends the batch.
func (b *batch) applyEvent(ctx context.Context, tx Tx, in read.Intake, row read.StagedEvent) error {
	t := b.tallies[row.IntakeID]
	if t == nil {
		t = newTally()
		b.tallies[row.IntakeID] = t
	}
	e := Event{
		Kind: row.Kind, Coldkey: row.Coldkey, Hotkey: row.Hotkey, Netuid: row.Netuid, ExtrinsicID: row.ExtrinsicID,
		EventIndex: row.EventIndex, Block: row.Block, Time: row.Time, TAO: row.TAO, Alpha: row.Alpha, Excluded: row.Excluded,
		IsTransfer: row.IsTransfer, Fee: row.Fee, USD: row.USD,
	}
	if err := e.validateRest(); err != nil {
		return corruptRow("staged_events", fmt.Sprintf("%d of input %d", row.Seq, row.IntakeID), err)
	}
	if b.account == nil {
		if in.NoRegister {
			return rejectEvent(ctx, tx, t, e, UnknownMiner)
		}
		if err := b.registerMiner(ctx, tx, in, t); err != nil {
			return err
		}
	}
	given, known := closeTerms{mode: chain.Lenient, minBlocks: in.MinBlocks, selfTrade: in.SelfTrade}, t.duplicates
	err := handleEvent(ctx, tx, b.account, e, given, t)
	b.mixed = b.mixed || err == nil && t.duplicates == known && b.policy.handlesOtherwise(e, given)
	var overflow *overflowError
	switch {
	case errors.Is(err, ErrDuplicateEvent):
		return rejectEvent(ctx, tx, t, e, DuplicateConflict)
	case errors.As(err, &overflow):
		return rejectEvent(ctx, tx, t, e, Overflow)
	}
	return err
}

func (b *batch) registerMiner(ctx context.Context, tx Tx, in read.Intake, t *tally) error {
	_, err := createMiner(ctx, tx, Registration{Coldkey: b.coldkey}, b.now, minerConfig{trackingStart: in.TrackingStart})
	if err != nil {
		return err
	}
	t.registeredMiners++
	b.account, err = openAccount(ctx, tx, b.coldkey)
	return err
}

// handleEvent records an event of a known miner and counts its outcome. It returns ErrDuplicateEvent and
// *overflowError before it has written anything.
func handleEvent(ctx context.Context, tx Tx, a *account, e Event, terms closeTerms, t *tally) error {
	if reason := ignoreReason(e, a.miner.TrackingStart); reason != "" {
		return handleIgnored(ctx, tx, a, e, reason, terms, t)
	}
	if e.Kind == chain.Stake {
		result, err := openPosition(ctx, tx, a, e)
		switch {
		case errors.Is(err, ErrIgnored), err == nil && !result.isNew:
			t.duplicates++
			return nil
		case err == nil:
			t.countApplied(result.outOfOrder)
		}
		return err
	}
	result, err := closePositions(ctx, tx, a, e, terms)
	switch {
	case err != nil:
		return err
	case !result.IsNew:
		t.duplicates++
	case result.Trade == nil:
		t.ignored[*result.Event.Reason]++
	default:
		t.countApplied(result.Event.OutOfOrder)
	}
	return nil
}

// handleIgnored records an event that ignoreReason ignores.
func handleIgnored(ctx context.Context, tx Tx, a *account, e Event, reason chain.IgnoreReason, terms closeTerms, t *tally) error {
	stored := &terms
	if e.Kind == chain.Stake {
		stored = nil
	}
	_, isNew, err := ignoreEvent(ctx, tx, a, e, reason, stored)
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

// ignoreReason says why an event is ignored regardless of the miner's positions;
// empty if it is not.
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

// rejectEvent records an event that cannot be applied, and counts it.
func rejectEvent(ctx context.Context, tx Tx, t *tally, e Event, reason RejectReason) error {
	payload, err := e.payload()
	if err != nil {
		return err
	}
	t.rejected[reason]++
	return tx.write.InsertRejectedEvent(ctx, write.InsertRejectedEventParams{
		Coldkey: e.Coldkey, ExtrinsicID: e.ExtrinsicID, EventIndex: e.EventIndex, Reason: string(reason), Payload: payload,
	})
}
