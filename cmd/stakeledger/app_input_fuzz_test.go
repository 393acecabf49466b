package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/stakeledger/stakeledger/ingest"
	"github.com/stakeledger/stakeledger/ledger"
)

// FuzzIngestCommand gives the command any standard input: it takes all of it in and the ledger is healthy, or says in
// one line what is wrong and takes in nothing.
func FuzzIngestCommand(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "[", events(event(""), event(`"kind":"unstake","extrinsic_id":"2-1"`)), events(event(""), event(`"tao":"2"`)), events(event(""), event(`"tao":"-1"`)), event(`"extrinsic_id":"\u001b[2J"`),
		"coldkey,hotkey,kind,netuid,extrinsic_id,time,tao,alpha\n" + alice + "," + bob + ",stake,1,3-1,2026-01-02T00:00:00Z,1,1\n", `{"data":[]}`, "\x1b[2J\u202e\r\n", event(`"tao":"9223372036.854775807"`) + "\n" + event(`"tao":"9223372036.854775807","extrinsic_id":"2"`),
	} {
		f.Add(seed)
	}
	empty := filepath.Join(f.TempDir(), "empty.db")
	must(f, "", "--db", empty, "migrate", "up")
	contents, err := os.ReadFile(empty)
	if err != nil {
		f.Fatal(err)
	}
	nothing := must(f, "", "--db", empty, "report", "--json")
	f.Fuzz(func(t *testing.T, text string) {
		db := filepath.Join(t.TempDir(), "ledger.db")
		if err := os.WriteFile(db, contents, 0o600); err != nil {
			t.Fatal(err)
		}
		count, readErr := countEvents(text)
		r := run(t, text, "--db", db, "ingest", "-", "--json")
		checkPrinted(t, text, r)
		_, incomplete := errors.AsType[*ingest.IncompleteError](readErr)
		if readErr != nil && !incomplete {
			r.fails(t, exitFailure, "ingest standard input:", "nothing of this input was applied")
			if got := must(t, "", "--db", db, "report", "--json"); got != nothing {
				t.Errorf("%q: refused, but the ledger holds %s", text, got)
			}
			return
		}
		if doubtful := count == 0 || incomplete; doubtful != (r.code == exitDoubtful) || r.code == exitFailure {
			t.Fatalf("%q: got exit code %d, %s, want it taken in, and %d if %v", text, r.code, r.stderr, exitDoubtful, doubtful)
		}
		if strings.TrimSpace(r.stdout) == "" && count == 0 {
			return // refused before the ledger was opened
		}
		result := object(t, r.stdout)
		var rejected float64
		for _, n := range result["rejected"].(map[string]any) {
			rejected += n.(float64)
		}
		if got := result["events"]; got != float64(count) || !incomplete && (rejected > 0) != (r.code == exitRejected) {
			t.Errorf("%q: got %v events, %v rejected, exit code %d, want %d events", text, got, rejected, r.code, count)
		}
		if count > 0 {
			must(t, "", "--db", db, "verify")
		}
	})
}

func countEvents(text string) (n int, err error) {
	for _, err := range ingest.Read(strings.NewReader(text), "standard input", ingest.Options{}) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// checkPrinted wants nothing printed that acts on a terminal, and of an error one line.
func checkPrinted(t *testing.T, text string, r result) {
	t.Helper()
	for _, c := range r.stdout + r.stderr {
		if !unicode.IsPrint(c) && c != '\n' {
			t.Fatalf("%q: printed %U: %q %q", text, c, r.stdout, r.stderr)
		}
	}
	if r.code != exitDone && (!strings.HasPrefix(r.stderr, "stakeledger: ") || strings.Count(r.stderr, "\n") != 1) {
		t.Fatalf("%q: exit code %d with %q, want one line", text, r.code, r.stderr)
	}
}

// FuzzSyncCommand gives the command any standard input: it makes the registrations those, or says in one line what is
// wrong and leaves no file behind.
func FuzzSyncCommand(f *testing.F) {
	for _, seed := range []string{"", "{}", metagraphLine(1, bob, alice), metagraphLine(1, bob, alice) + "\n" + metagraphLine(2, alice, alice), "uid,hotkey,coldkey\n7," + bob + "," + alice + "\n", "\x1b[2J"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		db := filepath.Join(t.TempDir(), "ledger.db")
		want, readErr := ingest.ReadMetagraph(ingest.Options{}, ingest.File{Name: "standard input", Reader: strings.NewReader(text)})
		r := run(t, text, "--db", db, "sync", "-", "--json")
		checkPrinted(t, text, r)
		if readErr != nil || len(want) == 0 {
			code := exitFailure
			if _, incomplete := errors.AsType[*ingest.IncompleteError](readErr); incomplete || readErr == nil {
				code = exitDoubtful
			}
			r.fails(t, code, "sync ")
			if _, err := os.Stat(db); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%q: refused, but there is a ledger: %v", text, err)
			}
			return
		}
		var got ledger.SyncResult
		if err := json.Unmarshal([]byte(r.stdout), &got); err != nil || r.code != exitDone || got.Started != int64(len(want)) {
			t.Errorf("%q: got exit code %d, %s%s, want %d registrations", text, r.code, r.stdout, r.stderr, len(want))
		}
	})
}
