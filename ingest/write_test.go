package ingest_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ingest"
	"github.com/stakeledger/stakeledger/ledger"
)

func TestWriteJSONLReadsBack(t *testing.T) {
	rows := []ingest.Row{
		{Event: twoEvents[0]},
		{Event: twoEvents[1], Transfer: true},
		{Event: ledger.Event{Kind: chain.Stake, Coldkey: bob, Hotkey: alice, Netuid: 65535, ExtrinsicID: ` "\/<>&~{}`, EventIndex: 1<<63 - 1, Block: 1<<63 - 1, Time: 253402300799999999, TAO: 1<<63 - 1, Alpha: 1}},
		{Event: ledger.Event{Kind: chain.Stake, Coldkey: bob, Hotkey: alice, ExtrinsicID: `"`, Time: 1}},
		{Event: ledger.Event{Kind: chain.Stake, Coldkey: bob, Hotkey: alice, ExtrinsicID: `\`, Time: 1}},
		{Event: ledger.Event{Kind: chain.Unstake, Coldkey: bob, Hotkey: alice, ExtrinsicID: "0", Time: 1}},
	}
	var text bytes.Buffer
	if n, err := ingest.WriteJSONL(&text, slices.Values(rows)); err != nil || n != int64(len(rows)) {
		t.Fatalf("WriteJSONL: got %d, %v, want %d", n, err, len(rows))
	}
	got, err := collect(&text, ingest.Options{ExcludeTransfers: true})
	if err != nil || len(got) != len(rows) {
		t.Fatalf("got %d events, %v, want %d", len(got), err, len(rows))
	}
	for i, row := range rows {
		want := row.Event
		want.Excluded = row.Transfer
		if got[i] != want {
			t.Errorf("row %d: got %+v, want %+v", i, got[i], want)
		}
	}
}

func TestWriteJSONLForm(t *testing.T) {
	var text strings.Builder
	if _, err := ingest.WriteJSONL(&text, slices.Values([]ingest.Row{{Event: twoEvents[0]}})); err != nil {
		t.Fatal(err)
	}
	want := `{"coldkey":"` + alice + `","hotkey":"` + bob + `","kind":"unstake","netuid":64,"extrinsic_id":"1895779-0014","event_index":47,"block":1895779,` +
		`"time":"2026-01-01T02:10:48.001Z","tao":"0.165693980","alpha":"2.000000000","transfer":false}` + "\n"
	if got := text.String(); got != want {
		t.Errorf("\ngot  %s\nwant %s", got, want)
	}
}

// TestWriteJSONLKeepsALineALine: whatever a row holds, it cannot smuggle in another one.
func TestWriteJSONLKeepsALineALine(t *testing.T) {
	row := ingest.Row{Event: twoEvents[0]}
	row.ExtrinsicID = "x\"}\n{\x00\xff"
	line := row.AppendJSON(nil)
	if bytes.ContainsAny(line, "\n\x00") {
		t.Errorf("got %q, want no control characters", line)
	}
	if _, err := collect(bytes.NewReader(line), ingest.Options{}); !errors.Is(err, chain.ErrInvalid) || !strings.Contains(err.Error(), "extrinsic_id") {
		t.Errorf("got %v, want ErrInvalid for the extrinsic_id", err)
	}
}

type failingWriter struct{ room int }

var errFull = errors.New("disk full")

func (w *failingWriter) Write(p []byte) (int, error) {
	if len(p) > w.room {
		return 0, errFull
	}
	w.room -= len(p)
	return len(p), nil
}

func TestWriteJSONLReportsAFailingWriter(t *testing.T) {
	for _, room := range []int{0, 100_000} {
		rows := func(yield func(ingest.Row) bool) {
			for yield(ingest.Row{Event: twoEvents[0]}) {
			}
		}
		if _, err := ingest.WriteJSONL(&failingWriter{room}, rows); !errors.Is(err, errFull) {
			t.Errorf("room for %d: got %v, want %v", room, err, errFull)
		}
	}
	if _, err := ingest.WriteJSONL(&failingWriter{}, slices.Values([]ingest.Row{{}})); !errors.Is(err, errFull) {
		t.Errorf("at the end: got %v, want %v", err, errFull)
	}
}
