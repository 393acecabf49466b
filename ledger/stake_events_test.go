package ledger_test

import (
	"bytes"
	"reflect"
	"testing"

	"context"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ingest"
	"github.com/stakeledger/stakeledger/ledger"
)

// The real export, taken in with its transfers, gives figures that were worked out by hand; taken in again it
// gives nothing new.
func TestStakeEvents(t *testing.T) {
	export := shared(t, "data/stake_events.json")
	l := open(t)
	ctx := context.Background()

	first, err := l.Apply(ctx, ingest.Read(bytes.NewReader(export), "stake_events.json", ingest.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	want := ledger.Summary{IntakeID: 1, Events: 84, Applied: 84, RegisteredMiners: 1,
		Ignored: map[chain.IgnoreReason]int64{}, Rejected: map[ledger.RejectReason]int64{}}
	if !reflect.DeepEqual(first, want) {
		t.Errorf("first time: got %+v, want %+v", first, want)
	}
	got := report(t, l)
	if len(got.Miners) != 1 {
		t.Fatalf("got %d miners, want 1", len(got.Miners))
	}
	m := got.Miners[0]
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"positions", m.Positions, int64(60)},
		{"open positions", m.OpenPositions, int64(14)},
		{"trades", m.Trades, int64(24)},
		{"closes", m.Closes, int64(70)},
		{"closed alpha", m.ClosedAlpha.String(), "1404.653400000"},
		{"open alpha", m.OpenAlpha.String(), "840.271146535"},
		{"unmatched alpha", m.UnmatchedAlpha, chain.Rao(0)},
		{"unmatched TAO", m.UnmatchedTAO, chain.Rao(0)},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, c.got, c.want)
		}
	}

	second, err := l.Apply(ctx, ingest.Read(bytes.NewReader(export), "stake_events.json", ingest.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	want = ledger.Summary{IntakeID: 2, Events: 84, Duplicates: 84,
		Ignored: map[chain.IgnoreReason]int64{}, Rejected: map[ledger.RejectReason]int64{}}
	if !reflect.DeepEqual(second, want) {
		t.Errorf("second time: got %+v, want %+v", second, want)
	}
	if again := report(t, l); !reflect.DeepEqual(again, got) {
		t.Errorf("the second time changed the report:\ngot  %+v\nwant %+v", again, got)
	}
}
