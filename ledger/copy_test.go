package ledger_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/internal/pgtest"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

// What is not as it was when the copy is compared at last is found: a row that differs, is missing, or is in the copy
// alone.
func TestCopyComparesEveryRow(t *testing.T) {
	onlySQLite(t, "it writes the copy past its guards")
	for _, c := range []struct{ name, change, want string }{
		{"nothing", "", ""},
		{"another amount", "UPDATE events SET tao = tao + 1 WHERE event_id = (SELECT MAX(event_id) FROM events)", "differs in the copy"},
		{"a row less", "DELETE FROM closes WHERE trade_id = (SELECT MAX(trade_id) FROM closes)", "is not in the copy"},
		{"a row more", `CREATE TEMP TABLE more AS SELECT * FROM miners LIMIT 1;
			UPDATE more SET miner_id = 999, coldkey = '` + string(coldkey(99)) + `'; INSERT INTO miners SELECT * FROM more`, "is in the copy alone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			from, to := filepath.Join(t.TempDir(), "from.db"), filepath.Join(t.TempDir(), "to.db")
			l := openAt(t, from)
			apply(t, l, history(3, 60))
			if err := l.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			change := func(ledger.Progress) {}
			if c.change != "" {
				change = func(p ledger.Progress) {
					if p.Phase == ledger.CopyComparing && c.change != "" {
						pastGuards(t, to, c.change)
						c.change = ""
					}
				}
			}
			summary, err := ledger.Copy(t.Context(), from, to, ledger.CopyRows(7), ledger.OnCopied(change))
			switch {
			case c.want == "" && (err != nil || summary.Rows["closes"] == 0):
				t.Errorf("got %+v, %v, want a copy", summary, err)
			case c.want != "" && (!errors.Is(err, manager.ErrCorrupt) || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want ErrCorrupt: the row %s", err, c.want)
			}
		})
	}
}

// An id that a row had names no other one, also where the row is deleted and the ledger is copied after that.
func TestCopyGivesNoIDAgain(t *testing.T) {
	onlySQLite(t, "it copies from and to both")
	at := filepath.Join(t.TempDir(), "first.db")
	reject := func(l *ledger.Ledger) int64 {
		t.Helper()
		apply(t, l, []ledger.Event{stake("1-1", 1, tao, tao)})
		if s := apply(t, l, []ledger.Event{stake("1-1", 1, 2*tao, tao)}); len(s.Rejected) != 1 {
			t.Fatalf("got %+v, want one event rejected", s)
		}
		list, err := l.RejectedEvents(t.Context(), "", ledger.Page[ledger.RejectedEvent]{Limit: 10})
		if err != nil || len(list) != 1 {
			t.Fatalf("rejected events: %v, %v", list, err)
		}
		if _, err := l.AcknowledgeRejected(t.Context(), list[0].RejectedID); err != nil {
			t.Fatal(err)
		}
		if n, err := l.PruneRejected(t.Context(), chain.Time(1<<57)); n != 1 || err != nil {
			t.Fatalf("pruned %d, %v", n, err)
		}
		return list[0].RejectedID
	}
	open := func(at string) *ledger.Ledger { return openAt(t, at, ledger.WithManager(quiet)) }
	l := open(at)
	last := reject(l)
	for _, to := range []string{filepath.Join(t.TempDir(), "second.db"), pgtest.Database(t), pgtest.Database(t), filepath.Join(t.TempDir(), "fifth.db")} {
		if err := l.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := ledger.Copy(t.Context(), at, to, ledger.CopyManager(quiet)); err != nil {
			t.Fatal(err)
		}
		at = to
		l = open(at)
		if id := reject(l); id <= last {
			t.Errorf("%s: an event was rejected with the id %d, and %d was given away before the copy", to, id, last)
		} else {
			last = id
		}
	}
}

// pastGuards changes a ledger's file without its triggers.
func pastGuards(t *testing.T, path, change string) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?_busy_timeout=10000")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	rows, err := db.Query("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
	if err != nil {
		t.Fatal(err)
	}
	var drops []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		drops = append(drops, "DROP TRIGGER "+name)
	}
	_ = rows.Close()
	if _, err := db.Exec(strings.Join(append(drops, change), ";")); err != nil {
		t.Fatal(err)
	}
}
