package main

import (
	"fmt"
	"strings"
	"testing"
)

// TestTablesFitAnyWidth: at every width that a terminal may have, every line fits, none is cut, and the columns without
// which a table says nothing are there; --wide has everything whole.
func TestTablesFitAnyWidth(t *testing.T) {
	usual, extremes, other := simulated(t), extreme(t), file(t, "other.db")
	must(t, must(t, "", "simulate", "--events", "300", "--miners", "3", "--seed", "4"), "--db", other, "ingest", "-")
	conflict := event(`"extrinsic_id":"` + strings.Repeat("x", 126) + `-1","tao":"5","netuid":7`)
	run(t, conflict, "--db", extremes, "ingest", "-").fails(t, exitRejected, "rejected")
	balances := writeFile(t, "balances.csv", "block_number,timestamp,hotkey,coldkey,netuid,balance\n"+
		"9100000000000000000,2026-01-01T00:00:02Z,"+bob+","+alice+",65535,1\n")
	long := file(t, strings.Repeat("long-", 30)+".db")
	must(t, "", "--db", usual, "backup", long)
	for _, test := range []struct {
		args string
		keys string // of the header
	}{
		{"report", "MINER,ENTRY TAO,GAIN TAO"}, {"report --from 2024", "MINER,ENTRY TAO,GAIN TAO"},
		{"miners", "MINER,UID,STATUS,GAIN TAO"}, {"miners --from 2024", "MINER,GAIN TAO"}, {"miner MINER", ""},
		{"positions", "ID,MINER,GAIN TAO"}, {"positions --open", "ID,MINER,OPEN ALPHA"}, {"positions --at 2025-02-01", "ID,MINER,OPEN ALPHA"},
		{"trades", "ID,MINER,EXIT (UTC),GAIN TAO"}, {"closes", "MINER,EXIT (UTC),GAIN TAO,COUNTS"},
		{"events", "MINER,TAO,OUTCOME"}, {"events --outcome ignored", "MINER,TAO,OUTCOME"}, {"events --outcome rejected", "MINER,TAO,OUTCOME"},
		{"rejected", "ID,MINER,REASON"}, {"scores --all", "UID,MINER,WEIGHT"}, {"snapshot list", "MINER,AT (UTC),SCORE"},
		{"why MINER --at 2026-01-01", ""}, {"position POSITION", ""}, {"trade TRADE", ""}, {"doctor", "CHECK,STATE,FOUND"}, {"info", ""},
		{"diff " + other, "MINER,EVENT,FIELD,HERE,THERE"}, {"reconcile " + balances, "MINER,AT (UTC),EMITTED"}, {"rebuild --all", ""}, {"verify", ""},
	} {
		for name, db := range map[string]string{"usual": usual, "extreme": extremes} {
			closed := rows(t, must(t, "", "--db", db, "closes", "--json", "--limit", "1"))[0]
			args := strings.NewReplacer("MINER", closed["coldkey"].(string), "POSITION", fmt.Sprint(closed["position_id"]), "TRADE", fmt.Sprint(closed["trade_id"])).Replace(test.args)
			call := append([]string{"--db", db}, strings.Fields(args)...)
			wide := run(t, "", append(call, "--wide")...)
			if wide.stdout == "" || strings.Contains(wide.stdout, "…") || strings.Contains(wide.stdout, "rounded") || strings.Contains(wide.stdout, "Left out") {
				t.Errorf("%s of a %s ledger --wide: got %.400q, want whole values", test.args, name, wide.stdout+wide.stderr)
			}
			if !strings.Contains(wide.stdout, "─") {
				continue // no table
			}
			for _, columns := range []int{60, 72, 80, 100, 132, 200} {
				got := run(t, "", append(call, "--width", fmt.Sprint(columns))...)
				checkFits(t, fmt.Sprintf("%s of a %s ledger --width %d", test.args, name, columns), got.stdout, columns, test.keys)
			}
		}
	}
}

// checkFits looks at a table and what is said beside it. Lines of a name and a value are no part of a table.
func checkFits(t *testing.T, what, got string, columns int, keys string) {
	t.Helper()
	var header string
	lines := strings.Split(strings.TrimRight(got, "\n"), "\n")
	for i, line := range lines {
		if i+1 < len(lines) && strings.HasPrefix(lines[i+1], "─") && header == "" {
			header = line
		}
		if header != "" && displayWidth(line) > columns {
			t.Errorf("%s: a line of %d columns: %s", what, displayWidth(line), line)
		}
		if strings.HasSuffix(line, "~") {
			t.Errorf("%s: a line is cut: %s", what, line)
		}
	}
	for key := range strings.SplitSeq(keys, ",") {
		if !strings.Contains(header, key) {
			t.Errorf("%s: %q lacks %s", what, header, key)
		}
	}
	if header == "" {
		t.Errorf("%s: got %.200q, want a table", what, got)
	}
}

func TestTablesSayWhatTheyLeaveOut(t *testing.T) {
	db := simulated(t)
	narrow, broad := must(t, "", "--db", db, "--width", "60", "closes"), must(t, "", "--db", db, "--width", "200", "closes")
	if !strings.Contains(narrow, "Left out to fit: COST TAO, HELD") || strings.Contains(narrow, "HELD  ") || strings.Contains(broad, "Left out") {
		t.Errorf("got %.300q and %.300q", narrow, broad)
	}
	if got := must(t, "", "--db", db, "--width", "0", "closes"); got != must(t, "", "--db", db, "--wide", "closes") {
		t.Error("--width 0: want the same as --wide")
	}
}
