package ingest_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ingest"
	"github.com/stakeledger/stakeledger/ledger"
)

func TestReadCSVOfOthers(t *testing.T) {
	header, rows, _ := strings.Cut(twoCells, "\n")
	named := strings.NewReplacer("coldkey", "ColdKey", "extrinsic_id", "Extrinsic ID", "event_index", "EVENT-INDEX", "tao", " TAO ").Replace(header)
	for name, text := range map[string]string{
		"semicolons":                    strings.ReplaceAll(twoCells, ",", ";"),
		"tabs":                          strings.ReplaceAll(twoCells, ",", "\t"),
		"bars":                          strings.ReplaceAll(twoCells, ",", "|"),
		"names in other cases":          named + "\n" + rows,
		"quoted names, a comma":         `"` + strings.ReplaceAll(header, ",", `","`) + "\"\n" + rows,
		"files put one after the other": "\ufeff" + header + "\r\n" + strings.SplitAfter(rows, "\n")[0] + "\ufeff" + header + "\r\n" + strings.SplitAfter(rows, "\n")[1],
		"what events prints":            header + ",event_id,outcome,reason,out_of_order\n" + strings.ReplaceAll(strings.ReplaceAll(rows, "2.000000000,\n", "2.000000000,,1,applied,,false\n"), "\"true\"\n", "\"true\",2,ignored,excluded,true\n"),
	} {
		t.Run(name, func(t *testing.T) { wantEvents(t, strings.NewReader(text), twoEvents) })
	}
}

// TestReadLenient: a field that our own form does not have is an error or, when asked for, told.
func TestReadLenient(t *testing.T) {
	cells := strings.Replace(strings.Replace(twoCells, "alpha,transfer", "alpha,Price,transfer", 1), "2.000000000,", "2.000000000,x,", 1)
	cells = strings.Replace(cells, `"39.163864915",`, `"39.163864915",,`, 1)
	lines := strings.ReplaceAll(twoLines, `"netuid"`, `"Price":{"in":["USD"]},"netuid"`)
	for name, text := range map[string]string{"CSV": cells, "JSON Lines": lines, "an array": "[" + strings.Replace(strings.TrimSpace(lines), "\n", ",", 1) + "]"} {
		if _, err := collect(strings.NewReader(text), ingest.Options{}); !errors.Is(err, chain.ErrInvalid) || !strings.Contains(err.Error(), `field "Price": unknown`) {
			t.Errorf("%s: got %v, want an error that names the field", name, err)
		}
		batch, err := ingest.Open(ingest.Options{Lenient: true}, ingest.File{Name: "f", Reader: strings.NewReader(text)})
		if err != nil {
			t.Fatal(err)
		}
		var got []ledger.Event
		for event, err := range batch.Events() {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			event.IsTransfer = nil
			got = append(got, event)
		}
		if !slices.Equal(got, twoEvents) || !slices.Equal(batch.UnknownFields(), []string{`"Price"`}) {
			t.Errorf("%s: got %v, %v, want the events and the field", name, got, batch.UnknownFields())
		}
	}
	for name, text := range map[string]string{
		"a column without a name": strings.Replace(twoCells, ",tao,", ",,tao,", 1),
		"a field without a name":  strings.Replace(twoLines, `"netuid"`, `"":1,"netuid"`, 1),
		"a missing field":         strings.Replace(twoLines, `"netuid"`, `"net-uid"`, 1),
	} {
		if _, err := collect(strings.NewReader(text), ingest.Options{Lenient: true}); !errors.Is(err, chain.ErrInvalid) {
			t.Errorf("%s: got %v, want an error in lenient mode too", name, err)
		}
	}
}

// TestReadFilesPutTogether: each file may begin with a byte order mark of its own.
func TestReadFilesPutTogether(t *testing.T) {
	first, second, _ := strings.Cut(twoRows, "\n  },\n")
	for name, text := range map[string]string{
		"arrays":     "\ufeff" + first + "\n}]\n\ufeff[" + second,
		"pages":      "\ufeff{\"pagination\":{},\"data\":" + first + "\n}]}\ufeff{\"pagination\":{},\"data\":[" + second + "}",
		"JSON Lines": "\ufeff" + strings.Replace(twoLines, "\n", "\n\ufeff", 1),
	} {
		t.Run(name, func(t *testing.T) { wantEvents(t, strings.NewReader(text), twoEvents) })
	}
}

