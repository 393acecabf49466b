package ledger

import (
	"context"
	"fmt"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/dbgen/write"
	"github.com/stakeledger/stakeledger/manager"
)

type archiver struct {
	archiveConfig
	ledger                *Ledger
	cutoff, started       chain.Time
	fromMiner, untilMiner int64
	miners                map[int64]bool
	done                  ArchiveSummary
}

// closesPerRow bounds the closes of a transaction's positions: this many for each row
// that it may mark, since they are counted.
const closesPerRow = 20

// archiveAttempts is how often in a row the same position may be found without being archived. Another writer can
// be the reason once or twice; after that the file is damaged.
const archiveAttempts = 3

// archiveBatch is what one transaction archives of a miner.
type archiveBatch struct {
	minerID           int64
	positions, trades []int64
}

// archivePositions archives positions, a batch at a time, until none is left.
func (r *archiver) archivePositions(ctx context.Context) error {
	from, first, attempts := r.fromMiner, int64(0), 0
	for {
		next, err := r.nextPositions(ctx, from)
		if err != nil || len(next.positions) == 0 {
			return err
		}
		if from = next.minerID; next.positions[0] != first {
			first, attempts = next.positions[0], 0
		}
		if attempts++; attempts > archiveAttempts {
			return stuckError("archive", "position %d", first)
		}
		if err := r.writeBatch(ctx, next); err != nil {
			return err
		}
	}
}

// nextPositions finds the next positions to archive, all of one miner. It reads on a reader's connection, so writers do
// not wait for it.
func (r *archiver) nextPositions(ctx context.Context, from int64) (archiveBatch, error) {
	return manager.Read(ctx, r.ledger.db, func(ctx context.Context, q *read.Queries) (archiveBatch, error) {
		room := r.rows * closesPerRow
		found, err := q.ArchivablePositions(ctx, read.ArchivablePositionsParams{
			FromMinerID: from, UntilMinerID: r.untilMiner, Cutoff: r.cutoff, CountTo: room + 1, PageSize: r.rows,
		})
		if err != nil || len(found) == 0 {
			return archiveBatch{}, err
		}
		next := archiveBatch{minerID: found[0].MinerID}
		for i, p := range found {
			if room -= p.Closes; p.MinerID != next.minerID || i > 0 && room < 0 {
				break
			}
			next.positions = append(next.positions, p.PositionID)
		}
		return next, nil
	}, manager.Label("ledger.ArchiveClosedPositions: find"))
}

// archiveTrades archives, for every miner, the trades whose positions are all
// archived.
func (r *archiver) archiveTrades(ctx context.Context) error {
	miners := pages("miners", maxPage, r.fromMiner-1, minerIDOf, func(after int64) ([]Miner, error) {
		return manager.Read(ctx, r.ledger.db, func(ctx context.Context, q *read.Queries) ([]Miner, error) {
			return q.Miners(ctx, after, maxPage)
		})
	})
	for page, err := range miners {
		if err != nil {
			return err
		}
		for _, m := range page {
			if m.MinerID > r.untilMiner {
				return nil
			}
			if err := r.archiveTradesOf(ctx, m.MinerID); err != nil {
				return err
			}
		}
	}
	return nil
}

// archiveTradesOf archives trades of a miner, in order. Trades that stay, because a position of theirs is open or was
// closed later, are read again by every run.
func (r *archiver) archiveTradesOf(ctx context.Context, minerID int64) error {
	key := func(t read.ArchivableTradesRow) chain.EventKey { return t.EventKey }
	trades := pages("trades to archive", r.rows, "", key, func(after chain.EventKey) ([]read.ArchivableTradesRow, error) {
		return manager.Read(ctx, r.ledger.db, func(ctx context.Context, q *read.Queries) ([]read.ArchivableTradesRow, error) {
			return q.ArchivableTrades(ctx, read.ArchivableTradesParams{
				MinerID: minerID, AfterKey: after, BeforeKey: chain.FirstEventKey(r.cutoff), PageSize: r.rows,
			})
		}, manager.Label("ledger.ArchiveClosedPositions: find"))
	})
	for page, err := range trades {
		if err != nil {
			return err
		}
		next := archiveBatch{minerID: minerID}
		for _, t := range page {
			if t.Settled {
				next.trades = append(next.trades, t.TradeID)
			}
		}
		if len(next.trades) == 0 {
			continue
		}
		if err := r.writeBatch(ctx, next); err != nil {
			return err
		}
	}
	return nil
}

