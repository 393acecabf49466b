package ledger

import (
	"context"

	"github.com/stakeledger/stakeledger/dbgen/read"
)

// ArchiveRuns lists what each run archived of each miner, oldest run first, within a
// run by miner.
func (l *Ledger) ArchiveRuns(ctx context.Context, p Page[ArchiveRun]) ([]ArchiveRun, error) {
	return listPage(ctx, l, "archive runs", p, byRun, func(ctx context.Context, q *read.Queries, after ArchiveRun, limit int64) ([]ArchiveRun, error) {
		return q.ArchiveRuns(ctx, read.ArchiveRunsParams{AfterRunID: after.RunID, AfterMinerID: after.MinerID, PageSize: limit})
	})
}

// ArchiveRunsOfMiner lists what each run archived of a miner, oldest run first.
func (l *Ledger) ArchiveRunsOfMiner(ctx context.Context, minerID int64, p Page[ArchiveRun]) ([]ArchiveRun, error) {
	return listPage(ctx, l, "archive runs", p, byRun, func(ctx context.Context, q *read.Queries, after ArchiveRun, limit int64) ([]ArchiveRun, error) {
		return q.ArchiveRunsOfMiner(ctx, read.ArchiveRunsOfMinerParams{MinerID: minerID, AfterRunID: after.RunID, PageSize: limit})
	})
}
