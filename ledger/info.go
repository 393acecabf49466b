package ledger

import (
	"context"
	"fmt"

	"github.com/stakeledger/stakeledger/chain"
)

// Info is what the ledger's file holds. Rows are by table.
type Info struct {
	Rows          map[string]int64 `json:"rows"`
	Archived      int64            `json:"archived_positions"`
	Interrupted   int64            `json:"interrupted_inputs"` // that Apply has not ended
	LastArchive   *chain.Time      `json:"last_archive"`
	SchemaVersion int64            `json:"schema_version"`
	JournalMode   string           `json:"journal_mode"`
	PageSize      int64            `json:"page_size"`
	Pages         int64            `json:"pages"`
	FreePages     int64            `json:"free_pages"` // hold nothing; Compact gives them back
}

// Info looks at the file. It counts rows, which at a million events takes tenths of a second.
func (l *Ledger) Info(ctx context.Context) (info Info, err error) {
	row := l.db.SQL().QueryRowContext(ctx, `SELECT
		(SELECT COUNT(*) FROM miners), (SELECT COUNT(*) FROM registrations), (SELECT COUNT(*) FROM events), (SELECT COUNT(*) FROM rejected_events),
		(SELECT COUNT(*) FROM positions), (SELECT COUNT(*) FROM trades), (SELECT COUNT(*) FROM closes), (SELECT COUNT(*) FROM snapshots),
		(SELECT COUNT(*) FROM positions WHERE archive_run IS NOT NULL), (SELECT COUNT(*) FROM intakes WHERE state IN ('staging', 'staged')),
		(SELECT COALESCE(MAX(finished_at), 0) FROM archive_runs), (SELECT MAX(version_id) FROM goose_db_version WHERE is_applied = 1),
		(SELECT journal_mode FROM pragma_journal_mode), (SELECT page_size FROM pragma_page_size), (SELECT page_count FROM pragma_page_count),
		(SELECT freelist_count FROM pragma_freelist_count)`)
	tables := []string{"miners", "registrations", "events", "rejected_events", "positions", "trades", "closes", "snapshots"}
	counts := make([]int64, len(tables))
	var into []any
	for i := range counts {
		into = append(into, &counts[i])
	}
	var last int64
	if err := row.Scan(append(into, &info.Archived, &info.Interrupted, &last, &info.SchemaVersion, &info.JournalMode, &info.PageSize, &info.Pages, &info.FreePages)...); err != nil {
		return Info{}, fmt.Errorf("look at the ledger: %w", err)
	}
	info.Rows = map[string]int64{}
	for i, table := range tables {
		info.Rows[table] = counts[i]
	}
	if last > 0 {
		info.LastArchive = new(chain.Time(last))
	}
	return info, nil
}

// CheckFile has SQLite check the file, quickly or with its indexes too, and the foreign keys. It returns what is wrong.
func (l *Ledger) CheckFile(ctx context.Context, full bool) ([]string, error) {
	rows, err := l.db.SQL().QueryContext(ctx, `SELECT quick_check FROM pragma_quick_check WHERE ?1 = 0
		UNION ALL SELECT integrity_check FROM pragma_integrity_check WHERE ?1 = 1
		UNION ALL SELECT * FROM (SELECT 'a row of ' || "table" || ' refers to a missing one of ' || parent FROM pragma_foreign_key_check LIMIT 100)`, zeroOrOne(full))
	if err != nil {
		return nil, fmt.Errorf("check the file: %w", err)
	}
	defer rows.Close()
	var wrong []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return wrong, fmt.Errorf("check the file: %w", err)
		}
		if line != "ok" {
			wrong = append(wrong, line)
		}
	}
	if err := rows.Err(); err != nil {
		return wrong, fmt.Errorf("check the file: %w", err)
	}
	return wrong, nil
}
