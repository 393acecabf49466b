package ingest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ingest"
	"github.com/stakeledger/stakeledger/ledger"
)

func FuzzReadJSONLines(f *testing.F) {
	f.Add(twoLines)
	f.Add("\ufeff\r\n" + twoLines + "{}")
	f.Add(`{"tao":1e3,"tao":"1"}`)
	f.Add(`{"coldkey":"\ud800\u0000","x":[[]]}`)
	f.Fuzz(func(t *testing.T, text string) { checkRead(t, text) })
}

// FuzzReadGzip reads a text packed with gzip, cut off somewhere.
func FuzzReadGzip(f *testing.F) {
	f.Add(twoLines, uint16(0))
	f.Add(twoRows, uint16(9))
	f.Fuzz(func(t *testing.T, text string, cut uint16) {
		plain, plainErr := collect(strings.NewReader(text), ingest.Options{})
		whole := packed(t, text)
		got, err := collect(strings.NewReader(whole), ingest.Options{})
		if !strings.HasPrefix(text, "\x1f\x8b") && (!slices.Equal(got, plain) || fmt.Sprint(err) != fmt.Sprint(plainErr)) {
			t.Fatalf("%q: got %d events and %v, not packed %d and %v", text, len(got), err, len(plain), plainErr)
		}
		if n := int(cut) % len(whole); n > 0 {
			if _, err := collect(strings.NewReader(whole[:len(whole)-n]), ingest.Options{}); !errors.Is(err, chain.ErrInvalid) {
				t.Fatalf("%q without its last %d bytes: got %v, want ErrInvalid", text, n, err)
			}
		}
	})
}

func FuzzReadCSV(f *testing.F) {
	f.Add(twoCells)
	f.Add(strings.ReplaceAll(twoCells, "\n", "\r\n") + `"a""b","`)
	f.Add("tao,tao\n1,2")
	f.Add("\x1f\x8b\x08\x00")
	f.Fuzz(func(t *testing.T, text string) { checkRead(t, text) })
}

func FuzzReadResponse(f *testing.F) {
	f.Add(twoRows)
	f.Add(`{"pagination":{"a":[1,-2.5e3,null,true,"\""]},"data":` + twoRows + `}`)
	f.Add(`{"data":[],"data":[]}`)
	f.Add(`[{"nominator":{"ss58":"x","ss58":1}},]`)
	f.Add(`[{"data":[]},{"pagination":{"next_page":2,"total_items":"7"},"data":` + twoRows + `}]` + twoRows)
	f.Add(chainRow("StakeAdded", 14, 34, `["`+aliceKey+`","`+bob+`","3,250,000",[2],{"value":34}]`) + "\n" + chainRow("StakeMoved", 14, 35, "[]"))
	f.Add(`{"event":{"event":{"event":{}},"method":{"method":"StakeAdded"}},"phase":{"ApplyExtrinsic":1},"data":[[[[]]]]}`)
	f.Fuzz(func(t *testing.T, text string) { checkRead(t, text) })
}

// checkRead makes sure that text is read as good events, ended by at most one error that can be printed, and
// that the events survive being written.
func checkRead(t *testing.T, text string) {
	var events []ledger.Event
	var failed error
	for event, err := range ingest.Read(strings.NewReader(text), "f", ingest.Options{ExcludeTransfers: true}) {
		if failed != nil {
			t.Fatalf("%q: goes on after %v", text, failed)
		}
		if err != nil {
			failed = err
			continue
		}
		if err := event.Validate(); err != nil {
			t.Fatalf("%q: event the ledger refuses: %v", text, err)
		}
		events = append(events, event)
	}
	if _, incomplete := errors.AsType[*ingest.IncompleteError](failed); incomplete {
		if message := failed.Error(); len(message) > 1000 {
			t.Fatalf("%q: got message %q", text, message)
		}
	} else if failed != nil {
		checkError(t, text, failed)
	} else {
		checkAccepted(t, text)
	}
	var written bytes.Buffer
	if _, err := ingest.WriteJSONL(&written, func(yield func(ingest.Row) bool) {
		for _, e := range events {
			if !yield(ingest.Row{Event: e, Transfer: e.Excluded}) {
				return
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	again, err := collectWhole(&written, ingest.Options{ExcludeTransfers: true})
	if err != nil || len(again) != len(events) {
		t.Fatalf("%q: written and read again: got %d events, %v, want %d", text, len(again), err, len(events))
	}
	for i := range events {
		written := events[i]
		if written.IsTransfer == nil { // our own form says false
			written.IsTransfer = new(false)
		}
		if !reflect.DeepEqual(again[i], written) {
			t.Fatalf("%q: written and read again: got %+v, want %+v", text, again[i], written)
		}
	}
}

// checkAccepted makes sure that what was read as JSON is JSON values, one after the other.
func checkAccepted(t *testing.T, text string) {
	text = strings.Trim(strings.TrimPrefix(text, "\ufeff"), " \t\r\n")
	if text == "" || text[0] != '{' && text[0] != '[' {
		return
	}
	for d := json.NewDecoder(strings.NewReader(text)); ; {
		var value json.RawMessage
		if err := d.Decode(&value); err == io.EOF {
			return
		} else if err != nil {
			t.Fatalf("%q: read without an error, but it is not JSON: %v", text, err)
		}
	}
}

func checkError(t *testing.T, text string, err error) {
	var e *ingest.Error
	if !errors.As(err, &e) || !errors.Is(err, chain.ErrInvalid) {
		t.Fatalf("%q: got %v, want an *ingest.Error that is ErrInvalid", text, err)
	}
	lines := strings.Count(text, "\n") + 1
	message := err.Error()
	if e.Line < 1 || e.Line > lines || len(message) > 1000 || strings.ContainsFunc(message, func(c rune) bool { return c < ' ' || c == 0x7f || c == 0x202e }) {
		t.Fatalf("%q: got line %d of %d, message %q", text, e.Line, lines, message)
	}
}
