package main

import (
	"strings"
	"testing"
)

func TestMigrate(t *testing.T) {
	db := file(t, "ledger.db")
	first := must(t, "", "--db", db, "migrate", "up")
	if !strings.HasPrefix(first, db+": ") || strings.Contains(first, ": 0 migrations") {
		t.Errorf("first: got %q, want migrations applied", first)
	}
	if got := must(t, "", "--db", db, "migrate", "up"); !strings.HasPrefix(got, db+": 0 migrations applied, ") {
		t.Errorf("second: got %q, want nothing applied", got)
	}
	list := rows(t, must(t, "", "--db", db, "migrate", "status", "--json"))
	for i, row := range list {
		if row["version"] != float64(i+101) || row["applied"] != true || !strings.HasSuffix(row["source"].(string), ".sql") {
			t.Errorf("status --json: got %v, want version %d, applied, with its file", row, i+101)
		}
	}
	must(t, "", "--db", db, "--read-only", "migrate", "status")
	if got := must(t, "", "--db", db, "migrate", "status"); strings.Count(got, " yes\n") != len(list) {
		t.Errorf("status: got %q, want %d times yes", got, len(list))
	}
}

// TestMigrateEmptyFile: asking an empty file for its migrations must not put a table of goose's into it, since
// the file would then be another program's.
func TestMigrateEmptyFile(t *testing.T) {
	db := writeFile(t, "empty.db", "")
	run(t, "", "--db", db, "migrate", "status").fails(t, exitFailure, db, "empty", "migrate up")
	must(t, "", "--db", db, "migrate", "up")
	must(t, event(""), "--db", db, "ingest", "-")
}

// TestMigrateFileOfBeforeTheRelease: the schema has been written again since.
func TestMigrateFileOfBeforeTheRelease(t *testing.T) {
	db := simulated(t)
	tamper(t, db, "", "UPDATE goose_db_version SET version_id = version_id - 100 + 0 * length(?1) WHERE version_id > 100")
	for _, args := range [][]string{{"migrate", "status"}, {"migrate", "up"}, {"ingest", "-"}, {"report"}} {
		run(t, event(""), append(args, "--db", db)...).fails(t, exitFailure, "made before the first release", "ingest its events again")
	}
}

func TestMigrateNewerFile(t *testing.T) {
	db := simulated(t)
	tamper(t, db, "", "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1 + 0 * length(?1))")
	for _, args := range [][]string{{"migrate", "status"}, {"migrate", "up"}, {"ingest", "-"}} {
		run(t, event(""), append(args, "--db", db)...).fails(t, exitFailure, "newer", "99999")
	}
}

// TestMigrateUpRefusesWhatReportRefuses: a file that no command reads must not be migrated further.
func TestMigrateUpRefusesWhatReportRefuses(t *testing.T) {
	for _, c := range []struct{ name, change, says string }{
		{"an index of others that refuses rows", "CREATE UNIQUE INDEX stranger ON miners (status) WHERE miner_id < 0", "stranger"},
		{"a migration that is not recorded", "DELETE FROM goose_db_version WHERE version_id = 103", "the file has version"},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := simulated(t)
			tamper(t, db, "", c.change)
			for _, args := range [][]string{{"report"}, {"migrate", "up"}} {
				run(t, "", append(args, "--db", db)...).fails(t, exitFailure, c.says)
			}
		})
	}
}
