package ledger

import (
	"context"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/manager"
)

// Change is a row before and after a rebuild. Before is nil where there was none, After where there is none
// any more.
type Change[T any] struct {
	Before *T `json:"before"`
	After  *T `json:"after"`
}

// Unhonoured is an unstake that was handled in strict mode or with a list of positions, and whose inputs
// cannot be met now that older events have come before it.
type Unhonoured struct {
	EventID int64  `json:"event_id"`
	Detail  string `json:"detail"`
}

// RebuildResult is what a rebuild changed.
type RebuildResult struct {
	MinerID    int64                   `json:"miner_id"`
	Replayed   int64                   `json:"replayed"`   // events
	Reordered  int64                   `json:"reordered"`  // events that were flagged out of order, and are no more
	Outcomes   []Change[RecordedEvent] `json:"outcomes"`   // events applied that were ignored, and the other way round
	Positions  []Change[Position]      `json:"positions"`  // by id
	Trades     []Change[Trade]         `json:"trades"`     // by id
	Closes     []Change[Close]         `json:"closes"`     // by trade and step
	Counters   Change[Miner]           `json:"counters"`   // the miner's row; both nil when it is as it was
	Unhonoured []Unhonoured            `json:"unhonoured"` // whether it changed something or not
}

// Changed reports whether the rebuild changed anything.
func (r RebuildResult) Changed() bool {
	return r.Reordered > 0 || len(r.Outcomes)+len(r.Positions)+len(r.Trades)+len(r.Closes) > 0 || r.Counters.Before != nil
}

// Rebuild makes a miner's positions, trades, closes and counters anew from its events, in one transaction:
// each of them in order (time, block, extrinsic, index), with the inputs it was handled with, as if none had
// come late. Only what differs is written, so where events came in order nothing is. It alone may undo a
// close. Ids are kept. What is archived stays so where it is still closed; a position that is open again, and
// the trades that close it, are among the living again. Events that were flagged out of order are so no more.
//
// An unstake that found nothing to close may close something now, or the other way round; one that is ignored
// for another reason stays ignored. Positions entered in one block come in the order of their events. An
// unstake is a fact, also where its strict mode or its list of positions cannot be honoured any more: then it
// closes what there is (of its list, and nothing beside it), the rest is unmatched, and the result names it
// in Unhonoured.
//
// The miner's events are held in memory meanwhile. Errors: ErrNotFound for an unknown miner, ErrInvalid when a
// counter would overflow or a row is live and archived at once.
func (l *Ledger) Rebuild(ctx context.Context, coldkey chain.Address) (RebuildResult, error) {
	return manager.Write(ctx, l.db, func(ctx context.Context, tx Tx) (RebuildResult, error) {
		m, err := tx.MinerByColdkey(ctx, coldkey)
		if err != nil {
			return RebuildResult{}, named(err, "rebuild", "miner %s", coldkey)
		}
		events, err := eventsInOrder(ctx, tx, m.MinerID)
		if err != nil {
			return RebuildResult{}, err
		}
		replayed, err := replay(m, events)
		if err != nil {
			return RebuildResult{}, &Error{Op: "rebuild", Subject: "miner " + string(coldkey), Err: err}
		}
		recorded, err := readAccounts(ctx, tx, m.MinerID)
		if err != nil {
			return RebuildResult{}, err
		}
		replayed.keepArchived(recorded)
		r := newRebuilding(m, recorded, replayed.accounts)
		r.compare(events, replayed)
		if !r.result.Changed() && m.OldestLateKey == nil {
			return r.result, nil
		}
		return r.result, r.write(ctx, tx)
	}, manager.Label("ledger.Rebuild"))
}
