package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// TestPolicyStandsInEveryFigure: set once, it is shown, kept, and named by whatever prints figures.
func TestPolicyStandsInEveryFigure(t *testing.T) {
	db := file(t, "ledger.db")
	set := must(t, "", "--db", db, "policy", "set", "--min-blocks", "7", "--lookback", "3", "--json")
	if want := `{"min_blocks":7,"self_trades":"zero","transfers":"include","lookback_days":3,"mixed":false}` + "\n"; set != want || must(t, "", "--db", db, "policy", "--json") != want {
		t.Errorf("got %s, want %s, and the same from policy", set, want)
	}
	must(t, event(""), "--db", db, "ingest", "-")
	must(t, `[{"uid":3,"hotkey":"`+bob+`","coldkey":"`+alice+`"}]`, "--db", db, "sync", "-")
	for _, command := range []string{"report", "scores"} {
		if got := must(t, "", "--db", db, command); !strings.Contains(got, "Policy: 7 blocks at least, self-trades zero, transfers include, scores over 3 days.\n") {
			t.Errorf("%s: got %q, want the policy", command, got)
		}
	}
	for _, args := range [][]string{{"report", "--json"}, {"scores", "--json"}, {"weights"}, {"verify", "--json"}} {
		got := object(t, must(t, "", append(args, "--db", db)...))
		policy, _ := json.Marshal(got["policy"])
		if string(policy) != `{"lookback_days":3,"min_blocks":7,"mixed":false,"self_trades":"zero","transfers":"include"}` ||
			got["newest_event"] != "2026-01-01T00:00:00Z" || fmt.Sprint(got["marked"]) != "[]" {
			t.Errorf("%v: got %v, want the policy, the newest event and nobody marked", args, got)
		}
	}
	if got := must(t, "", "--db", db, "policy", "set", "--min-blocks", "8"); strings.Contains(got, "rebuild") {
		t.Errorf("nothing was sold: got %q", got)
	}
	must(t, event(`"kind":"unstake","extrinsic_id":"101-1","time":"2026-01-02T00:00:00Z"`), "--db", db, "ingest", "-")
	if got := must(t, "", "--db", db, "policy", "set", "--min-blocks", "9"); !strings.Contains(got, "rebuild --all --policy") {
		t.Errorf("got %q, want to be told how to re-evaluate what is recorded", got)
	}
	if got := must(t, "", "--db", db, "rebuild", "--all", "--policy"); !strings.Contains(got, "1 under another policy before") {
		t.Errorf("rebuild --all --policy: got %q, want one event re-evaluated", got)
	}
	if got := must(t, "", "--db", db, "policy"); strings.Contains(got, "another") {
		t.Errorf("rebuilt: got %q, want nothing under another policy", got)
	}
}

// TestMarkedMinersAreTold: whatever prints figures prints them, and then exits with a code of its own.
func TestMarkedMinersAreTold(t *testing.T) {
	db := file(t, "ledger.db")
	must(t, event(""), "--db", db, "ingest", "-")
	must(t, `[{"uid":3,"hotkey":"`+bob+`","coldkey":"`+alice+`"}]`, "--db", db, "sync", "-")
	l, err := ledger.Open(context.Background(), db)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.AddPosition(context.Background(), ledger.Event{
		Coldkey: alice, Hotkey: bob, Netuid: 1, ExtrinsicID: "1-1", Time: 1, TAO: 1, Alpha: 1,
	}); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"report"}, {"report", "--json"}, {"miners"}, {"miners", "--json"}, {"scores"}, {"scores", "--json"}, {"weights"}, {"verify"}, {"verify", "--json"}, {"report", "--html", file(t, "page.html")},
		{"report", "--from", "1970-01-02", "--json"}, {"report", "--netuid", "1"}, {"report", "--sort", "raw", "--csv"}, {"report", "--top", "1"}, {"report", "--status", "active"},
		{"miners", "--netuid", "1", "--json"}, {"miners", "--sort", "raw"}, {"miners", "--at", "now"}, {"why", alice}} {
		r := run(t, "", append(args, "--db", db)...)
		r.fails(t, exitMarked, "1 miner wait for a replay", "rebuild --marked")
		marked := strings.Contains(r.stdout, `"marked":true`) || strings.Contains(r.stdout, `"marked":["`+alice+`"]`)
		if r.stdout == "" || (args[len(args)-1] == "--json" || args[0] == "weights") && !marked {
			t.Errorf("%v: got %q, want the figures, and whom they are of that wait", args, r.stdout)
		}
	}
	if got := must(t, "", "--db", db, "rebuild", "--marked"); !strings.Contains(got, "1 changed") {
		t.Errorf("rebuild --marked: got %q, want one miner changed", got)
	}
	must(t, "", "--db", db, "report")
}

