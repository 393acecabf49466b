package main

import (
	"fmt"
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
	if got, want := must(t, "", "--db", db, "sync", table), "1 registration started and 3 ended; 0 new miners, 1 inactive, 0 active again\n"; got != want {
		t.Errorf("as CSV: got %q, want %q", got, want)
	}
	if got, want := held(t, db), alice+" inactive []; "+bob+" active [0]"; got != want {
		t.Errorf("as CSV: got %s, want %s", got, want)
	}
	run(t, lines, "--db", db, "sync", "-", "--at", "2020-01-01T00:00:00Z").fails(t, exitFailure, "UID 0", "began at", "nothing of this input was applied")

	for _, empty := range []string{"", "\n", "uid,hotkey,coldkey\n"} {
		run(t, empty, "--db", db, "sync", "-").fails(t, exitFailure, "--empty")
	}
	if got, want := held(t, db), alice+" inactive []; "+bob+" active [0]"; got != want {
		t.Errorf("after what was refused: got %s, want %s", got, want)
	}
	must(t, "", "--db", db, "sync", "-", "--empty")
	if got, want := held(t, db), alice+" inactive []; "+bob+" inactive []"; got != want {
		t.Errorf("--empty: got %s, want %s", got, want)
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
		{"a hotkey that is no string", `{"uid":1,"hotkey":7,"coldkey":"` + bob + `"}`, []string{":1", `field "hotkey"`, "a string"}},
		{"a hotkey with a wrong checksum", events("", good, metagraphLine(2, key(2)[:47]+"a", bob)), []string{":3", `field "hotkey"`}},
		{"a coldkey that is none", events(good, metagraphLine(2, key(2), "")), []string{":2", `field "coldkey"`}},
		{"a field that is missing", events(good, `{"uid":2,"hotkey":"`+bob+`"}`), []string{":2", `field "coldkey"`, "missing"}},
		{"a field given twice", events(`{"uid":1,"uid":2,"hotkey":"` + alice + `","coldkey":"` + bob + `"}`), []string{":1", `field "uid"`, "twice"}},
		{"a name in another case", events(`{"UID":1,"hotkey":"` + alice + `","coldkey":"` + bob + `"}`), []string{":1", `field "uid"`, "missing"}},
		{"a UID that comes twice", events(good, metagraphLine(1, key(2), bob)), []string{":2", `field "uid"`, "line 1"}},
		{"a hotkey that comes twice", events(good, metagraphLine(2, key(1), bob)), []string{":2", `field "hotkey"`, "line 1"}},
		{"a truncated line", events(good, good[:40]), []string{":2", "truncated"}},
		{"two objects on a line", good + good, []string{":1", "more than one"}},
		{"an array", "[" + good + "]", []string{":1", "one JSON object a line"}},
		{"CSV after JSON", events(good, "1,2,3"), []string{":2", "not a JSON object"}},
		{"a line too long", good + "\n" + strings.Repeat(" ", maxLine+1), []string{":2", "1 MiB"}},
		{"a header without a column", "uid,hotkey\n1," + alice, []string{":1", `field "coldkey"`, "header"}},
		{"a header with a column twice", "uid,uid,hotkey,coldkey\n", []string{":1", `field "uid"`, "twice"}},
		{"a row with too few cells", "uid,hotkey,coldkey\n1," + alice, []string{":2", "2 cells", "3"}},
		{"a quote that is not closed", "uid,hotkey,coldkey\n1,\"" + alice + "," + bob + "\n2," + key(1) + "," + bob, []string{":2", "quoted"}},
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
