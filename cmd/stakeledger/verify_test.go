package main

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"syscall"
	"testing"
)

func TestVerifyOfAHealthyLedger(t *testing.T) {
	db := simulated(t)
	if got, want := must(t, "", "--db", db, "verify"), ": nothing differs\n"; !strings.HasPrefix(got, "verified ") || !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want what was verified and %q", got, want)
	}
	var report struct {
		Events, Miners int64
		Found          *int64
		Differences    []any
	}
	text := must(t, "", "--db", db, "verify", "--json")
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		t.Fatal(err)
	}
	if report.Events == 0 || report.Miners != 20 || report.Found == nil || *report.Found != 0 || report.Differences == nil {
		t.Errorf("got %s, want events, 20 miners and an empty list of differences", text)
	}
}

// damaged is a ledger with a difference in each miner, and one with a value that a terminal would act on.
func damaged(t *testing.T) (db string) {
	db = simulated(t)
	tamper(t, db, "\x1b[31mred\n"+strings.Repeat("x", 80),
		"UPDATE miners SET gain = gain + 1 WHERE ?1 <> ''",
		"DROP TRIGGER positions_entry",
		"UPDATE positions SET extrinsic_id = ?1 WHERE position_id = (SELECT min(position_id) FROM positions)")
	return db
}

func TestVerifyOfADamagedLedger(t *testing.T) {
	db := damaged(t)
	r := run(t, "", "--db", db, "verify")
	r.fails(t, exitFailure, "differs from itself in 21 places")
	for _, want := range []string{"miners ", "  gain ", "extrinsic_id", `\x1b[31m`, "…", "21 differences\n"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("got %q, want it to say %q", r.stdout, want)
		}
	}
	if strings.ContainsAny(r.stdout, "\x1b\r") {
		t.Errorf("got %q, which acts on the terminal", r.stdout)
	}
	for _, line := range tooWide(r.stdout) {
		t.Errorf("too wide: %s", line)
	}
	if strings.Contains(r.stdout, "~") {
		t.Errorf("a line is cut at its end: %q", r.stdout)
	}

	r = run(t, "", "--db", db, "verify", "--json", "--max", "2")
	r.fails(t, exitFailure, "21 places")
	var report struct {
		Found       int64
		Differences []struct{ Table, Row, Field, Want, Got string }
	}
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil {
		t.Fatal(err)
	}
	if report.Found != 21 || len(report.Differences) != 2 || report.Differences[0].Row == "" || report.Differences[0].Want == report.Differences[0].Got {
		t.Errorf("got %+v, want 21 found, two of them listed with their rows", report)
	}
	if text := run(t, "", "--db", db, "verify", "--max", "2").stdout; !strings.Contains(text, "There are 19 more; --max 0") {
		t.Errorf("got %q, want it to say that there are 19 more", text)
	}
	if text := run(t, "", "--db", db, "verify", "--max", "0").stdout; strings.Count(text, "  gain ") != 20 {
		t.Errorf("got %q, want all 21", text)
	}
}

// gone is an output that nobody reads any more.
type gone struct{}

func (gone) Write([]byte) (int, error) { return 0, syscall.EPIPE }

// TestVerifyWithoutAReader: the exit code tells of a difference also where the list goes to "| head".
func TestVerifyWithoutAReader(t *testing.T) {
	if got := runCommand(context.Background(), newRoot(nil, gone{}, io.Discard), []string{"--db", damaged(t), "verify"}); got != exitFailure {
		t.Errorf("a damaged ledger: got exit code %d, want %d", got, exitFailure)
	}
	if got := runCommand(context.Background(), newRoot(nil, gone{}, io.Discard), []string{"--db", simulated(t), "verify"}); got != exitDone {
		t.Errorf("a healthy ledger: got exit code %d, want %d", got, exitDone)
	}
}
