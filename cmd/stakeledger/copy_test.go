package main

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// variedLedger is a random ledger with everything that one can hold: what is archived, rejected and acknowledged, a
// miner that waits for a replay, an interrupted input, snapshots, registrations of now and before, and a policy.
func variedLedger(t *testing.T, seed uint64) string {
	t.Helper()
	db := file(t, "varied.db")
	do := func(stdin, args string) {
		t.Helper()
		r := run(t, stdin, append([]string{"--db", db}, strings.Fields(args)...)...)
		if r.code != exitDone && r.code != exitRejected && r.code != exitMarked {
			t.Fatalf("%s: got %d and %q", args, r.code, r.stderr)
		}
	}
	do(must(t, "", "simulate", "--events", "1200", "--miners", "9", "--subnets", "4", "--seed", fmt.Sprint(seed)), "ingest -")
	do("", "archive --before 2025-02-10")
	do(event(`"fee":"0.5","usd":"12.25","time":"2025-03-01T00:00:00Z"`), "ingest -")
	do(events(event(`"tao":"7"`), event(`"tao":"8"`), event(`"tao":"9"`)), "ingest -")
	do("", "rejected acknowledge 2")
	var before, after []string
	for i, m := range rows(t, must(t, "", "--db", db, "miners", "--json")) {
		before = append(before, metagraphLine(i, key(byte(i+1)), m["coldkey"].(string)))
		after = append(after, metagraphLine(i/2*2, key(byte(i/2+100)), m["coldkey"].(string)))
	}
	do(events(before...), "sync - --at 2025-03-01T00:00:00Z")
	do(events(after[0], after[2], after[4], after[6]), "sync - --force --at 2025-03-02T00:00:00Z")
	do("", "snapshot take --at 2025-02-20T00:00:00Z")
	do("", "policy set --min-blocks 10 --transfers exclude")
	l := openLedger(t, db)
	mark(t, l)
	interrupt(t, l)
	if err := l.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	return db
}

