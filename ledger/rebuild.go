package ledger

import (
	"context"
	"errors"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/manager"
)

// Change is a row before and after a rebuild. Before is nil for a new row, After for one that was removed.
type Change[T any] struct {
	Before *T `json:"before"`
	After  *T `json:"after"`
}

// Unhonoured is an unstake that was handled in strict mode or with a list of positions, and whose terms
// cannot be met any more, since older events have arrived.
type Unhonoured struct {
	EventID int64  `json:"event_id"`
	Detail  string `json:"detail"`
}

// RebuildResult is what a rebuild changed.
type RebuildResult struct {
	MinerID    int64                   `json:"miner_id"`
	Replayed   int64                   `json:"replayed"`   // events
	Reordered  int64                   `json:"reordered"`  // events that are no longer flagged out of order
	Restated   int64                   `json:"restated"`   // events that are handled under another policy now, see UnderPolicy
	Outcomes   []Change[RecordedEvent] `json:"outcomes"`   // events that changed between applied and ignored
	Positions  []Change[Position]      `json:"positions"`  // by id
	Trades     []Change[Trade]         `json:"trades"`     // by id
	Closes     []Change[Close]         `json:"closes"`     // by trade and step
	Counters   Change[Miner]           `json:"counters"`   // the miner's row; both nil if unchanged
	Unhonoured []Unhonoured            `json:"unhonoured"` // also those that changed nothing
}

// Changed reports whether the rebuild changed anything.
func (r RebuildResult) Changed() bool {
	return r.Reordered+r.Restated > 0 || len(r.Outcomes)+len(r.Positions)+len(r.Trades)+len(r.Closes) > 0 || r.Counters.Before != nil
}

// Rebuild replays all events of a miner in order (see chain.EventKey), in one transaction and on the terms stored
// with them, as if none had come late. Only differences are written: nothing if the events came in order. Nothing
// else undoes a close. Afterwards the miner is not marked and none of its events is flagged out of order. Ids are
// kept. Archived positions that are still closed stay archived; one that is open again, and the trades that closed
// it, are live again.
//
// An unstake that found nothing to close may close something now, and the other way round; one that was ignored for
// another reason stays ignored. An unstake did happen, even if its strict mode or its list of positions can no
// longer be honoured: then it closes what it can (only of its list, if it has one), the rest is unmatched, and
// Unhonoured names it.
//
// It holds the miner's events in memory. A second Rebuild changes nothing. Errors: ErrNotFound for an unknown
// miner, ErrInvalid when a counter would overflow.
func (l *Ledger) Rebuild(ctx context.Context, coldkey chain.Address, opts ...RebuildOption) (RebuildResult, error) {
	var c rebuildConfig
	for _, o := range opts {
		o(&c)
	}
	return commit(ctx, l, func(ctx context.Context, tx Tx, was *RebuildResult) (RebuildResult, error) {
		m, err := tx.MinerByColdkey(ctx, coldkey)
		if err != nil {
			return RebuildResult{}, nameMissing(err, "rebuild", "miner %s", coldkey)
		}
		var policy *Policy
		if c.underPolicy {
			p, err := readPolicy(ctx, tx.Reader)
			if err != nil {
				return RebuildResult{}, err
			}
			policy = &p
		}
		r, err := planRebuild(ctx, tx.Reader, m, "", policy)
		if err != nil {
			return RebuildResult{}, err
		}
		if was != nil && !r.result.Changed() {
			r.result = *was
		}
		return r.result, r.writeChanges(ctx, tx)
	}, manager.Label("ledger.Rebuild"), ofMiners(coldkey))
}

// RebuildMarked replays the events of every marked miner (Miner.OldestLateKey) from its oldest late event on, each
// miner in one transaction, and removes the mark. Its cost depends on the events from there on, not on the miner's
// whole history. fn, unless nil, is called after each miner. It may be stopped at any moment and run again.
//
// A miner whose counters would overflow stays as it is, and marked; the others follow, and the ErrInvalid that
// names it is returned at the end. Other errors: those of the manager, and the context's.
func (l *Ledger) RebuildMarked(ctx context.Context, fn func(RebuildResult)) error {
	impossible, err := l.replayMarked(ctx, fn)
	return errors.Join(append(impossible, err)...)
}

// replayMarked is RebuildMarked, but returns the ErrInvalid of miners that stay marked separately from the error
// that ended it.
func (l *Ledger) replayMarked(ctx context.Context, fn func(RebuildResult)) (impossible []error, err error) {
	marked := pages("miners", defaultPage, 0, minerIDOf, func(after int64) ([]Miner, error) {
		return manager.Read(ctx, l.db, func(ctx context.Context, q *read.Queries) ([]Miner, error) {
			return q.MarkedMiners(ctx, after, defaultPage)
		})
	})
	for page, err := range marked {
		if err != nil {
			return impossible, err
		}
		for _, m := range page {
			result, err := l.rebuildMarked(ctx, m)
			if errors.Is(err, ErrInvalid) {
				impossible = append(impossible, err)
				continue
			}
			if err != nil {
				return impossible, err
			}
			if fn != nil {
				fn(result)
			}
		}
	}
	return impossible, nil
}

