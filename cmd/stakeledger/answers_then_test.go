package main

import (
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestMinersAtAnInstant: who held which UID, and what was open, as plain SQL finds it, at instants at which
// registrations start and end.
func TestMinersAtAnInstant(t *testing.T) {
	db, query := random(t)
	miners := query("SELECT coldkey FROM miners ORDER BY miner_id")
	metagraph := func(at string, first int) {
		var graph []string
		for i, m := range miners {
			if i != first { // the UIDs move on by one, and one miner holds none
				graph = append(graph, metagraphLine((i+first)%len(miners), m[0], m[0]))
			}
		}
		must(t, strings.Join(graph, "\n"), "--db", db, "sync", "-", "--force", "--at", at)
	}
	metagraph("2025-01-15T00:00:00Z", 0)
	metagraph("2025-02-15T00:00:00Z", 1)
	for _, at := range []string{"2025-01-14T23:59:59.999999Z", "2025-01-15T00:00:00Z", "2025-02-14T23:59:59.999999Z", "2025-02-15T00:00:00Z", "2025-03-10T12:00:00Z"} {
		moment, err := time.Parse(time.RFC3339Nano, at)
		if err != nil {
			t.Fatal(err)
		}
		for _, netuid := range []string{"", "2"} {
			args := []string{"--db", db, "miners", "--json", "--at", at}
			if netuid != "" {
				args = append(args, "--netuid", netuid)
			}
			same(t, "miners at "+at+" on subnet "+netuid, picked(t, rows(t, must(t, "", args...)), "coldkey", "uids", "hotkeys", "open_positions", "open_alpha", "open_tao"), query(`
				WITH left_open AS (
					SELECT p.miner_id, p.entry_alpha - COALESCE(SUM(c.alpha), 0) AS remains, p.entry_tao - COALESCE(SUM(c.cost), 0) AS paid
					FROM positions p LEFT JOIN (closes c JOIN trades t ON t.trade_id = c.trade_id AND t.exit_time <= ?1) ON c.position_id = p.position_id
					WHERE p.entry_time <= ?1 AND (?2 = '' OR p.netuid = CAST(?2 AS INT)) GROUP BY p.position_id HAVING remains > 0),
				held AS (
					SELECT miner_id, group_concat(uid, ' ') AS uids, group_concat(hotkey, ' ') AS hotkeys
					FROM registrations WHERE started_at <= ?1 AND (ended_at IS NULL OR ended_at > ?1) GROUP BY miner_id)
				SELECT m.coldkey, '[' || COALESCE(h.uids, '') || ']', '[' || COALESCE(h.hotkeys, '') || ']', COUNT(x.remains), COALESCE(SUM(x.remains), 0), COALESCE(SUM(x.paid), 0)
				FROM miners m LEFT JOIN left_open x USING (miner_id) LEFT JOIN held h USING (miner_id)
				GROUP BY m.miner_id HAVING COUNT(x.remains) > 0 OR h.uids IS NOT NULL ORDER BY m.miner_id`, moment.UnixMicro(), netuid))
		}
	}
	run(t, "", "--db", db, "miners", "--at", "2025-02-01", "--from", "2025-01-01").fails(t, exitUsage, "exclude each other")
}

// TestExportsAgreeWithPlainSQL: trades and events are exported whole, archived or not.
func TestExportsAgreeWithPlainSQL(t *testing.T) {
	db, query := random(t)
	same(t, "trades", picked(t, rows(t, must(t, "", "--db", db, "export", "trades", "--json")), "trade_id", "exit_tao", "closes", "gain_tao", "unmatched_alpha", "archived"), query(`
		SELECT t.trade_id, t.exit_tao, COUNT(c.step), COALESCE(SUM(c.gain), 0), t.unmatched_alpha, t.archive_run IS NOT NULL
		FROM trades t LEFT JOIN closes c USING (trade_id) GROUP BY t.trade_id ORDER BY t.miner_id, t.event_key`))
	same(t, "events", picked(t, rows(t, must(t, "", "--db", db, "export", "events", "--json")), "event_id", "tao", "outcome"),
		query("SELECT event_id, tao, outcome FROM events ORDER BY miner_id, event_key"))
	for _, what := range []string{"events", "trades", "lots"} {
		r := run(t, "", "--db", db, "export", what, "--during", "2025-02", "--tz", "Asia/Tokyo")
		lines, err := csv.NewReader(strings.NewReader(r.stdout)).ReadAll()
		if r.code != exitDone || err != nil || len(lines) < 2 || !strings.Contains(r.stdout, "+09:00") {
			t.Errorf("%s: got exit code %d, %d lines of CSV and %v", what, r.code, len(lines), err)
		}
		if want := what + ": from 2025-02-01T00:00:00Z until before 2025-03-01T00:00:00Z\n"; r.stderr != want {
			t.Errorf("%s: got %q, want the instants that words stood for: %q", what, r.stderr, want)
		}
	}
	run(t, "", "--db", db, "export", "events", "--outcome", "rejected").fails(t, exitUsage, "not on record")
}

// TestLifetimeIsThePeriodOfEverything: a report without bounds comes from the counters, and says what the rows do.
func TestLifetimeIsThePeriodOfEverything(t *testing.T) {
	db, _ := random(t)
	names := []string{"coldkey", "status", "trades", "positions", "closes", "entry_tao", "entry_alpha", "closed_alpha", "exit_tao", "cost_tao", "raw_gain_tao", "gain_tao", "wins", "counted_closes", "unmatched_alpha", "unmatched_tao"}
	of := func(args ...string) [][]string {
		var list []map[string]any
		for _, m := range object(t, must(t, "", append([]string{"--db", db, "report", "--json", "--sort", "gain"}, args...)...))["miners"].([]any) {
			list = append(list, m.(map[string]any))
		}
		return picked(t, list, names...)
	}
	if got, want := fmt.Sprint(of()), fmt.Sprint(of("--from", "1970-01-01T00:00:01Z")); got != want || len(got) < 1000 {
		t.Errorf("got %s, want %s", got, want)
	}
}
