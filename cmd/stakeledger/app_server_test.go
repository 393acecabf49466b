package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/internal/pgtest"
)

// database is the URL, with a password, of an empty database.
func database(t testing.TB) string {
	t.Helper()
	return pgtest.Database(t) + "&password=hunter2%2F%2540%26"
}

// keepsSecret checks that nothing of what a command printed shows the password.
func (r result) keepsSecret(t testing.TB, args string) {
	t.Helper()
	if strings.Contains(r.stdout+r.stderr, "hunter2") {
		t.Errorf("%s: the password is in what it printed: %q and %q", args, r.stdout, r.stderr)
	}
}

// exampleFiles makes the files that the examples of the help name, in the current folder.
func exampleFiles(t *testing.T) {
	t.Helper()
	simulated := must(t, "", "simulate", "--events", "1500", "--miners", "12", "--seed", "3", "--start", "2025-12-20T00:00:00Z", "--span", "720h")
	again := strings.ReplaceAll(event(`"tao":"7"`), "\n", "")
	for name, text := range map[string]string{
		"events.jsonl":      simulated + event(`"time":"2026-01-02T00:00:00Z"`) + "\n",
		"delegations.json":  simulated,
		"more.csv.gz":       event(`"extrinsic_id":"101-0001"`) + "\n",
		"page1.json":        event(`"extrinsic_id":"102-0001"`) + "\n",
		"page2.json":        event(`"extrinsic_id":"103-0001"`) + "\n",
		"balances.json":     "block_number,timestamp,hotkey,coldkey,netuid,balance\n5,2026-03-01T00:00:00Z," + bob + "," + alice + ",1,9000000000\n",
		"metagraph.json":    events(metagraphLine(0, key(1), alice), metagraphLine(7, key(2), bob)),
		"conflicts.jsonl":   events(again, strings.Replace(again, `"7"`, `"8"`, 1), strings.Replace(again, `"7"`, `"9"`, 1), strings.Replace(again, `"7"`, `"10"`, 1)),
		"metagraph_1.jsonl": events(metagraphLine(0, key(1), alice), metagraphLine(7, key(2), bob)),
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// filled is a ledger with events, UIDs and rejected events, in which every example finds what it names.
func filled(t *testing.T, db string) string {
	t.Helper()
	for _, args := range []string{"ingest events.jsonl", "sync metagraph_1.jsonl", "ingest conflicts.jsonl"} {
		r := run(t, "", append([]string{"--db", db}, strings.Fields(args)...)...)
		if r.code != exitDone && r.code != exitRejected {
			t.Fatalf("%s: got %d and %q", args, r.code, r.stderr)
		}
		r.keepsSecret(t, args)
	}
	return db
}

// onlyOfFiles are the commands that PostgreSQL has its own way for, with a part of the call that they name.
var onlyOfFiles = map[string]string{
	"backup":  "pg_dump --format=custom --file=",
	"restore": "pg_restore ",
	"compact": "psql --command='VACUUM (FULL, ANALYZE)' 'postgres://",
}

// differs are the commands whose output is about the engine.
var differs = map[string]bool{"doctor": true, "info": true}

// TestExamplesSayTheSameOnPostgreSQL runs every example of every command on a file and on a server.
func TestExamplesSayTheSameOnPostgreSQL(t *testing.T) {
	url := database(t)
	t.Chdir(t.TempDir())
	exampleFiles(t)
	was := clockNow
	defer func() { clockNow = was }()
	moment := was()
	clockNow = func() time.Time { return moment }
	inFile, onServer := filled(t, "ledger.db"), url
	must(t, "", "copy", inFile, onServer) // so that both have the same ids
	other := filled(t, "the_other.db")
	ran := 0
	all := commands(newRoot(nil, nil, nil))
	slices.SortStableFunc(all, func(a, b *cobra.Command) int { // ingest last: repeated events leave gaps in a server's ids
		return strings.Compare(map[string]string{"ingest": "z"}[a.Name()], map[string]string{"ingest": "z"}[b.Name()])
	})
	for _, cmd := range all {
		if cmd.HasSubCommands() || cmd.Name() == "copy" {
			continue
		}
		for _, example := range examples(cmd) {
			ran++
			want, got := runExample(t, inFile, other, cmd, example), runExample(t, onServer, other, cmd, example)
			got.keepsSecret(t, example)
			if call, only := onlyOfFiles[cmd.Name()]; only {
				got.fails(t, exitFailure, call, "this cannot be done")
				continue
			}
			if differs[cmd.Name()] {
				continue
			}
			exists := cmd.Name() == "register" && strings.Contains(got.stderr, "exists already")
			if got.code != want.code || !exists && (got.code == exitFailure || got.code == exitUsage) {
				t.Errorf("%s: got %d and %q on the server, %d and %q in a file", example, got.code, got.stderr, want.code, want.stderr)
			}
			there, here := strings.Split(comparable(got.stdout), "\n"), strings.Split(comparable(want.stdout), "\n")
			for i := range min(len(here), len(there)) {
				if here[i] != there[i] {
					t.Errorf("%s: line %d is on the server and in a file:\n%.600s\n%.600s", example, i, there[i], here[i])
					break
				}
			}
			if len(here) != len(there) {
				t.Errorf("%s: got %d lines on the server, %d in a file", example, len(there), len(here))
			}
		}
	}
	if ran < 60 {
		t.Errorf("ran %d examples, want all", ran)
	}
}

// runExample runs one on the ledger at db.
func runExample(t *testing.T, db, other string, cmd *cobra.Command, example string) result {
	t.Helper()
	example = regexp.MustCompile(`--db \S+`).ReplaceAllString(example, "")
	example = regexp.MustCompile(`\S*other\S*\.db|/var/\S*\.db`).ReplaceAllString(example, other)
	if cmd.Name() == "trade" || cmd.Name() == "position" {
		first := rows(t, must(t, "", "--db", db, cmd.Name()+"s", "--archived", "--json"))[0]
		example = regexp.MustCompile(` \d+`).ReplaceAllString(example, " "+fmt.Sprint(first[cmd.Name()+"_id"]))
	}
	if id := " --position 12"; strings.Contains(example, id) {
		first := rows(t, must(t, "", "--db", db, "positions", "--archived", "--json"))[0]
		example = strings.Replace(example, id, " --position "+fmt.Sprint(first["position_id"]), 1)
	}
	if cmd.Name() == "sync" {
		example = strings.ReplaceAll(example, "page*.json", "metagraph_*.jsonl")
	}
	var args []string
	for _, word := range strings.Fields(example)[1:] {
		if files, _ := filepath.Glob(word); strings.Contains(word, "*") {
			args = append(args, files...)
		} else {
			args = append(args, word)
		}
	}
	stdin := map[string]string{"ingest": event(`"extrinsic_id":"104-0001"`), "sync": metagraphLine(0, key(1), alice)}[cmd.Name()]
	return run(t, stdin, append([]string{"--db", db}, args...)...)
}

// comparable is output without what differs with the moment and the name of the ledger.
func comparable(text string) string {
	text = regexp.MustCompile(`postgres://[^\s:]+|ledger\.db`).ReplaceAllString(text, "LEDGER")
	return regexp.MustCompile(`2026-11-\d\dT[\d:.]+Z|"(age|waited)[^,]*`).ReplaceAllString(text, "NOW")
}

func TestSecretsOfURLs(t *testing.T) {
	for _, test := range []struct{ url, want string }{
		{"postgres://u:p@h:5432/d?sslmode=require", "postgres://u@h:5432/d?sslmode=require"},
		{"postgresql://u@h/d", "postgresql://u@h/d"},
		{"postgres://h:5432/d", "postgres://h:5432/d"},
		{"postgres://h1:1,h2:2/d", "postgres://h1:1,h2:2/d"},
		{"postgres://u:p@h1:1,h2:2/d", "postgres://u@h1:1,h2:2/d"},
		{"postgres://u:p@w@h/d", "postgres://u@h/d"},
		{"postgres://u:p/w@h/d", "postgres://u@h/d"},
		{"postgres://u:p?w@h/d", "postgres://u@h/d"},
		{"postgres://u:p#w@h/d", "postgres://u@h/d"},
		{"postgres:///d?host=/run&password=p", "postgres:///d?host=/run"},
		{"postgres:///d?password=p", "postgres:///d"},
		{"postgres:///d?p%61ssword=p&host=h", "postgres:///d?host=h"},
		{"postgres:///d?PASSWORD=p&sslpassword=q", "postgres:///d"},
		{"postgres://h/d?application_name=a@b", "postgres://h/d?application_name=a@b"},
		{"postgres://[::1]:5432/d?application_name=a@b", "postgres://[::1]:5432/d?application_name=a@b"},
		{"ledger:p@h.db", "ledger:p@h.db"},
	} {
		if got := plainName(test.url); got != test.want {
			t.Errorf("%s: got %s, want %s", test.url, got, test.want)
		}
	}
}

// TestPasswordsStaySecret: whatever is wrong with what is given, no message repeats a password.
func TestPasswordsStaySecret(t *testing.T) {
	for _, url := range []string{
		"postgres://u:hunter2@127.0.0.1:1/d", "postgres://127.0.0.1:1/d?user=u&password=hunter2", "postgres://u:hunter2@127.0.0.1:1,127.0.0.1:2/d",
		"postgres://u:hun%zzter2hunter2@h/d", "postgres://u:a/hunter2@h/d", "postgres://u:hunter2 b@127.0.0.1:x/d", `postgres://u:"hunter2"@127.0.0.1:x/d`,
		"postgres://u:hunter2@127.0.0.1:1/d?sslmode=hunter", "postgresql://u:hunter2@127.0.0.1:1/d?connect_timeout=x",
	} {
		for _, args := range []string{"report", "report URL", "info --json", "doctor", "doctor --json", "ingest URL", "diff URL", "-vv migrate up", "migrate status", "compact",
			"backup x.db", "restore x.db", "URL", "report --html=URL/x", "report --during URL", "positions --limit=URL", "copy URL", "miner URL"} {
			var given []string
			for word := range strings.FieldsSeq(args) {
				given = append(given, strings.ReplaceAll(word, "URL", url))
			}
			r := run(t, "", append([]string{"--timeout", "1ms", "--db", url}, given...)...)
			r.keepsSecret(t, strings.Join(given, " "))
			if r.code == exitDone {
				t.Errorf("%s: got exit code 0", args)
			}
		}
		t.Setenv("STAKELEDGER_DB", url)
		run(t, "", "--timeout", "1ms", "report").keepsSecret(t, "STAKELEDGER_DB")
		run(t, "", "--timeout", "1ms", "report", "extra").keepsSecret(t, "STAKELEDGER_DB")
	}
}

// TestProcessTitleHasNoPassword: what ps shows of a command that connects.
func TestProcessTitleHasNoPassword(t *testing.T) {
	if _, err := os.Stat("/proc/self/cmdline"); err != nil {
		t.Skip("no /proc/self/cmdline on this system")
	}
	dir, err := os.MkdirTemp("", "pg") // a short name: a socket's path is bounded
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	server, err := net.Listen("unix", filepath.Join(dir, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for _, args := range [][]string{
		{"--db", "postgres:///ledger?password=hunter2&host=" + dir, "report"}, {"--db=postgres:///ledger?password=hunter2&host=" + dir, "report"},
		{"diff", "postgres://me:hunter2@/ledger?host=" + dir, "--db", "postgres://me:hunter2@/ledger?host=" + dir},
	} {
		cmd := process(args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		conn, err := server.Accept()
		if err != nil {
			t.Fatal(err)
		}
		title, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", cmd.Process.Pid))
		if err != nil || !strings.Contains(string(title), "ledger") || strings.Contains(string(title), "hunter2") {
			t.Errorf("got %q, %v", title, err)
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = conn.Close()
	}
}

func TestServerHasNoLedger(t *testing.T) {
	url := database(t)
	for _, args := range []string{"report", "archive --older-than 1h", "migrate status", "verify", "diff " + url} {
		r := run(t, "", append([]string{"--db", url}, strings.Fields(args)...)...)
		r.fails(t, exitFailure, "postgres://", "no ledger")
		r.keepsSecret(t, args)
	}
	run(t, event(""), "--db", url, "--no-create", "ingest", "-").fails(t, exitFailure, "--no-create")
	run(t, event(""), "--db", url, "--read-only", "ingest", "-").fails(t, exitUsage, "--read-only")
	for i, want := range []bool{true, false} {
		r := run(t, event(""), "--db", url, "ingest", "-")
		if r.code != exitDone || r.created != want {
			t.Errorf("ingest %d: got %d, created %v, %q", i, r.code, r.created, r.stderr)
		}
	}
	var about map[string]any
	if err := json.Unmarshal([]byte(must(t, "", "--db", url, "info", "--json")), &about); err != nil || about["server"] == nil || about["bytes"].(float64) == 0 {
		t.Errorf("info: got %v, %v", about, err)
	}
	if !strings.HasPrefix(fmt.Sprint(about["file"]), "postgres:///") {
		t.Errorf("info: got the file %v, want the URL", about["file"])
	}
	run(t, "", "--db", url+"&dbname=nosuch", "report").fails(t, exitFailure, "createdb")
}

// TestGrantsOfThePage runs the grants that docs/OPERATING.md names, and what those roles may then do.
func TestGrantsOfThePage(t *testing.T) {
	url := database(t)
	psql := filepath.Join(pgtest.Programs(), "psql")
	if _, err := os.Stat(psql); err != nil {
		t.Skip("psql is not installed")
	}
	page, err := os.ReadFile("../../docs/OPERATING.md")
	if err != nil {
		t.Fatal(err)
	}
	grants := regexp.MustCompile(`(?m)^ +GRANT .*;$`).FindAllString(string(page), -1)
	if len(grants) != 3 {
		t.Fatalf("found the grants %q on the page, want 3", grants)
	}
	must(t, "", "--db", url, "migrate", "up")
	say := func(user, text string) error {
		t.Helper()
		out, err := exec.Command(psql, "-v", "ON_ERROR_STOP=1", "-c", text, url+"&user="+user).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", text, err, out)
		}
		return nil
	}
	for _, text := range append([]string{"CREATE ROLE writer LOGIN", "CREATE ROLE reader LOGIN"}, grants...) {
		if err := say("postgres", text); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := say("postgres", "DROP OWNED BY writer, reader; DROP ROLE writer, reader"); err != nil {
			t.Error(err)
		}
	})
	must(t, event(""), "--db", url+"&user=writer", "ingest", "-")
	must(t, "", "--db", url+"&user=reader", "report")
	must(t, "", "--db", url+"&user=reader", "verify")
	run(t, event(`"extrinsic_id":"2-2"`), "--db", url+"&user=reader", "ingest", "-").fails(t, exitFailure, "cannot be written", "what its user may do")
	for _, text := range []string{"ALTER TABLE events DISABLE TRIGGER ALL", "DROP TABLE closes", "UPDATE events SET tao = 5"} {
		if err := say("writer", text); err == nil {
			t.Errorf("%s: a writer may do that", text)
		}
	}
}
