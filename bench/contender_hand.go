package main

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/dbgen/write"
)

// byHand is the best that hand-written code over database/sql can do: one
// connection for writing, behind a mutex, with every statement prepared on it,
// BEGIN and COMMIT too, and a pool for reading.
var byHand = Contender{
	Name:  "hand-written, prepared",
	About: "database/sql, every statement prepared once, BEGIN and COMMIT too; a pinned connection behind a mutex writes, a pool reads",
	Open:  openByHand,
}

type handStore struct {
	write, read             *sql.DB
	conn                    *sql.Conn
	mutex                   sync.Mutex // guards conn and what is prepared on it
	begin, commit, rollback *sql.Stmt
	writing, reading        *prepared
}

func openByHand(path string, sync Sync) (Store, error) {
	ctx := context.Background()
	w, err := sql.Open("sqlite3", dsn(path, sync, "&_busy_timeout=10000&_mutex=no"))
	if err != nil {
		return nil, err
	}
	r, err := sql.Open("sqlite3", dsn(path, sync, "&mode=ro&_query_only=1&_busy_timeout=10000&_mutex=no&_cache_size=-16384"))
	if err != nil {
		return nil, err
	}
	r.SetMaxOpenConns(4)
	r.SetMaxIdleConns(4)
	conn, err := w.Conn(ctx)
	if err != nil {
		return nil, err
	}
	for _, pragma := range tuned {
		if _, err := conn.ExecContext(ctx, pragma); err != nil {
			return nil, err
		}
	}
	on, pool := preparer{db: conn}, preparer{db: r}
	s := &handStore{
		write: w, read: r, conn: conn,
		begin: on.prepare("BEGIN IMMEDIATE"), commit: on.prepare("COMMIT"), rollback: on.prepare("ROLLBACK"),
		writing: on.reads(), reading: pool.reads(),
	}
	on.writes(s.writing)
	return s, errors.Join(on.err, pool.err)
}

func (s *handStore) Write(ctx context.Context, fn func(context.Context, Queries) error) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if _, err := s.begin.ExecContext(ctx); err != nil {
		return err
	}
	err := fn(ctx, s.writing)
	if err == nil {
		_, err = s.commit.ExecContext(ctx)
	}
	if err != nil {
		s.rollback.ExecContext(context.WithoutCancel(ctx))
	}
	return err
}

func (s *handStore) Snapshot(ctx context.Context, fn func(context.Context, Queries) error) error {
	tx, err := s.read.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	bound := *s.reading
	bound.tx = tx
	if err := fn(ctx, &bound); err != nil {
		tx.Rollback()
		return err
	}
	return tx.Commit()
}

func (s *handStore) Lone(ctx context.Context, fn func(context.Context, Queries) error) error {
	return fn(ctx, s.reading)
}

func (s *handStore) Close() error {
	return errors.Join(s.read.Close(), s.conn.Close(), s.write.Close())
}

// prepared holds every statement.
type prepared struct {
	tx *sql.Tx

	minerByColdkey, eventByKey, selfTradeCandidates, fifoCandidates, positionByID, openPositions *sql.Stmt
	insertEvent, insertPosition, insertTrade, insertClose                                        *sql.Stmt
	shrinkPosition, addToMiner                                                                   *sql.Stmt
}

// A preparer prepares statements on db until one fails.
type preparer struct {
	db interface {
		PrepareContext(context.Context, string) (*sql.Stmt, error)
	}
	err error
}

func (p *preparer) prepare(text string) *sql.Stmt {
	if p.err != nil {
		return nil
	}
	var stmt *sql.Stmt
	stmt, p.err = p.db.PrepareContext(context.Background(), text)
	return stmt
}

func (p *preparer) reads() *prepared {
	return &prepared{
		minerByColdkey:      p.prepare(texts.MinerByColdkey),
		eventByKey:          p.prepare(texts.EventByKey),
		selfTradeCandidates: p.prepare(texts.SelfTradeCandidates),
		fifoCandidates:      p.prepare(texts.FIFOCandidates),
		positionByID:        p.prepare(texts.PositionByID),
		openPositions:       p.prepare(texts.OpenPositions),
	}
}

func (p *preparer) writes(to *prepared) {
	to.insertEvent = p.prepare(texts.InsertEvent)
	to.insertPosition = p.prepare(texts.InsertPosition)
	to.insertTrade = p.prepare(texts.InsertTrade)
	to.insertClose = p.prepare(texts.InsertClose)
	to.shrinkPosition = p.prepare(texts.ShrinkPosition)
	to.addToMiner = p.prepare(texts.AddToMiner)
}

// in binds a statement to the transaction, if there is one.
func (p *prepared) in(ctx context.Context, stmt *sql.Stmt) *sql.Stmt {
	if p.tx == nil {
		return stmt
	}
	return p.tx.StmtContext(ctx, stmt)
}

func (p *prepared) exec(ctx context.Context, stmt *sql.Stmt, args ...any) error {
	_, err := p.in(ctx, stmt).ExecContext(ctx, args...)
	return err
}

