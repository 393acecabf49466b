package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// A period and one trade or position both hold.
func TestClosesOfOneWithinAPeriod(t *testing.T) {
	db := simulated(t)
	list := rows(t, must(t, "", "--db", db, "closes", "--json", "--archived", "--sort", "oldest", "--limit", "1"))
	for _, one := range []string{"trade", "position"} {
		id := fmt.Sprint(list[0][one+"_id"])
		if got := rows(t, run(t, "", "--db", db, "closes", "--json", "--"+one, id, "--from", "2020-01-01", "--until", "2100-01-01").stdout); len(got) == 0 {
			t.Errorf("--%s %s in a period around it: got none", one, id)
		}
		for _, period := range []string{"--until=2020-01-01", "--from=2100-01-01"} {
			if got := rows(t, run(t, "", "--db", db, "closes", "--json", "--"+one, id, period).stdout); len(got) != 0 {
				t.Errorf("--%s %s %s: got %d closes outside", one, id, period, len(got))
			}
		}
	}
}

// What the page does not show is refused, not dropped.
func TestPageTakesNoSelection(t *testing.T) {
	db := simulated(t)
	for _, flag := range []string{"--json", "--jsonl", "--csv", "--from=7d", "--until=7d", "--during=2025", "--netuid=3", "--status=active", "--sort=gain", "--limit=3", "--top=3"} {
		r := run(t, "", "--db", db, "report", "--html", filepath.Join(t.TempDir(), "r.html"), flag)
		if r.code != exitUsage || !strings.Contains(r.stderr, "exclude") {
			t.Errorf("--html with %s: got exit code %d and %q, want 2", flag, r.code, r.stderr)
		}
	}
}

func TestReconcileOfMissingPagesIsDoubtful(t *testing.T) {
	db := simulated(t)
	page := `{"pagination":{"current_page":1,"per_page":1,"total_items":2,"total_pages":2,"next_page":2},"data":[{"block_number":1,"timestamp":"2025-02-01T00:00:00Z","hotkey":{"ss58":"` +
		bob + `"},"coldkey":{"ss58":"` + bob + `"},"netuid":3,"balance":"5"}]}`
	file := writeFile(t, "page1.json", page)
	if r := run(t, "", "--db", db, "reconcile", file); r.code != exitDoubtful || !strings.Contains(r.stderr, "--partial") {
		t.Errorf("got exit code %d and %q, want 4 and the flag that accepts it", r.code, r.stderr)
	}
	if r := run(t, "", "--db", db, "reconcile", "--partial", file); r.code == exitDoubtful {
		t.Errorf("with --partial: got %q", r.stderr)
	}
}

func TestUncheckedBackupIsNotCalledDifferent(t *testing.T) {
	db := simulated(t)
	must(t, "", "--db", db, "backup", "--unchecked", file(t, "copy.db"))
	if text := must(t, "", "--db", db, "info"); strings.Contains(text, "differences") || !strings.Contains(text, "unchecked") {
		t.Errorf("got %q, want that the backup is unchecked", text)
	}
	if found := checks(t, run(t, "", "--db", db, "doctor", "--json", "--quick")); found["backup"]["state"] != stateWarns {
		t.Errorf("doctor: got %v, want a warning of a backup that nobody checked", found["backup"])
	}
}
