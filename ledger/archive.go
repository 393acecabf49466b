package ledger

import (
	"context"
	"encoding/json"
	"math"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
)

// defaultArchiveRows is small enough that other writers hardly notice, and large enough that archiving a
// year takes minutes.
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

// ArchiveRows bounds how many rows (positions or trades) one transaction marks. More is faster and makes other
// writers wait longer. Below 1 counts as 1. Default: 300.
func ArchiveRows(n int) ArchiveOption {
	return func(c *archiveConfig) { c.rows = max(1, int64(n)) }
}

// OnArchived calls fn after every transaction with what is archived so far, in the goroutine of
// ArchiveClosedPositions. Default: none.
func OnArchived(fn func(ArchiveSummary)) ArchiveOption {
	return func(c *archiveConfig) { c.progress = fn }
}

// ArchiveSummary is what one run archived.
type ArchiveSummary struct {
	RunID     int64 `json:"run_id"` // 0: there was nothing to archive, and the run left no trace
	Miners    int64 `json:"miners"` // that had rows archived
	Positions int64 `json:"positions"`
	Trades    int64 `json:"trades"`
	Closes    int64 `json:"closes"` // of the positions
}

// ArchiveRun is what one run archived of one miner. EntryTAO and Gain are those of its positions.
type ArchiveRun = read.ArchiveRun

// ArchiveClosedPositions archives the closed positions whose last exit was before a time (not at it), with their
// closes, and each trade whose positions are all archived. Rows stay in their tables and are marked with the run:
// lists leave them out unless asked for them, reading by id finds them as before, and counters, the report,
// snapshots and scores do not change.
//
// It works in many short transactions, so other writers get their turn. It may be stopped at any moment and run
// again: what is archived stays archived, and the next run continues. Inside WithTx all of it is that one
// transaction.
//
// After an error the summary holds what had been archived before it. Errors: ErrInvalid for a time out of range,
// ErrNotFound for an unknown miner, those of the manager (ErrCorrupt for a row that an index finds and an update
// does not), and the context's.
func (l *Ledger) ArchiveClosedPositions(ctx context.Context, before chain.Time, opts ...ArchiveOption) (ArchiveSummary, error) {
	c := archiveConfig{rows: defaultArchiveRows, progress: func(ArchiveSummary) {}}
	for _, o := range opts {
		o(&c)
	}
	if before <= 0 || before > maxTime {
		return ArchiveSummary{}, &Error{Op: "archive", Err: invalid("before", before, "want a time after 1970-01-01T00:00:00Z and before the year 10000")}
	}
	r := archiver{ledger: l, archiveConfig: c, cutoff: before, started: l.now(), untilMiner: math.MaxInt64, miners: map[int64]bool{}}
	if c.miner != "" {
		m, err := l.MinerByColdkey(ctx, c.miner)
		if err != nil {
			return ArchiveSummary{}, nameMissing(err, "archive", "positions of miner %s", c.miner)
		}
		r.fromMiner, r.untilMiner = m.MinerID, m.MinerID
	}
	err := r.archivePositions(ctx)
	if err == nil {
		err = r.archiveTrades(ctx)
	}
	return r.done, err
}

// idList is a list of ids as the JSON array that queries take.
func idList(ids []int64) string {
	if ids == nil {
		return "[]"
	}
	text, _ := json.Marshal(ids) // integers always marshal
	return string(text)
}
