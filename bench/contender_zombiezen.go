package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/dbgen/write"
)

// zombiezen is SQLite translated to Go, without database/sql: it has its own
// connection type and caches statements.
var zombiezen = Contender{
	Name:  "zombiezen",
	About: "SQLite translated to Go, cached statements, a writing pool of one connection and a reading pool of four",
	Open:  openZombiezen,
}

type zombieStore struct{ write, read *sqlitex.Pool }

func openZombiezen(path string, sync Sync) (Store, error) {
	pragmas := func(conn *sqlite.Conn) error {
		return errors.Join(
			sqlitex.ExecuteTransient(conn, "PRAGMA foreign_keys=1", nil),
			sqlitex.ExecuteTransient(conn, "PRAGMA synchronous="+string(sync), nil))
	}
	w, err := sqlitex.NewPool(path, sqlitex.PoolOptions{PoolSize: 1, PrepareConn: pragmas})
	if err != nil {
		return nil, err
	}
	r, err := sqlitex.NewPool(path, sqlitex.PoolOptions{PoolSize: 4, Flags: sqlite.OpenReadOnly, PrepareConn: pragmas})
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return &zombieStore{w, r}, nil
}

func (s *zombieStore) Write(ctx context.Context, fn func(context.Context, Queries) error) (err error) {
	conn, err := s.write.Take(ctx)
	if err != nil {
		return err
	}
	defer s.write.Put(conn)
	end, err := sqlitex.ImmediateTransaction(conn)
	if err != nil {
		return err
	}
	defer end(&err)
	return fn(ctx, zombieQueries{conn})
}

func (s *zombieStore) Snapshot(ctx context.Context, fn func(context.Context, Queries) error) (err error) {
	conn, err := s.read.Take(ctx)
	if err != nil {
		return err
	}
	defer s.read.Put(conn)
	defer sqlitex.Transaction(conn)(&err)
	return fn(ctx, zombieQueries{conn})
}

func (s *zombieStore) Lone(ctx context.Context, fn func(context.Context, Queries) error) error {
	conn, err := s.read.Take(ctx)
	if err != nil {
		return err
	}
	defer s.read.Put(conn)
	return fn(ctx, zombieQueries{conn})
}

func (s *zombieStore) Close() error { return errors.Join(s.read.Close(), s.write.Close()) }

type zombieQueries struct{ conn *sqlite.Conn }

// each binds args to the cached statement and calls row for every row.
func (q zombieQueries) each(text string, row func(*sqlite.Stmt), args ...any) (n int, err error) {
	stmt, err := q.conn.Prepare(text)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, stmt.Reset()) }()
	for i, arg := range args {
		bind(stmt, i+1, arg)
	}
	for ; ; n++ {
		more, err := stmt.Step()
		if err != nil || !more {
			return n, err
		}
		row(stmt)
	}
}

func (q zombieQueries) one(text string, row func(*sqlite.Stmt), args ...any) error {
	n, err := q.each(text, row, args...)
	if err == nil && n == 0 {
		err = sql.ErrNoRows
	}
	return err
}

func (q zombieQueries) exec(text string, args ...any) error {
	_, err := q.each(text, nil, args...)
	return err
}

func bind(stmt *sqlite.Stmt, i int, arg any) {
	switch arg := arg.(type) {
	case int64:
		stmt.BindInt64(i, arg)
	case string:
		stmt.BindText(i, arg)
	case bool:
		stmt.BindBool(i, arg)
	case chain.Rao:
		stmt.BindInt64(i, int64(arg))
	case chain.Time:
		stmt.BindInt64(i, int64(arg))
	case chain.Netuid:
		stmt.BindInt64(i, int64(arg))
	case chain.Address:
		stmt.BindText(i, string(arg))
	case chain.EventKind:
		stmt.BindText(i, string(arg))
	case chain.Outcome:
		stmt.BindText(i, string(arg))
	case chain.EventKey:
		stmt.BindText(i, string(arg))
	case chain.PositionStatus:
		stmt.BindText(i, string(arg))
	case *int64:
		bindPointer(stmt, i, arg)
	case *string:
		bindPointer(stmt, i, arg)
	case *chain.Time:
		bindPointer(stmt, i, arg)
	case *bool:
		bindPointer(stmt, i, arg)
	case *chain.Rao:
		bindPointer(stmt, i, arg)
	case *chain.EventKey:
		bindPointer(stmt, i, arg)
	case *chain.USD:
		bindPointer(stmt, i, (*string)(arg))
	case *chain.IgnoreReason:
		bindPointer(stmt, i, (*string)(arg))
	case *chain.CloseMode:
		bindPointer(stmt, i, (*string)(arg))
	case *chain.SelfTradePolicy:
		bindPointer(stmt, i, (*string)(arg))
	default:
		panic(fmt.Sprintf("bind parameter %d: no case for %T", i, arg))
	}
}

