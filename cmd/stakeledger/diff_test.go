package main

import (
	"strings"
	"testing"
)

// TestDiff: nothing between a ledger and another of the same events in other calls; one event is named.
func TestDiff(t *testing.T) {
	here, there := file(t, "here.db"), file(t, "there.db")
	one, two := event(`"extrinsic_id":"1-1"`), event(`"extrinsic_id":"2-1","time":"2026-01-02T00:00:00Z"`)
	must(t, events(one, two), "--db", here, "ingest", "-")
	must(t, two, "--db", there, "ingest", "-")

	r := run(t, "", "--db", here, "diff", there, "--json")
	r.fails(t, exitFailure, "differ in 1 place")
	got := rows(t, r.stdout)
	if len(got) != 1 || got[0]["coldkey"] != alice || got[0]["extrinsic_id"] != "1-1" || got[0]["field"] != "event" || got[0]["there"] != "" {
		t.Errorf("got %v, want the event that is missing there", got)
	}
	r = run(t, "", "--db", here, "diff", there)
	r.fails(t, exitFailure, "differ in 1 place")
	if !strings.Contains(r.stdout, "1-1 #0") {
		t.Errorf("got %q, want the event in a table", r.stdout)
	}
	must(t, one, "--db", there, "ingest", "-")
	if got := must(t, "", "--db", here, "diff", there); got != "Nothing differs.\n" {
		t.Errorf("the same events: got %q", got)
	}
	if got := must(t, "", "--db", here, "diff", there, "--json"); got != "[]\n" {
		t.Errorf("the same events: got %q", got)
	}
	run(t, "", "--db", here, "diff", file(t, "none.db")).fails(t, exitFailure, "no such file")
}
