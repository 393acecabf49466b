package stakeledger_test

import (
	"context"
	"database/sql"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	_ "github.com/mattn/go-sqlite3" // the driver the queries run on
	"github.com/pressly/goose/v3"

	"github.com/stakeledger/stakeledger"
)

// listed is why a query may read the rows of json_each.
const listed = "json_each turns the caller's list of ids into rows; what they name is sought"

// Every query seeks. A plan that reads a whole table or sorts what it found is named here with its reason.
var (
	mayScan = map[string]string{
		"ListedPositions j":           listed,
		"PositionsToArchive j":        listed,
		"TradesToArchive j":           listed,
		"ArchivePositions j":          listed,
		"ArchiveTrades j":             listed,
		"ClosesOfTrades j":            listed,
		"UnarchiveTradesOf j":         listed,
		"ClosesToVerify j":            listed,
		"ArchivablePositions counted": "the closes of one position, sought, and no more of them than a batch counts",
		"DailyGains m":                "every miner is scored; what it closed in the days that count is sought",
		"DailyGains d":                "what was sought is grouped",
		"SumsOfTrades j":              listed,
		"PeriodEntries m":             "every miner is reported; what it entered in the period is sought",
		"PeriodTrades m":              "every miner is reported; what it sold in the period is sought",
		"PeriodCloses m":              "every miner is reported; what it sold in the period is sought",
		"PeriodUnmatched m":           "every miner is reported; its events of the period are sought",
		"GainsOfMiner d":              "the closes of one miner, sought, are grouped by time",
		"SpanOfTrades m":              "every miner is asked; its first and last trades are sought",
		"SpanOfTrades d":              "two rows a miner, sought",
		"EventsAsText d":              "a page of events, sought, becomes one text",
		"PolicyIsMixed e":             "every event is asked under what it was handled, when the policy is set or a rebuild has applied it",
		"MinerAndPolicy p":            "the one row that there is",
		"NewestEventTime m":           "every miner is asked; its last event is sought",
		"OpenExposures m":             "every miner is reported; what it has open is sought",
		"BrokenForeignKeys f":         "what SQLite itself finds broken, nothing on a healthy ledger",
		"IntegrityCheck i":            "what SQLite itself says, one row on a healthy ledger",
	}
	maySort = map[string]string{
		"SelfTradeCandidates": "the positions of one extrinsic, a handful",
		"ListedPositions":     "the positions of the caller's own list",
		"BrokenForeignKeys":   "what SQLite itself finds broken, nothing on a healthy ledger",
		"IntegrityCheck":      "what SQLite itself says, one row on a healthy ledger",
	}
)

func TestQueriesSeek(t *testing.T) {
	queries := generatedQueries(t)
	for _, fill := range []struct {
		name string
		sql  string
	}{
		{"empty", ""},
		{"full", manyRows},
		{"nothing open", manyRows + nothingOpen},
	} {
		t.Run(fill.name, func(t *testing.T) {
			db := migrated(t)
			if fill.sql != "" {
				if _, err := db.Exec(fill.sql + "; ANALYZE"); err != nil {
					t.Fatalf("fill: %v", err)
				}
			}
			for name, query := range queries {
				for _, step := range plan(t, db, name, query) {
					checkStep(t, name, step)
				}
			}
		})
	}
}

// checkStep fails for a step of a plan that reads or sorts more than it should.
func checkStep(t *testing.T, query, step string) {
	t.Helper()
	if table, ok := strings.CutPrefix(step, "SCAN "); ok && table != "CONSTANT ROW" {
		if mayScan[query+" "+strings.Fields(table)[0]] == "" {
			t.Errorf("%s: plan says %q, want a SEARCH or an entry in mayScan", query, step)
		}
	}
	if strings.Contains(step, "TEMP B-TREE FOR ORDER BY") && maySort[query] == "" {
		t.Errorf("%s: plan says %q, want an index in that order or an entry in maySort", query, step)
	}
}

