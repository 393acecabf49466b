package main

import (
	"context"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
)

// random is a ledger of made-up events of which a random part is archived, and a connection for plain SQL.
func random(t *testing.T) (db string, query func(sql string, args ...any) [][]string) {
	t.Helper()
	seed := uint64(time.Now().UnixNano() % 100_000)
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	db = file(t, "ledger.db")
	must(t, must(t, "", "simulate", "--events", "2500", "--miners", "9", "--subnets", "4", "--seed", fmt.Sprint(seed)), "--db", db, "ingest", "-")
	// Not before the third week: until then few positions have closed, and there may be none to archive.
	cutoff := time.Date(2025, 1, 21+r.IntN(60), r.IntN(24), 0, 0, 0, time.UTC).Format(time.RFC3339)
	must(t, "", "--db", db, "archive", "--before", cutoff)
	conn, err := sql.Open("sqlite3", "file:"+db+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return db, func(text string, args ...any) (list [][]string) {
		t.Helper()
		found, err := conn.Query(text, args...)
		if err != nil {
			t.Fatal(err)
		}
		defer found.Close()
		names, _ := found.Columns()
		for found.Next() {
			row := make([]string, len(names))
			into := make([]any, len(names))
			for i := range row {
				into[i] = &row[i]
			}
			if err := found.Scan(into...); err != nil {
				t.Fatal(err)
			}
			list = append(list, row)
		}
		return list
	}
}

// picked are members of rows as text, amounts in rao.
func picked(t *testing.T, list []map[string]any, names ...string) (out [][]string) {
	t.Helper()
	for _, row := range list {
		var cells []string
		for _, name := range names {
			switch v := row[name].(type) {
			case string:
				if rao, err := chain.ParseRao(strings.TrimPrefix(v, "-")); err == nil && isAmount.MatchString(v) {
					if v[0] == '-' {
						rao = -rao
					}
					v = fmt.Sprint(int64(rao))
				}
				cells = append(cells, v)
			case bool:
				cells = append(cells, map[bool]string{true: "1", false: "0"}[v])
			case float64:
				cells = append(cells, fmt.Sprint(int64(v)))
			default:
				cells = append(cells, fmt.Sprint(v))
			}
		}
		out = append(out, cells)
	}
	return out
}

func same(t *testing.T, what string, got, want [][]string) {
	t.Helper()
	if len(want) == 0 {
		t.Errorf("%s: plain SQL finds nothing, so nothing is compared", what)
	}
	if !reflect.DeepEqual(got, want) {
		at := 0
		for at < min(len(got), len(want)) && reflect.DeepEqual(got[at], want[at]) {
			at++
		}
		t.Errorf("%s: got %d rows, plain SQL %d; the first that differs is %d: got %v, want %v", what, len(got), len(want), at, got[at:min(at+1, len(got))], want[at:min(at+1, len(want))])
	}
}

func TestListsAgreeWithPlainSQL(t *testing.T) {
	db, query := random(t)
	list := func(args string) []map[string]any {
		return rows(t, must(t, "", append([]string{"--db", db}, strings.Fields(args)...)...))
	}
	const from, until = "2025-01-20T00:00:00Z", "2025-02-20T00:00:00Z"
	bounds := []any{time.Date(2025, 1, 20, 0, 0, 0, 0, time.UTC).UnixMicro(), time.Date(2025, 2, 20, 0, 0, 0, 0, time.UTC).UnixMicro()}
	within := "--from " + from + " --until " + until

	closes := "SELECT c.trade_id, c.step, c.position_id, c.alpha, c.tao, c.cost, c.raw_gain, c.gain, c.duration_us, c.min_blocks_met, c.self_trade, t.archive_run IS NOT NULL " +
		"FROM closes c JOIN trades t ON t.trade_id = c.trade_id "
	names := []string{"trade_id", "step", "position_id", "alpha", "tao", "cost_tao", "raw_gain_tao", "gain_tao", "duration_us", "min_blocks_met", "self_trade", "archived"}
	same(t, "closes, newest", picked(t, list("closes --json --archived --sort newest "+within), names...),
		query(closes+"WHERE t.exit_time >= ? AND t.exit_time < ? ORDER BY c.event_key DESC, c.step DESC", bounds...))
	same(t, "closes, by miner", picked(t, list("closes --json --archived"), names...),
		query(closes+"ORDER BY t.miner_id, c.event_key, c.step"))
	same(t, "closes, live, on a subnet", picked(t, list("closes --json --sort oldest --netuid 2"), names...),
		query(closes+"WHERE t.netuid = 2 AND t.archive_run IS NULL ORDER BY c.event_key, c.step"))
	one := query("SELECT position_id FROM closes GROUP BY position_id ORDER BY COUNT(*) DESC, 1 LIMIT 1")[0][0]
	same(t, "closes of a position", picked(t, list("closes --json --position "+one), names...),
		query(closes+"WHERE c.position_id = ? ORDER BY c.event_key", one))
	one = query("SELECT trade_id FROM closes GROUP BY trade_id ORDER BY COUNT(*) DESC, 1 LIMIT 1")[0][0]
	same(t, "closes of a trade", picked(t, list("closes --json --trade "+one), names...),
		query(closes+"WHERE c.trade_id = ? ORDER BY c.step", one))

	same(t, "trades, only archived", picked(t, list("trades --json --archived=only --sort newest"), "trade_id", "closes", "cost_tao", "gain_tao"),
		query("SELECT t.trade_id, COUNT(*), SUM(c.cost), SUM(c.gain) FROM trades t JOIN closes c ON c.trade_id = t.trade_id WHERE t.archive_run IS NOT NULL GROUP BY t.trade_id ORDER BY t.event_key DESC"))
	same(t, "positions, newest", picked(t, list("positions --json --archived --sort newest "+within), "position_id", "remaining_alpha", "archived"),
		query("SELECT position_id, remaining_alpha, archive_run IS NOT NULL FROM positions WHERE entry_time >= ? AND entry_time < ? ORDER BY event_key DESC", bounds...))
	same(t, "events, newest", picked(t, list("events --json --sort newest --limit 77"), "event_id", "outcome"),
		query("SELECT event_id, outcome FROM events ORDER BY event_key DESC LIMIT 77"))
	same(t, "positions at an instant", picked(t, list("positions --json --sort oldest --at "+until), "position_id", "remaining_alpha", "gain_tao"),
		query(`SELECT p.position_id, p.entry_alpha - COALESCE(SUM(c.alpha), 0) AS left, COALESCE(SUM(c.gain), 0)
			FROM positions p LEFT JOIN (closes c JOIN trades t ON t.trade_id = c.trade_id AND t.exit_time <= ?1) ON c.position_id = p.position_id
			WHERE p.entry_time <= ?1 GROUP BY p.position_id HAVING left > 0 ORDER BY p.event_key`, bounds[1]))
}

func TestPeriodsAgreeWithPlainSQL(t *testing.T) {
	db, query := random(t)
	names := []string{"coldkey", "trades", "positions", "closes", "entry_tao", "entry_alpha", "exit_tao", "cost_tao", "gain_tao", "wins", "counted_closes", "unmatched_alpha", "unmatched_tao"}
	period := func(args ...string) [][]string {
		text := must(t, "", append([]string{"--db", db, "report", "--sort", "miner", "--json"}, args...)...)
		var list []map[string]any
		for _, m := range object(t, text)["miners"].([]any) {
			list = append(list, m.(map[string]any))
		}
		return picked(t, list, names...)
	}
	same(t, "a subnet", period("--netuid", "3", "--during", "2025-02"), query(`
		SELECT m.coldkey, (SELECT COUNT(*) FROM trades t WHERE t.miner_id = m.miner_id AND t.netuid = 3 AND t.exit_time BETWEEN ?1 AND ?2),
			COUNT(p.position_id), (SELECT COUNT(*) FROM closes c JOIN trades t USING (trade_id) WHERE t.miner_id = m.miner_id AND t.netuid = 3 AND t.exit_time BETWEEN ?1 AND ?2),
			COALESCE(SUM(p.entry_tao), 0), COALESCE(SUM(p.entry_alpha), 0),
			(SELECT COALESCE(SUM(c.tao), 0) FROM closes c JOIN trades t USING (trade_id) WHERE t.miner_id = m.miner_id AND t.netuid = 3 AND t.exit_time BETWEEN ?1 AND ?2),
			(SELECT COALESCE(SUM(c.cost), 0) FROM closes c JOIN trades t USING (trade_id) WHERE t.miner_id = m.miner_id AND t.netuid = 3 AND t.exit_time BETWEEN ?1 AND ?2),
			(SELECT COALESCE(SUM(c.gain), 0) FROM closes c JOIN trades t USING (trade_id) WHERE t.miner_id = m.miner_id AND t.netuid = 3 AND t.exit_time BETWEEN ?1 AND ?2),
			(SELECT COUNT(*) FROM closes c JOIN trades t USING (trade_id) WHERE t.miner_id = m.miner_id AND t.netuid = 3 AND t.exit_time BETWEEN ?1 AND ?2 AND c.min_blocks_met = 1 AND c.gain > 0),
			(SELECT COUNT(*) FROM closes c JOIN trades t USING (trade_id) WHERE t.miner_id = m.miner_id AND t.netuid = 3 AND t.exit_time BETWEEN ?1 AND ?2 AND c.min_blocks_met = 1),
			(SELECT COALESCE(SUM(t.unmatched_alpha), 0) FROM trades t WHERE t.miner_id = m.miner_id AND t.netuid = 3 AND t.exit_time BETWEEN ?1 AND ?2)
			+ (SELECT COALESCE(SUM(e.alpha), 0) FROM events e WHERE e.miner_id = m.miner_id AND e.netuid = 3 AND e.time BETWEEN ?1 AND ?2 AND e.reason = 'no_open_position'),
			(SELECT COALESCE(SUM(t.unmatched_tao), 0) FROM trades t WHERE t.miner_id = m.miner_id AND t.netuid = 3 AND t.exit_time BETWEEN ?1 AND ?2)
			+ (SELECT COALESCE(SUM(e.tao), 0) FROM events e WHERE e.miner_id = m.miner_id AND e.netuid = 3 AND e.time BETWEEN ?1 AND ?2 AND e.reason = 'no_open_position')
		FROM miners m LEFT JOIN positions p ON p.miner_id = m.miner_id AND p.netuid = 3 AND p.entry_time BETWEEN ?1 AND ?2
		GROUP BY m.miner_id ORDER BY m.coldkey`, time.Date(2025, 2, 1, 0, 0, 0, 0, time.UTC).UnixMicro(), time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC).UnixMicro()-1))

	// Months sum to the whole.
	sums := map[string][]int64{}
	for _, month := range []string{"2024", "2025-01", "2025-02", "2025-03", "2025-04"} {
		for _, row := range period("--during", month) {
			if sums[row[0]] == nil {
				sums[row[0]] = make([]int64, len(row))
			}
			for i, cell := range row[1:] {
				var n int64
				_, _ = fmt.Sscan(cell, &n)
				sums[row[0]][i+1] += n
			}
		}
	}
	for _, row := range picked(t, reportRows(t, db), names...) {
		for i, cell := range row[1:] {
			if got := fmt.Sprint(sums[row[0]][i+1]); got != cell {
				t.Errorf("%s, %s: the months sum to %s, the whole is %s", row[0], names[i+1], got, cell)
			}
		}
	}
}

