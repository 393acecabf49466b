package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/ingest"
	"github.com/stakeledger/stakeledger/ledger"
)

// late is a ledger of two miners; Alice's first stake came after she had sold, Bob's events came in order.
func late(t *testing.T) (db string) {
	db = file(t, "ledger.db")
	must(t, events(
		event(`"extrinsic_id":"200-0001","block":200,"time":"2026-01-02T00:00:00Z","tao":"3"`),
		event(`"extrinsic_id":"900-0001","block":900,"time":"2026-01-03T00:00:00Z","kind":"unstake","alpha":"2","tao":"5"`),
		event(`"coldkey":"`+bob+`"`),
	), "--db", db, "ingest", "-")
	l, err := ledger.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close(context.Background())
	first := strings.NewReader(event(`"extrinsic_id":"100-0001","block":100,"time":"2026-01-01T00:00:00Z"`))
	if _, err := l.Apply(t.Context(), ingest.Read(first, "late", ingest.Options{}), ledger.LeaveLate()); err != nil { // the command would replay it
		t.Fatal(err)
	}
	return db
}

func TestRebuildShowsWhatChanged(t *testing.T) {
	db := late(t)
	must(t, "", "--db", db, "register", alice, "--ensure", "--hotkey", bob, "--uid", "7")
	got := must(t, "", "--db", db, "rebuild", "7", "--limit", "0")
	for _, want := range []string{
		alice + ": 3 events replayed, 1 of them late\n    changed 0 outcomes, 2 positions, 0 trades and 1 close\n",
		"position 2  status", "open", "closed", "close 3/0", "cost_tao", "3.000000000", "1.000000000", "gain_tao",
		"\nrebuilt 1 miner: 1 changed, 0 as before\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got %q, want it to say %q", got, want)
		}
	}
	for _, line := range tooWide(got) {
		t.Errorf("too wide: %s", line)
	}
	if got, want := must(t, "", "--db", db, "rebuild", alice), "rebuilt 1 miner: 0 changed, 1 as before\n"; got != want {
		t.Errorf("again: got %q, want %q", got, want)
	}
	if got := must(t, "", "--db", db, "verify"); !strings.Contains(got, "nothing differs") {
		t.Errorf("after the rebuild: got %q", got)
	}
}

func TestRebuildAsJSON(t *testing.T) {
	db := late(t)
	type change = struct{ Before, After map[string]any }
	type result struct {
		Coldkey                             string
		Changed                             bool
		Replayed, Reordered                 int64
		Outcomes, Positions, Trades, Closes []change
		Counters                            change
		Unhonoured                          []any
	}
	var all []result
	text := must(t, "", "--db", db, "rebuild", "--all", "--json")
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if len(all) != 2 || all[0].Changed || !all[1].Changed || all[0].Coldkey != bob {
		t.Fatalf("got %s, want Alice's changes, and none of Bob", text)
	}
	alices := all[1]
	if alices.Coldkey != alice || alices.Replayed != 3 || alices.Reordered != 1 || len(alices.Positions) != 2 || len(alices.Closes) != 1 {
		t.Errorf("got %+v, want two positions and a close of hers changed", alices)
	}
	if c := alices.Closes[0]; c.Before["cost_tao"] != "3.000000000" || c.After["cost_tao"] != "1.000000000" {
		t.Errorf("the close: got %v, want a cost of 3 before and of 1 after", c)
	}
	if c := alices.Counters; c.Before["gain_tao"] == c.After["gain_tao"] || c.Before["coldkey"] != alice {
		t.Errorf("the counters: got %v, want another gain of Alice", c)
	}
	if _, told := alices.Counters.Before["uids"]; told {
		t.Error("the counters tell UIDs, which a rebuild does not look at")
	}
	for _, list := range []any{alices.Outcomes, alices.Trades, alices.Unhonoured} {
		if fmt.Sprint(list) != "[]" || strings.Contains(text, "null,\"positions\"") {
			t.Errorf("got %v, want an empty list", list)
		}
	}
	var one result
	if err := json.Unmarshal([]byte(must(t, "", "--db", db, "rebuild", alice, "--json")), &one); err != nil || one.Changed || one.Replayed != 3 {
		t.Errorf("again: got %+v and %v, want no change", one, err)
	}
}

// TestRebuildBoundsItsTable: what is left out is counted.
func TestRebuildBoundsItsTable(t *testing.T) {
	got := must(t, "", "--db", late(t), "rebuild", "--all", "--limit", "2")
	if !strings.Contains(got, "more; --limit 0 prints all") || !strings.Contains(got, "rebuilt 2 miners: 1 changed, 1 as before") {
		t.Errorf("got %q, want two rows and how many more there are", got)
	}
	if n := strings.Count(got, "5Grwva…"); n != 2 {
		t.Errorf("got %d rows, want 2", n)
	}
}

// TestRebuildGoesOn: a miner that cannot be rebuilt holds nobody up.
func TestRebuildGoesOn(t *testing.T) {
	db := late(t)
	tamper(t, db, "", "DROP TRIGGER events_contents",
		"UPDATE events SET kind = 'unstake', mode = NULL WHERE miner_id = 1 AND ?1 = ''")
	r := run(t, "", "--db", db, "rebuild", "--all")
	r.fails(t, exitFailure, "rebuild", bob)
	if !strings.Contains(r.stdout, "rebuilt 1 miner: 1 changed") {
		t.Errorf("got %q, want Alice rebuilt", r.stdout)
	}
	run(t, "", "--db", db, "rebuild", "8").fails(t, exitFailure, "UID 8", "not found")
}
