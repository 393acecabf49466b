package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/dbgen/write"
)

// Queries are the statements of the work. The signatures are sqlc's, so that
// generated code is a contender as it stands; a contender written by hand
// implements them with the same texts.
type Queries interface {
	MinerByColdkey(context.Context, chain.Address) (read.Miner, error)
	EventByKey(context.Context, read.EventByKeyParams) (read.Event, error)
	SelfTradeCandidates(context.Context, read.SelfTradeCandidatesParams) ([]read.SelfTradeCandidatesRow, error)
	FIFOCandidates(context.Context, read.FIFOCandidatesParams) ([]read.FIFOCandidatesRow, error)
	PositionByID(context.Context, int64) (read.Position, error)
	OpenPositions(context.Context, read.OpenPositionsParams) ([]read.Position, error)

	InsertEvent(context.Context, write.InsertEventParams) (int64, error)
	InsertPosition(context.Context, write.InsertPositionParams) error
	InsertTrade(context.Context, write.InsertTradeParams) error
	InsertClose(context.Context, write.InsertCloseParams) error
	ShrinkPosition(context.Context, write.ShrinkPositionParams) error
	AddToMiner(context.Context, write.AddToMinerParams) error
}

// Generated has the generated queries of both packages. The aliases are there
// because a struct cannot embed two types of the same name.
type (
	reader    = read.Queries
	writer    = write.Queries
	Generated struct {
		*reader
		*writer
	}
)

// InsertEvent returns the id of the event.
func (g Generated) InsertEvent(ctx context.Context, a write.InsertEventParams) (int64, error) {
	result, err := g.writer.InsertEvent(ctx, a)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

func newGenerated(db write.DBTX) Generated { return Generated{read.New(db), write.New(db)} }

// Texts are the SQL statements behind Queries.
type Texts struct {
	MinerByColdkey, EventByKey, SelfTradeCandidates, FIFOCandidates, PositionByID, OpenPositions string
	InsertEvent, InsertPosition, InsertTrade, InsertClose, ShrinkPosition, AddToMiner            string
}

// texts are taken from the generated code, which does not export them, so that
// every contender runs the statements of dbgen.
var texts = func() (t Texts) {
	c := &catcher{db: sql.OpenDB(nowhere{})}
	q, ctx := newGenerated(c), context.Background()
	q.MinerByColdkey(ctx, "")
	t.MinerByColdkey = c.take()
	q.EventByKey(ctx, read.EventByKeyParams{})
	t.EventByKey = c.take()
	q.SelfTradeCandidates(ctx, read.SelfTradeCandidatesParams{})
	t.SelfTradeCandidates = c.take()
	q.FIFOCandidates(ctx, read.FIFOCandidatesParams{})
	t.FIFOCandidates = c.take()
	q.PositionByID(ctx, 0)
	t.PositionByID = c.take()
	q.OpenPositions(ctx, read.OpenPositionsParams{})
	t.OpenPositions = c.take()
	q.InsertEvent(ctx, write.InsertEventParams{})
	t.InsertEvent = c.take()
	q.InsertPosition(ctx, write.InsertPositionParams{})
	t.InsertPosition = c.take()
	q.InsertTrade(ctx, write.InsertTradeParams{})
	t.InsertTrade = c.take()
	q.InsertClose(ctx, write.InsertCloseParams{})
	t.InsertClose = c.take()
	q.ShrinkPosition(ctx, write.ShrinkPositionParams{})
	t.ShrinkPosition = c.take()
	q.AddToMiner(ctx, write.AddToMinerParams{})
	t.AddToMiner = c.take()
	return t
}()

// A catcher is a DBTX that keeps the text of a query and fails.
type catcher struct {
	db   *sql.DB
	text string
}

var errCaught = errors.New("caught")

func (c *catcher) take() string {
	text := c.text
	c.text = ""
	return text
}

func (c *catcher) ExecContext(_ context.Context, text string, _ ...any) (sql.Result, error) {
	c.text = text
	return nil, errCaught
}

func (c *catcher) PrepareContext(_ context.Context, text string) (*sql.Stmt, error) {
	c.text = text
	return nil, errCaught
}

func (c *catcher) QueryContext(_ context.Context, text string, _ ...any) (*sql.Rows, error) {
	c.text = text
	return nil, errCaught
}

// Only database/sql makes a Row that holds an error.
func (c *catcher) QueryRowContext(ctx context.Context, text string, _ ...any) *sql.Row {
	c.text = text
	return c.db.QueryRowContext(ctx, "")
}

type nowhere struct{}

func (nowhere) Connect(context.Context) (driver.Conn, error) { return nil, errCaught }
func (nowhere) Driver() driver.Driver                        { return nil }
