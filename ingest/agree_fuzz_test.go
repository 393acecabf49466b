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

// FuzzJSONAgrees: whatever is read without an error is JSON, and says the same to the standard library.
func FuzzJSONAgrees(f *testing.F) {
	page := `{"pagination":{"a":[1,-2.5e3,null,true,"\""]},"data":` + twoRows + `}`
	for _, seed := range []string{
		twoLines, strings.ReplaceAll(twoLines, "1895779-0014", `\u0031895779\u002d\"\\`), "\ufeff \r\n" + twoLines + "\r\n\t\n", strings.ReplaceAll(twoLines, "{", "{\n"),
		twoRows, page, page + "\n" + page, "[" + page + "," + page + "]", "[" + twoRows + "," + twoRows + "]" + page, `{"data":[]}`,
		"[" + strings.Replace(strings.TrimSpace(twoLines), "\n", ",", 1) + "]", `[{"data":[` + strings.Replace(strings.TrimSpace(twoLines), "\n", ",", 1) + "]}]",
		`[{"trade_id":1,"coldkey":"` + alice + `","netuid":64,"hotkey":"` + bob + `","extrinsic_id":"1-14","event_index":47,"exit_block":5,"exit_time":"2026-01-01T02:10:48.001Z","exit_tao":"0.16","exit_alpha":"2.0"}]`,
		chainRow("StakeAdded", 14, 34, `["`+aliceKey+`","`+bob+`","3,250,000",[2],34,0]`) + "\n" + chainRow("StakeMoved", 14, 35, "[]"),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		events, err := collect(strings.NewReader(text), ingest.Options{})
		start := trimmed(text)
		if err != nil || start == "" || start[0] != '{' && start[0] != '[' {
			return
		}
		var rows []map[string]any
		d := json.NewDecoder(strings.NewReader(start))
		d.UseNumber()
		for d.More() {
			var value any
			if err := d.Decode(&value); err != nil {
				t.Fatalf("%q: the standard library refuses it: %v", text, err)
			}
			rows = append(rows, rowsIn(value)...)
		}
		if isChainEvents(rows) {
			return // are read in another order; see TestReadChainEvents
		}
		if len(rows) != len(events) {
			t.Fatalf("%q: got %d events of %d rows", text, len(events), len(rows))
		}
		for i, row := range rows {
			sameEvent(t, text, events[i], textsOf(row))
		}
	})
}

// rowsIn are the rows in a value: itself, or those in an array or a page.
func rowsIn(value any) (rows []map[string]any) {
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			rows = append(rows, rowsIn(element)...)
		}
	case map[string]any:
		_, hasPagination := v["pagination"]
		if data, ok := v["data"].([]any); ok && (hasPagination || len(data) == 0 || !isPlain(data[0])) {
			return rowsIn(data)
		}
		rows = append(rows, v)
	}
	return rows
}

func isPlain(value any) bool {
	switch value.(type) {
	case []any, map[string]any:
		return false
	}
	return true
}

func isChainEvents(rows []map[string]any) bool {
	if len(rows) == 0 {
		return false
	}
	for _, name := range []string{"kind", "trade_id", "exit_time", "exit_tao", "exit_alpha", "position_id", "entry_time", "entry_tao", "entry_alpha", "nominator", "delegate", "action"} {
		if _, there := rows[0][name]; there {
			return false
		}
	}
	return true
}

// textsOf are the texts of the fields of a row, under the names of our own form.
func textsOf(row map[string]any) map[string]string {
	texts := map[string]string{}
	for _, name := range []string{"coldkey", "hotkey", "kind", "netuid", "extrinsic_id", "event_index", "block", "time", "tao", "alpha"} {
		texts[name] = asText(row[name])
	}
	for prefix, kind := range map[string]string{"exit_": "unstake", "entry_": "stake"} {
		if row[prefix+"tao"] != nil {
			texts["kind"] = kind
			for _, name := range []string{"block", "time", "tao", "alpha"} {
				texts[name] = asText(row[prefix+name])
			}
		}
	}
	if row["nominator"] != nil {
		id := row["id"].(string)
		texts["coldkey"], texts["hotkey"], texts["kind"] = asAccount(row["nominator"]), asAccount(row["delegate"]), asText(row["action"])
		texts["event_index"], texts["block"], texts["time"] = id[strings.LastIndexByte(id, '-')+1:], asText(row["block_number"]), asText(row["timestamp"])
		texts["tao"], texts["alpha"] = inTAO(asText(row["amount"])), inTAO(asText(row["alpha"]))
	}
	return texts
}

func asAccount(value any) string {
	if object, ok := value.(map[string]any); ok {
		value = object["ss58"]
	}
	return asText(value)
}

func FuzzCSVAgrees(f *testing.F) {
	f.Add(twoCells)
	f.Add(strings.ReplaceAll(twoCells, "1891470-0010", `a""b,c`))
	f.Add("\n\r\n" + strings.ReplaceAll(twoCells, "\n", "\r\n"))
	f.Add(strings.ReplaceAll(strings.ToUpper(twoCells[:20])+twoCells[20:], ",", "\t"))
	f.Add(strings.ReplaceAll(twoCells, ",", ";"))
	f.Fuzz(func(t *testing.T, text string) {
		events, err := collect(strings.NewReader(text), ingest.Options{})
		if start := trimmed(text); err != nil || start == "" || start[0] == '{' || start[0] == '[' {
			return
		}
		lines := rowLines(text)
		lines[0] = strings.TrimLeft(lines[0], " \t\r")
		r := csv.NewReader(strings.NewReader(strings.Join(lines, "\n")))
		for _, comma := range ",;\t|" { // no name holds one of them
			if strings.ContainsRune(lines[0], comma) {
				r.Comma = comma
			}
		}
		records, err := r.ReadAll()
		if err != nil || len(records) != len(events)+1 {
			t.Fatalf("%q: got %d events, the standard library reads %d lines, %v", text, len(events), len(records), err)
		}
		for i, e := range events {
			cells := map[string]string{}
			for c, name := range records[0] {
				name = strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.Trim(name, " ")))
				if value := records[i+1][c]; value != "" {
					cells[name] = value
				}
			}
			sameEvent(t, text, e, cells)
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