func bindPointer[T any](stmt *sqlite.Stmt, i int, arg *T) {
	if arg == nil {
		stmt.BindNull(i)
	} else {
		bind(stmt, i, *arg)
	}
}

func column[T ~int64](stmt *sqlite.Stmt, i int) *T {
	if stmt.ColumnIsNull(i) {
		return nil
	}
	v := T(stmt.ColumnInt64(i))
	return &v
}

func columnText[T ~string](stmt *sqlite.Stmt, i int) *T {
	if stmt.ColumnIsNull(i) {
		return nil
	}
	v := T(stmt.ColumnText(i))
	return &v
}

func columnBool(stmt *sqlite.Stmt, i int) *bool {
	if stmt.ColumnIsNull(i) {
		return nil
	}
	v := stmt.ColumnBool(i)
	return &v
}

func (q zombieQueries) MinerByColdkey(_ context.Context, coldkey chain.Address) (m read.Miner, err error) {
	err = q.one(texts.MinerByColdkey, func(c *sqlite.Stmt) {
		m = read.Miner{
			MinerID: c.ColumnInt64(0), Coldkey: chain.Address(c.ColumnText(1)), Status: chain.MinerStatus(c.ColumnText(2)),
			TrackingStart: column[chain.Time](c, 3), RegisteredAt: chain.Time(c.ColumnInt64(4)),
			LatestKey: columnText[chain.EventKey](c, 5), OldestLateKey: columnText[chain.EventKey](c, 6), LastActive: column[chain.Time](c, 7), Positions: c.ColumnInt64(8),
			OpenPositions: c.ColumnInt64(9), Trades: c.ColumnInt64(10), Closes: c.ColumnInt64(11),
			EntryTAO: chain.Rao(c.ColumnInt64(12)), EntryAlpha: chain.Rao(c.ColumnInt64(13)),
			ClosedAlpha: chain.Rao(c.ColumnInt64(14)), ExitTAO: chain.Rao(c.ColumnInt64(15)),
			RawGain: chain.Rao(c.ColumnInt64(16)), Gain: chain.Rao(c.ColumnInt64(17)),
			CountedCloses: c.ColumnInt64(18), WinningCloses: c.ColumnInt64(19), CountedDurationUs: c.ColumnInt64(20),
			UnmatchedAlpha: chain.Rao(c.ColumnInt64(21)), UnmatchedTAO: chain.Rao(c.ColumnInt64(22)),
		}
	}, coldkey)
	return m, err
}

func (q zombieQueries) EventByKey(_ context.Context, a read.EventByKeyParams) (e read.Event, err error) {
	err = q.one(texts.EventByKey, func(c *sqlite.Stmt) {
		e = read.Event{
			EventID: c.ColumnInt64(0), MinerID: c.ColumnInt64(1), ExtrinsicID: c.ColumnText(2), EventIndex: c.ColumnInt64(3), EventKey: chain.EventKey(c.ColumnText(4)),
			Kind: chain.EventKind(c.ColumnText(5)), Netuid: chain.Netuid(c.ColumnInt64(6)), Hotkey: chain.Address(c.ColumnText(7)),
			Block: c.ColumnInt64(8), Time: chain.Time(c.ColumnInt64(9)), TAO: chain.Rao(c.ColumnInt64(10)),
			Alpha: chain.Rao(c.ColumnInt64(11)), Outcome: chain.Outcome(c.ColumnText(12)),
			Reason: columnText[chain.IgnoreReason](c, 13), OutOfOrder: c.ColumnBool(14),
			Mode: columnText[chain.CloseMode](c, 15), MinBlocks: column[int64](c, 16),
			SelfTrade: columnText[chain.SelfTradePolicy](c, 17), PositionIds: columnText[string](c, 18),
			IsTransfer: columnBool(c, 19), Fee: column[chain.Rao](c, 20), USD: columnText[chain.USD](c, 21),
		}
	}, a.MinerID, a.ExtrinsicID, a.EventIndex)
	return e, err
}