func TestReadListsOfOurs(t *testing.T) {
	trade := `{"trade_id":7,"miner_id":1,"coldkey":"` + alice + `","netuid":64,"hotkey":"` + bob + `","extrinsic_id":"1895779-0014","event_index":47,"exit_block":1895779,"exit_time":"2026-01-01T02:10:48.001Z",` +
		`"exit_tao":"0.165693980","exit_alpha":"2.000000000","closes":2,"cost_tao":null,"gain_tao":"0.100000000","unmatched_alpha":"0.000000000","archived":true}`
	position := `{"position_id":8,"miner_id":1,"coldkey":"` + alice + `","netuid":64,"hotkey":"` + bob + `","extrinsic_id":"1891470-0010","event_index":74,"entry_block":1891470,"entry_time":"2025-12-31T11:48:36Z",` +
		`"entry_tao":"3.214598339","entry_alpha":"39.163864915","remaining_alpha":"1.000000000","status":"partial","closed_at":null}`
	wantEvents(t, strings.NewReader("[\n"+trade+"\n]\n"), twoEvents[:1])
	wantEvents(t, strings.NewReader("[\n"+position+"\n]\n"), twoEvents[1:])
	wantEvents(t, strings.NewReader(trade+"\n"+trade+"\n"), []ledger.Event{twoEvents[0], twoEvents[0]})
	wantEvents(t, strings.NewReader("trade_id,coldkey,netuid,hotkey,extrinsic_id,event_index,exit_block,exit_time,exit_tao,exit_alpha,gain_tao\n"+
		"7,"+alice+",64,"+bob+",1895779-0014,47,1895779,2026-01-01T02:10:48.001Z,0.165693980,2.000000000,\n"), twoEvents[:1])
}

// packed is a text packed with gzip.
func packed(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestReadGzip(t *testing.T) {
	for name, text := range map[string]string{"JSON Lines": twoLines, "CSV": "\ufeff" + twoCells, "an array": twoRows, "a page": `{"pagination":{},"data":` + twoRows + "}"} {
		wantEvents(t, strings.NewReader(packed(t, text)), twoEvents)
		wantEvents(t, iotest.OneByteReader(strings.NewReader(packed(t, text))), twoEvents)
		first, second := text[:len(text)/2], text[len(text)/2:]
		wantEvents(t, strings.NewReader(packed(t, first)+packed(t, second)), twoEvents)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	wantEvents(t, strings.NewReader(packed(t, "")), nil)
}

// TestBadGzip: whatever is cut off or changed is found, and nothing is read twice.
func TestBadGzip(t *testing.T) {
	whole := packed(t, twoLines)
	for n := 2; n < len(whole); n++ {
		if _, err := collect(strings.NewReader(whole[:n]), ingest.Options{}); !errors.Is(err, chain.ErrInvalid) || !strings.Contains(err.Error(), "the gzip data ends early; truncated?") {
			t.Fatalf("cut to %d of %d bytes: got %v, want that it ends early", n, len(whole), err)
		}
	}
	damaged := []byte(whole)
	damaged[len(damaged)-5] ^= 1 // of the checksum
	for name, c := range map[string]struct{ text, want string }{
		"a wrong checksum":   {string(damaged), "damaged"},
		"gzip within gzip":   {packed(t, whole), "packed with gzip twice"},
		"a zip within gzip":  {packed(t, "PK\x03\x04"), "a zip archive"},
		"something after it": {whole + "xxxxxxxxxxxxxxx", "damaged"},
		"a bad row":          {packed(t, twoLines+"{"), `input:3: ends where a name in quotes`},
		"zip":                {"PK\x03\x04abc", "a zip archive; unpack it first"},
		"UTF-16":             {"\xff\xfec\x00o\x00l\x00", "UTF-16"},
	} {
		if _, err := collect(strings.NewReader(c.text), ingest.Options{}); !errors.Is(err, chain.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	failure := errors.New("disk on fire")
	if _, err := collect(iotest.TimeoutReader(strings.NewReader(whole)), ingest.Options{}); !errors.Is(err, iotest.ErrTimeout) || errors.Is(err, chain.ErrInvalid) {
		t.Errorf("a reader that fails: got %v, want its error", err)
	}
	if _, err := collect(iotest.ErrReader(failure), ingest.Options{}); !errors.Is(err, failure) || errors.Is(err, chain.ErrInvalid) {
		t.Errorf("a reader that fails at once: got %v, want its error", err)
	}
}