// rebuildAttempts is how often a replay is planned while others may write, before it is planned inside the
// transaction that writes it.
const rebuildAttempts = 2

// rebuildMarked replays a miner from its mark on. It is planned in a snapshot, so that writers do not wait for the
// planning, and written if the miner has not changed meanwhile.
func (l *Ledger) rebuildMarked(ctx context.Context, m Miner) (RebuildResult, error) {
	for attempt := 1; ; attempt++ {
		planned, err := manager.Read(ctx, l.db, func(ctx context.Context, q *read.Queries) (*rebuildPlan, error) {
			if attempt > rebuildAttempts {
				return nil, nil
			}
			return planMarked(ctx, q, m.MinerID)
		}, manager.Label("ledger.RebuildMarked: plan"))
		if err != nil {
			return RebuildResult{}, err
		}
		result, err := commit(ctx, l, func(ctx context.Context, tx Tx, was **RebuildResult) (*RebuildResult, error) {
			r := planned
			if r == nil {
				if r, err = planMarked(ctx, tx.Reader, m.MinerID); err != nil {
					return nil, err
				}
			}
			applies, err := r.stillApplies(ctx, tx.Reader)
			if err != nil {
				return nil, err
			}
			if !applies {
				return r.writtenBefore(ctx, tx, was)
			}
			return &r.result, r.writeChanges(ctx, tx)
		}, manager.Label("ledger.RebuildMarked"), ofMiners(m.Coldkey))
		if err != nil {
			return RebuildResult{}, err
		}
		if result != nil {
			return *result, nil
		}
	}
}

// writtenBefore is the answer where a miner is not as it was when its replay was planned: was, if that has taken its mark
// away, and nil otherwise.
func (r *rebuildPlan) writtenBefore(ctx context.Context, tx Tx, was **RebuildResult) (*RebuildResult, error) {
	if was == nil {
		return nil, nil
	}
	m, err := tx.MinerByID(ctx, r.miner.MinerID)
	if err != nil || m.OldestLateKey != nil {
		return nil, err
	}
	return *was, nil
}

// planMarked plans the replay of a marked miner. If the mark is gone, there is nothing to replay.
func planMarked(ctx context.Context, q *read.Queries, minerID int64) (*rebuildPlan, error) {
	m, err := q.MinerByID(ctx, minerID)
	if err != nil {
		return nil, nameMissing(err, "rebuild", "miner %d", minerID)
	}
	from := lastKey
	if m.OldestLateKey != nil {
		from = *m.OldestLateKey
	}
	return planRebuild(ctx, q, m, from, nil)
}

// planRebuild replays the events of a miner from a key on (if it is empty, all of them) in memory, and compares
// the result with what is recorded. With a policy the events are handled under it.
func planRebuild(ctx context.Context, q *read.Queries, m Miner, from chain.EventKey, policy *Policy) (*rebuildPlan, error) {
	past, b, err := readPast(ctx, q, m, from)
	if err != nil {
		return nil, err
	}
	after := chain.EventKey("")
	if from != "" {
		if after, err = q.KeyBefore(ctx, m.MinerID, from); err != nil {
			return nil, err
		}
	}
	events, err := eventsInOrder(ctx, q, m.MinerID, after)
	if err != nil {
		return nil, err
	}
	wanted := events
	if policy != nil {
		wanted = policy.restate(events)
	}
	replayed, err := replayEvents(ctx, m, wanted, b)
	if errors.Is(err, ErrInvalid) {
		err = &Error{Op: "rebuild", Subject: "miner " + string(m.Coldkey), Err: err}
	}
	if err != nil {
		return nil, err
	}
	replayed.keepArchived(past.recorded)
	r := newRebuildPlan(m, past.recorded, replayed.minerRows)
	if r.archived, err = q.ArchivedRows(ctx, m.MinerID); err != nil {
		return nil, err
	}
	r.findChanges(events, wanted, replayed)
	return r, nil
}

// stillApplies reports whether a miner is still as it was when the replay was planned: handling an event changes the
// miner's row, and so does a replay.
func (r *rebuildPlan) stillApplies(ctx context.Context, q *read.Queries) (bool, error) {
	m, err := q.MinerByID(ctx, r.miner.MinerID)
	if err != nil {
		return false, err
	}
	archived, err := q.ArchivedRows(ctx, m.MinerID)
	return err == nil && archived == r.archived && countersOf(m) == countersOf(r.miner) &&
		equalOptional(m.LatestKey, r.miner.LatestKey) && equalOptional(m.OldestLateKey, r.miner.OldestLateKey), err
}
