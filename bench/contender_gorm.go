package main

import (
	"context"
	"database/sql"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/dbgen/write"
)

// gormORM gives gorm the same SQL through Raw and Exec: what is measured is the
// library, not the statements it would have made up.
var gormORM = Contender{
	Name:  "gorm",
	About: "the same statements through Raw and Exec, PrepareStmt on, default transaction off, an immediate pool",
	Open:  openGorm,
}

type gormStore struct{ db *gorm.DB }

func openGorm(path string, sync Sync) (Store, error) {
	db, err := gorm.Open(sqlite.Open(dsn(path, sync, "&_txlock=immediate&_busy_timeout=10000")), &gorm.Config{
		PrepareStmt:            true,
		SkipDefaultTransaction: true,
		Logger:                 logger.Discard,
	})
	return &gormStore{db}, err
}

func (s *gormStore) Write(ctx context.Context, fn func(context.Context, Queries) error) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return fn(ctx, gormQueries{tx}) })
}

func (s *gormStore) Snapshot(ctx context.Context, fn func(context.Context, Queries) error) error {
	return s.Write(ctx, fn)
}

func (s *gormStore) Lone(ctx context.Context, fn func(context.Context, Queries) error) error {
	return fn(ctx, gormQueries{s.db.WithContext(ctx)})
}

func (s *gormStore) Close() error {
	db, err := s.db.DB()
	if err != nil {
		return err
	}
	return db.Close()
}

type gormQueries struct{ db *gorm.DB }

func (q gormQueries) exec(text string, args ...any) (int64, error) {
	result := q.db.Exec(text, args...)
	return result.RowsAffected, result.Error
}

// gormMinerState is read.MinerStateRow as gorm wants it.
type gormMinerState struct {
	Miner             read.Miner `gorm:"embedded"`
	LatestTime        *chain.Time
	LatestBlock       *int64
	LatestExtrinsicID *string
	LatestEventIndex  *int64
}

func (q gormQueries) MinerState(_ context.Context, coldkey chain.Address) (read.MinerStateRow, error) {
	var s gormMinerState
	err := q.db.Raw(texts.MinerState, coldkey).Scan(&s).Error
	return read.MinerStateRow(s), err
}

func (q gormQueries) EventByKey(_ context.Context, a read.EventByKeyParams) (e read.Event, err error) {
	result := q.db.Raw(texts.EventByKey, a.MinerID, a.ExtrinsicID, a.EventIndex).Scan(&e)
	if err = result.Error; err == nil && result.RowsAffected == 0 {
		err = sql.ErrNoRows
	}
	return e, err
}

func (q gormQueries) SelfTradeCandidates(_ context.Context, a read.SelfTradeCandidatesParams) (list []read.SelfTradeCandidatesRow, err error) {
	err = q.db.Raw(texts.SelfTradeCandidates, a.MinerID, a.ExtrinsicID, a.Netuid, a.ExitTime).Scan(&list).Error
	return list, err
}

func (q gormQueries) FIFOCandidates(_ context.Context, a read.FIFOCandidatesParams) (list []read.FIFOCandidatesRow, err error) {
	err = q.db.Raw(texts.FIFOCandidates, a.MinerID, a.Netuid, a.ExitTime, a.AfterTime, a.AfterBlock, a.AfterPositionID, a.PageSize).Scan(&list).Error
	return list, err
}

func (q gormQueries) PositionByID(_ context.Context, id int64) (p read.Position, err error) {
	err = q.db.Raw(texts.PositionByID, id).Scan(&p).Error
	return p, err
}

func (q gormQueries) OpenPositions(_ context.Context, a read.OpenPositionsParams) (list []read.Position, err error) {
	err = q.db.Raw(texts.OpenPositions, a.MinerID, a.AfterNetuid, a.AfterTime, a.AfterBlock, a.AfterPositionID, a.PageSize).Scan(&list).Error
	return list, err
}

// gorm's Exec keeps the id for itself, so this goes to its connection.
func (q gormQueries) InsertEvent(ctx context.Context, a write.InsertEventParams) (int64, error) {
	result, err := q.db.Statement.ConnPool.ExecContext(ctx, texts.InsertEvent, insertEventArgs(a)...)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

func (q gormQueries) InsertPosition(_ context.Context, a write.InsertPositionParams) error {
	_, err := q.exec(texts.InsertPosition, insertPositionArgs(a)...)
	return err
}

func (q gormQueries) InsertTrade(_ context.Context, a write.InsertTradeParams) error {
	_, err := q.exec(texts.InsertTrade, insertTradeArgs(a)...)
	return err
}

func (q gormQueries) InsertClose(_ context.Context, a write.InsertCloseParams) error {
	_, err := q.exec(texts.InsertClose, insertCloseArgs(a)...)
	return err
}

func (q gormQueries) ShrinkPosition(_ context.Context, a write.ShrinkPositionParams) (int64, error) {
	return q.exec(texts.ShrinkPosition, shrinkPositionArgs(a)...)
}

func (q gormQueries) AddToMiner(_ context.Context, a write.AddToMinerParams) (int64, error) {
	return q.exec(texts.AddToMiner, addToMinerArgs(a)...)
}
