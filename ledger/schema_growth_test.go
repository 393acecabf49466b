package ledger_test

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pressly/goose/v3"

	"github.com/stakeledger/stakeledger"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/migrate"
)

// freely are the columns that any statement may change, each with what holds it.
var freely = map[string]string{
	"miners.status":            "set by its own operation; a foreign key holds its words",
	"miners.last_active":       "moves with each event; Verify compares it",
	"miners counters":          "grow with each event; CHECKs bound them, Verify compares them",
	"policy.min_blocks":        "set by policy set; a CHECK bounds it",
	"policy.self_trade":        "set by policy set; a foreign key holds its words",
	"policy.transfers":         "set by policy set; a foreign key holds its words",
	"policy.lookback_days":     "set by policy set; a CHECK bounds it",
	"policy.mixed":             "set by policy set and by a call that overrides",
	"archive_runs.gain":        "grows or shrinks with what a run takes",
	"archive_runs.finished_at": "moves with each batch",
	"registrations.ended_at":   "set once, by the guard's WHERE",
}

// saidOnce are the columns that nothing else in the ledger repeats, so that Verify has nothing to compare.
var saidOnce = map[string]string{
	"events.out_of_order": "how it came, outside the law", "events.mode": "a replay takes an unstake as a fact",
	"events.is_transfer": "from outside", "events.fee": "from outside", "events.usd": "from outside",
	"miners.coldkey": "the miner's name", "miners.status": "an operator's word", "miners.tracking_start": "an operator's word",
	"miners.registered_at": "a clock's word", "miners.oldest_late_key": "Verify names who has one",
}

// compared is where Verify's comparison of a table is, and how it names a column.
var compared = map[string]struct{ file, name string }{
	"positions": {"../queries/read/verify.sql", `\bp\.%s\b`}, "trades": {"../queries/read/verify.sql", `\bt\.%s\b`},
	"closes": {"../queries/read/verify.sql", `\bc\.%s\b`}, "events": {"../queries/read/verify.sql", `\be\.%s\b`},
	"miners": {"verify_miners.go", `(?i)"%s"|m\.MinerID`},
}

// A column that is forgotten in a guard or in Verify is lost in silence, so each is named: by a guard of UPDATE, by the
// guard of INSERT, and by Verify's comparison.
func TestEveryColumnIsGuardedAndCompared(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	openAt(t, path)
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, table := range []string{"miners", "registrations", "events", "archive_runs", "positions", "trades", "closes", "snapshots", "policy"} {
		text := schemaTexts(t, db, "type = 'table' AND name = '"+table+"'")
		constraints := text[strings.Index(text, "(")+1:]
		updates := schemaTexts(t, db, "type = 'trigger' AND tbl_name = '"+table+"' AND sql LIKE '%BEFORE UPDATE%'")
		inserts := schemaTexts(t, db, "type = 'trigger' AND tbl_name = '"+table+"' AND sql LIKE '%BEFORE INSERT%'")
		for _, column := range columnsOf(t, db, table) {
			named := func(text, pattern string) bool {
				return regexp.MustCompile(fmt.Sprintf(pattern, regexp.QuoteMeta(column))).MatchString(text)
			}
			name := table + "." + column
			whole := regexp.MustCompile(`BEFORE UPDATE ON \w+\s+BEGIN\s+SELECT RAISE\([^)]*\);`).MatchString(updates)
			if !whole && !named(updates, `(?s)UPDATE OF [^;]*?\b%s\b[^;]*? ON `) && !named(updates, `\b(NEW|OLD)\.%s\b`) && freely[name] == "" && !(table == "miners" && counter(column)) {
				t.Errorf("%s: no guard of UPDATE names it", name)
			}
			if !named(inserts, `\bNEW\.%s\b`) && !named(constraints, `CHECK \([^\n]*\b%s\b`) && !named(constraints, `\n\s*%s\s[^\n]*(REFERENCES|PRIMARY KEY)`) &&
				!named(constraints, `(?s)CHECK \(\n[^;]*\b%s\b`) {
				t.Errorf("%s: no guard of INSERT names it", name)
			}
			if in, ok := compared[table]; ok && saidOnce[name] == "" {
				source, err := os.ReadFile(in.file)
				if err != nil {
					t.Fatal(err)
				}
				if !named(string(source), in.name) {
					t.Errorf("%s: Verify compares it with nothing", name)
				}
			}
		}
	}
}