func TestQueriesAreTyped(t *testing.T) {
	for _, file := range generatedFiles(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if at := regexp.MustCompile(`(?m)^\s+\w+\s+(\[\]|\*)*(any|interface\{\})\s*$`).Find(text); at != nil {
			t.Errorf("%s: untyped field %q: CAST the expression or declare its column's type", file, at)
		}
	}
}

// plan returns the steps of a query's plan.
func plan(t *testing.T, db *sql.DB, name, query string) []string {
	t.Helper()
	parameters := 0
	for _, m := range regexp.MustCompile(`\?(\d+)`).FindAllStringSubmatch(query, -1) {
		n, _ := strconv.Atoi(m[1])
		parameters = max(parameters, n)
	}
	rows, err := db.Query("EXPLAIN QUERY PLAN "+query, make([]any, parameters)...)
	if err != nil {
		t.Fatalf("%s: explain: %v", name, err)
	}
	defer rows.Close()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		steps = append(steps, detail)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return steps
}

// generatedQueries returns the text of every query that sqlc compiled, by name.
func generatedQueries(t *testing.T) map[string]string {
	t.Helper()
	queries := map[string]string{}
	for _, file := range generatedFiles(t) {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			text, _ := strconv.Unquote(literal.Value)
			if rest, ok := strings.CutPrefix(text, "-- name: "); ok {
				queries[strings.Fields(rest)[0]] = text
			}
			return true
		})
	}
	if len(queries) < 30 {
		t.Fatalf("found %d queries in dbgen, want all of them", len(queries))
	}
	return queries
}

func generatedFiles(t *testing.T) []string {
	t.Helper()
	read, err := filepath.Glob("dbgen/read/*.sql.go")
	if err != nil {
		t.Fatal(err)
	}
	write, err := filepath.Glob("dbgen/write/*.sql.go")
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(read, write)
}

// migrated returns a fresh database with every migration applied.
func migrated(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(t.TempDir(), "plan.db")+"?_foreign_keys=1&_journal_mode=WAL")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	migrations, err := fs.Sub(stakeledger.Schema, "schema")
	if err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, migrations)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.Up(context.Background()); err != nil {
		t.Fatal(err)
	}
	return db
}

// nothingOpen leaves nothing in the partial indexes of what goes on. What was counted then is believed when much is
// open again, until the database is closed.
const nothingOpen = `;
UPDATE positions SET remaining_alpha = 0, status = 'closed', last_exit_time = entry_time + 1000000, closed_at = entry_time + 1000000
WHERE remaining_alpha > 0;
UPDATE registrations SET ended_at = started_at WHERE ended_at IS NULL`

