package ingest_test

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"math/big"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ingest"
	"github.com/stakeledger/stakeledger/ledger"
)

// The targets here read what was accepted a second time, with the readers of the standard library, and compare.

func FuzzJSONLinesAgree(f *testing.F) {
	f.Add(twoLines)
	f.Add(strings.ReplaceAll(twoLines, "1895779-0014", `\u0031895779\u002d\"\\`))
	f.Add("\ufeff \r\n" + twoLines + "\r\n\t\n")
	f.Fuzz(func(t *testing.T, text string) {
		events, err := collect(strings.NewReader(text), ingest.Options{})
		if err != nil || !strings.HasPrefix(trimmed(text), "{") || isResponse(trimmed(text)) {
			return
		}
		lines := rowLines(text)
		if len(lines) != len(events) {
			t.Fatalf("%q: got %d events of %d lines", text, len(events), len(lines))
		}
		for i, line := range lines {
			var row map[string]any
			d := json.NewDecoder(strings.NewReader(line))
			d.UseNumber()
			if err := d.Decode(&row); err != nil {
				t.Fatalf("%q: the standard library refuses it: %v", line, err)
			}
			cells := map[string]string{}
			for name, value := range row {
				cells[name] = asText(value)
			}
			sameEvent(t, line, events[i], cells)
		}
	})
}

func FuzzCSVAgrees(f *testing.F) {
	f.Add(twoCells)
	f.Add(strings.ReplaceAll(twoCells, "1891470-0010", `a""b,c`))
	f.Add("\n\r\n" + strings.ReplaceAll(twoCells, "\n", "\r\n"))
	f.Fuzz(func(t *testing.T, text string) {
		events, err := collect(strings.NewReader(text), ingest.Options{})
		if start := trimmed(text); err != nil || start == "" || start[0] == '{' || start[0] == '[' {
			return
		}
		r := csv.NewReader(strings.NewReader(strings.TrimLeft(strings.Join(rowLines(text), "\n"), " \t\r")))
		records, err := r.ReadAll()
		if err != nil || len(records) != len(events)+1 {
			t.Fatalf("%q: got %d events, the standard library reads %d lines, %v", text, len(events), len(records), err)
		}
		for i, e := range events {
			cells := map[string]string{}
			for c, name := range records[0] {
				if value := records[i+1][c]; value != "" {
					cells[name] = value
				}
			}
			sameEvent(t, text, e, cells)
		}
	})
}

func FuzzResponseAgrees(f *testing.F) {
	f.Add(twoRows)
	f.Add(`{"pagination":{"a":[1,-2.5e3,null,true,"\""]},"data":` + twoRows + `}`)
	f.Add(`{"data":[]}`)
	f.Fuzz(func(t *testing.T, text string) {
		events, err := collect(strings.NewReader(text), ingest.Options{})
		start := trimmed(text)
		if err != nil || !strings.HasPrefix(start, "[") && !isResponse(start) {
			return
		}
		var all any
		d := json.NewDecoder(strings.NewReader(start))
		d.UseNumber()
		if err := d.Decode(&all); err != nil {
			t.Fatalf("%q: the standard library refuses it: %v", text, err)
		}
		if object, ok := all.(map[string]any); ok {
			all = object["data"]
		}
		rows, ok := all.([]any)
		if !ok || len(rows) != len(events) {
			t.Fatalf("%q: got %d events of %d rows", text, len(events), len(rows))
		}
		for i, e := range events {
			row := rows[i].(map[string]any)
			id := row["id"].(string)
			sameEvent(t, text, e, map[string]string{
				"coldkey": asText(row["nominator"].(map[string]any)["ss58"]), "hotkey": asText(row["delegate"].(map[string]any)["ss58"]),
				"kind": asText(row["action"]), "netuid": asText(row["netuid"]), "extrinsic_id": asText(row["extrinsic_id"]), "event_index": id[strings.LastIndexByte(id, '-')+1:],
				"block": asText(row["block_number"]), "time": asText(row["timestamp"]), "tao": inTAO(asText(row["amount"])), "alpha": inTAO(asText(row["alpha"])),
			})
		}
	})
}

