package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

func TestLeaderboardOrder(t *testing.T) {
	var out bytes.Buffer
	err := writeLeaderboard(&out, []ledger.ReportRow{
		{Coldkey: "c", GainTAO: 5}, {Coldkey: "b", GainTAO: -7}, {Coldkey: "a", GainTAO: 5}, {Coldkey: "d", GainTAO: 9},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, line := range strings.Split(out.String(), "\n")[2:6] {
		got = append(got, strings.Fields(line)[1])
	}
	if got, want := strings.Join(got, " "), "d a c b"; got != want {
		t.Errorf("got %s, want %s: by gain, then by coldkey", got, want)
	}
	if !strings.Contains(out.String(), " 0.000000012\n") || !strings.Contains(out.String(), "4 miners") {
		t.Errorf("got %q, want a last line with 4 miners and the sum of their gains", out.String())
	}
}

func TestLeaderboardOfTooMuch(t *testing.T) {
	var out bytes.Buffer
	row := ledger.ReportRow{EntryTAO: math.MaxInt64, ExitTAO: math.MaxInt64, GainTAO: math.MinInt64}
	if err := writeLeaderboard(&out, []ledger.ReportRow{row, row}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	footer := strings.Fields(lines[len(lines)-1])
	if strings.HasPrefix(lines[len(lines)-1], "Amounts are rounded") {
		footer = strings.Fields(lines[len(lines)-2])
	}
	got := strings.Join(footer, " ")
	if want := "2 miners 0 0 - 18446744073.70955161 18446744073.70955161 -18446744073.70955162"; got != want {
		t.Errorf("got %q, want %q: sums of more than an amount can be", got, want)
	}
}

func TestReportOfALiveFile(t *testing.T) {
	db := simulated(t)
	want := must(t, "", "--db", db, "report", "--json")
	ctx := context.Background()
	l, err := ledger.Open(ctx, db)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close(ctx)
	err = l.WithTx(ctx, func(ctx context.Context, tx ledger.Tx) error {
		if _, err := l.RegisterMiner(ctx, ledger.Registration{Coldkey: alice}); err != nil {
			return err
		}
		if got := must(t, "", "--db", db, "report", "--json"); got != want {
			t.Error("report beside an open write transaction: got what is not committed")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := must(t, "", "--db", db, "report", "--json"); !strings.Contains(got, alice) {
		t.Error("report after the commit: the new miner is missing")
	}
}

// TestMissingFile: reading a ledger that is not there says so, and makes none.
func TestMissingFile(t *testing.T) {
	db := file(t, "none.db")
	for _, args := range [][]string{
		{"report"}, {"report", "--json"}, {"miners"}, {"miner", alice}, {"positions"}, {"trades"}, {"events"},
		{"migrate", "status"}, {"status", alice, "inactive"}, {"verify"}, {"rebuild", alice}, {"rebuild", "--all", "--json"},
	} {
		r := run(t, "", append(args, "--db", db)...)
		r.fails(t, exitFailure, db, "no such file", "--db")
		if r.stdout != "" {
			t.Errorf("%v: got %q on standard output, want nothing", args, r.stdout)
		}
	}
	if _, err := os.Stat(db); err == nil {
		t.Error("reading has made the file")
	}
}

func TestFileOfAnotherKind(t *testing.T) {
	db := writeFile(t, "notes.txt", strings.Repeat("not a database ", 1000))
	for _, args := range [][]string{{"report"}, {"ingest", "-"}, {"migrate", "up"}} {
		run(t, event(""), append(args, "--db", db)...).fails(t, exitFailure, db)
	}
}

func TestMinerPage(t *testing.T) {
	db := simulated(t)
	miner := rows(t, must(t, "", "--db", db, "miners", "--json"))[0]
	coldkey := miner["coldkey"].(string)
	must(t, "", "--db", db, "register", coldkey, "--ensure", "--hotkey", bob, "--uid", "7", "--at", "2025-01-01T00:00:00Z")

	text := must(t, "", "--db", db, "miner", "7")
	for _, want := range []string{coldkey, miner["gain_tao"].(string), "Registrations", "2025-01-01 00:00", "Open positions"} {
		if !strings.Contains(text, want) {
			t.Errorf("got %q, want it to say %q", text, want)
		}
	}
	page := must(t, "", "--db", db, "miner", "--json", coldkey)
	if byHotkey := must(t, "", "--db", db, "miner", "--json", bob); byHotkey != page {
		t.Errorf("by hotkey: got another page than by coldkey")
	}
	var got struct {
		UIDs          []int
		Registrations []struct{ Hotkey, StartedAt string }
		Open          []map[string]any
	}
	if err := json.Unmarshal([]byte(page), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.UIDs) != 1 || len(got.Registrations) != 1 || got.Registrations[0].Hotkey != bob || len(got.Open) != int(miner["open_positions"].(float64)) {
		t.Errorf("got %+v, want UID 7, one registration and %v open positions", got, miner["open_positions"])
	}

	stranger := chain.AddressFromPublicKey([32]byte{9})
	run(t, "", "--db", db, "miner", string(stranger)).fails(t, exitFailure, string(stranger), "not found", "stakeledger miners")
	run(t, "", "--db", db, "miner", "8").fails(t, exitFailure, "UID 8", "not found")
}
