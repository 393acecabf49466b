package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// keeping is a ledger of made-up events.
func keeping(t *testing.T) (db string) {
	t.Helper()
	db = filepath.Join(t.TempDir(), "ledger.db")
	events := must(t, "", "simulate", "--events", "600", "--miners", "8")
	must(t, events, "--db", db, "ingest", "-", "--json")
	return db
}

func TestArchiveMovesOldPositionsAndLeavesTheReport(t *testing.T) {
	db := keeping(t)
	before := must(t, "", "--db", db, "report", "--json")
	var moved struct{ Positions, Closes, Trades int64 }
	if err := json.Unmarshal([]byte(must(t, "", "--db", db, "archive", "--older-than", "1h", "--json")), &moved); err != nil {
		t.Fatal(err)
	}
	if moved.Positions == 0 || moved.Closes == 0 || moved.Trades == 0 {
		t.Errorf("archived %+v, want some of each", moved)
	}
	if got := must(t, "", "--db", db, "report", "--json"); got != before {
		t.Error("the report has changed")
	}
	if got := must(t, "", "--db", db, "positions", "--status", "closed", "--json"); strings.TrimSpace(got) != "[]" {
		t.Errorf("closed positions left: %.200s", got)
	}
	if got, want := must(t, "", "--db", db, "archive", "--before", "2030-01-01T00:00:00Z"), "archived 0 positions"; !strings.HasPrefix(got, want) {
		t.Errorf("again: got %q, want %q", got, want)
	}
}

func TestArchiveWantsOneMoment(t *testing.T) {
	db := keeping(t)
	run(t, "", "--db", db, "archive").fails(t, exitUsage, "--older-than", "--before")
	run(t, "", "--db", db, "archive", "--older-than", "1h", "--before", "2030-01-01T00:00:00Z").fails(t, exitUsage, "--older-than", "--before")
	run(t, "", "--db", db, "archive", "--older-than", "-1h").fails(t, exitUsage, "-1h")
	missing := filepath.Join(t.TempDir(), "none.db")
	run(t, "", "--db", missing, "archive", "--older-than", "1h").fails(t, exitFailure, "there is no such file")
	if _, err := os.Stat(missing); err == nil {
		t.Error("archive created a ledger")
	}
}

func TestBackupIsRestoredWhole(t *testing.T) {
	db := keeping(t)
	dir := t.TempDir()
	copied, restored := filepath.Join(dir, "copy.db"), filepath.Join(dir, "restored.db")
	must(t, "", "--db", db, "backup", copied)
	run(t, "", "--db", db, "backup", copied).fails(t, exitFailure, "--overwrite")
	must(t, "", "--db", db, "backup", "--overwrite", copied)
	must(t, "", "--db", restored, "restore", copied)
	if got, want := must(t, "", "--db", restored, "report", "--json"), must(t, "", "--db", db, "report", "--json"); got != want {
		t.Error("the restored ledger reports something else")
	}
	run(t, "", "--db", restored, "restore", copied).fails(t, exitFailure, "move it away")
	if err := os.WriteFile(copied, []byte("not a database, by far"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "", "--db", filepath.Join(dir, "new.db"), "restore", copied).fails(t, exitFailure, "database")
}

func TestScoresAreListedFromTheHighest(t *testing.T) {
	db := keeping(t)
	var got struct {
		Scores []struct {
			Coldkey string
			Raw     float64
			Weight  float64
		}
	}
	if err := json.Unmarshal([]byte(must(t, "", "--db", db, "scores", "--at", "2025-03-15T00:00:00Z", "--lookback", "60", "--json")), &got); err != nil {
		t.Fatal(err)
	}
	sum, scores := 0.0, got.Scores
	for i, s := range scores {
		if sum += s.Weight; i > 0 && s.Raw > scores[i-1].Raw {
			t.Errorf("%s with raw %v comes after %v", s.Coldkey, s.Raw, scores[i-1].Raw)
		}
	}
	if len(scores) == 0 || sum < 0.999 || sum > 1.001 {
		t.Errorf("%d scores with weights that sum to %v, want some and 1", len(scores), sum)
	}
	run(t, "", "--db", db, "scores", "--lookback", "4000").fails(t, exitUsage, "lookback")
}

func TestSnapshotsAreTakenOnceListedAndPruned(t *testing.T) {
	db := keeping(t)
	const at = "2025-03-15T00:00:00Z"
	first := must(t, "", "--db", db, "snapshot", "take", "--at", at, "--json")
	again := must(t, "", "--db", db, "snapshot", "take", "--at", at, "--json")
	if !strings.Contains(first, `"existing": 0`) && !strings.Contains(first, `"existing":0`) || first == again {
		t.Errorf("taken: first %s, again %s", first, again)
	}
	var rows []struct {
		At    string
		Score *float64
	}
	if err := json.Unmarshal([]byte(must(t, "", "--db", db, "snapshot", "list", "--json")), &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) == 0 || rows[0].At != at {
		t.Errorf("listed %d snapshots, the first of %v", len(rows), rows)
	}
	for line := range strings.SplitSeq(must(t, "", "--db", db, "snapshot", "list"), "\n") {
		if displayWidth(line) > maxWidth {
			t.Errorf("wider than %d: %s", maxWidth, line)
		}
	}
	run(t, "", "--db", db, "snapshot", "prune").fails(t, exitUsage, "--before")
	must(t, "", "--db", db, "snapshot", "prune", "--before", "2026-01-01T00:00:00Z")
	if got := must(t, "", "--db", db, "snapshot", "list", "--json"); strings.TrimSpace(got) != "[]" {
		t.Errorf("after pruning: %s", got)
	}
}
