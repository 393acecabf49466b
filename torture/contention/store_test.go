package contention_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"

	"github.com/stakeledger/stakeledger/manager"
)

type queries struct{ manager.DBTX }

func newQueries(db manager.DBTX) queries { return queries{db} }

type store = manager.DB[queries, queries]

// openStore opens the database at path with the defaults of every program.
func openStore(ctx context.Context, path string) (*store, error) {
	return manager.Open(ctx, path, newQueries, newQueries, manager.WithMigration(migrate), manager.WithLogger(slog.New(slog.DiscardHandler)))
}

func migrate(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	_, err = tx.ExecContext(ctx, `
		CREATE TABLE IF NOT EXISTS totals (worker TEXT PRIMARY KEY, count INTEGER NOT NULL);
		CREATE TABLE IF NOT EXISTS entries (worker TEXT NOT NULL, seq INTEGER NOT NULL, UNIQUE (worker, seq));`)
	if err != nil {
		return err
	}
	return tx.Commit()
}

// enter writes a worker's next entry and counts it.
func (q queries) enter(ctx context.Context, worker string, seq int64) error {
	var count int64
	err := q.QueryRowContext(ctx, "-- name: Count :one\nINSERT INTO totals VALUES (?, 1) ON CONFLICT (worker) DO UPDATE SET count = totals.count + 1 RETURNING count", worker).Scan(&count)
	if err != nil {
		return err
	}
	if count != seq {
		return fmt.Errorf("worker %s: entry %d is counted as number %d", worker, seq, count)
	}
	_, err = q.ExecContext(ctx, "-- name: Enter :exec\nINSERT INTO entries VALUES (?, ?)", worker, seq)
	return err
}

// audit returns how many entries each worker has. It is an error if they are not
// numbered from 1 without a gap, or if the worker's counter differs.
func (q queries) audit(ctx context.Context) (map[string]int64, error) {
	rows, err := q.QueryContext(ctx, `-- name: Audit :many
		SELECT t.worker, t.count, count(e.seq), coalesce(min(e.seq), 0), coalesce(max(e.seq), 0)
		FROM totals t LEFT JOIN entries e ON e.worker = t.worker GROUP BY t.worker, t.count`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	counts := map[string]int64{}
	for rows.Next() {
		var worker string
		var total, entries, first, last int64
		if err := rows.Scan(&worker, &total, &entries, &first, &last); err != nil {
			return nil, err
		}
		if worker != foreign && (entries != total || first != 1 || last != total) {
			return nil, fmt.Errorf("worker %s: %d entries from %d to %d, counted as %d", worker, entries, first, last, total)
		}
		counts[worker] = total
	}
	return counts, rows.Err()
}

// foreign is the worker of the program that does not know us.
const foreign = "foreign"
