package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
)

// key is the address of a made-up key.
func key(n byte) string { return string(chain.AddressFromPublicKey([32]byte{n})) }

func metagraphLine(uid int, hotkey, coldkey string) string {
	return fmt.Sprintf(`{"uid":%d,"hotkey":"%s","coldkey":"%s","stake":[1,{"uid":9}],"active":true}`, uid, hotkey, coldkey)
}

// held lists who holds which UID.
func held(t *testing.T, db string) string {
	var list []string
	for _, row := range rows(t, must(t, "", "--db", db, "miners", "--json")) {
		list = append(list, fmt.Sprintf("%s %s %v", row["coldkey"], row["status"], row["uids"]))
	}
	return strings.Join(list, "; ")
}

func TestSync(t *testing.T) {
	db := file(t, "ledger.db")
	lines := events(metagraphLine(0, key(1), alice), "", metagraphLine(3, key(2), bob), metagraphLine(4, key(3), bob))
	if got, want := must(t, lines, "--db", db, "sync", "-", "--at", "2026-01-01T00:00:00Z"), "3 registrations started and 0 ended; 2 new miners, 0 inactive, 0 active again\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	want := alice + " active [0]; " + bob + " active [3 4]"
	if got := held(t, db); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := must(t, lines, "--db", db, "sync", "-", "--json"), `{"started":0,"ended":0,"new_miners":0,"deactivated":0,"reactivated":0}`+"\n"; got != want {
		t.Errorf("again: got %q, want %q", got, want)
	}

	table := writeFile(t, "metagraph.csv", "\ufeffcoldkey,uid,\"hotkey\",stake\r\n\r\n"+bob+",0,"+key(1)+",\"1,5\"\r\n")
	if got, want := must(t, "", "--db", db, "sync", "--force", table), "1 registration started and 3 ended; 0 new miners, 1 inactive, 0 active again\n"; got != want {
		t.Errorf("as CSV: got %q, want %q", got, want)
	}
	if got, want := held(t, db), alice+" inactive []; "+bob+" active [0]"; got != want {
		t.Errorf("as CSV: got %s, want %s", got, want)
	}
	run(t, lines, "--db", db, "sync", "-", "--at", "2020-01-01T00:00:00Z").fails(t, exitFailure, "UID 0", "began at", "nothing of this input was applied")

	for _, empty := range []string{"", "\n", "uid,hotkey,coldkey\n"} {
		run(t, empty, "--db", db, "sync", "-").fails(t, exitDoubtful, "standard input", "--allow-empty")
	}
	if got, want := held(t, db), alice+" inactive []; "+bob+" active [0]"; got != want {
		t.Errorf("after what was refused: got %s, want %s", got, want)
	}
	must(t, "", "--db", db, "sync", "-", "--allow-empty")
	if got, want := held(t, db), alice+" inactive []; "+bob+" inactive []"; got != want {
		t.Errorf("--allow-empty: got %s, want %s", got, want)
	}
}

func TestSyncRefusesBadInput(t *testing.T) {
	good := metagraphLine(1, key(1), alice)
	for _, test := range []struct {
		name, input string
		want        []string
	}{
		{"a UID out of range", events(good, metagraphLine(65536, key(2), bob)), []string{"standard input:2", `field "uid"`, "65535"}},
		{"a UID in quotes", `{"uid":"1","hotkey":"` + alice + `","coldkey":"` + bob + `"}`, []string{":1", `field "uid"`, "a number"}},
		{"a UID with a fraction", `{"uid":1.5,"hotkey":"` + alice + `","coldkey":"` + bob + `"}`, []string{":1", `field "uid"`}},
		{"a UID of nothing", `{"uid":null,"hotkey":"` + alice + `","coldkey":"` + bob + `"}`, []string{":1", `field "uid"`}},
		{"a hotkey that is no string", `{"uid":1,"hotkey":7,"coldkey":"` + bob + `"}`, []string{":1", `field "hotkey"`, "an object"}},
		{"a hotkey with a wrong checksum", events("", good, metagraphLine(2, key(2)[:47]+"a", bob)), []string{":3", `field "hotkey"`}},
		{"a coldkey that is none", events(good, metagraphLine(2, key(2), "")), []string{":2", `field "coldkey"`}},
		{"a field that is missing", events(good, `{"uid":2,"hotkey":"`+bob+`"}`), []string{":2", `field "coldkey"`, "missing"}},
		{"a field given twice", events(`{"uid":1,"uid":2,"hotkey":"` + alice + `","coldkey":"` + bob + `"}`), []string{":1", `field "uid"`, "twice"}},
		{"a name in another case", events(`{"UID":1,"hotkey":"` + alice + `","coldkey":"` + bob + `"}`), []string{":1", `field "uid"`, "missing"}},
		{"a UID that comes twice", events(good, metagraphLine(1, key(2), bob)), []string{":2", `field "uid"`, "standard input:1"}},
		{"a hotkey that comes twice", events(good, metagraphLine(2, key(1), bob)), []string{":2", `field "hotkey"`, "standard input:1"}},
		{"a truncated line", events(good, good[:40]), []string{":2", "truncated"}},
		{"two objects on a line", good + good, []string{":1", "where the end is expected"}},
		{"a bad row of an array", "[" + good + "," + metagraphLine(2, key(2), "") + "]", []string{":1", "row 2", `field "coldkey"`}},
		{"CSV after JSON", events(good, "1,2,3"), []string{":2", "where an object is expected"}},
		{"a line too long", good + "\n" + strings.Repeat(" ", 1<<20), []string{":2", "1 MiB"}},
		{"a header without a column", "uid,hotkey\n1," + alice, []string{":1", `field "coldkey"`, "missing"}},
		{"a header with a column twice", "uid,uid,hotkey,coldkey\n", []string{":1", `field "uid"`, "twice"}},
		{"a row with too few cells", "uid,hotkey,coldkey\n1," + alice, []string{":2", "2 cells", "3"}},
		{"a quote that is not closed", "uid,hotkey,coldkey\n1,\"" + alice + "," + bob + "\n2," + key(1) + "," + bob, []string{":2", "a quote is not closed"}},
		{"what a terminal would act on", "uid,hotkey,coldkey\n1,\x1b[2J," + bob, []string{":2", `field "hotkey"`, `\x1b`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			db := file(t, "ledger.db")
			must(t, metagraphLine(9, key(9), alice), "--db", db, "sync", "-")
			r := run(t, test.input, "--db", db, "sync", "-")
			r.fails(t, exitFailure, append(test.want, "nothing of this input was applied")...)
			if strings.Contains(r.stderr, "\x1b") {
				t.Errorf("got %q, which acts on the terminal", r.stderr)
			}
			if got, want := held(t, db), alice+" active [9]"; got != want {
				t.Errorf("afterwards: got %s, want %s", got, want)
			}
		})
	}
	run(t, "", "--db", file(t, "ledger.db"), "sync", t.TempDir()).fails(t, exitFailure, "sync", "folder")
	run(t, "", "--db", file(t, "ledger.db"), "sync", file(t, "none.csv")).fails(t, exitFailure, "sync", "none.csv")
}