func reportRows(t *testing.T, db string) (list []map[string]any) {
	t.Helper()
	for _, m := range object(t, must(t, "", "--db", db, "report", "--json"))["miners"].([]any) {
		list = append(list, m.(map[string]any))
	}
	return list
}

// TestFormsSayTheSame: CSV and JSON Lines have what JSON has.
func TestFormsSayTheSame(t *testing.T) {
	db := simulated(t)
	for _, list := range []string{"closes", "trades", "positions", "events", "miners", "scores"} {
		t.Run(list, func(t *testing.T) {
			lines := must(t, "", "--db", db, list, "--jsonl", "--limit", "50")
			table, err := csv.NewReader(strings.NewReader(must(t, "", "--db", db, list, "--csv", "--limit", "50"))).ReadAll()
			if err != nil || len(table) < 2 {
				t.Fatalf("got %d lines of CSV, %v", len(table), err)
			}
			i := 0
			for line := range strings.Lines(lines) {
				i++
				if names := members(t, []byte(line)); !reflect.DeepEqual(names, table[0]) {
					t.Fatalf("got the header %v, JSON has %v", table[0], names)
				}
				row := object(t, line)
				for at, name := range table[0] {
					var want string
					switch v := row[name].(type) {
					case nil:
					case string:
						want = v
					case []any:
						continue
					default:
						text, _ := json.Marshal(v)
						want = string(text)
					}
					if table[i][at] != want {
						t.Fatalf("line %d, %s: got %q, JSON has %q", i, name, table[i][at], want)
					}
				}
			}
			if i != len(table)-1 {
				t.Errorf("got %d lines of CSV, %d of JSON", len(table)-1, i)
			}
		})
	}
}