// manyRows fills every table: 200 miners, of whom the first has two fifths of 20,000 events, a quarter of
// them trades, and an intake that waits.
const manyRows = `
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
INSERT INTO miners (coldkey, status, registered_at)
SELECT printf('5%047d', i), iif(i % 9 = 0, 'inactive', 'active'), i FROM n;

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
INSERT INTO registrations (miner_id, uid, hotkey, started_at, ended_at)
SELECT (i + 1) / 2, i / 2, printf('5%047d', i), i, iif(i % 2 = 0, i, NULL) FROM n;

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO events (miner_id, extrinsic_id, event_index, event_key, kind, netuid, hotkey, block, time, tao, alpha, outcome, reason,
  out_of_order, mode, min_blocks, self_trade)
SELECT iif(i % 5 < 2, 1, i % 200 + 1), i || '-0001', i % 7, printf('%020d', i), iif(i % 4 = 0, 'unstake', 'stake'), i % 3 + 1,
  printf('5%047d', i % 5), i, i * 1000000, 1000, 1000, iif(i % 50 = 1, 'ignored', 'applied'), iif(i % 50 = 1, 'excluded', NULL),
  0, iif(i % 4 = 0, 'lenient', NULL), iif(i % 4 = 0, 360, NULL), iif(i % 4 = 0, 'zero', NULL)
FROM n;

INSERT INTO positions (position_id, miner_id, netuid, hotkey, extrinsic_id, event_index, event_key, entry_block, entry_time,
  entry_tao, entry_alpha, remaining_alpha, status)
SELECT event_id, miner_id, netuid, hotkey, extrinsic_id, event_index, event_key, block, time, tao, alpha, alpha, 'open'
FROM events WHERE kind = 'stake' AND outcome = 'applied';

INSERT INTO trades (trade_id, miner_id, netuid, hotkey, extrinsic_id, event_index, event_key, exit_block, exit_time,
  exit_tao, exit_alpha, unmatched_alpha, unmatched_tao)
SELECT event_id, miner_id, netuid, hotkey, extrinsic_id, event_index, event_key, block, time, tao, alpha, 0, 0
FROM events WHERE kind = 'unstake' AND outcome = 'applied';

INSERT INTO closes (trade_id, step, position_id, miner_id, event_key, alpha, tao, cost, raw_gain, gain, duration_us, min_blocks_met, self_trade)
SELECT t.trade_id, 0, p.position_id, t.miner_id, t.event_key, 1000, 1000, 1000, 0, 0, t.exit_time - p.entry_time, 1, 0
FROM trades t JOIN positions p ON p.position_id = (
  SELECT MAX(q.position_id) FROM positions q WHERE q.miner_id = t.miner_id AND q.netuid = t.netuid AND q.entry_time <= t.exit_time);

UPDATE positions SET remaining_alpha = 0, status = 'closed',
  last_exit_time = entry_time + 1000000, closed_at = entry_time + 1000000
WHERE position_id IN (SELECT position_id FROM closes);

INSERT INTO archive_runs (run_id, miner_id, cutoff, started_at, finished_at, positions, trades, closes, entry_tao, gain)
SELECT r.run_id, m.miner_id, r.run_id, r.run_id, r.run_id, 1, 1, 1, 1000, 0
FROM miners m, (WITH RECURSIVE n(run_id) AS (SELECT 1 UNION ALL SELECT run_id + 1 FROM n WHERE run_id < 50) SELECT run_id FROM n) r;

INSERT INTO snapshots (miner_id, at, window_us, taken_at, positions, open_positions, closed_positions, winning_positions, entry_tao, entry_alpha,
  closed_entry_tao, gain, gain_by_entry, gain_percent, counted_closes, counted_duration_us, open_age_us, gain_weight, volume_weight, win_rate_weight)
SELECT m.miner_id, r.run_id, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, '0', '0.000000000', 0, 0, 0, 0, 0, 0
FROM miners m, (SELECT DISTINCT run_id FROM archive_runs) r;

UPDATE positions SET archive_run = position_id % 50 + 1 WHERE status = 'closed' AND position_id % 2 = 0;
UPDATE trades SET archive_run = trade_id % 50 + 1
WHERE trade_id IN (SELECT c.trade_id FROM closes c JOIN positions p ON p.position_id = c.position_id WHERE p.archive_run IS NOT NULL);

INSERT INTO rejected_events (coldkey, extrinsic_id, event_index, reason, payload)
SELECT printf('5%047d', miner_id), extrinsic_id, event_index, 'duplicate_conflict', '{}' FROM events WHERE event_id % 10 = 0;

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
INSERT INTO intakes (state, created_at, heartbeat, min_blocks, self_trade, no_register, staged)
SELECT iif(i = 300, 'staged', 'done'), i, i, 360, 'zero', 0, 20000 FROM n;

INSERT INTO intake_ignored (intake_id, reason, events)
SELECT i.intake_id, r.reason, 1 FROM intakes i, ignore_reasons r;

INSERT INTO intake_rejected (intake_id, reason, events)
SELECT i.intake_id, r.reason, 1 FROM intakes i, reject_reasons r;

INSERT INTO staged_events (intake_id, coldkey, event_key, seq, time, block, extrinsic_id, event_index,
  kind, netuid, hotkey, tao, alpha, excluded)
SELECT 300, printf('5%047d', miner_id), event_key, event_id, time, block, extrinsic_id, event_index, kind, netuid, hotkey, tao, alpha, 0
FROM events`
