package main

import (
	"context"
	"database/sql"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/dbgen/write"
)

// bunORM gives bun the same SQL through NewRaw. bun writes the arguments into
// the text, so that SQLite parses every statement anew.
var bunORM = Contender{
	Name:  "bun",
	About: "the same statements through NewRaw, an immediate pool; bun writes arguments into the text",
	Open: func(path string, sync Sync) (Store, error) {
		db, err := sql.Open("sqlite3", dsn(path, sync, "&_txlock=immediate&_busy_timeout=10000"))
		if err != nil {
			return nil, err
		}
		return &bunStore{bun.NewDB(db, sqlitedialect.New())}, nil
	},
}

type bunStore struct{ db *bun.DB }

func (s *bunStore) Write(ctx context.Context, fn func(context.Context, Queries) error) error {
	return s.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error { return fn(ctx, bunQueries{tx}) })
}

func (s *bunStore) Snapshot(ctx context.Context, fn func(context.Context, Queries) error) error {
	return s.Write(ctx, fn)
}

func (s *bunStore) Lone(ctx context.Context, fn func(context.Context, Queries) error) error {
	return fn(ctx, bunQueries{s.db})
}

func (s *bunStore) Close() error { return s.db.Close() }

type bunQueries struct{ db bun.IDB }

func (q bunQueries) exec(ctx context.Context, text string, args ...any) (int64, error) {
	result, err := q.db.NewRaw(text, args...).Exec(ctx)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// bunTexts have bun's own parameter syntax.
var bunTexts = Texts{
	MinerState: plain(texts.MinerState), EventByKey: plain(texts.EventByKey), SelfTradeCandidates: plain(texts.SelfTradeCandidates),
	FIFOCandidates: plain(texts.FIFOCandidates), PositionByID: plain(texts.PositionByID),
	OpenPositions: plain(texts.OpenPositions), InsertEvent: plain(texts.InsertEvent),
	InsertPosition: plain(texts.InsertPosition), InsertTrade: plain(texts.InsertTrade),
	InsertClose: plain(texts.InsertClose), ShrinkPosition: plain(texts.ShrinkPosition),
	AddToMiner: plain(texts.AddToMiner),
}

// bunMinerState is read.MinerStateRow as bun wants it.
type bunMinerState struct {
	Miner             read.Miner `bun:"embed:"`
	LatestTime        *chain.Time
	LatestBlock       *int64
	LatestExtrinsicID *string
	LatestEventIndex  *int64
}

func (q bunQueries) MinerState(ctx context.Context, coldkey chain.Address) (read.MinerStateRow, error) {
	var s bunMinerState
	err := q.db.NewRaw(bunTexts.MinerState, coldkey).Scan(ctx, &s)
	return read.MinerStateRow(s), err
}

func (q bunQueries) EventByKey(ctx context.Context, a read.EventByKeyParams) (e read.Event, err error) {
	err = q.db.NewRaw(bunTexts.EventByKey, a.MinerID, a.ExtrinsicID, a.EventIndex).Scan(ctx, &e)
	return e, err
}

func (q bunQueries) SelfTradeCandidates(ctx context.Context, a read.SelfTradeCandidatesParams) (list []read.SelfTradeCandidatesRow, err error) {
	err = q.db.NewRaw(bunTexts.SelfTradeCandidates, a.MinerID, a.ExtrinsicID, a.Netuid, a.ExitTime).Scan(ctx, &list)
	return list, err
}

func (q bunQueries) FIFOCandidates(ctx context.Context, a read.FIFOCandidatesParams) (list []read.FIFOCandidatesRow, err error) {
	err = q.db.NewRaw(bunTexts.FIFOCandidates, a.MinerID, a.Netuid, a.ExitTime, a.AfterTime, a.AfterBlock, a.AfterPositionID, a.PageSize).Scan(ctx, &list)
	return list, err
}

func (q bunQueries) PositionByID(ctx context.Context, id int64) (p read.Position, err error) {
	err = q.db.NewRaw(bunTexts.PositionByID, id).Scan(ctx, &p)
	return p, err
}

func (q bunQueries) OpenPositions(ctx context.Context, a read.OpenPositionsParams) (list []read.Position, err error) {
	err = q.db.NewRaw(bunTexts.OpenPositions, a.MinerID, a.AfterNetuid, a.AfterTime, a.AfterBlock, a.AfterPositionID, a.PageSize).Scan(ctx, &list)
	return list, err
}

func (q bunQueries) InsertEvent(ctx context.Context, a write.InsertEventParams) (int64, error) {
	result, err := q.db.NewRaw(bunTexts.InsertEvent, insertEventArgs(a)...).Exec(ctx)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

func (q bunQueries) InsertPosition(ctx context.Context, a write.InsertPositionParams) error {
	_, err := q.exec(ctx, bunTexts.InsertPosition, insertPositionArgs(a)...)
	return err
}

func (q bunQueries) InsertTrade(ctx context.Context, a write.InsertTradeParams) error {
	_, err := q.exec(ctx, bunTexts.InsertTrade, insertTradeArgs(a)...)
	return err
}

func (q bunQueries) InsertClose(ctx context.Context, a write.InsertCloseParams) error {
	_, err := q.exec(ctx, bunTexts.InsertClose, insertCloseArgs(a)...)
	return err
}

func (q bunQueries) ShrinkPosition(ctx context.Context, a write.ShrinkPositionParams) (int64, error) {
	return q.exec(ctx, bunTexts.ShrinkPosition, shrinkPositionArgs(a)...)
}

func (q bunQueries) AddToMiner(ctx context.Context, a write.AddToMinerParams) (int64, error) {
	return q.exec(ctx, bunTexts.AddToMiner, addToMinerArgs(a)...)
}
