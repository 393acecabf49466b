package main

import (
	"fmt"
	"testing"
)

// TestRejectedIsSeenTo: a conflict is shown with both values until it is acknowledged, fails no more from then on, and
// can be deleted.
func TestRejectedIsSeenTo(t *testing.T) {
	db := file(t, "ledger.db")
	must(t, event(""), "--db", db, "ingest", "-")
	conflict := event(`"tao":"7","netuid":3`)
	run(t, conflict, "--db", db, "ingest", "-").fails(t, exitRejected, "stakeledger rejected")
	listed := rows(t, must(t, "", "--db", db, "rejected", "--json"))
	if len(listed) != 1 || listed[0]["reason"] != "duplicate_conflict" || fmt.Sprint(listed[0]["conflicts"]) !=
		"[map[field:netuid recorded:1 rejected:3] map[field:tao recorded:1.000000000 rejected:7.000000000]]" {
		t.Errorf("got %v, want both values of what differs", listed)
	}
	run(t, "", "--db", db, "rejected", "acknowledge", "9").fails(t, exitFailure, "rejected event 9", "not found")
	if got := must(t, "", "--db", db, "rejected", "prune"); got != "0 rejected events deleted\n" {
		t.Errorf("prune: got %q, want what is not acknowledged kept", got)
	}
	if got := must(t, "", "--db", db, "rejected", "acknowledge", fmt.Sprint(listed[0]["rejected_id"])); got != "1 rejected event acknowledged\n" {
		t.Errorf("acknowledge: got %q", got)
	}
	if got := must(t, "", "--db", db, "rejected", "--json"); got != "[]\n" {
		t.Errorf("acknowledged: got %s, want it listed no more", got)
	}
	if got := rows(t, must(t, "", "--db", db, "rejected", "--all", "--json")); len(got) != 1 || got[0]["acknowledged_at"] == nil {
		t.Errorf("all: got %v, want it with the time", got)
	}
	must(t, conflict, "--db", db, "ingest", "-")
	run(t, event(`"tao":"8"`), "--db", db, "ingest", "-").fails(t, exitRejected, "1 event was rejected")
	must(t, "", "--db", db, "rejected", "acknowledge", "--all")
	if got := must(t, "", "--db", db, "rejected", "prune", "--older-than", "1h"); got != "0 rejected events deleted\n" {
		t.Errorf("prune what is old: got %q", got)
	}
	if got := must(t, "", "--db", db, "rejected", "prune"); got != "2 rejected events deleted\n" {
		t.Errorf("prune: got %q", got)
	}
	run(t, conflict, "--db", db, "ingest", "-").fails(t, exitRejected, "1 event was rejected")
}

// TestUnknownMinerIsANotice: it goes by itself once the miner is known and the event taken in.
func TestUnknownMinerIsANotice(t *testing.T) {
	db := file(t, "ledger.db")
	input := events(event(`"extrinsic_id":"1-1"`), event(`"extrinsic_id":"2-1","coldkey":"`+bob+`","hotkey":"`+alice+`"`))
	must(t, "", "--db", db, "register", alice)
	must(t, input, "--db", db, "ingest", "--no-register", "-")
	if got := rows(t, must(t, "", "--db", db, "rejected", "--json")); len(got) != 1 || got[0]["reason"] != "unknown_miner" {
		t.Errorf("got %v, want a notice", got)
	}
	must(t, "", "--db", db, "register", bob)
	must(t, input, "--db", db, "ingest", "--no-register", "-")
	if got := must(t, "", "--db", db, "rejected", "--all", "--json"); got != "[]\n" {
		t.Errorf("registered, and taken in again: got %s, want the notice gone", got)
	}
}
