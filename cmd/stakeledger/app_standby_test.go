package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/internal/pgtest"
)

// TestStandbyServesReportsAndLists: what is printed is the same wherever it was read, and -v says where.
func TestStandbyServesReportsAndLists(t *testing.T) {
	primary, standby := pgtest.NewNode(t, "first", "archive_mode=on"), pgtest.NewNode(t, "second")
	primary.Lead("ledger")
	standby.Follow(primary)
	db := primary.URL("ledger") + "&password=hunter2"
	t.Chdir(t.TempDir())
	exampleFiles(t)
	filled(t, db)
	t.Setenv("STAKELEDGER_STANDBY", standby.URL("ledger")+"&password=hunter2")
	took := regexp.MustCompile(`"(age|waited)[^,]*`)
	for _, args := range []string{"report", "report --during 2026-01", "report --html page.html", "scores --at 2026-01-10", "miners", "miners --at 2026-01-05", "positions", "trades", "closes",
		"events", "rejected", "snapshot list"} {
		here := func(more ...string) result {
			return run(t, "", append(append([]string{"--db", db}, more...), strings.Fields(args)...)...)
		}
		want := here("--standby", "")
		for deadline := time.Now().Add(time.Minute); ; { // a busy machine may have the primary serve
			got := here("-v")
			got.keepsSecret(t, args)
			if got.code != want.code || took.ReplaceAllString(got.stdout, "") != took.ReplaceAllString(want.stdout, "") {
				t.Errorf("%s: got %d and %q on a standby, %d and %q without", args, got.code, got.stdout, want.code, want.stdout)
			}
			if strings.Contains(got.stderr, "standby=true") {
				break
			}
			if time.Now().After(deadline) {
				t.Errorf("%s: the standby did not serve: %s", args, got.stderr)
				break
			}
		}
	}
	for _, args := range []string{"weights", "verify", "export", "info"} {
		if got := run(t, "", append([]string{"-v", "--db", db}, args)...); strings.Contains(got.stderr, "standby=true") {
			t.Errorf("%s was read from the standby", args)
		}
	}
	about := must(t, "", "--db", db, "info")
	for _, line := range []string{`last backup +not known here \(pg_dump\); no WAL is archived`, `last verify +not known here; stakeledger verify`, `standbys +1 follows`} {
		if !regexp.MustCompile(line).MatchString(about) {
			t.Errorf("info: got %s, want %s", about, line)
		}
	}
	archive(t, primary, "false")
	primary.Await("SELECT failed_count > 0 FROM pg_stat_archiver")
	failing := `backup\s+warns\s+not known here \(pg_dump\); archiving WAL fails`
	if got := run(t, "", "--db", db, "doctor"); !regexp.MustCompile(failing).MatchString(got.stdout) {
		t.Errorf("doctor: got %s, want %s", got.stdout, failing)
	}
	archive(t, primary, "true")
	primary.Await("SELECT last_archived_time > last_failed_time FROM pg_stat_archiver")
	if about := must(t, "", "--db", db, "info"); !strings.Contains(about, "WAL was archived") {
		t.Errorf("info: got %s, want that WAL was archived", about)
	}
	standby.Stop()
	run(t, "", "--db", db, "report").keepsSecret(t, "without the standby")
	if got := run(t, "", "--db", db, "report"); got.code != exitRejected && got.code != exitDone || strings.Count(got.stderr, "the standby cannot serve") != 1 {
		t.Errorf("without the standby: got %d and %q, want one warning", got.code, got.stderr)
	}
	run(t, "", "--db", "ledger.db", "ingest", "events.jsonl")
	for _, standby := range []string{"", "&password=hunter2"} {
		got := run(t, "", "--db", "ledger.db", "--standby", "postgres://h/d?a=b"+standby, "report")
		got.fails(t, exitUsage, "--standby")
		got.keepsSecret(t, "--standby")
	}
	got := run(t, "", "--db", db, "--standby", "other.db", "report")
	got.fails(t, exitUsage, "--standby")
	got.keepsSecret(t, "--standby")
}

// archive has a server run a command for each full file of its log, the current one first.
func archive(t *testing.T, n *pgtest.Node, command string) {
	t.Helper()
	for _, query := range []string{"ALTER SYSTEM SET archive_command = '" + command + "'", "SELECT pg_reload_conf()", "SELECT pg_switch_wal()"} {
		if _, err := n.Ask(query); err != nil {
			t.Fatal(err)
		}
	}
}