func (q zombieQueries) SelfTradeCandidates(_ context.Context, a read.SelfTradeCandidatesParams) (list []read.SelfTradeCandidatesRow, err error) {
	_, err = q.each(texts.SelfTradeCandidates, func(c *sqlite.Stmt) {
		list = append(list, read.SelfTradeCandidatesRow(zombieCandidate(c)))
	}, a.MinerID, a.ExtrinsicID, a.Netuid, a.BeforeKey)
	return list, err
}

func (q zombieQueries) FIFOCandidates(_ context.Context, a read.FIFOCandidatesParams) (list []read.FIFOCandidatesRow, err error) {
	_, err = q.each(texts.FIFOCandidates, func(c *sqlite.Stmt) {
		list = append(list, zombieCandidate(c))
	}, a.MinerID, a.Netuid, a.AfterKey, a.BeforeKey, a.PageSize)
	return list, err
}

func zombieCandidate(c *sqlite.Stmt) read.FIFOCandidatesRow {
	return read.FIFOCandidatesRow{
		PositionID: c.ColumnInt64(0), ExtrinsicID: c.ColumnText(1), EventKey: chain.EventKey(c.ColumnText(2)), EntryBlock: c.ColumnInt64(3),
		EntryTime: chain.Time(c.ColumnInt64(4)), EntryTAO: chain.Rao(c.ColumnInt64(5)),
		EntryAlpha: chain.Rao(c.ColumnInt64(6)), RemainingAlpha: chain.Rao(c.ColumnInt64(7)),
		LastExitTime: column[chain.Time](c, 8),
	}
}

func (q zombieQueries) PositionByID(_ context.Context, id int64) (p read.Position, err error) {
	err = q.one(texts.PositionByID, func(c *sqlite.Stmt) { p = zombiePosition(c) }, id)
	return p, err
}

func (q zombieQueries) OpenPositions(_ context.Context, a read.OpenPositionsParams) (list []read.Position, err error) {
	_, err = q.each(texts.OpenPositions, func(c *sqlite.Stmt) {
		list = append(list, zombiePosition(c))
	}, a.MinerID, a.AfterNetuid, a.AfterKey, a.PageSize)
	return list, err
}

func zombiePosition(c *sqlite.Stmt) read.Position {
	return read.Position{
		PositionID: c.ColumnInt64(0), MinerID: c.ColumnInt64(1), Netuid: chain.Netuid(c.ColumnInt64(2)),
		Hotkey: chain.Address(c.ColumnText(3)), ExtrinsicID: c.ColumnText(4), EventIndex: c.ColumnInt64(5), EventKey: chain.EventKey(c.ColumnText(6)),
		EntryBlock: c.ColumnInt64(7), EntryTime: chain.Time(c.ColumnInt64(8)), EntryTAO: chain.Rao(c.ColumnInt64(9)),
		EntryAlpha: chain.Rao(c.ColumnInt64(10)), RemainingAlpha: chain.Rao(c.ColumnInt64(11)),
		Status: chain.PositionStatus(c.ColumnText(12)), LastExitTime: column[chain.Time](c, 13),
		ClosedAt: column[chain.Time](c, 14), Gain: chain.Rao(c.ColumnInt64(15)), ArchiveRun: column[int64](c, 16),
	}
}

func (q zombieQueries) InsertEvent(_ context.Context, a write.InsertEventParams) (id int64, err error) {
	err = q.exec(texts.InsertEvent, insertEventArgs(a)...)
	return q.conn.LastInsertRowID(), err
}

func (q zombieQueries) InsertPosition(_ context.Context, a write.InsertPositionParams) error {
	return q.exec(texts.InsertPosition, insertPositionArgs(a)...)
}

func (q zombieQueries) InsertTrade(_ context.Context, a write.InsertTradeParams) error {
	return q.exec(texts.InsertTrade, insertTradeArgs(a)...)
}

func (q zombieQueries) InsertClose(_ context.Context, a write.InsertCloseParams) error {
	return q.exec(texts.InsertClose, insertCloseArgs(a)...)
}

func (q zombieQueries) ShrinkPosition(_ context.Context, a write.ShrinkPositionParams) error {
	return q.exec(texts.ShrinkPosition, shrinkPositionArgs(a)...)
}

func (q zombieQueries) AddToMiner(_ context.Context, a write.AddToMinerParams) error {
	return q.exec(texts.AddToMiner, addToMinerArgs(a)...)
}