// FuzzReadInPieces: what is read depends on the text alone, not on how it arrives, and takes no more memory than the
// bounds allow.
func FuzzReadInPieces(f *testing.F) {
	for _, seed := range []string{twoLines, twoCells, twoRows, `{"data":` + twoRows + `}`, twoLines + "{", twoCells + `"`, `{"a":[[[[`, strings.Repeat(",", 5000)} {
		f.Add(seed, uint8(0))
		f.Add(seed, uint8(70))
	}
	f.Fuzz(func(t *testing.T, text string, size uint8) {
		var whole, pieces []ledger.Event
		var wholeErr, piecesErr error
		used := allocated(func() { whole, wholeErr = collect(strings.NewReader(text), ingest.Options{}) })
		if most := uint64(8<<20 + 200*len(text)); used > most {
			t.Fatalf("%d bytes of text took %d bytes of memory, want at most %d", len(text), used, most)
		}
		pieces, piecesErr = collect(&pieceReader{text, int(size) + 1}, ingest.Options{})
		if !slices.Equal(whole, pieces) || (wholeErr == nil) != (piecesErr == nil) || wholeErr != nil && wholeErr.Error() != piecesErr.Error() {
			t.Fatalf("%q in pieces of %d: got %d events, %v; whole %d events, %v", text, size+1, len(pieces), piecesErr, len(whole), wholeErr)
		}
		runtime.KeepAlive(whole)
	})
}

// pieceReader gives a text a few bytes at a time.
type pieceReader struct {
	text string
	size int
}

func (r *pieceReader) Read(p []byte) (int, error) {
	if r.text == "" {
		return 0, io.EOF
	}
	n := copy(p, r.text[:min(r.size, len(r.text))])
	r.text = r.text[n:]
	return n, nil
}

func trimmed(text string) string { return strings.Trim(strings.TrimPrefix(text, "\ufeff"), " \t\r\n") }

// rowLines are the lines that hold something.
func rowLines(text string) (lines []string) {
	for line := range strings.SplitSeq(strings.TrimPrefix(text, "\ufeff"), "\n") {
		if line = strings.TrimSuffix(line, "\r"); strings.Trim(line, " \t\r") != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// isResponse goes by the names in the object, whatever else stands between.
func isResponse(text string) bool {
	var object map[string]json.RawMessage
	_ = json.NewDecoder(strings.NewReader(text)).Decode(&object)
	_, data := object["data"]
	_, pagination := object["pagination"]
	return data || pagination
}

func asText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func inTAO(rao string) string {
	exact, ok := new(big.Rat).SetString(rao)
	if !ok {
		return rao
	}
	return exact.Quo(exact, big.NewRat(chain.RaoPerTAO, 1)).FloatString(9)
}

// sameEvent compares an event with the texts of its fields.
func sameEvent(t *testing.T, text string, got ledger.Event, cells map[string]string) {
	t.Helper()
	number := func(name string) int64 {
		n, err := strconv.ParseInt(cells[name], 10, 64)
		if err != nil && cells[name] != "" {
			t.Fatalf("%q: %s: %v", text, name, err)
		}
		return n
	}
	amount := func(name string) chain.Rao {
		exact, ok := new(big.Rat).SetString(cells[name])
		if !ok {
			t.Fatalf("%q: %s is %q", text, name, cells[name])
		}
		exact.Mul(exact, big.NewRat(chain.RaoPerTAO, 1))
		if !exact.IsInt() || !exact.Num().IsInt64() {
			t.Fatalf("%q: %s is %v rao", text, name, exact)
		}
		return chain.Rao(exact.Num().Int64())
	}
	at, err := time.Parse(time.RFC3339Nano, cells["time"])
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	kind := chain.Unstake
	if slices.Contains([]string{"stake", "DELEGATE", "STAKE_ADDED"}, cells["kind"]) {
		kind = chain.Stake
	}
	want := ledger.Event{
		Kind: kind, Coldkey: chain.Address(cells["coldkey"]), Hotkey: chain.Address(cells["hotkey"]), Netuid: chain.Netuid(number("netuid")), ExtrinsicID: cells["extrinsic_id"],
		EventIndex: number("event_index"), Block: number("block"), Time: chain.Time(at.UnixMicro()), TAO: amount("tao"), Alpha: amount("alpha"),
	}
	if got != want {
		t.Fatalf("%q:\ngot  %+v\nwant %+v", text, got, want)
	}
}