// taostatsPage is a page of Taostats' metagraph response with the UIDs from first to last.
func taostatsPage(number, pages, items, first, last int) string {
	next := "null"
	if number < pages {
		next = fmt.Sprint(number + 1)
	}
	var list []string
	for uid := first; uid <= last; uid++ {
		list = append(list, fmt.Sprintf(`{"hotkey":{"ss58":"%s","hex":"0x"},"coldkey":{"ss58":"%s"},"netuid":64,"uid":%d,"stake":"1"}`, key(byte(uid+1)), alice, uid))
	}
	return fmt.Sprintf(`{"pagination":{"current_page":%d,"per_page":10,"total_items":%d,"total_pages":%d,"next_page":%s},"data":[%s]}`, number, items, pages, next, strings.Join(list, ","))
}

func TestSyncOfPages(t *testing.T) {
	first, second, third := taostatsPage(1, 3, 25, 0, 9), taostatsPage(2, 3, 25, 10, 19), taostatsPage(3, 3, 25, 20, 24)
	a, b, c := writeFile(t, "a.json", first), writeFile(t, "b.json", second), writeFile(t, "c.json", third)
	db := file(t, "ledger.db")
	run(t, "", "--db", db, "sync", a, c).fails(t, exitDoubtful, a, c, "page 2 is missing", "pages 1, 3 are there", "15 of 25 rows", "nothing of it was applied", "--partial")
	if _, err := os.Stat(db); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a page is missing, but there is a ledger: %v", err)
	}
	if got, want := must(t, "", "--db", db, "sync", c, a, b), "25 registrations started and 0 ended; 1 new miner, 0 inactive, 0 active again\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for name, text := range map[string]string{"one after the other": first + "\n" + third + second, "an array of pages": "[" + third + "," + first + "," + second + "]"} {
		if got, want := must(t, text, "--db", db, "sync", "-", "--json"), `{"started":0,"ended":0,"new_miners":0,"deactivated":0,"reactivated":0}`+"\n"; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// TestSyncRefusesToShrink: a tenth of the UIDs may go, more only by force.
func TestSyncRefusesToShrink(t *testing.T) {
	db := file(t, "ledger.db")
	upTo := func(last int) string { return taostatsPage(1, 1, last+1, 0, last) }
	must(t, upTo(19), "--db", db, "sync", "-")
	run(t, upTo(16), "--db", db, "sync", "-").fails(t, exitDoubtful, "3 of the 20 UIDs", "nothing of it was applied", "--force")
	run(t, taostatsPage(1, 3, 20, 0, 9), "--db", db, "sync", "-", "--partial").fails(t, exitDoubtful, "10 of the 20 UIDs", "--force")
	if got, want := must(t, upTo(17), "--db", db, "sync", "-"), "0 registrations started and 2 ended"; !strings.HasPrefix(got, want) {
		t.Errorf("a tenth: got %q, want %q", got, want)
	}
	if got, want := must(t, taostatsPage(1, 3, 20, 0, 9), "--db", db, "sync", "-", "--partial", "--force"), "0 registrations started and 8 ended"; !strings.HasPrefix(got, want) {
		t.Errorf("--force: got %q, want %q", got, want)
	}
}
