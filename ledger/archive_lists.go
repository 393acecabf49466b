package ledger

import (
	"context"
	"errors"

	"github.com/stakeledger/stakeledger/dbgen/read"
)

// ArchivedPosition returns an archived position by its id. Error: ErrNotFound, also for a live one.
func (l *Ledger) ArchivedPosition(ctx context.Context, positionID int64) (Position, error) {
	return one(ctx, l, func(ctx context.Context, q *read.Queries) (Position, error) {
		p, err := q.ArchivedPositionByID(ctx, positionID)
		return Position(p), err
	}, "archived position %d", positionID)
}

// ArchivedPositions lists a miner's archived positions by entry time. Error: ErrInvalid for an unknown status.
func (l *Ledger) ArchivedPositions(ctx context.Context, minerID int64, f PositionFilter, p Page[Position]) ([]Position, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	return list(ctx, l, p, func(ctx context.Context, q *read.Queries, after Position, limit int64) ([]Position, error) {
		rows, err := q.ArchivedPositions(ctx, read.ArchivedPositionsParams(f.query(minerID, after, limit)))
		return converted(rows, func(p read.ArchivedPosition) Position { return Position(p) }), err
	})
}

// ArchivedTrade returns an archived trade by its id. Error: ErrNotFound, also for a live one.
func (l *Ledger) ArchivedTrade(ctx context.Context, tradeID int64) (Trade, error) {
	return one(ctx, l, func(ctx context.Context, q *read.Queries) (Trade, error) {
		t, err := q.ArchivedTradeByID(ctx, tradeID)
		return Trade(t), err
	}, "archived trade %d", tradeID)
}

// ArchivedTrades lists a miner's archived trades by exit time.
func (l *Ledger) ArchivedTrades(ctx context.Context, minerID int64, f TradeFilter, p Page[Trade]) ([]Trade, error) {
	return list(ctx, l, p, func(ctx context.Context, q *read.Queries, after Trade, limit int64) ([]Trade, error) {
		rows, err := q.ArchivedTrades(ctx, read.ArchivedTradesParams(f.query(minerID, after, limit)))
		return converted(rows, func(t read.ArchivedTrade) Trade { return Trade(t) }), err
	})
}

// ArchivedClosesOfTrade lists the archived closes of a trade, first in first out. The trade itself may be
// live still, with closes of open positions.
func (l *Ledger) ArchivedClosesOfTrade(ctx context.Context, tradeID int64, p Page[Close]) ([]Close, error) {
	return list(ctx, l, p, func(ctx context.Context, q *read.Queries, after Close, limit int64) ([]Close, error) {
		if p.After == nil {
			after.Step = -1
		}
		rows, err := q.ArchivedClosesOfTrade(ctx, read.ArchivedClosesOfTradeParams{TradeID: tradeID, AfterStep: after.Step, PageSize: limit})
		return converted(rows, archivedClose), err
	})
}

// ArchivedClosesOfPosition lists the archived closes of a position in the order in which its trades were
// recorded.
func (l *Ledger) ArchivedClosesOfPosition(ctx context.Context, positionID int64, p Page[Close]) ([]Close, error) {
	return list(ctx, l, p, func(ctx context.Context, q *read.Queries, after Close, limit int64) ([]Close, error) {
		rows, err := q.ArchivedClosesOfPosition(ctx, read.ArchivedClosesOfPositionParams{PositionID: positionID, AfterTradeID: after.TradeID, PageSize: limit})
		return converted(rows, archivedClose), err
	})
}

// ArchiveRuns lists what runs of archiving moved, oldest run first, in a run by miner.
func (l *Ledger) ArchiveRuns(ctx context.Context, p Page[ArchiveRun]) ([]ArchiveRun, error) {
	return list(ctx, l, p, func(ctx context.Context, q *read.Queries, after ArchiveRun, limit int64) ([]ArchiveRun, error) {
		return q.ArchiveRuns(ctx, read.ArchiveRunsParams{AfterRunID: after.RunID, AfterMinerID: after.MinerID, PageSize: limit})
	})
}

// ArchiveRunsOfMiner lists what runs of archiving moved of a miner, oldest run first.
func (l *Ledger) ArchiveRunsOfMiner(ctx context.Context, minerID int64, p Page[ArchiveRun]) ([]ArchiveRun, error) {
	return list(ctx, l, p, func(ctx context.Context, q *read.Queries, after ArchiveRun, limit int64) ([]ArchiveRun, error) {
		return q.ArchiveRunsOfMiner(ctx, read.ArchiveRunsOfMinerParams{MinerID: minerID, AfterRunID: after.RunID, PageSize: limit})
	})
}

// anyPosition returns a position wherever it is.
func anyPosition(ctx context.Context, q *read.Queries, positionID int64) (Position, error) {
	p, err := q.PositionByID(ctx, positionID)
	if !errors.Is(err, ErrNotFound) {
		return p, err
	}
	archived, err := q.ArchivedPositionByID(ctx, positionID)
	return Position(archived), err
}

// anyTrade returns a trade wherever it is.
func anyTrade(ctx context.Context, q *read.Queries, tradeID int64) (Trade, error) {
	t, err := q.TradeByID(ctx, tradeID)
	if !errors.Is(err, ErrNotFound) {
		return t, err
	}
	archived, err := q.ArchivedTradeByID(ctx, tradeID)
	return Trade(archived), err
}

func archivedClose(c read.ArchivedClose) Close { return Close(c) }

// converted turns rows of the archive into those they are copies of.
func converted[A, B any](rows []A, convert func(A) B) []B {
	var list []B
	for _, r := range rows {
		list = append(list, convert(r))
	}
	return list
}
