package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/manager"
)

// Conflict is a field in which a rejected event and the recorded one with the same key
// differ.
type Conflict struct {
	Field    string `json:"field"`
	Rejected string `json:"rejected"`
	Recorded string `json:"recorded"`
}

// Conflicts compares a rejected event with the recorded one that has its key. There is none if no such event is
// recorded, or an equal one.
func (l *Ledger) Conflicts(ctx context.Context, r RejectedEvent) ([]Conflict, error) {
	var theirs Event
	if err := json.Unmarshal([]byte(r.Payload), &theirs); err != nil {
		return nil, &Error{Op: "read rejected event", Subject: chain.Quote(r.Payload), Err: err}
	}
	return manager.Read(ctx, l.db, func(ctx context.Context, q *read.Queries) ([]Conflict, error) {
		m, err := q.MinerByColdkey(ctx, r.Coldkey)
		var e RecordedEvent
		if err == nil {
			e, err = q.EventByKey(ctx, read.EventByKeyParams{MinerID: m.MinerID, ExtrinsicID: r.ExtrinsicID, EventIndex: r.EventIndex})
		}
		if errors.Is(err, ErrNotFound) {
			return []Conflict{}, nil
		}
		if err != nil {
			return nil, err
		}
		return theirs.conflicts(e), nil
	}, manager.Label("ledger.Conflicts"))
}

// AcknowledgeRejected marks rejected events as dealt with, and returns how many were not acknowledged before. If they
// are rejected again, they stay acknowledged. Error: ErrNotFound for an unknown id; nothing is marked then.
func (l *Ledger) AcknowledgeRejected(ctx context.Context, rejectedIDs ...int64) (int64, error) {
	return commit(ctx, l, func(ctx context.Context, tx Tx, was *int64) (int64, error) {
		var total int64
		now := l.now()
		for _, id := range rejectedIDs {
			page, err := tx.RejectedEvents(ctx, id-1, 1)
			if err != nil {
				return 0, err
			}
			if len(page) == 0 || page[0].RejectedID != id {
				return 0, &Error{Op: "acknowledge", Subject: fmt.Sprintf("rejected event %d", id), Err: ErrNotFound}
			}
			n, err := tx.write.AcknowledgeRejectedEvent(ctx, &now, id)
			if err != nil {
				return 0, err
			}
			total += n
		}
		if was != nil && total == 0 {
			total = *was
		}
		return total, nil
	}, manager.Label("ledger.AcknowledgeRejected"))
}

// PruneRejected deletes the rejected events that were acknowledged before a time, in short transactions, and returns
// how many; after an error, how many until then. Error: ErrInvalid for a time out of range.
func (l *Ledger) PruneRejected(ctx context.Context, before chain.Time) (int64, error) {
	return l.prune(ctx, "prune rejected events", "ledger.PruneRejected", before, func(ctx context.Context, tx Tx) (int64, error) {
		return tx.write.PruneRejectedEvents(ctx, before, pruneSize)
	})
}
