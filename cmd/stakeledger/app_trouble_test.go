package main

import (
	"database/sql"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTroubleIsNamed runs every command on what is no ledger, and says each time which file it is, what is wrong with
// it and what to do, and no other file.
func TestTroubleIsNamed(t *testing.T) {
	good := simulated(t)
	closed := rows(t, must(t, "", "--db", good, "closes", "--json", "--limit", "1"))[0]
	miner := closed["coldkey"].(string)
	folder := t.TempDir()
	path := func(name string) string { return filepath.Join(folder, name) }
	if err := os.Mkdir(path("folder.db"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path("garbage.db"), garbage(5000), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, statement := range map[string]string{
		"foreign.db": "CREATE TABLE theirs (a)", "newer.db": "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)",
	} {
		if name == "newer.db" {
			must(t, "", "--db", good, "backup", path(name))
		}
		pool, err := sql.Open("sqlite3", path(name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pool.Exec(statement); err != nil {
			t.Fatal(err)
		}
		if err := pool.Close(); err != nil {
			t.Fatal(err)
		}
	}
	calls := []string{
		"report", "report --html " + path("page.html"), "miners", "miners --at now", "miner " + miner, "positions", "position 1", "trades", "trade 2", "closes", "events",
		"rejected", "scores", "weights", "why " + miner, "info", "export lots", "export trades", "export events", "policy", "snapshot list", "verify",
		"backup " + path("copy.db"), "migrate status", "ingest -", "register " + alice, "status " + miner + " active", "policy set --min-blocks 1", "snapshot take",
		"snapshot prune --before 7d", "archive --older-than 1h", "rebuild --all", "compact", "migrate up", "rejected acknowledge --all", "rejected prune", "diff " + good,
	}
	for _, trouble := range []struct{ file, what, next string }{
		{"missing/ledger.db", "there is no such file", ""},
		{"folder.db", "not a regular file", "give the path of a file"},
		{"foreign.db", "belongs to another program", "--db names"},
		{"newer.db", "a newer stakeledger wrote the file", "install that version"},
		{"garbage.db", "damaged, or no SQLite database", "stakeledger restore makes the ledger from a backup"},
	} {
		for _, call := range calls {
			r := run(t, event(""), append(strings.Fields(call), "--db", path(trouble.file))...)
			what := call + " on " + trouble.file
			if r.code != exitFailure || r.stdout != "" || strings.Count(r.stderr, "\n") != 1 {
				t.Errorf("%s: got exit code %d, %q and %q, want %d and one line", what, r.code, r.stdout, r.stderr, exitFailure)
			}
			for _, part := range []string{filepath.Base(trouble.file), trouble.what, trouble.next} {
				if !strings.Contains(r.stderr, part) {
					t.Errorf("%s: got %q, want it to say %q", what, r.stderr, part)
				}
			}
			if strings.Count(r.stderr, "backup") > 1 && !strings.HasPrefix(call, "backup") || strings.Contains(r.stderr, "use a newer program") {
				t.Errorf("%s: got %q, want one next step", what, r.stderr)
			}
		}
		if strings.HasPrefix(trouble.file, "missing") {
			continue
		}
		// As what is read beside the ledger it is that which is named, and not the ledger.
		for _, args := range [][]string{
			{"--db", good, "diff", path(trouble.file)}, {"--db", path("new.db"), "restore", path(trouble.file)},
		} {
			r := run(t, "", args...)
			r.fails(t, exitFailure, trouble.file)
			if strings.Contains(r.stderr, "--db") || strings.Contains(r.stderr, filepath.Base(good)+")") {
				t.Errorf("%v: got %q, want no word of the ledger", args, r.stderr)
			}
		}
		if _, err := os.Stat(path("new.db")); err == nil {
			t.Fatalf("restore %s left a ledger", trouble.file)
		}
	}
}

func garbage(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// TestTroubleWithInputs: what cannot be an input is named with what it is, and what is missing with what to do.
func TestTroubleWithInputs(t *testing.T) {
	good, folder := simulated(t), t.TempDir()
	path := func(name string) string { return filepath.Join(folder, name) }
	for name, text := range map[string]string{"garbage.bin": string(garbage(700)), "empty": "", "good.jsonl": event(""), "bad.jsonl": `{"coldkey":"x"}`} {
		if err := os.WriteFile(path(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fresh := func() string { return file(t, "ledger.db") }
	for _, test := range []struct {
		args []string
		code int
		says []string
	}{
		{[]string{"ingest", path("garbage.bin")}, exitFailure, []string{"garbage.bin", "it is no text"}},
		{[]string{"sync", path("garbage.bin")}, exitFailure, []string{"garbage.bin", "it is no text"}},
		{[]string{"reconcile", path("garbage.bin")}, exitFailure, []string{"garbage.bin", "it is no text"}},
		{[]string{"ingest", path("empty")}, exitDoubtful, []string{"empty", "--allow-empty"}},
		{[]string{"sync", path("empty")}, exitDoubtful, []string{"empty", "--allow-empty"}},
		{[]string{"reconcile", path("empty")}, exitDoubtful, []string{"empty", "no balance"}},
		{[]string{"ingest", path("good.jsonl"), path("bad.jsonl"), path("good.jsonl")}, exitFailure, []string{"bad.jsonl:1", "coldkey", "nothing of this input was applied", "1 of 3 files was read before"}},
		{[]string{"ingest", folder}, exitFailure, []string{"it is a folder"}},
		{[]string{"ingest", path("none")}, exitFailure, []string{"none", "no such file"}},
		{[]string{"--db", good, "diff", path("none")}, exitFailure, []string{"none", "no such file"}},
		{[]string{"restore", path("none")}, exitFailure, []string{"none", "no such file", "give the path of a file that is there"}},
		{[]string{"--db", good, "backup", path("missing/copy.db")}, exitFailure, []string{"mkdir -p " + path("missing")}},
		{[]string{"--db", good, "report", "--html", path("missing/page.html")}, exitFailure, []string{"page.html", "mkdir -p " + path("missing")}},
	} {
		if test.args[0] != "--db" {
			test.args = append([]string{"--db", fresh()}, test.args...)
		}
		run(t, "", test.args...).fails(t, test.code, test.says...)
	}
}