func counter(column string) bool {
	switch column {
	case "positions", "open_positions", "trades", "closes", "entry_tao", "entry_alpha", "closed_alpha", "exit_tao", "raw_gain", "gain",
		"counted_closes", "winning_closes", "counted_duration_us", "unmatched_alpha", "unmatched_tao":
		return true
	}
	return false
}

func schemaTexts(t *testing.T, db *sql.DB, where string) string {
	t.Helper()
	var text string
	if err := db.QueryRow("SELECT COALESCE(group_concat(sql, char(10)), '') FROM sqlite_schema WHERE " + where).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

func columnsOf(t *testing.T, db *sql.DB, table string) (columns []string) {
	t.Helper()
	var list string
	if err := db.QueryRow("SELECT group_concat(name) FROM pragma_table_info('" + table + "')").Scan(&list); err != nil {
		t.Fatal(err)
	}
	return strings.Split(list, ",")
}

// A word is added by one ordinary migration, which rebuilds no table, to a ledger with rows in every table.
func TestAMigrationAddsWords(t *testing.T) {
	migrations, err := fs.Sub(stakeledger.Schema, "schema")
	if err != nil {
		t.Fatal(err)
	}
	with := fstest.MapFS{"00900_words.sql": &fstest.MapFile{Data: []byte(`-- +goose Up
INSERT INTO ignore_reasons (reason) VALUES ('a_new_word');
INSERT INTO miner_statuses (status) VALUES ('retired');
-- +goose Down
DELETE FROM miner_statuses WHERE status = 'retired';
DELETE FROM ignore_reasons WHERE reason = 'a_new_word';
`)}}
	files, err := fs.Glob(migrations, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		data, err := fs.ReadFile(migrations, name)
		if err != nil {
			t.Fatal(err)
		}
		with[name] = &fstest.MapFile{Data: data}
	}
	for name, up := range map[string]func(ctx context.Context, db *sql.DB) error{
		"migrate up": migrate.Up(with),
		"goose": func(ctx context.Context, db *sql.DB) error {
			p, err := goose.NewProvider(goose.DialectSQLite3, db, with)
			if err != nil {
				return err
			}
			_, err = p.Up(ctx)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ledger.db")
			populate(t, path)
			db, err := sql.Open("sqlite3", "file:"+path+"?_foreign_keys=1")
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			const retire = "UPDATE miners SET status = 'retired' WHERE miner_id = 1"
			if _, err := db.Exec(retire); err == nil {
				t.Error("a word that is not there yet was taken")
			}
			if err := up(t.Context(), db); err != nil {
				t.Fatal(err)
			}
			l := openAt(t, path, ledger.WithManager(manager.WithMigration(func(context.Context, *sql.DB) error { return nil })))
			if v := verify(t, l); !v.Healthy() {
				t.Errorf("verify: %v", v.Differences)
			}
			for _, s := range []string{retire,
				"INSERT INTO events (miner_id, extrinsic_id, event_index, event_key, kind, netuid, hotkey, block, time, tao, alpha, outcome, reason, out_of_order) " +
					"SELECT miner_id, 'new', 0, event_key || '-', 'stake', netuid, hotkey, block, time, tao, alpha, 'ignored', 'a_new_word', 0 FROM events WHERE event_id = 1"} {
				if _, err := db.Exec(s); err != nil {
					t.Errorf("%s: %v", s, err)
				}
			}
		})
	}
}
