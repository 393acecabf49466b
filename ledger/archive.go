package ledger

import (
	"context"
	"fmt"
	"math"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/dbgen/write"
	"github.com/stakeledger/stakeledger/manager"
)

// defaultArchiveRows is small enough that whoever writes meanwhile hardly waits longer than for any other
// transaction, and large enough that archiving a year takes minutes.
const defaultArchiveRows = 300

// ArchiveOption sets how ArchiveClosedPositions works.
type ArchiveOption func(*archiveConfig)

type archiveConfig struct {
	miner    chain.Address
	rows     int64
	progress func(ArchiveSummary)
}

// OfMiner archives the positions of one miner. Default: those of all miners.
func OfMiner(coldkey chain.Address) ArchiveOption {
	return func(c *archiveConfig) { c.miner = coldkey }
}

// ArchiveRows bounds how many rows (positions, closes and trades) one transaction moves. More is faster and
// makes other writers wait longer. Below 3, a position with its one close and trade, counts as 3. Default: 300.
func ArchiveRows(n int) ArchiveOption {
	return func(c *archiveConfig) { c.rows = max(3, int64(n)) }
}

// OnArchived has fn called after every transaction with what has moved so far, in the goroutine of
// ArchiveClosedPositions. Default: nobody is told.
func OnArchived(fn func(ArchiveSummary)) ArchiveOption {
	return func(c *archiveConfig) { c.progress = fn }
}

// ArchiveSummary is what one run moved.
type ArchiveSummary struct {
	RunID     int64 `json:"run_id"` // 0: there was nothing to move, and the run left no trace
	Miners    int64 `json:"miners"` // whose rows moved
	Positions int64 `json:"positions"`
	Trades    int64 `json:"trades"`
	Closes    int64 `json:"closes"`
}

// ArchiveRun is what one run moved of one miner. EntryTAO and Gain are those of its positions.
type ArchiveRun = read.ArchiveRun

// ArchiveClosedPositions moves the positions that were closed with their last exit before a moment (not at
// it), with their closes, to the archive, and each trade whose closes have all moved. Counters and the report
// stay as they are; by id, what is archived is found by ArchivedPosition and its like.
//
// It goes in many short transactions, between which other writers get their turn. It may be stopped at any
// instant and run again: what has moved has moved, and the next run goes on. A position with more closes than
// a transaction may move (see ArchiveRows) goes in parts, and moves itself with the last of them. Inside
// WithTx all of it is that one transaction.
//
// With an error comes what had moved before it. Errors: ErrInvalid for a moment that cannot be, ErrNotFound
// for an unknown miner, those of the manager, and the context's.
func (l *Ledger) ArchiveClosedPositions(ctx context.Context, before chain.Time, opts ...ArchiveOption) (ArchiveSummary, error) {
	c := archiveConfig{rows: defaultArchiveRows, progress: func(ArchiveSummary) {}}
	for _, o := range opts {
		o(&c)
	}
	if before <= 0 || before > maxTime {
		return ArchiveSummary{}, &Error{Op: "archive", Err: invalid("before", before, "want a time after 1970-01-01T00:00:00Z and before the year 10000")}
	}
	r := archiving{rows: c.rows, cutoff: before, started: l.now(), untilMiner: math.MaxInt64}
	if c.miner != "" {
		m, err := l.MinerByColdkey(ctx, c.miner)
		if err != nil {
			return ArchiveSummary{}, named(err, "archive", "positions of miner %s", c.miner)
		}
		r.fromMiner, r.untilMiner = m.MinerID, m.MinerID
	}
	for {
		next, err := l.nextToArchive(ctx, r)
		if err != nil || len(next.positions) == 0 {
			return r.done, err
		}
		moved, err := l.archiveBatch(ctx, r, next)
		if err != nil {
			return r.done, err
		}
		r.count(moved)
		c.progress(r.done)
	}
}

// archiving is a run under way.
type archiving struct {
	rows                  int64
	cutoff, started       chain.Time
	fromMiner, untilMiner int64 // those left to look at
	lastMiner             int64 // whose rows moved last
	done                  ArchiveSummary
}

// count adds what a batch moved. Batches come in the order of their miners.
func (r *archiving) count(b archivedBatch) {
	r.done.RunID = b.runID
	for _, m := range b.miners {
		if m.minerID != r.lastMiner {
			r.done.Miners++
		}
		r.lastMiner, r.fromMiner = m.minerID, m.minerID
		r.done.Positions += m.positions
		r.done.Trades += m.trades
		r.done.Closes += m.closes
	}
}

// toArchive is what goes in one transaction: the closes of these positions up to a trade, and the positions
// themselves where no closes are left then.
type toArchive struct {
	positions  []int64
	untilTrade int64
}

// nextToArchive finds what goes next. It reads on a connection of the readers, so that nobody waits for it.
func (l *Ledger) nextToArchive(ctx context.Context, r archiving) (toArchive, error) {
	return manager.Read(ctx, l.db, func(ctx context.Context, q *read.Queries) (toArchive, error) {
		most := (r.rows - 1) / 2 // closes that fit beside their position, each with a trade of its own
		candidates, err := q.ClosedPositions(ctx, read.ClosedPositionsParams{
			FromMinerID: r.fromMiner, UntilMinerID: r.untilMiner, Cutoff: r.cutoff, CountTo: most + 1, PageSize: r.rows / 3,
		})
		if err != nil || len(candidates) == 0 {
			return toArchive{}, err
		}
		next := toArchive{untilTrade: math.MaxInt64}
		if first := candidates[0]; first.Closes > most {
			part, err := q.ClosesOfPosition(ctx, read.ClosesOfPositionParams{PositionID: first.PositionID, PageSize: most})
			if err != nil || len(part) == 0 {
				return toArchive{}, err
			}
			return toArchive{[]int64{first.PositionID}, part[len(part)-1].TradeID}, nil
		}
		room := r.rows
		for _, c := range candidates {
			if room -= 1 + 2*c.Closes; room < 0 {
				break
			}
			next.positions = append(next.positions, c.PositionID)
		}
		return next, nil
	}, manager.Label("ledger.ArchiveClosedPositions: find"))
}

// archivedBatch is what a transaction moved, and of which run it was.
type archivedBatch struct {
	runID  int64
	miners []archivedRows
}

// archiveBatch moves what was found, as far as it is still there, and writes it into the log of the run.
func (l *Ledger) archiveBatch(ctx context.Context, r archiving, next toArchive) (archivedBatch, error) {
	return manager.Write(ctx, l.db, func(ctx context.Context, tx Tx) (archivedBatch, error) {
		b := archivedBatch{runID: r.done.RunID}
		var err error
		if b.miners, err = moveToArchive(ctx, tx, next, r.cutoff); err != nil || len(b.miners) == 0 {
			return b, err
		}
		if b.runID == 0 {
			latest, err := tx.LatestArchiveRun(ctx)
			if err != nil {
				return b, err
			}
			b.runID = latest + 1
		}
		for _, m := range b.miners {
			_, err := tx.AddToArchiveRun(ctx, write.AddToArchiveRunParams{
				RunID: b.runID, MinerID: m.minerID, Cutoff: r.cutoff, StartedAt: r.started, FinishedAt: max(r.started, l.now()),
				Positions: m.positions, Trades: m.trades, Closes: m.closes, EntryTAO: m.entryTAO, Gain: m.gain,
			})
			if err != nil {
				return b, fmt.Errorf("archive: write the summary of run %d: %w", b.runID, err)
			}
		}
		return b, nil
	}, manager.Label("ledger.ArchiveClosedPositions: batch"))
}
