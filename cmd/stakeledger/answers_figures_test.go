package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestFiguresAgreeWithPlainSQL: lifetime figures, which are counters, are what the rows sum up to, and info counts rows.
func TestFiguresAgreeWithPlainSQL(t *testing.T) {
	db, query := random(t)
	same(t, "miners", picked(t, rows(t, must(t, "", "--db", db, "miners", "--json")), "coldkey", "positions", "open_positions", "entry_tao", "open_alpha", "trades",
		"closes", "exit_tao", "cost_tao", "raw_gain_tao", "gain_tao", "wins", "counted_closes", "counted_duration_us", "unmatched_alpha"), query(`
		WITH entered AS (
			SELECT miner_id, COUNT(*) AS n, SUM(status <> 'closed') AS still, SUM(entry_tao) AS tao, SUM(remaining_alpha) AS alpha FROM positions GROUP BY miner_id),
		sold AS (
			SELECT miner_id, COUNT(*) AS n, SUM(unmatched_alpha) AS unmatched FROM trades GROUP BY miner_id),
		uncovered AS (
			SELECT miner_id, SUM(alpha) AS alpha FROM events WHERE reason = 'no_open_position' GROUP BY miner_id),
		closed AS (
			SELECT t.miner_id, COUNT(*) AS n, SUM(c.tao) AS tao, SUM(c.cost) AS cost, SUM(c.raw_gain) AS raw, SUM(c.gain) AS gain,
				SUM(c.min_blocks_met AND c.gain > 0) AS wins, SUM(c.min_blocks_met) AS counted, SUM(c.duration_us * c.min_blocks_met) AS held
			FROM closes c JOIN trades t USING (trade_id) GROUP BY t.miner_id)
		SELECT m.coldkey, COALESCE(e.n, 0), COALESCE(e.still, 0), COALESCE(e.tao, 0), COALESCE(e.alpha, 0), COALESCE(s.n, 0), COALESCE(c.n, 0), COALESCE(c.tao, 0), COALESCE(c.cost, 0),
			COALESCE(c.raw, 0), COALESCE(c.gain, 0), COALESCE(c.wins, 0), COALESCE(c.counted, 0), COALESCE(c.held, 0), COALESCE(s.unmatched, 0) + COALESCE(x.alpha, 0)
		FROM miners m LEFT JOIN entered e USING (miner_id) LEFT JOIN sold s USING (miner_id) LEFT JOIN closed c USING (miner_id) LEFT JOIN uncovered x USING (miner_id)
		ORDER BY m.miner_id`))

	info := object(t, must(t, "", "--db", db, "info", "--json"))
	for table, n := range info["rows"].(map[string]any) {
		if want := query("SELECT COUNT(*) FROM " + table)[0][0]; fmt.Sprint(int64(n.(float64))) != want {
			t.Errorf("info: got %v rows of %s, want %s", n, table, want)
		}
	}
	if want := query("SELECT COUNT(*) FROM positions WHERE archive_run IS NOT NULL")[0][0]; fmt.Sprint(int64(info["archived_positions"].(float64))) != want {
		t.Errorf("info: got %v archived positions, want %s", info["archived_positions"], want)
	}
}

// TestScoresAgreeWithPlainSQL: raw is the mean over the days with a close of what was gained, decayed.
func TestScoresAgreeWithPlainSQL(t *testing.T) {
	db, query := random(t)
	const lookback = 14
	last := time.Date(2025, 2, 25, 0, 0, 0, 0, time.UTC)
	raw, total := map[string]float64{}, 0.0
	days := map[string]float64{}
	for _, row := range query(`SELECT m.coldkey, p.closed_at / 86400000000 AS day, SUM(p.gain) FROM positions p JOIN miners m USING (miner_id)
		WHERE p.closed_at >= ? AND p.closed_at < ? GROUP BY 1, 2`, last.AddDate(0, 0, -lookback).UnixMicro(), last.AddDate(0, 0, 1).UnixMicro()) {
		day, _ := strconv.ParseInt(row[1], 10, 64)
		gain, _ := strconv.ParseFloat(row[2], 64)
		ago := float64(last.Unix()/86400 - day)
		raw[row[0]] += math.Exp(-0.25*math.Exp(math.Log(20)/14)*ago) * gain / 1e9
		days[row[0]]++
	}
	for coldkey, n := range days {
		raw[coldkey] /= n
		total += max(0, raw[coldkey])
	}
	if len(raw) < 2 {
		t.Errorf("only %d miners have a score, so nothing is compared", len(raw))
	}
	scores := object(t, must(t, "", "--db", db, "scores", "--at", "2025-02-25T12:00:00Z", "--lookback", fmt.Sprint(lookback), "--json"))["scores"].([]any)
	for _, s := range scores {
		score := s.(map[string]any)
		want := raw[score["coldkey"].(string)]
		if got := score["raw"].(float64); math.Abs(got-want) > 1e-9*(1+math.Abs(want)) {
			t.Errorf("%s: got %g, plain SQL %g", score["coldkey"], got, want)
		}
		if got := score["weight"].(float64); total > 0 && math.Abs(got-max(0, want)/total) > 1e-9 {
			t.Errorf("%s: got the weight %g, plain SQL %g", score["coldkey"], got, max(0, want)/total)
		}
	}
	if query("SELECT COUNT(*) FROM miners")[0][0] != fmt.Sprint(len(scores)) {
		t.Errorf("got %d scores, want one for each miner: no UID is known", len(scores))
	}
}