func (p *prepared) MinerByColdkey(ctx context.Context, coldkey chain.Address) (m read.Miner, err error) {
	err = p.in(ctx, p.minerByColdkey).QueryRowContext(ctx, coldkey).Scan(
		&m.MinerID, &m.Coldkey, &m.Status, &m.TrackingStart, &m.RegisteredAt, &m.LatestKey, &m.OldestLateKey, &m.LastActive,
		&m.Positions, &m.OpenPositions, &m.Trades, &m.Closes, &m.EntryTAO, &m.EntryAlpha, &m.ClosedAlpha,
		&m.ExitTAO, &m.RawGain, &m.Gain, &m.CountedCloses, &m.WinningCloses, &m.CountedDurationUs,
		&m.UnmatchedAlpha, &m.UnmatchedTAO)
	return m, err
}

func (p *prepared) EventByKey(ctx context.Context, a read.EventByKeyParams) (e read.Event, err error) {
	err = p.in(ctx, p.eventByKey).QueryRowContext(ctx, a.MinerID, a.ExtrinsicID, a.EventIndex).Scan(
		&e.EventID, &e.MinerID, &e.ExtrinsicID, &e.EventIndex, &e.EventKey, &e.Kind, &e.Netuid, &e.Hotkey, &e.Block, &e.Time,
		&e.TAO, &e.Alpha, &e.Outcome, &e.Reason, &e.OutOfOrder, &e.Mode, &e.MinBlocks, &e.SelfTrade, &e.PositionIds,
		&e.IsTransfer, &e.Fee, &e.USD)
	return e, err
}

func (p *prepared) SelfTradeCandidates(ctx context.Context, a read.SelfTradeCandidatesParams) (list []read.SelfTradeCandidatesRow, err error) {
	rows, err := p.in(ctx, p.selfTradeCandidates).QueryContext(ctx, a.MinerID, a.ExtrinsicID, a.Netuid, a.BeforeKey)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c read.SelfTradeCandidatesRow
		if err := rows.Scan(&c.PositionID, &c.ExtrinsicID, &c.EventKey, &c.EntryBlock, &c.EntryTime, &c.EntryTAO, &c.EntryAlpha, &c.RemainingAlpha, &c.LastExitTime); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

func (p *prepared) FIFOCandidates(ctx context.Context, a read.FIFOCandidatesParams) (list []read.FIFOCandidatesRow, err error) {
	rows, err := p.in(ctx, p.fifoCandidates).QueryContext(ctx, a.MinerID, a.Netuid, a.AfterKey, a.BeforeKey, a.PageSize)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c read.FIFOCandidatesRow
		if err := rows.Scan(&c.PositionID, &c.ExtrinsicID, &c.EventKey, &c.EntryBlock, &c.EntryTime, &c.EntryTAO, &c.EntryAlpha, &c.RemainingAlpha, &c.LastExitTime); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

func (p *prepared) PositionByID(ctx context.Context, id int64) (o read.Position, err error) {
	err = p.in(ctx, p.positionByID).QueryRowContext(ctx, id).Scan(positionFields(&o)...)
	return o, err
}

func (p *prepared) OpenPositions(ctx context.Context, a read.OpenPositionsParams) (list []read.Position, err error) {
	rows, err := p.in(ctx, p.openPositions).QueryContext(ctx, a.MinerID, a.AfterNetuid, a.AfterKey, a.PageSize)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var o read.Position
		if err := rows.Scan(positionFields(&o)...); err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	return list, rows.Err()
}

func positionFields(o *read.Position) []any {
	return []any{
		&o.PositionID, &o.MinerID, &o.Netuid, &o.Hotkey, &o.ExtrinsicID, &o.EventIndex, &o.EventKey, &o.EntryBlock, &o.EntryTime,
		&o.EntryTAO, &o.EntryAlpha, &o.RemainingAlpha, &o.Status, &o.LastExitTime, &o.ClosedAt, &o.Gain, &o.ArchiveRun,
	}
}

func (p *prepared) InsertEvent(ctx context.Context, a write.InsertEventParams) (int64, error) {
	result, err := p.in(ctx, p.insertEvent).ExecContext(ctx, insertEventArgs(a)...)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

func (p *prepared) InsertPosition(ctx context.Context, a write.InsertPositionParams) error {
	return p.exec(ctx, p.insertPosition, insertPositionArgs(a)...)
}

func (p *prepared) InsertTrade(ctx context.Context, a write.InsertTradeParams) error {
	return p.exec(ctx, p.insertTrade, insertTradeArgs(a)...)
}

func (p *prepared) InsertClose(ctx context.Context, a write.InsertCloseParams) error {
	return p.exec(ctx, p.insertClose, insertCloseArgs(a)...)
}

func (p *prepared) ShrinkPosition(ctx context.Context, a write.ShrinkPositionParams) error {
	return p.exec(ctx, p.shrinkPosition, shrinkPositionArgs(a)...)
}

func (p *prepared) AddToMiner(ctx context.Context, a write.AddToMinerParams) error {
	return p.exec(ctx, p.addToMiner, addToMinerArgs(a)...)
}