func TestArchivedRowsAreNamed(t *testing.T) {
	db := simulated(t)
	must(t, "", "--db", db, "archive", "--before", "2030-01-01")
	must(t, "", "--db", db, "archive", "--before", "2030-01-01")
	for _, list := range []string{"trades", "closes", "positions --status closed"} {
		args := append([]string{"--db", db}, strings.Fields(list)...)
		if list != "positions --status closed" {
			args = append(args, "--until", "2025-01-20")
		}
		got := must(t, "", args...)
		if !strings.Contains(got, "--archived lists them too") {
			t.Errorf("%s: got %q, want it to say where they are", list, got)
		}
		if got := must(t, "", append(args, "--archived")...); strings.Contains(got, "No such") {
			t.Errorf("%s --archived: got %q", list, got)
		}
	}
}

func TestMinersByTheirBeginning(t *testing.T) {
	db := simulated(t)
	first := rows(t, must(t, "", "--db", db, "miners", "--json"))[0]
	coldkey := first["coldkey"].(string)
	for _, name := range []string{coldkey, coldkey[:20], shortAddress(chain.Address(coldkey)), coldkey[:8] + ".." + coldkey[44:]} {
		if got := object(t, must(t, "", "--db", db, "miner", name, "--json")); got["coldkey"] != coldkey {
			t.Errorf("%s: got %v, want %s", name, got["coldkey"], coldkey)
		}
	}
	run(t, "", "--db", db, "miner", "5"+strings.Repeat("z", 9)).fails(t, exitFailure, "not found", "stakeledger miners")
	byStart := map[string]int{}
	for _, m := range rows(t, must(t, "", "--db", db, "miners", "--json")) {
		byStart[m["coldkey"].(string)[:2]]++
	}
	for start, n := range byStart {
		if strings.Trim(start, "0123456789") == "" {
			continue // it is a UID
		}
		if r := run(t, "", "--db", db, "miner", start); n == 1 && r.code != exitDone || n > 1 && r.code != exitUsage {
			t.Errorf("%s, with which %d coldkeys begin: got exit code %d and %q", start, n, r.code, r.stderr)
		}
	}
}