// TestReportMaxAge: the exit code says that data is stale only where that is asked for.
func TestReportMaxAge(t *testing.T) {
	db := file(t, "ledger.db")
	must(t, event(`"time":"`+time.Now().Add(-50*time.Hour).UTC().Format(time.RFC3339)+`"`), "--db", db, "ingest", "-")
	must(t, "", "--db", db, "report")
	must(t, "", "--db", db, "report", "--max-age", "60h")
	r := run(t, "", "--db", db, "report", "--json", "--max-age", "40h")
	r.fails(t, exitStale, "2 days 2 h ago")
	if !strings.HasPrefix(r.stdout, `{"miners":[{`) {
		t.Errorf("got %q, want the report all the same", r.stdout)
	}
	none := file(t, "none.db")
	must(t, "", "--db", none, "policy", "set", "--min-blocks", "1")
	run(t, "", "--db", none, "report", "--max-age", "1h").fails(t, exitStale, "no events")
}

// TestWeights: floats that sum to 1 and whole numbers up to 65535, of UID holders alone.
func TestWeights(t *testing.T) {
	db := simulated(t)
	run(t, "", "--db", db, "weights").fails(t, exitFailure, "no UID", "sync")
	if got := must(t, "", "--db", db, "scores"); !strings.Contains(got, "Everybody is scored: no UID is known") {
		t.Errorf("scores: got %q, want to be told that no UID is known", got)
	}
	var graph []string
	miners := rows(t, must(t, "", "--db", db, "miners", "--json"))
	for i, m := range miners[1:] { // all but the first, each with two UIDs
		for n, uid := range []int{100 + i, 50 + i} {
			hotkey := chain.AddressFromPublicKey([32]byte{byte(i), byte(n), 1})
			graph = append(graph, fmt.Sprintf(`{"uid":%d,"hotkey":"%s","coldkey":"%s"}`, uid, hotkey, m["coldkey"]))
		}
	}
	must(t, "["+strings.Join(graph, ",")+"]", "--db", db, "sync", "-")
	must(t, "", "--db", db, "status", miners[1]["coldkey"].(string), "blacklisted")

	var scores struct {
		Known  bool `json:"uids_known"`
		Scores []ledger.Score
	}
	text := must(t, "", "--db", db, "scores", "--at", "2025-03-15T00:00:00Z", "--lookback", "60", "--json")
	if err := json.Unmarshal([]byte(strings.ReplaceAll(text, `"days"`, `"_"`)), &scores); err != nil {
		t.Fatal(err)
	}
	var got ledger.Weights
	if err := json.Unmarshal([]byte(must(t, "", "--db", db, "weights", "--at", "2025-03-15T00:00:00Z", "--lookback", "60")), &got); err != nil {
		t.Fatal(err)
	}
	want, sum, highest := map[chain.UID]float64{}, 0.0, uint16(0)
	for _, s := range scores.Scores {
		if s.Weight > 0 {
			want[*s.UID] = s.Weight
		}
		if s.Status == chain.MinerBlacklisted || *s.UID >= 100 || s.Coldkey == chain.Address(miners[0]["coldkey"].(string)) {
			t.Errorf("scored %+v, want neither the blacklisted one nor the one without UID, and of two UIDs the lower", s)
		}
	}
	for i, uid := range got.UIDs {
		sum, highest = sum+got.Float[i], max(highest, got.U16[i])
		if got.Float[i] != want[uid] || math.Abs(float64(got.U16[i])/65535-got.Float[i]/slices.Max(got.Float)) > 1e-5 {
			t.Errorf("UID %d: got %v and %d, want %v", uid, got.Float[i], got.U16[i], want[uid])
		}
	}
	if !scores.Known || len(want) < 2 || len(got.UIDs) != len(want) || math.Abs(sum-1) > 1e-12 || highest != 65535 {
		t.Errorf("got %+v, which sum to %v, want %v, 1 and 65535 as the highest", got, sum, want)
	}
	if all := must(t, "", "--db", db, "scores", "--all"); !strings.Contains(all, "blacklisted") {
		t.Errorf("scores --all: got %q, want the blacklisted miner too", all)
	}
}

// TestIngestLeavesLate: what came late waits for a replay where that is asked for, and else does not.
func TestIngestLeavesLate(t *testing.T) {
	for _, flag := range []string{"--leave-late", "--leave-late=false"} {
		db := file(t, "ledger.db")
		must(t, event(""), "--db", db, "ingest", "-")
		must(t, event(`"extrinsic_id":"50-1","time":"2025-12-01T00:00:00Z"`), "--db", db, "ingest", flag, "-")
		want := map[string]int{"--leave-late": exitMarked}[flag]
		if r := run(t, "", "--db", db, "report"); r.code != want {
			t.Errorf("%s: report ended with %d, want %d", flag, r.code, want)
		}
		must(t, "", "--db", db, "rebuild", "--marked")
		must(t, "", "--db", db, "report")
	}
}
