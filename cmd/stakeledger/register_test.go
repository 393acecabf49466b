package main

import (
	"strings"
	"testing"
)

func TestRegister(t *testing.T) {
	db := file(t, "ledger.db")
	if got, want := must(t, "", "--db", db, "register", alice), "miner 1, "+alice+": active, UID -\n"; got != want {
		t.Errorf("register: got %q, want %q", got, want)
	}
	run(t, "", "--db", db, "register", alice).fails(t, exitFailure, alice, "exists already", "--ensure")
	if got, want := must(t, "", "--db", db, "register", alice, "--ensure", "--hotkey", bob, "--uid", "7"), "miner 1, "+alice+": active, UID 7\n"; got != want {
		t.Errorf("register --ensure: got %q, want %q", got, want)
	}
	got := must(t, "", "--db", db, "register", bob, "--hotkey", alice, "--uid", "7", "--tracking-start", "2026-01-01T00:00:00Z", "--json")
	for _, want := range []string{`"miner_id":2`, `"uids":[7]`, `"tracking_start":"2026-01-01T00:00:00Z"`} {
		if !strings.Contains(got, want) {
			t.Errorf("register --json: got %s, want it to say %s", got, want)
		}
	}
	if got := must(t, "", "--db", db, "miners", "--miner", alice, "--json"); !strings.Contains(got, `"uids":[]`) {
		t.Errorf("after the UID went to another miner: got %s, want no UID", got)
	}
}

func TestStatus(t *testing.T) {
	db := file(t, "ledger.db")
	must(t, "", "--db", db, "register", alice, "--hotkey", bob, "--uid", "7")
	for _, name := range []string{alice, bob, "7"} {
		for _, status := range []string{"blacklisted", "active"} {
			if got, want := must(t, "", "--db", db, "status", name, status), "miner 1, "+alice+": "+status+", UID 7\n"; got != want {
				t.Errorf("status %s %s: got %q, want %q", name, status, got, want)
			}
		}
	}
	run(t, "", "--db", db, "status", "9", "active").fails(t, exitFailure, "UID 9", "not found")
}