func TestOneByItsID(t *testing.T) {
	db, query := random(t)
	for _, what := range []string{"position", "trade"} {
		for _, archived := range []string{"IS NULL", "IS NOT NULL"} {
			found := query("SELECT x." + what + "_id, COUNT(*), SUM(c.cost), SUM(c.gain) FROM closes c JOIN " + what + "s x ON x." + what + "_id = c." + what + "_id WHERE x.archive_run " + archived + " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1")
			if len(found) == 0 {
				continue
			}
			one := object(t, must(t, "", "--db", db, what, found[0][0], "--json"))
			list := one[map[string]string{"position": "closed_by", "trade": "closed"}[what]].([]any)
			var cost, gain int64
			for _, c := range list {
				cells := picked(t, []map[string]any{c.(map[string]any)}, "cost_tao", "gain_tao")[0]
				var a, b int64
				_, _ = fmt.Sscan(cells[0], &a)
				_, _ = fmt.Sscan(cells[1], &b)
				cost, gain = cost+a, gain+b
			}
			if got := []string{found[0][0], fmt.Sprint(len(list)), fmt.Sprint(cost), fmt.Sprint(gain)}; !reflect.DeepEqual(got, found[0]) {
				t.Errorf("%s: got id, closes, cost and gain %v, plain SQL %v", what, got, found[0])
			}
			if text := must(t, "", "--db", db, what, found[0][0]); !strings.Contains(text, "Closes") {
				t.Errorf("%s: got %q", what, text)
			}
		}
	}
	run(t, "", "--db", db, "trade", "99999999").fails(t, exitFailure, "trade 99999999", "not found")
}