// mark leaves a miner that waits for a replay.
func mark(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	for i, day := range []string{"2025-03-05", "2025-03-03"} {
		at, err := chain.ParseTime(day + "T00:00:00Z")
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = l.AddPosition(context.Background(), ledger.Event{Coldkey: alice, Hotkey: bob, Kind: chain.Stake, Netuid: 1, ExtrinsicID: fmt.Sprint("late-", i), Time: at, TAO: 5, Alpha: 6})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// interrupt leaves an input that was staged and not applied.
func interrupt(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	at, err := chain.ParseTime("2025-03-07T00:00:00Z")
	if err != nil {
		t.Fatal(err)
	}
	list := func(yield func(ledger.Event, error) bool) {
		yield(ledger.Event{Coldkey: bob, Hotkey: alice, Kind: chain.Stake, Netuid: 1, ExtrinsicID: "staged", Time: at, TAO: 5, Alpha: 6}, nil)
	}
	_, err = l.Apply(ctx, list, ledger.OnProgress(func(p ledger.Progress) {
		if p.Phase == ledger.Applying {
			cancel()
		}
	}))
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("an input that is interrupted: got %v", err)
	}
}

// answers are what a copy has to repeat to the byte.
func answers(t *testing.T, db string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, args := range []string{"events --json", "report --json", "scores --json --at 2025-03-10T00:00:00Z", "closes --json --archived", "positions --json --archived",
		"trades --json --archived", "miners --json", "rejected --json --all", "snapshot list --json", "policy --json"} {
		r := run(t, "", append([]string{"--db", db}, strings.Fields(args)...)...)
		if r.code != exitDone && r.code != exitMarked {
			t.Fatalf("%s of %s: got %d and %q", args, plainName(db), r.code, r.stderr)
		}
		all[args] = momentOfScores.ReplaceAllString(r.stdout, "")
	}
	return all
}

// momentOfScores is when scores asked who holds which UID.
var momentOfScores = regexp.MustCompile(`"uids_as_of":"[^"]*",`)

func sameAnswers(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	for args, text := range want {
		if got[args] != text {
			t.Errorf("%s: %s prints other bytes", what, args)
		}
	}
}

// TestCopyThereAndBack: between all kinds of places, the copy of a copy answers as the first.
func TestCopyThereAndBack(t *testing.T) {
	seed := uint64(time.Now().UnixNano() % 100_000)
	t.Logf("seed %d", seed)
	t.Run("random", func(t *testing.T) { copyAround(t, variedLedger(t, seed)) })
	t.Run("real", func(t *testing.T) {
		db := file(t, "real.db")
		must(t, "", "--db", db, "ingest", shared(t, "data/stake_events.json"))
		copyAround(t, db)
	})
}

func copyAround(t *testing.T, first string) {
	t.Helper()
	want := answers(t, first)
	from, places := first, []string{file(t, "copy.db"), database(t), database(t), file(t, "back.db")}
	for _, to := range places {
		r := run(t, "", "copy", from, to, "--json")
		if r.code != exitDone || r.stderr != "" {
			t.Fatalf("copy to %s: got %d and %q", plainName(to), r.code, r.stderr)
		}
		r.keepsSecret(t, "copy")
		if done := object(t, r.stdout); done["resumed"] != false || done["rows"].(map[string]any)["events"].(float64) == 0 {
			t.Errorf("copy to %s: got %s", plainName(to), r.stdout)
		}
		checkTables(t, first, object(t, r.stdout)["rows"].(map[string]any))
		sameAnswers(t, plainName(to), answers(t, to), want)
		must(t, "", "--db", first, "diff", to)
		if r := run(t, "", "--db", to, "verify"); r.code != exitDone && r.code != exitMarked {
			t.Errorf("verify %s: got %d and %q", plainName(to), r.code, r.stderr)
		}
		run(t, "", "copy", first, to).fails(t, exitFailure, "there is a ledger already", "empty place")
		from = to
	}
	var all string
	for _, db := range append([]string{first}, places...) { // all take in what comes next alike, with the same ids
		must(t, event(`"extrinsic_id":"next-1","time":"2026-01-05T00:00:00Z"`), "--db", db, "ingest", "-")
		got := must(t, "", "--db", db, "events", "--json")
		if db == first {
			all = got
		}
		if got != all {
			t.Errorf("events of %s after one more: got other bytes", plainName(db))
		}
	}
}

// notCopied are tables that every new ledger has the rows of, or that has none between transactions.
var notCopied = []string{"miner_statuses", "event_kinds", "outcomes", "ignore_reasons", "reject_reasons", "close_modes", "self_trade_policies",
	"transfer_policies", "intake_states", "rebuilds", "goose_db_version"}

// checkTables checks that a copy went through every table, and counted its rows.
func checkTables(t *testing.T, db string, copied map[string]any) {
	t.Helper()
	conn, err := sql.Open("sqlite3", "file:"+db+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	list, err := conn.Query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for list.Next() {
		var name string
		if err := list.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := list.Err(); err != nil || len(names) == 0 {
		t.Fatalf("tables: got %d, %v", len(names), err)
	}
	for _, name := range names {
		var rows float64
		if err := conn.QueryRow("SELECT COUNT(*) FROM " + name).Scan(&rows); err != nil {
			t.Fatal(err)
		}
		if got, ok := copied[name]; ok == slices.Contains(notCopied, name) || ok && got != rows {
			t.Errorf("%s: the copy says %v rows, there are %v", name, got, rows)
		}
	}
}

// TestKilledCopy kills a copy in its middle; nobody opens what it leaves, and the same call goes on.
func TestKilledCopy(t *testing.T) {
	db := file(t, "ledger.db")
	must(t, must(t, "", "simulate", "--events", "4000", "--miners", "9", "--seed", "4"), "--db", db, "ingest", "-")
	want := answers(t, db)
	for name, to := range map[string]string{"to a file": file(t, "copy.db"), "to a server": database(t)} {
		t.Run(name, func(t *testing.T) {
			for _, lines := range []int{3, 9} {
				killAfter(t, lines, "copy", db, to, "-vv")
				run(t, "", "--db", to, "report").fails(t, exitFailure, "has not ended", "stakeledger copy")
				run(t, event(""), "--db", to, "ingest", "-").fails(t, exitFailure, "has not ended", "stakeledger copy")
			}
			other := file(t, "other.db")
			must(t, must(t, "", "simulate", "--events", "50", "--seed", "8"), "--db", other, "ingest", "-")
			run(t, "", "copy", other, to).fails(t, exitFailure, "another ledger")
			if done := object(t, must(t, "", "copy", db, to, "--json")); done["resumed"] != true {
				t.Errorf("got %v, want it to go on", done)
			}
			sameAnswers(t, to, answers(t, to), want)
		})
	}
}

// killAfter kills the command once it has logged so many pages of rows.
func killAfter(t *testing.T, pages int, args ...string) {
	t.Helper()
	cmd := process(args...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	log := bufio.NewScanner(stderr)
	var said strings.Builder
	for pages > 0 && log.Scan() {
		fmt.Fprintln(&said, log.Text())
		if strings.Contains(log.Text(), "msg=copying") {
			pages--
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if pages > 0 {
		t.Fatalf("the copy ended before it was killed: %s", said.String())
	}
}

func TestCopyRefuses(t *testing.T) {
	db := simulated(t)
	run(t, "", "copy", filepath.Join(t.TempDir(), "none.db"), file(t, "to.db")).fails(t, exitFailure, "none.db", "no such file")
	run(t, "", "copy", db, db).fails(t, exitFailure, "there is a ledger already")
	run(t, "", "copy", db, "").fails(t, exitUsage, "TO is empty")
	run(t, "", "copy", db, file(t, "to.db"), "--read-only").fails(t, exitUsage, "--read-only")
	run(t, "", "copy", db, file(t, "to.db"), "--no-create").fails(t, exitFailure, "--no-create")
	with := file(t, "with.db")
	must(t, "", "--db", with, "policy", "set", "--min-blocks", "3")
	run(t, "", "copy", db, with).fails(t, exitFailure, "there is a ledger already")
	empty := file(t, "empty.db")
	must(t, "", "--db", empty, "migrate", "up")
	must(t, "", "copy", db, empty)
	text := writeFile(t, "text.db", "no database at all\n")
	run(t, "", "copy", db, text).fails(t, exitFailure, "text.db")
	if got, err := os.ReadFile(text); err != nil || string(got) != "no database at all\n" {
		t.Errorf("what was no ledger: got %q, %v", got, err)
	}
}
