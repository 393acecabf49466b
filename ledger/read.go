package ledger

import (
	"context"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/manager"
)

// readOne runs a query for one row in a snapshot of its own. ErrNotFound names what was looked for.
func readOne[T any](ctx context.Context, l *Ledger, query func(context.Context, *read.Queries) (T, error), format string, args ...any) (T, error) {
	row, err := manager.Read(ctx, l.db, query)
	return row, nameMissing(err, "read", format, args...)
}

// listPage runs a query for a page of rows in a snapshot of its own.
func listPage[T any](ctx context.Context, l *Ledger, what string, p Page[T], order func(a, b T) int, query func(ctx context.Context, q *read.Queries, after T, limit int64) ([]T, error)) ([]T, error) {
	after, limit, err := p.bounds()
	if err != nil {
		return nil, err
	}
	page, err := manager.Read(ctx, l.db, func(ctx context.Context, q *read.Queries) ([]T, error) {
		return query(ctx, q, after, limit)
	})
	if err == nil {
		err = checkAscending(what, p.After, page, order)
	}
	if err != nil {
		return nil, err
	}
	return page, nil
}

// Miner returns a miner by its id. Error: ErrNotFound.
func (l *Ledger) Miner(ctx context.Context, minerID int64) (Miner, error) {
	return readOne(ctx, l, func(ctx context.Context, q *read.Queries) (Miner, error) {
		return q.MinerByID(ctx, minerID)
	}, "miner %d", minerID)
}

// MinerByColdkey returns a miner by its coldkey. Error: ErrNotFound.
func (l *Ledger) MinerByColdkey(ctx context.Context, coldkey chain.Address) (Miner, error) {
	return readOne(ctx, l, func(ctx context.Context, q *read.Queries) (Miner, error) {
		return q.MinerByColdkey(ctx, coldkey)
	}, "miner %s", coldkey)
}

// MinerByHotkey returns the miner that is registered with a hotkey now. Error: ErrNotFound.
func (l *Ledger) MinerByHotkey(ctx context.Context, hotkey chain.Address) (Miner, error) {
	return readOne(ctx, l, func(ctx context.Context, q *read.Queries) (Miner, error) {
		return q.MinerByHotkey(ctx, hotkey)
	}, "miner registered with hotkey %s", hotkey)
}

// MinerByUID returns the miner that holds a UID now. Error: ErrNotFound.
func (l *Ledger) MinerByUID(ctx context.Context, uid chain.UID) (Miner, error) {
	return readOne(ctx, l, func(ctx context.Context, q *read.Queries) (Miner, error) {
		return q.MinerByUID(ctx, uid)
	}, "miner with UID %d", uid)
}

// Miners lists all miners by id.
func (l *Ledger) Miners(ctx context.Context, p Page[Miner]) ([]Miner, error) {
	return listPage(ctx, l, "miners", p, byMinerID, func(ctx context.Context, q *read.Queries, after Miner, limit int64) ([]Miner, error) {
		return q.Miners(ctx, after.MinerID, limit)
	})
}

// MinersByStatus lists the miners of a status by id. Error: ErrInvalid for an unknown status.
func (l *Ledger) MinersByStatus(ctx context.Context, status chain.MinerStatus, p Page[Miner]) ([]Miner, error) {
	if !status.Valid() {
		return nil, &Error{Op: "list miners", Err: invalid("miner status", status, "want active, inactive or blacklisted")}
	}
	return listPage(ctx, l, "miners", p, byMinerID, func(ctx context.Context, q *read.Queries, after Miner, limit int64) ([]Miner, error) {
		return q.MinersByStatus(ctx, read.MinersByStatusParams{Status: status, AfterMinerID: after.MinerID, PageSize: limit})
	})
}

// Registrations lists a miner's past and current registrations, oldest record
// first.
func (l *Ledger) Registrations(ctx context.Context, minerID int64, p Page[RecordedRegistration]) ([]RecordedRegistration, error) {
	return listPage(ctx, l, "registrations", p, byRegistrationID, func(ctx context.Context, q *read.Queries, after RecordedRegistration, limit int64) ([]RecordedRegistration, error) {
		return q.RegistrationsOfMiner(ctx, read.RegistrationsOfMinerParams{MinerID: minerID, AfterRegistrationID: after.RegistrationID, PageSize: limit})
	})
}

// CurrentRegistrations lists who holds which UID now, by UID.
func (l *Ledger) CurrentRegistrations(ctx context.Context, p Page[RecordedRegistration]) ([]RecordedRegistration, error) {
	return listPage(ctx, l, "registrations", p, byUID, func(ctx context.Context, q *read.Queries, after RecordedRegistration, limit int64) ([]RecordedRegistration, error) {
		afterUID := int64(after.UID)
		if p.After == nil {
			afterUID = -1
		}
		return q.CurrentRegistrations(ctx, afterUID, limit)
	})
}

// Position returns a position by its id, archived or not: its ArchiveRun says. Error: ErrNotFound.
func (l *Ledger) Position(ctx context.Context, positionID int64) (Position, error) {
	return readOne(ctx, l, func(ctx context.Context, q *read.Queries) (Position, error) {
		return q.PositionByID(ctx, positionID)
	}, "position %d", positionID)
}

// Trade returns a trade by its id, archived or not: its ArchiveRun says. Error: ErrNotFound.
func (l *Ledger) Trade(ctx context.Context, tradeID int64) (Trade, error) {
	return readOne(ctx, l, func(ctx context.Context, q *read.Queries) (Trade, error) {
		return q.TradeByID(ctx, tradeID)
	}, "trade %d", tradeID)
}

// Event returns an event by its id, which is also that of its position or trade. Error: ErrNotFound.
func (l *Ledger) Event(ctx context.Context, eventID int64) (RecordedEvent, error) {
	return readOne(ctx, l, func(ctx context.Context, q *read.Queries) (RecordedEvent, error) {
		return q.EventByID(ctx, eventID)
	}, "event %d", eventID)
}
