package main

import (
	"bytes"
	"context"
	"database/sql"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/mattn/go-runewidth"

	"github.com/stakeledger/stakeledger/chain"
)

func TestAmount(t *testing.T) {
	for _, test := range []struct {
		rao    chain.Rao
		places int
		want   string
	}{
		{1_234_567_891, 9, "1.234567891"},
		{1_234_567_891, 4, "1.2346"},
		{1_234_567_891, 0, "1"},
		{999_999_999, 2, "1.00"},
		{500_000_000, 0, "1"},
		{-500_000_000, 0, "-1"},
		{-4, 8, "0.00000000"},
		{-5, 8, "-0.00000001"},
		{0, 9, "0.000000000"},
		{math.MaxInt64, 9, "9223372036.854775807"},
		{math.MaxInt64, 0, "9223372037"},
		{math.MinInt64, 9, "-9223372036.854775808"},
		{math.MinInt64, 1, "-9223372036.9"},
	} {
		if got := formatAmount(test.rao, test.places); got != test.want {
			t.Errorf("amount(%d, %d): got %s, want %s", test.rao, test.places, got, test.want)
		}
	}
}

// tooWide returns the lines that do not fit.
func tooWide(text string) (lines []string) {
	for line := range strings.SplitSeq(text, "\n") {
		if runewidth.StringWidth(line) > maxWidth {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestTableKeepsItsWidth(t *testing.T) {
	for _, test := range []struct {
		name string
		row  []any
		want string // in the output
	}{
		{"amounts shrink", []any{chain.Address(alice), chain.Rao(math.MaxInt64), chain.Rao(math.MinInt64), chain.Rao(math.MaxInt64), chain.Rao(math.MinInt64), chain.Rao(1)}, "rounded"},
		{"amounts that fit stay", []any{chain.Rao(math.MaxInt64), chain.Rao(math.MinInt64)}, "9223372036.854775807  -9223372036.854775808\n"},
		{"text is cut at last", []any{strings.Repeat("long", 30), chain.Rao(1)}, "~\n"},
		{"wide characters count double", []any{strings.Repeat("長", 60)}, "~\n"},
		{"addresses are shortened", []any{chain.Address(alice)}, "5Grwva…HGKutQY\n"},
		{"no such amount", []any{(*chain.Rao)(nil), (*chain.Time)(nil)}, "-  -\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			table := newTable(make([]string, len(test.row))...)
			table.add(test.row...)
			var out bytes.Buffer
			if err := table.write(&out); err != nil {
				t.Fatal(err)
			}
			for _, line := range tooWide(out.String()) {
				t.Errorf("too wide: %s", line)
			}
			if !strings.Contains(out.String(), test.want) {
				t.Errorf("got %q, want it to say %q", out.String(), test.want)
			}
		})
	}
}

// extreme is a ledger in which every value is as long as it gets.
func extreme(t *testing.T) (db string) {
	t.Helper()
	db = file(t, "ledger.db")
	long := strings.Repeat("x", 126)
	must(t, events(
		event(`"extrinsic_id":"`+long+`-1","netuid":65535,"tao":"9223372036.854775807","alpha":"9223372036.854775807","block":9000000000000000000`),
		event(`"extrinsic_id":"`+long+`-2","netuid":65535,"kind":"unstake","time":"2026-01-01T00:00:01Z","tao":"0.000000001","alpha":"9223372036.854775806","block":9100000000000000000`),
		event(`"extrinsic_id":"`+long+`-3","netuid":0,"tao":"9223372036.854775807","alpha":"9223372036.854775807"`),
		event(`"extrinsic_id":"`+long+`-4","netuid":65534,"kind":"unstake","tao":"9223372036.854775807","alpha":"9223372036.854775807"`),
	), "--db", db, "ingest", "--tracking-start", "2025-12-31T23:59:59Z", "-")
	must(t, "", "--db", db, "register", alice, "--ensure", "--hotkey", bob, "--uid", "65535")
	must(t, "", "--db", db, "register", alice, "--ensure", "--hotkey", alice, "--uid", "65534")
	must(t, "", "--db", db, "status", alice, "blacklisted")
	must(t, "", "--db", db, "snapshot", "take", "--at", "2026-01-02T00:00:00Z")
	return db
}

// lists are the calls that print tables.
var lists = [][]string{
	{"report"}, {"miners"}, {"miner", alice}, {"positions"}, {"positions", "--open"}, {"trades"},
	{"events"}, {"events", "--outcome", "ignored"}, {"events", "--outcome", "rejected"}, {"migrate", "status"},
	{"scores"}, {"snapshot", "list"}, {"verify"}, {"rebuild", "--all"},
}

func TestTablesFit(t *testing.T) {
	db := extreme(t)
	rejecting := run(t, event(`"extrinsic_id":"`+strings.Repeat("x", 126)+`-1","event_index":0,"tao":"5"`), "--db", db, "ingest", "-")
	rejecting.fails(t, exitRejected, "rejected")
	for _, line := range tooWide(rejecting.stdout) {
		t.Errorf("ingest: too wide: %s", line)
	}
	for _, args := range lists {
		text := must(t, "", append(args, "--db", db)...)
		if strings.HasPrefix(text, "No such") {
			t.Errorf("%v: got no rows", args)
		}
		for _, line := range tooWide(text) {
			t.Errorf("%v: too wide: %s", args, line)
		}
		for line := range strings.SplitSeq(text, "\n") {
			if strings.HasSuffix(line, " ") || strings.HasSuffix(line, "~") {
				t.Errorf("%v: a line ends in padding or is cut: %q", args, line)
			}
		}
	}
}

// TestNothingActsOnTheTerminal puts into a file what no ledger of ours would, and looks for it in the output.
func TestNothingActsOnTheTerminal(t *testing.T) {
	db := simulated(t)
	hostile := "\x1b]0;title\a\x1b[2J\u009b31m\u202e\U000e0041\x7f\n\r"
	address := hostile + strings.Repeat("A", 48-len([]rune(hostile)))
	must(t, "", "--db", db, "ingest", writeFile(t, "more.jsonl", event("")))
	tamper(t, db, address,
		"INSERT INTO miners (coldkey, status, registered_at) VALUES (?1, 'active', 1)",
		"INSERT INTO registrations (miner_id, uid, hotkey, started_at) SELECT max(miner_id), 9, ?1, 1 FROM miners",
		"INSERT INTO events (event_id, miner_id, extrinsic_id, event_index, event_key, kind, netuid, hotkey, block, time, tao, alpha, outcome, out_of_order, mode, min_blocks, self_trade)"+
			" SELECT 1000001, max(miner_id), ?1, 0, 'a', 'unstake', 1, ?1, 1, 1, 1, 1, 'applied', 0, 'lenient', 0, 'zero' FROM miners",
		"INSERT INTO events (event_id, miner_id, extrinsic_id, event_index, event_key, kind, netuid, hotkey, block, time, tao, alpha, outcome, out_of_order)"+
			" SELECT 1000000, max(miner_id), ?1, 1, 'b', 'stake', 1, ?1, 1, 1, 1, 1, 'applied', 0 FROM miners",
		"INSERT INTO positions (position_id, miner_id, netuid, hotkey, extrinsic_id, event_index, event_key, entry_block, entry_time, entry_tao, entry_alpha, remaining_alpha, status)"+
			" SELECT 1000000, max(miner_id), 1, ?1, ?1, 1, 'b', 1, 1, 1, 1, 1, 'open' FROM miners",
		"INSERT INTO trades (trade_id, miner_id, netuid, hotkey, extrinsic_id, event_index, event_key, exit_block, exit_time, exit_tao, exit_alpha, unmatched_alpha, unmatched_tao)"+
			" SELECT 1000001, max(miner_id), 1, ?1, ?1, 0, 'a', 1, 1, 1, 1, 1, 1 FROM miners",
		"INSERT INTO rejected_events (coldkey, extrinsic_id, event_index, reason, payload) VALUES (?1, ?1, 0, ?1, json_object('kind', ?1, 'hotkey', ?1))",
	)
	nameless := func(args []string) bool {
		return slices.Contains([]string{"migrate", "snapshot", "verify", "rebuild"}, args[0]) || slices.Contains(args, alice) || slices.Contains(args, "ignored")
	}
	for _, args := range append(lists, []string{"miner", "9"}) {
		for _, format := range []string{"table", "json"} {
			call := append([]string{"--db", db}, args...)
			if format == "json" {
				call = append(call, "--json")
			} else if takesLimit(args[0]) {
				call = append(call, "--limit", "0")
			}
			r := run(t, "", call...)
			for _, c := range r.stdout + r.stderr {
				if !unicode.IsPrint(c) && c != '\n' {
					t.Errorf("%v as %s: the output holds %U", args, format, c)
					break
				}
			}
			if !nameless(args) && !strings.Contains(r.stdout, "]0;t") {
				t.Errorf("%v as %s: the hostile row is not in the output: %q", args, format, r.stderr)
			}
		}
	}
}

// TestNoNameActsOnTheTerminal gives commands files whose names and contents a terminal would act on.
func TestNoNameActsOnTheTerminal(t *testing.T) {
	const hostile = "\x1b]0;title\a\x1b[2J\u009b31m\u202e\n\r"
	dir, db := t.TempDir(), simulated(t)
	name := filepath.Join(dir, hostile)
	for _, contents := range []string{
		hostile, `{"` + hostile + `":1}`, "coldkey," + hostile + "\n", event(`"extrinsic_id":"\u001b[2J"`), event(`"tao":"\u009b31m"`),
		`[{"` + hostile + `"`, metagraphLine(1, `\u001b[2J`, alice), `{"\u001b[2J":1,"uid":"\u001b[2J"}`,
	} {
		if err := os.WriteFile(name, []byte(contents), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{
			{"ingest", name}, {"ingest", name + "none"}, {"ingest", "-"}, {"sync", name}, {"sync", name + "none"}, {"sync", "-"},
			{"backup", name}, {"restore", name}, {"miner", hostile}, {"rebuild", hostile}, {"status", alice, hostile}, {"register", hostile},
			{"events", "--outcome", hostile}, {"report", "--" + hostile}, {hostile}, {"migrate", hostile}, {"sync", "-", "--at", hostile},
			{"report", "--db", name}, {"verify", "--db", name}, {"migrate", "status", "--db", name + "none"},
		} {
			r := run(t, contents, append([]string{"--db", db}, args...)...)
			if r.code == exitDone {
				t.Errorf("%q with %q: succeeded", args, contents)
			}
			for _, c := range r.stdout + r.stderr {
				if !unicode.IsPrint(c) && c != '\n' {
					t.Errorf("%q with %q: the output holds %U: %q", args, contents, c, r.stdout+r.stderr)
					break
				}
			}
		}
	}
	if got := must(t, "", "--db", db, "backup", name+"copy"); strings.ContainsAny(got, "\x1b\a\r") {
		t.Errorf("backup: got %q", got)
	}
	if got := must(t, event(""), "--db", name+"new", "ingest", "-"); strings.ContainsAny(got, "\x1b\a\r") {
		t.Errorf("ingest: got %q", got)
	}
}

func takesLimit(command string) bool {
	return slices.Contains([]string{"miners", "positions", "trades", "events", "scores"}, command)
}

// tamper runs statements on a file with its checks off; ?1 in them is value. A trigger that they drop is back in its
// place afterwards, since a ledger without it would not be opened.
func tamper(t *testing.T, db, value string, statements ...string) {
	t.Helper()
	ctx := context.Background()
	pool, err := sql.Open("sqlite3", db)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	conn, err := pool.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	before := triggers(t, conn)
	if _, err := conn.ExecContext(ctx, "PRAGMA ignore_check_constraints = on"); err != nil {
		t.Fatal(err)
	}
	for _, statement := range statements {
		if _, err := conn.ExecContext(ctx, statement, value); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	after := triggers(t, conn)
	for name, text := range before {
		if _, there := after[name]; there {
			continue
		}
		if _, err := conn.ExecContext(ctx, text); err != nil {
			t.Fatal(err)
		}
	}
}

// triggers are the texts of all triggers by name.
func triggers(t *testing.T, conn *sql.Conn) map[string]string {
	t.Helper()
	rows, err := conn.QueryContext(context.Background(), "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	texts := map[string]string{}
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			t.Fatal(err)
		}
		texts[name] = text
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return texts
}
