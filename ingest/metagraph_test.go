package ingest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ingest"
	"github.com/stakeledger/stakeledger/ledger"
)

func readMetagraph(text string) ([]ledger.MetagraphRow, error) {
	return ingest.ReadMetagraph(ingest.Options{}, ingest.File{Name: "f", Reader: strings.NewReader(text)})
}

func TestReadMetagraph(t *testing.T) {
	want := []ledger.MetagraphRow{{UID: 0, Hotkey: alice, Coldkey: bob}, {UID: 65535, Hotkey: bob, Coldkey: bob}}
	lines := fmt.Sprintf(`{"uid":0,"hotkey":"%s","coldkey":"%s","stake":[1,{"uid":9}]}`+"\n"+`{"coldkey":"%s","hotkey":"%s","uid":65535}`, alice, bob, bob, bob)
	rows := fmt.Sprintf(`[{"uid":0,"netuid":64,"hotkey":{"ss58":"%s","hex":"0x"},"coldkey":{"ss58":"%s"}},`+"\n"+`{"hotkey":{"ss58":"%s"},"coldkey":{"ss58":"%s"},"netuid":64,"uid":65535}]`, alice, bob, bob, bob)
	first, second, _ := strings.Cut(rows, "\n")
	for name, text := range map[string]string{
		"JSON Lines":                  lines,
		"a bare array":                rows,
		"an array of our own objects": "[" + strings.Replace(lines, "\n", ",\n", 1) + "]",
		"objects over several lines":  strings.ReplaceAll(strings.ReplaceAll(lines, "{", "{\n"), ",", ",\n"),
		"a response":                  `{"pagination":{"current_page":1,"total_items":2,"total_pages":1,"next_page":null},"data":` + rows + `}`,
		"pages": `{"pagination":{"current_page":1,"total_items":2,"total_pages":2,"next_page":2},"data":` + strings.TrimSuffix(first, ",") + `]}` +
			`{"pagination":{"current_page":2,"total_items":2,"total_pages":2,"next_page":null},"data":[` + second + `}`,
		"CSV":                   "uid,hotkey,coldkey\n0," + alice + "," + bob + "\n65535," + bob + "," + bob,
		"CSV of a spread sheet": "\ufeffStake;Coldkey;UID;\"HotKey\"\r\n\"1;5\";" + bob + ";0;" + alice + "\r\n;" + bob + ";65535;" + bob + "\r\n",
	} {
		got, err := readMetagraph(text)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %v, %v, want %v", name, got, err, want)
		}
	}
	for _, text := range []string{"", "[]", "uid,hotkey,coldkey\n", `{"data":[]}`} {
		if got, err := readMetagraph(text); err != nil || len(got) > 0 {
			t.Errorf("%q: got %v, %v, want no rows", text, got, err)
		}
	}
}

func TestReadMetagraphErrors(t *testing.T) {
	row := func(uid int, hotkey, coldkey, more string) string {
		return fmt.Sprintf(`{"uid":%d,"hotkey":{"ss58":"%s"},"coldkey":{"ss58":"%s"}%s}`, uid, hotkey, coldkey, more)
	}
	page := func(rows ...string) string { return `{"data":[` + strings.Join(rows, ",") + "]}" }
	for name, c := range map[string]struct{ text, want string }{
		"a bad row of a later page": {page(row(1, alice, bob, "")) + "\n" + page(row(2, bob, bob, ""), row(3, "x", bob, "")), `f:2: page 2, row 2: field "hotkey": address "x": 1 character`},
		"a UID twice":               {page(row(1, alice, bob, "")) + "\n" + page(row(1, bob, bob, "")), `f:2: page 2, row 1: field "uid": 1 stands in f:1 already`},
		"a hotkey twice":            {"[" + row(1, alice, bob, "") + "," + row(2, alice, bob, "") + "]", `f:1: row 2: field "hotkey": ` + alice + ` stands in f:1 already`},
		"two subnets":               {"[" + row(1, alice, bob, `,"netuid":1`) + ",\n" + row(2, bob, bob, `,"netuid":2`) + "]", `f:2: row 2: field "netuid": 2, but 1 in f:1; a metagraph is of one subnet`},
		"HTML":                      {"<html>", "f:1: HTML or XML, as a failed download may leave; want JSON or CSV"},
	} {
		got, err := readMetagraph(c.text)
		if len(got) > 0 || !errors.Is(err, chain.ErrInvalid) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got %v, %v, want %s", name, got, err, c.want)
		}
	}
}

// FuzzReadMetagraph: rows that are accepted are whole and different, and read the same when they are written by
// somebody else; an error can be printed.
func FuzzReadMetagraph(f *testing.F) {
	line := `{"uid":1,"hotkey":"` + bob + `","coldkey":"` + alice + `"}`
	for _, seed := range []string{
		"", line, line + "\n" + line, "[" + line + "]", `{"pagination":{"next_page":2},"data":[` + line + "]}", "uid,hotkey,coldkey\n7," + bob + "," + alice + "\n", `uid,x,hotkey,coldkey` + "\n" + `"7","a""b",` + bob + "," + alice,
		"[", "{", `{"uid":1e3}`, `{"uid":"1"}`, `{"uid":1,"uid":1}`, "\ufeff\n\n{}", strings.Repeat("[", 20000), "{\"\x1b[2J\":1}", `{"a":` + strings.Repeat("[", 20000),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := readMetagraph(text)
		if err != nil {
			message := err.Error()
			if len(got) > 0 || !strings.HasPrefix(message, "f:") || strings.ContainsFunc(message, func(c rune) bool { return !unicode.IsPrint(c) }) || len(message) > 1000 {
				t.Fatalf("%q: got %d rows and %q", text, len(got), message)
			}
			return
		}
		var again strings.Builder
		seen := map[any]bool{}
		for _, row := range got {
			if seen[row.UID] || seen[row.Hotkey] {
				t.Fatalf("%q: got %v twice", text, row)
			}
			seen[row.UID], seen[row.Hotkey] = true, true
			line, err := json.Marshal(map[string]any{"uid": row.UID, "hotkey": row.Hotkey, "coldkey": row.Coldkey})
			if err != nil {
				t.Fatal(err)
			}
			again.Write(append(line, '\n'))
		}
		if read, err := readMetagraph(again.String()); err != nil || !slices.Equal(read, got) {
			t.Fatalf("%q: written as %q and read again: got %v, %v, want %v", text, again.String(), read, err, got)
		}
	})
}

// TestHostileMetagraph reads a hundred megabytes without an end to a line or a value.
func TestHostileMetagraph(t *testing.T) {
	for name, c := range map[string]struct{ head, body string }{
		"line of JSON":    {`{"uid":"`, "x"},
		"line of CSV":     {"uid,hotkey,coldkey\n", ","},
		"header of CSV":   {"", "uid,"},
		"nested brackets": {`{"a":`, "["},
		"row of an array": {`[{"a":"`, "x"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := ingest.ReadMetagraph(ingest.Options{}, ingest.File{Name: "f", Reader: io.Reader(repeated(c.head, c.body, 100<<20/len(c.body), ""))})
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), "longer than 1 MiB") {
				t.Errorf("got %v, want that it is longer than 1 MiB", err)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
				t.Errorf("allocated %d bytes for it, want at most 16 MiB", used)
			}
		})
	}
}
