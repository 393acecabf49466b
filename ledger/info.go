package ledger

import (
	"context"
	"fmt"

	"github.com/stakeledger/stakeledger/chain"
)

// Info is what the ledger holds. Rows are by table.
type Info struct {
	Rows          map[string]int64 `json:"rows"`
	Archived      int64            `json:"archived_positions"`
	Interrupted   int64            `json:"interrupted_inputs"` // that no Apply has finished
	LastArchive   *chain.Time      `json:"last_archive"`
	SchemaVersion int64            `json:"schema_version"`
	JournalMode   string           `json:"journal_mode,omitempty"` // this and what follows of pages: of a file
	PageSize      int64            `json:"page_size,omitempty"`
	Pages         int64            `json:"pages,omitempty"`
	FreePages     int64            `json:"free_pages"`       // unused; Compact returns them to the file system
	Server        *ServerInfo      `json:"server,omitempty"` // nil: the ledger is a file
}

// ServerInfo is what a server says of itself and of the ledger's database.
type ServerInfo struct {
	Version             string `json:"version"`
	Bytes               int64  `json:"bytes"` // of the database
	Standby             bool   `json:"standby"`
	Fsync               bool   `json:"fsync"`
	SynchronousCommit   string `json:"synchronous_commit"`   // of a connection that writes
	SynchronousStandbys string `json:"synchronous_standbys"` // synchronous_standby_names
	Standbys            int64  `json:"standbys"`             // that follow it now, synchronously or not
	Connections         int64  `json:"connections"`
	MaxConnections      int64  `json:"max_connections"`

	LastArchivedWAL *chain.Time `json:"last_archived_wal"` // nil: none, as without archive_mode
	ArchivingFails  bool        `json:"archiving_fails"`   // the last attempt did
}

// Info looks at the ledger. It counts rows, which at a million events takes tenths of a second.
func (l *Ledger) Info(ctx context.Context) (info Info, err error) {
	row := l.db.SQL().QueryRowContext(ctx, `SELECT
		(SELECT COUNT(*) FROM miners), (SELECT COUNT(*) FROM registrations), (SELECT COUNT(*) FROM events), (SELECT COUNT(*) FROM rejected_events),
		(SELECT COUNT(*) FROM positions), (SELECT COUNT(*) FROM trades), (SELECT COUNT(*) FROM closes), (SELECT COUNT(*) FROM snapshots),
		(SELECT COUNT(*) FROM positions WHERE archive_run IS NOT NULL), (SELECT COUNT(*) FROM intakes WHERE state IN ('staging', 'staged')),
		(SELECT COALESCE(MAX(finished_at), 0) FROM archive_runs), (SELECT MAX(version_id) FROM goose_db_version)`)
	tables := []string{"miners", "registrations", "events", "rejected_events", "positions", "trades", "closes", "snapshots"}
	counts := make([]int64, len(tables))
	var into []any
	for i := range counts {
		into = append(into, &counts[i])
	}
	var last int64
	err = row.Scan(append(into, &info.Archived, &info.Interrupted, &last, &info.SchemaVersion)...)
	if err == nil {
		err = l.describe(ctx, &info)
	}
	if err != nil {
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

// describe adds what the engine says.
func (l *Ledger) describe(ctx context.Context, info *Info) error {
	if !l.onServer() {
		return l.db.SQL().QueryRowContext(ctx, `SELECT
			(SELECT journal_mode FROM pragma_journal_mode), (SELECT page_size FROM pragma_page_size),
			(SELECT page_count FROM pragma_page_count), (SELECT freelist_count FROM pragma_freelist_count)`).
			Scan(&info.JournalMode, &info.PageSize, &info.Pages, &info.FreePages)
	}
	s := &ServerInfo{}
	info.Server = s
	var archived int64
	err := l.db.SQL().QueryRowContext(ctx, `SELECT current_setting('server_version'), pg_database_size(current_database()), pg_is_in_recovery(),
		current_setting('fsync')::boolean, current_setting('synchronous_commit'), current_setting('synchronous_standby_names'),
		(SELECT COUNT(*) FROM pg_stat_replication), (SELECT COUNT(*) FROM pg_stat_activity WHERE backend_type = 'client backend'), current_setting('max_connections')::bigint,
		COALESCE((extract(epoch FROM a.last_archived_time) * 1000000)::bigint, 0), COALESCE(a.last_failed_time > COALESCE(a.last_archived_time, '-infinity'), false)
		FROM pg_stat_archiver a`).
		Scan(&s.Version, &s.Bytes, &s.Standby, &s.Fsync, &s.SynchronousCommit, &s.SynchronousStandbys, &s.Standbys, &s.Connections, &s.MaxConnections, &archived, &s.ArchivingFails)
	if archived > 0 {
		s.LastArchivedWAL = new(chain.Time(archived))
	}
	return err
}

// onServer reports whether the ledger is in a server's database.
func (l *Ledger) onServer() bool { return l.db.Engine() != "sqlite" }

// CheckFile has SQLite check the file, quickly or with its indexes too, and the foreign keys. On a server it asks whether
// the triggers and constraints of its tables are in force; pg_amcheck looks at its files. It returns what is wrong.
func (l *Ledger) CheckFile(ctx context.Context, full bool) ([]string, error) {
	check := `SELECT quick_check FROM pragma_quick_check WHERE ?1 = 0
		UNION ALL SELECT integrity_check FROM pragma_integrity_check WHERE ?1 = 1
		UNION ALL SELECT * FROM (SELECT 'a row of ' || "table" || ' refers to a missing one of ' || parent FROM pragma_foreign_key_check LIMIT 100)`
	args := []any{zeroOrOne(full)}
	if l.onServer() {
		check = `SELECT 'trigger ' || t.tgname || ' of ' || c.relname || ' is not enabled' FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
			WHERE c.relnamespace = current_schema()::regnamespace AND t.tgenabled NOT IN ('O', 'A')
			UNION ALL SELECT 'constraint ' || k.conname || ' of ' || k.conrelid::regclass::text || ' is not validated' FROM pg_constraint k
			WHERE k.connamespace = current_schema()::regnamespace AND k.conrelid <> 0 AND NOT k.convalidated`
		args = nil
	}
	rows, err := l.db.SQL().QueryContext(ctx, check, args...)
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