// TestReconcile: the chain's balances over the time of the real export say the same as the ledger; one event less, and
// the next balance says so.
func TestReconcile(t *testing.T) {
	db := file(t, "ledger.db")
	must(t, "", "--db", db, "ingest", shared(t, "data/stake_events.json"))
	list := rows(t, must(t, "", "--db", db, "reconcile", shared(t, "data/stake_balance.json"), "--json"))
	if len(list) != 207 {
		t.Fatalf("got %d balances, want 207", len(list))
	}
	if got := list[len(list)-1]["difference"]; got != "71.694495461" {
		t.Errorf("emitted by the last balance: got %v, want 71.694495461", got)
	}
	if text := must(t, "", "--db", db, "reconcile", shared(t, "data/stake_balance.json"), "--limit", "3"); !strings.Contains(text, "EMITTED") {
		t.Errorf("got %q", text)
	}
	l := openLedger(t, db)
	m, err := l.MinerByColdkey(context.Background(), chain.Address(list[0]["coldkey"].(string)))
	if err != nil {
		t.Fatal(err)
	}
	extra := fmt.Sprintf(`{"coldkey":%q,"hotkey":%q,"kind":"stake","netuid":64,"extrinsic_id":"9-9","time":"2025-12-20T00:00:00Z","tao":"1","alpha":"50"}`, m.Coldkey, bob)
	_ = l.Close(context.Background())
	must(t, extra, "--db", db, "ingest", "-")
	run(t, "", "--db", db, "reconcile", shared(t, "data/stake_balance.json"), "--json").fails(t, exitFailure, "1 balance", "missing")
}

func TestTimesInWords(t *testing.T) {
	was := clockNow
	clockNow = func() time.Time { return time.Date(2026, 3, 1, 15, 4, 5, 0, time.FixedZone("", 3600)) }
	defer func() { clockNow = was }()
	for _, test := range []struct{ word, from, until string }{
		{"2026", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"},
		{"2026-02", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"},
		{"2024-02-29", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"},
		{"today", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"},
		{"yesterday", "2026-02-28T00:00:00Z", "2026-03-01T00:00:00Z"},
		{"7d", "2026-02-22T14:04:05Z", "2026-03-01T14:04:05Z"},
		{"90m", "2026-03-01T12:34:05Z", "2026-03-01T14:04:05Z"},
		{"2026-01-31T15:04:05+01:00", "2026-01-31T14:04:05Z", "2026-03-01T14:04:05Z"},
	} {
		from, until, err := parsePeriod(test.word)
		if err != nil || from.String() != test.from || until.String() != test.until {
			t.Errorf("%s: got %s to %s and error %v, want %s to %s", test.word, from, until, err, test.from, test.until)
		}
	}
	for _, word := range []string{"", "2026-13", "2025-02-29", "7", "-7d", "d", "1969", "20000w", "99999w", "20260101"} {
		if _, _, err := parsePeriod(word); err == nil {
			t.Errorf("%q: got no error", word)
		}
	}
	for word, want := range map[string]time.Duration{"7d": 7 * 24 * time.Hour, "2w": 14 * 24 * time.Hour, "1h30m": 90 * time.Minute, "0": 0} {
		if got, err := parseAge(word); got != want || err != nil {
			t.Errorf("duration %s: got %v and error %v, want %v", word, got, err, want)
		}
	}
	db := simulated(t)
	if got := must(t, "", "--db", db, "closes", "--during", "2025-02", "--limit", "1"); !strings.Contains(got, "From 2025-02-01T00:00:00Z until before 2025-03-01T00:00:00Z.") {
		t.Errorf("got %q, want it to repeat the instants", got)
	}
	if got := must(t, "", "--db", db, "closes", "--csv", "--limit", "1", "--tz", "Asia/Tokyo"); !strings.Contains(got, "+09:00") {
		t.Errorf("got %q, want times of Tokyo", got)
	}
}

func TestCompact(t *testing.T) {
	db := simulated(t)
	got := object(t, must(t, "", "--db", db, "compact", "--json"))
	if got["bytes_after"].(float64) > got["bytes_before"].(float64) || got["bytes_after"].(float64) == 0 {
		t.Errorf("got %v", got)
	}
	must(t, "", "--db", db, "verify")
}
