package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// checks is what doctor says, by check.
func checks(t *testing.T, r result) map[string]map[string]any {
	t.Helper()
	found := map[string]map[string]any{}
	for _, row := range rows(t, r.stdout) {
		found[row["check"].(string)] = row
		if row["state"] != stateOK && row["do"] == "" {
			t.Errorf("%v: nothing is said of what to do", row)
		}
	}
	return found
}

func TestDoctor(t *testing.T) {
	db := simulated(t)
	copied := filepath.Join(t.TempDir(), "copy.db")
	must(t, "", "--db", db, "backup", copied)
	must(t, "", "--db", db, "verify")
	well := checks(t, run(t, "", "--db", db, "doctor", "--json", "--full", "--restore"))
	for _, check := range []string{"engine", "file", "permissions", "lock", "log", "journal", "free pages", "schema", "clock", "integrity", "backup", "backup's file", "verify"} {
		if well[check]["state"] != stateOK {
			t.Errorf("%s: got %v, want ok", check, well[check])
		}
	}
	if quick := checks(t, run(t, "", "--db", db, "doctor", "--json", "--quick")); len(quick) != len(well)-1 || quick["integrity"] != nil {
		t.Errorf("--quick: got %v, want all but the check of the whole file", quick)
	}
	if well["newest event"]["state"] != stateWarns {
		t.Errorf("newest event of last year: got %v, want a warning", well["newest event"])
	}
	run(t, "", "--db", db, "doctor", "--strict").fails(t, exitFailure, "warning")
	if info := object(t, must(t, "", "--db", db, "info", "--json")); info["upkeep"].(map[string]any)["backup"].(map[string]any)["file"] != copied {
		t.Errorf("info: got %v, want the backup", info["upkeep"])
	}
	if text := must(t, "", "--db", db, "info"); !strings.Contains(text, copied) || !strings.Contains(text, "newest event") {
		t.Errorf("info: got %q", text)
	}

	if err := os.WriteFile(copied, []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(db, 0o666); err != nil {
		t.Fatal(err)
	}
	ill := run(t, "", "--db", db, "doctor", "--json")
	found := checks(t, ill)
	if ill.code != exitFailure || found["backup's file"]["state"] != stateFails || found["permissions"]["state"] != stateWarns {
		t.Errorf("a damaged backup: got exit code %d, %v and %v", ill.code, found["backup's file"], found["permissions"])
	}
	was := clockNow
	clockNow = func() time.Time { return time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC) }
	defer func() { clockNow = was }()
	if found := checks(t, run(t, "", "--db", db, "doctor", "--json")); found["clock"]["state"] != stateFails {
		t.Errorf("a clock of before the newest event: got %v", found["clock"])
	}
	if missing := run(t, "", "--db", file(t, "none.db"), "doctor"); missing.code != exitFailure {
		t.Errorf("no ledger: got exit code %d", missing.code)
	}
}

// TestWhyAgreesWithPlainSQL: the parts sum to the score, and the positions and what is left out of them are those that
// plain SQL finds.
func TestWhyAgreesWithPlainSQL(t *testing.T) {
	db, query := random(t)
	positions, leftOut := 0, int64(0)
	for _, m := range query("SELECT coldkey, miner_id FROM miners ORDER BY miner_id") {
		why := object(t, must(t, "", "--db", db, "why", m[0], "--at", "2025-02-25", "--lookback", "14", "--json"))
		sum, got := 0.0, [][]string(nil)
		for _, part := range why["parts"].([]any) {
			day := part.(map[string]any)
			sum += day["part"].(float64)
			for _, p := range day["positions"].([]any) {
				got = append(got, picked(t, []map[string]any{p.(map[string]any)}, "position_id", "gain_tao", "left_out_tao")...)
			}
		}
		if raw := why["raw"].(float64); math.Abs(sum-raw) > 1e-9*(1+math.Abs(raw)) {
			t.Errorf("%s: the parts sum to %g, raw is %g", m[0], sum, raw)
		}
		from, until := time.Date(2025, 2, 11, 0, 0, 0, 0, time.UTC), time.Date(2025, 2, 26, 0, 0, 0, 0, time.UTC)
		want := query(`SELECT p.position_id, SUM(c.gain), SUM(c.raw_gain - c.gain) FROM positions p JOIN closes c USING (position_id)
			WHERE p.miner_id = ? AND p.closed_at >= ? AND p.closed_at < ? GROUP BY p.position_id
			ORDER BY p.closed_at / 86400000000, p.archive_run IS NULL, p.closed_at, p.position_id`, m[1], from.UnixMicro(), until.UnixMicro())
		if len(want) > 0 {
			same(t, "why "+m[0], got, want)
		}
		for _, row := range want {
			var n int64
			_, _ = fmt.Sscan(row[2], &n)
			positions, leftOut = positions+1, leftOut+n
		}
		must(t, "", "--db", db, "why", m[0], "--at", "2025-02-25")
	}
	if positions < 20 {
		t.Errorf("only %d positions were compared (%d rao left out)", positions, leftOut)
	}
}

// TestLotsAgreeWithPlainSQL: every close is a lot, archived or not, and dollars are shared by cost and proceeds.
func TestLotsAgreeWithPlainSQL(t *testing.T) {
	db, query := random(t)
	same(t, "lots", picked(t, rows(t, must(t, "", "--db", db, "export", "lots", "--json")), "position_id", "trade_id", "alpha", "cost_tao", "proceeds_tao", "gain_tao"),
		query("SELECT c.position_id, c.trade_id, c.alpha, c.cost, c.tao, c.raw_gain FROM closes c JOIN trades t USING (trade_id) ORDER BY t.miner_id, c.event_key, c.step"))
	if text := must(t, "", "--db", db, "export", "lots", "--limit", "1"); !strings.HasPrefix(text, "coldkey,netuid,acquired,disposed,") || strings.Count(text, "\n") != 2 {
		t.Errorf("got %q, want CSV", text)
	}
	dollars := file(t, "dollars.db")
	must(t, events(
		event(`"extrinsic_id":"1-1","tao":"3","alpha":"3","usd":"100"`),
		event(`"extrinsic_id":"2-1","kind":"unstake","tao":"2","alpha":"1","time":"2026-01-02T00:00:00Z","usd":"80.5"`),
	), "--db", dollars, "ingest", "-")
	if lot := rows(t, must(t, "", "--db", dollars, "export", "lots", "--json"))[0]; lot["cost_usd"] != "33.33" || lot["proceeds_usd"] != "80.50" {
		t.Errorf("got %v for %v, want 33.33 for 80.50", lot["cost_usd"], lot["proceeds_usd"])
	}
}
