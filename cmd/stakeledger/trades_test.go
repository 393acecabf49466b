package main

import (
	"context"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// openLedger opens a ledger for what the command does not do.
func openLedger(t *testing.T, db string) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(context.Background(), db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(context.Background()) })
	return l
}

// TestTradeWithArchivedCloses: a trade that also closed a part of an older position keeps its sums when the
// closes of the younger one go to the archive.
func TestTradeWithArchivedCloses(t *testing.T) {
	db := file(t, "ledger.db")
	must(t, events(
		event(`"extrinsic_id":"1-1","tao":"1","alpha":"2"`),
		event(`"extrinsic_id":"2-1","tao":"1","alpha":"3","time":"2026-01-01T01:00:00Z"`),
		event(`"extrinsic_id":"3-1","kind":"unstake","tao":"4","alpha":"4","time":"2026-01-02T00:00:00Z"`),
	), "--db", db, "ingest", "-")
	before := must(t, "", "--db", db, "trades", "--json")
	if row := rows(t, before)[0]; row["closes"] != 2. || row["gain_tao"] != "2.333333334" {
		t.Fatalf("got %v, want 2 closes that gain 2.333333334", row)
	}
	l := openLedger(t, db)
	cutoff, err := chain.ParseTime("2026-02-01T00:00:00Z")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.ArchiveClosedPositions(context.Background(), cutoff); err != nil {
		t.Fatal(err)
	}
	if left := rows(t, must(t, "", "--db", db, "positions", "--json")); len(left) != 1 {
		t.Fatalf("got %d live positions after archiving, want 1", len(left))
	}
	if after := must(t, "", "--db", db, "trades", "--json"); after != before {
		t.Errorf("got %s, want what it was: %s", after, before)
	}
}

// TestTradeWithoutItsCloses: sums over a part of the closes would be wrong, so there are none.
func TestTradeWithoutItsCloses(t *testing.T) {
	trade := ledger.Trade{ExitAlpha: 3, UnmatchedAlpha: 1}
	if sums := sumsOf(trade, nil); sums.GainTAO != nil || sums.Closes != nil {
		t.Errorf("got %+v, want no sums", sums)
	}
}
