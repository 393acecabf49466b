package ledger

import (
	"context"
	"errors"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/write"
	"github.com/stakeledger/stakeledger/manager"
)

// AddPosition records a stake and opens its position. isNew is false when the same event was recorded
// before: the position is returned as it stands now, and nothing changes. An empty Kind counts as stake.
//
// Errors: ErrInvalid (also when a counter of the miner would overflow, and for a transfer where the policy
// excludes them), ErrNotFound for an unknown miner, ErrDuplicateEvent, ErrIgnored when the same event is
// recorded as ignored.
func (l *Ledger) AddPosition(ctx context.Context, e Event) (p Position, isNew bool, err error) {
	e, err = e.checkedAs(chain.Stake)
	if err != nil {
		return Position{}, false, &Error{Op: "add position", Subject: e.ExtrinsicID, Err: err}
	}
	result, err := commit(ctx, l, func(ctx context.Context, tx Tx, was *openResult) (openResult, error) {
		a, err := openAccount(ctx, tx, e.Coldkey)
		if err != nil {
			return openResult{}, nameMissing(err, "add position", "to miner %s", e.Coldkey)
		}
		if e.IsTransfer != nil && *e.IsTransfer {
			policy, err := readPolicy(ctx, tx.Reader)
			if err != nil {
				return openResult{}, err
			}
			if err := policy.checkTransfer(e, closeTerms{}); err != nil {
				return openResult{}, &Error{Op: "add position", Subject: e.subject(), Err: err}
			}
		}
		result, err := openPosition(ctx, tx, a, e)
		if err != nil {
			return openResult{}, err
		}
		if was != nil && was.position.PositionID == result.position.PositionID {
			result.isNew = was.isNew
		}
		return result, a.save(ctx, tx)
	}, manager.Label("ledger.AddPosition"), ofMiners(e.Coldkey))
	return result.position, result.isNew, err
}

type openResult struct {
	position   Position
	isNew      bool
	outOfOrder bool
}

// openPosition records a validated stake with its position, and adds it to the account.
func openPosition(ctx context.Context, tx Tx, a *account, e Event) (openResult, error) {
	added := counters{positions: 1, openPositions: 1, entryTAO: e.TAO, entryAlpha: e.Alpha}
	total, overflow := a.total.plus(added)
	if overflow != nil {
		return openedBefore(ctx, tx, a, e, overflow)
	}
	key := e.eventKey()
	recorded, isNew, err := insertEvent(ctx, tx, eventRow{
		Event: e, minerID: a.miner.MinerID, key: key, outcome: chain.Applied, outOfOrder: a.outOfOrder(key),
	})
	if err != nil {
		return openResult{}, err
	}
	if !isNew {
		return openedEarlier(ctx, tx, e, recorded)
	}
	p := positionOf(recorded)
	err = insertPosition(ctx, tx, p)
	if err != nil {
		return openResult{}, err
	}
	a.addEvent(key, added, total)
	a.markActive(e.Time)
	return openResult{position: p, isNew: true, outOfOrder: recorded.OutOfOrder}, nil
}

// positionOf is the position that a stake opens.
func positionOf(e RecordedEvent) Position {
	return Position{
		PositionID: e.EventID, MinerID: e.MinerID, Netuid: e.Netuid, Hotkey: e.Hotkey,
		ExtrinsicID: e.ExtrinsicID, EventIndex: e.EventIndex, EventKey: e.EventKey, EntryBlock: e.Block, EntryTime: e.Time,
		EntryTAO: e.TAO, EntryAlpha: e.Alpha, RemainingAlpha: e.Alpha, Status: chain.PositionOpen,
	}
}

// insertPosition writes a position that is open.
func insertPosition(ctx context.Context, tx Tx, p Position) error {
	return tx.write.InsertPosition(ctx, write.InsertPositionParams{
		PositionID: p.PositionID, MinerID: p.MinerID, Netuid: p.Netuid, Hotkey: p.Hotkey,
		ExtrinsicID: p.ExtrinsicID, EventIndex: p.EventIndex, EventKey: p.EventKey, EntryBlock: p.EntryBlock, EntryTime: p.EntryTime,
		EntryTAO: p.EntryTAO, EntryAlpha: p.EntryAlpha, RemainingAlpha: p.RemainingAlpha, Status: p.Status,
	})
}

// openedBefore is the result for a stake that would overflow the counters: a repeat was counted before, any
// other gets the overflow error.
func openedBefore(ctx context.Context, tx Tx, a *account, e Event, overflow error) (openResult, error) {
	recorded, err := findEvent(ctx, tx, a.miner.MinerID, e)
	if errors.Is(err, ErrNotFound) {
		return openResult{}, &Error{Op: "add position", Subject: e.subject(), Err: overflow}
	}
	if err != nil {
		return openResult{}, err
	}
	return openedEarlier(ctx, tx, e, recorded)
}

// openedEarlier is the result of a stake that was recorded before.
func openedEarlier(ctx context.Context, tx Tx, e Event, recorded RecordedEvent) (openResult, error) {
	if recorded.Outcome == chain.Ignored {
		return openResult{}, &Error{Op: "add position", Subject: e.subject(), Err: ErrIgnored, Detail: string(*recorded.Reason)}
	}
	p, err := tx.PositionByID(ctx, recorded.EventID)
	return openResult{position: p}, nameMissing(err, "add position", "%s, recorded before", e.subject())
}