// TestReconcileAgreesWithPlainSQL gives the chain's balances as what plain SQL finds open, and more and more emission.
func TestReconcileAgreesWithPlainSQL(t *testing.T) {
	db, query := random(t)
	r := rand.New(rand.NewPCG(9, 9)) // what is random is the ledger
	one := query("SELECT m.coldkey, p.netuid FROM positions p JOIN miners m USING (miner_id) GROUP BY 1, 2 ORDER BY COUNT(*) DESC, 1, 2 LIMIT 1")[0]
	var lines []string
	var want [][2]int64 // open alpha, and what was emitted so far
	var sales []int64   // without a position so far
	emitted := int64(0)
	sold := func(at time.Time) int64 {
		n, _ := strconv.ParseInt(query(`SELECT COALESCE((SELECT SUM(t.unmatched_alpha) FROM trades t JOIN miners m USING (miner_id) WHERE m.coldkey = ?1 AND t.netuid = ?2 AND t.exit_time <= ?3), 0)
			+ COALESCE((SELECT SUM(e.alpha) FROM events e JOIN miners m USING (miner_id) WHERE m.coldkey = ?1 AND e.netuid = ?2 AND e.time <= ?3 AND e.reason = 'no_open_position'), 0)`,
			one[0], one[1], at.UnixMicro())[0][0], 10, 64)
		return n
	}
	for day := range 40 {
		at := time.Date(2025, 1, 3+2*day, 0, 0, 0, 0, time.UTC)
		open, _ := strconv.ParseInt(query(`SELECT COALESCE(SUM(p.entry_alpha), 0) - COALESCE((SELECT SUM(c.alpha) FROM closes c JOIN trades t USING (trade_id) JOIN miners m USING (miner_id)
			WHERE m.coldkey = ?1 AND t.netuid = ?2 AND t.exit_time <= ?3), 0) FROM positions p JOIN miners m USING (miner_id) WHERE m.coldkey = ?1 AND p.netuid = ?2 AND p.entry_time <= ?3`,
			one[0], one[1], at.UnixMicro())[0][0], 10, 64)
		emitted += r.Int64N(5_000_000_000)
		sales = append(sales, sold(at))
		lines = append(lines, fmt.Sprintf(`{"block_number":%d,"timestamp":"%s","hotkey":"%s","coldkey":"%s","netuid":%s,"balance":"%d"}`, day+1, at.Format(time.RFC3339), bob, one[0], one[1], open+emitted))
		want = append(want, [2]int64{open, emitted})
	}
	file := writeFile(t, "balances.json", "["+strings.Join(lines, ",")+"]")
	list := rows(t, must(t, "", "--db", db, "reconcile", file, "--json"))
	if len(list) != len(want) {
		t.Fatalf("got %d balances, want %d", len(list), len(want))
	}
	for i, row := range picked(t, list, "open_alpha", "difference", "unmatched_alpha", "emitted") {
		wanted := []int64{want[i][0], want[i][1]}
		if i > 0 {
			unmatched := sales[i] - sales[i-1]
			wanted = append(wanted, unmatched, want[i][1]-want[i-1][1]+unmatched)
		}
		for j, n := range wanted {
			if row[j] != fmt.Sprint(n) {
				t.Errorf("balance %d: got open alpha, difference, unmatched and emitted %v, want %v", i, row, wanted)
				break
			}
		}
	}
}