// writeBatch archives those of the rows found that can still be archived, and adds them to the summary of the run.
func (r *archiver) writeBatch(ctx context.Context, next archiveBatch) error {
	keys, err := r.keys(ctx, next.minerID)
	if err != nil {
		return err
	}
	summary, err := commit(ctx, r.ledger, func(ctx context.Context, tx Tx, was *write.AddToArchiveRunParams) (write.AddToArchiveRunParams, error) {
		summary, err := r.markBatch(ctx, tx, next)
		if was != nil && summary.Positions+summary.Trades == 0 {
			summary = *was
		}
		return summary, err
	}, manager.Label("ledger.ArchiveClosedPositions: batch"), keys)
	if err != nil || summary.Positions+summary.Trades == 0 {
		return err
	}
	if !r.miners[next.minerID] {
		r.miners[next.minerID] = true
		r.done.Miners++
	}
	r.done.RunID = summary.RunID
	r.done.Positions += summary.Positions
	r.done.Trades += summary.Trades
	r.done.Closes += summary.Closes
	r.progress(r.done)
	return nil
}

// keys are those of a batch: its miner, but for the first of a run, which takes the run's number.
func (r *archiver) keys(ctx context.Context, minerID int64) (manager.TxOption, error) {
	if r.done.RunID == 0 || r.ledger.db.Writers() == 1 {
		return ofMiners(), nil
	}
	m, err := r.ledger.Miner(ctx, minerID)
	return ofMiners(m.Coldkey), err
}

// markBatch marks rows and returns what it logged for the run; nothing is logged if no row was left to mark.
func (r *archiver) markBatch(ctx context.Context, tx Tx, next archiveBatch) (write.AddToArchiveRunParams, error) {
	summary := write.AddToArchiveRunParams{
		RunID: r.done.RunID, MinerID: next.minerID, Cutoff: r.cutoff, StartedAt: r.started, FinishedAt: max(r.started, r.ledger.now()),
	}
	positions, err := tx.PositionsToArchive(ctx, read.PositionsToArchiveParams{PositionIds: idList(next.positions), MinerID: next.minerID, Cutoff: r.cutoff})
	if err != nil {
		return summary, err
	}
	for _, p := range positions {
		summary.Positions++
		summary.Closes += p.Closes
		summary.EntryTAO += p.EntryTAO // cannot overflow: both are parts of a miner's counters
		summary.Gain += p.Gain
	}
	trades, err := tx.TradesToArchive(ctx, idList(next.trades), next.minerID)
	if err != nil {
		return summary, err
	}
	if summary.Trades = int64(len(trades)); summary.Positions+summary.Trades == 0 {
		return summary, nil
	}
	if summary.RunID == 0 {
		latest, err := tx.LatestArchiveRun(ctx)
		if err != nil {
			return summary, err
		}
		summary.RunID = latest + 1
	}
	if _, err := tx.write.AddToArchiveRun(ctx, summary); err != nil {
		return summary, fmt.Errorf("archive: write the summary of run %d: %w", summary.RunID, err)
	}
	ids := make([]int64, len(positions))
	for i, p := range positions {
		ids[i] = p.PositionID
	}
	return summary, markArchived(ctx, tx, summary, idList(ids), idList(trades))
}

// markArchived sets the archiving run in the rows.
func markArchived(ctx context.Context, tx Tx, summary write.AddToArchiveRunParams, positions, trades string) error {
	marked, err := tx.write.ArchivePositions(ctx, write.ArchivePositionsParams{ArchiveRun: &summary.RunID, MinerID: summary.MinerID, PositionIds: positions})
	if err == nil && marked != summary.Positions {
		err = stuckError("archive", "one of the positions %s", positions)
	}
	if err != nil {
		return err
	}
	marked, err = tx.write.ArchiveTrades(ctx, write.ArchiveTradesParams{ArchiveRun: &summary.RunID, MinerID: summary.MinerID, TradeIds: trades})
	if err == nil && marked != summary.Trades {
		err = stuckError("archive", "one of the trades %s", trades)
	}
	return err
}
