package ledger_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/faultdriver"
)

func verify(t testing.TB, l *ledger.Ledger, opts ...ledger.VerifyOption) ledger.VerifyReport {
	t.Helper()
	report, err := l.Verify(context.Background(), opts...)
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
	return report
}

// unguarded runs statements with the triggers and checks that guard the record out of the way, on a connection
// behind the manager's back, and puts the triggers back in their place afterwards.
func unguarded(t *testing.T, l *ledger.Ledger, damage string) {
	t.Helper()
	onlySQLite(t, "the damage is done behind the manager's back")
	db, err := sql.Open("sqlite3", "file:"+l.DB().Path()+"?_foreign_keys=0&_busy_timeout=5000&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("PRAGMA ignore_check_constraints = 1"); err != nil {
		t.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	rows, err := tx.Query("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
	if err != nil {
		t.Fatal(err)
	}
	var statements, triggers []string
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			t.Fatal(err)
		}
		statements, triggers = append(statements, "DROP TRIGGER "+name), append(triggers, text)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Fatal(err)
	}
	for _, s := range slices.Concat(statements, strings.Split(damage, ";"), triggers) {
		if _, err := tx.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// Every kind of damage is found, and named by its row. The ledger is that of guarded: position 1 archived with
// trade 5 and a close of trade 7; position 2 closed by trades 6 and 7; position 3 partly sold, position 4 open.
func TestVerifyFindsDamage(t *testing.T) {
	for _, c := range []struct {
		name, sql string
		want      []string // "table row: field"
	}{
		{"a counter", "UPDATE miners SET gain = gain + 1", []string{"miners 1: gain"}},
		{"open alpha", "UPDATE miners SET closed_alpha = closed_alpha - 1", []string{"miners 1: closed_alpha", "miners 1: open alpha"}},
		{"many counters", "UPDATE miners SET trades = 2, winning_closes = 1, counted_closes = 1, counted_duration_us = 5",
			[]string{"miners 1: trades", "miners 1: winning_closes", "miners 1: counted_closes", "miners 1: counted_duration_us"}},
		{"the latest event", "UPDATE miners SET latest_key = (SELECT event_key FROM events WHERE event_id = 1), last_active = last_active + 1", []string{"miners 1: latest_key", "miners 1: last_active"}},
		{"a status", "UPDATE positions SET status = 'open' WHERE position_id = 3", []string{"positions 3: status"}},
		{"a moment of closing", "UPDATE positions SET closed_at = closed_at + 1 WHERE position_id = 2", []string{"positions 2: closed_at"}},
		{"a last exit", "UPDATE positions SET last_exit_time = last_exit_time - 1 WHERE position_id = 3", []string{"positions 3: last_exit_time"}},
		{"what is left", "UPDATE positions SET remaining_alpha = remaining_alpha - 1 WHERE position_id = 3", []string{"positions 3: remaining_alpha"}},
		{"a position's gain", "UPDATE positions SET gain = gain + 1 WHERE position_id = 3", []string{"positions 3: gain"}},
		{"an archived position's gain", "UPDATE positions SET gain = gain + 1 WHERE position_id = 1", []string{"positions 1: gain"}},
		{"an archived position's cost", "UPDATE positions SET entry_tao = entry_tao + 1 WHERE position_id = 1", []string{"positions 1: tao", "positions 1: cost of its closes"}},
		{"a trade's amount", "UPDATE trades SET exit_tao = exit_tao + 1 WHERE trade_id = 6", []string{"trades 6: tao", "trades 6: unmatched_tao"}},
		{"unmatched", "UPDATE trades SET unmatched_alpha = 1 WHERE trade_id = 7", []string{"trades 7: unmatched_alpha", "miners 1: unmatched_alpha"}},
		{"a share of TAO", "UPDATE closes SET tao = tao + 1, raw_gain = raw_gain + 1, gain = gain + 1 WHERE trade_id = 6",
			[]string{"closes 6/0: tao", "trades 6: unmatched_tao", "positions 2: gain", "miners 1: exit_tao"}},
		{"a share of cost", "UPDATE closes SET cost = cost + 2, raw_gain = raw_gain - 2, gain = gain - 2 WHERE trade_id = 6",
			[]string{"closes 6/0: cost", "positions 2: cost of its closes"}},
		{"two shares of TAO that make up for each other", "UPDATE closes SET tao = tao + 1, cost = cost + 1 WHERE trade_id = 7 AND step = 1; UPDATE closes SET tao = tao - 1, cost = cost - 1 WHERE trade_id = 7 AND step = 2",
			[]string{"closes 7/1: tao", "closes 7/2: tao"}},
		{"an archived close's alpha", "UPDATE closes SET alpha = alpha + 1 WHERE trade_id = 5", []string{"positions 1: remaining_alpha", "trades 5: unmatched_alpha"}},
		{"a duration", "UPDATE closes SET duration_us = duration_us + 1 WHERE trade_id = 6", []string{"closes 6/0: duration_us"}},
		{"minimum blocks", "UPDATE closes SET min_blocks_met = 1 - min_blocks_met, gain = raw_gain - gain WHERE trade_id = 6", []string{"closes 6/0: min_blocks_met", "closes 6/0: gain"}},
		{"an archived close's rule", "UPDATE closes SET self_trade = 1 WHERE trade_id = 5", []string{"closes 5/0: self_trade"}},
		{"another miner's close", "UPDATE closes SET miner_id = 2 WHERE trade_id = 6", []string{"closes 6/0: miner_id"}},
		{"a position without its event's effect", "DELETE FROM positions WHERE position_id = 4", []string{"events 4: positions"}},
		{"a trade that is gone", "DELETE FROM closes WHERE trade_id = 6; DELETE FROM trades WHERE trade_id = 6", []string{"events 6: trades", "positions 2: remaining_alpha"}},
		{"an archived trade that is gone", "DELETE FROM trades WHERE trade_id = 5", []string{"events 5: trades", "closes 5/0: trade_id"}},
		{"an archived position that is gone", "DELETE FROM positions WHERE position_id = 1", []string{"events 1: positions", "closes 5/0: position_id", "closes 7/0: position_id"}},
		{"an ignored event with an effect", "UPDATE events SET outcome = 'ignored', reason = 'excluded' WHERE event_id = 4", []string{"events 4: positions", "positions 4: outcome of its event"}},
		{"an ignored stake with a position, and a stake without one",
			"UPDATE events SET outcome = 'ignored', reason = 'excluded' WHERE event_id = 4; DELETE FROM closes WHERE position_id = 3; DELETE FROM positions WHERE position_id = 3",
			[]string{"events 3: positions", "events 4: positions"}},
		{"an ignored unstake with a trade, and an unstake without one",
			"UPDATE events SET outcome = 'ignored', reason = 'excluded' WHERE event_id = 6; DELETE FROM closes WHERE trade_id = 5; DELETE FROM trades WHERE trade_id = 5",
			[]string{"events 5: trades", "events 6: trades"}},
		{"an open position archived", "UPDATE positions SET archive_run = 1 WHERE position_id = 4", []string{"positions 4: archive_run"}},
		{"a trade archived before its positions", "UPDATE trades SET archive_run = 1 WHERE trade_id = 7", []string{"trades 7: archive_run"}},
		{"a run that never was", "UPDATE positions SET archive_run = 9 WHERE position_id = 1", []string{"positions 1: foreign key"}},
		{"an unknown word", "UPDATE events SET mode = 'lost' WHERE event_id = 6", []string{"events 6: foreign key"}},
		{"the key of an event", "UPDATE events SET event_key = event_key || '-' WHERE event_id = 4", []string{"positions 4: event_key"}},
		{"the key of a position", "UPDATE positions SET event_key = event_key || '-' WHERE position_id = 4", []string{"positions 4: event_key"}},
		{"the key of an event and its position", "UPDATE events SET event_key = event_key || '-' WHERE event_id = 4; UPDATE positions SET event_key = event_key || '-' WHERE position_id = 4", []string{"positions 4: event_key"}},
		{"the key of a trade", "UPDATE trades SET event_key = event_key || '-' WHERE trade_id = 6", []string{"trades 6: event_key"}},
		{"the key of a close", "UPDATE closes SET event_key = event_key || '-' WHERE trade_id = 6", []string{"closes 6/0: event_key"}},
		{"an event of no kind", "UPDATE events SET kind = 'move' WHERE event_id = 4; DELETE FROM positions WHERE position_id = 4",
			[]string{"events 4: trades"}},
		{"negative alpha", "UPDATE closes SET alpha = -alpha WHERE trade_id = 7 AND step = 0", []string{"trades 7: unmatched_alpha"}},
		{"a close that is gone", "DELETE FROM closes WHERE trade_id = 7 AND step = 1", []string{"positions 2: remaining_alpha", "trades 7: unmatched_alpha", "closes 7/2: step"}},
		{"a position that says another event", "UPDATE positions SET netuid = 2, hotkey = printf('5%047d', 1) WHERE position_id = 4", []string{"positions 4: netuid", "positions 4: hotkey"}},
		{"an unknown type", "UPDATE positions SET extrinsic_id = x'00' WHERE position_id = 4", []string{"positions 4: extrinsic_id"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := guarded(t)
			register(t, l, 2)
			if report := verify(t, l); !report.Healthy() {
				t.Fatalf("before: got %v", report.Differences)
			}
			unguarded(t, l, c.sql)
			report := verify(t, l)
			got := map[string]bool{}
			for _, d := range report.Differences {
				got[d.Table+" "+d.Row+": "+d.Field] = true
			}
			for _, want := range c.want {
				if !got[want] {
					t.Errorf("%q is not among %v", want, report.Differences)
				}
			}
		})
	}
}

// What SQLite looks after itself, it is asked about: damage done to the file behind the manager's back, with the
// schema as it was again, since another one would not be opened.
func TestVerifyAsksSQLite(t *testing.T) {
	onlySQLite(t, "it damages the file")
	const otherIndex = "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = replace(sql, 'remaining_alpha > 0', 'remaining_alpha > 9e17') WHERE name = 'positions_fifo'"
	const sameIndex = "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = replace(sql, 'remaining_alpha > 9e17', 'remaining_alpha > 0') WHERE name = 'positions_fifo'"
	for _, c := range []struct {
		name  string
		steps []string // each on a connection of its own
		want  string
	}{
		{"a foreign key", []string{"DROP TRIGGER events_delete", "DELETE FROM events WHERE event_id = 4", "trigger"}, "positions 4: foreign key"},
		{"an index", []string{otherIndex, "REINDEX positions_fifo", sameIndex}, "sqlite : integrity_check"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := guarded(t)
			path := l.DB().Path()
			if err := l.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
			var trigger string
			for _, step := range c.steps {
				db, err := sql.Open("sqlite3", path)
				if err != nil {
					t.Fatal(err)
				}
				db.SetMaxOpenConns(1)
				if trigger == "" {
					err = db.QueryRow("SELECT sql FROM sqlite_schema WHERE name = 'events_delete'").Scan(&trigger)
				}
				if step == "trigger" {
					step = trigger
				}
				if _, stepErr := db.Exec(step); err != nil || stepErr != nil {
					t.Fatalf("%s: %v, %v", step, stepErr, err)
				}
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
			}
			report := verify(t, openAt(t, path))
			if !slices.ContainsFunc(report.Differences, func(d ledger.Difference) bool { return d.Table+" "+d.Row+": "+d.Field == c.want }) {
				t.Errorf("got %v, want %q among them", report.Differences, c.want)
			}
		})
	}
}

func TestVerifyIsQuietOnHealthyLedgers(t *testing.T) {
	for seed := uint64(71); seed < 75; seed++ {
		l := open(t)
		apply(t, l, history(seed, 400))
		apply(t, l, history(seed+100, 400), ledger.MinBlocks(20), ledger.SelfTrade("clamp"), ledger.OverridePolicy())
		archive(t, l, after(int(seed-70)*100))
		report := verify(t, l)
		if !report.Healthy() || report.Positions == 0 || report.Trades == 0 || report.Closes == 0 || report.Miners != 4 {
			t.Errorf("seed %d: got %+v, want everything looked at and nothing found", seed, report)
		}
		for n := range byte(4) {
			rebuild(t, l, n)
		}
		if report := verify(t, l); !report.Healthy() {
			t.Errorf("seed %d, rebuilt: got %v", seed, report.Differences)
		}
	}
	if report := verify(t, open(t)); !report.Healthy() || report.Events != 0 {
		t.Errorf("empty: got %+v", report)
	}
}

func TestVerifyReportsProgressAndBoundsItsList(t *testing.T) {
	l := open(t)
	apply(t, l, history(81, 5000))
	unguarded(t, l, "UPDATE positions SET gain = gain + 1 WHERE remaining_alpha = 0; UPDATE miners SET gain = gain + 1")
	var phases []ledger.VerifyPhase
	last := ledger.VerifyProgress{}
	report := verify(t, l, ledger.MaxDifferences(3), ledger.OnVerified(func(p ledger.VerifyProgress) {
		if p.Phase != last.Phase {
			phases = append(phases, p.Phase)
		} else if p.Phase == ledger.VerifyingRecords && (p.Done <= last.Done || p.Done > p.Total) {
			t.Errorf("progress: got %+v after %+v", p, last)
		}
		last = p
	}))
	if want := []ledger.VerifyPhase{ledger.VerifyingRecords, ledger.VerifyingMiners, ledger.VerifyingFile}; !slices.Equal(phases, want) {
		t.Errorf("phases: got %v, want %v", phases, want)
	}
	if want := int64(count(t, l, "positions WHERE remaining_alpha = 0") + 4); len(report.Differences) != 3 || report.Found != want {
		t.Errorf("got %d listed of %d, want 3 of %d", len(report.Differences), report.Found, want)
	}
}

// A panic of the caller's own function reaches the caller, and nothing goes on behind its back.
func TestVerifyEndsWithAPanicOfItsCaller(t *testing.T) {
	faults := faultdriver.New()
	l := open(t, ledger.WithManager(manager.WithDriver(faults.Wrap)))
	apply(t, l, history(81, 3000))
	before := faults.Connections()
	func() {
		defer func() {
			if got := recover(); got != "enough" {
				t.Errorf("recovered %v, want the caller's own panic", got)
			}
		}()
		_, _ = l.Verify(context.Background(), ledger.OnVerified(func(ledger.VerifyProgress) { panic("enough") }))
	}()
	if got := faults.Connections(); got != before {
		t.Errorf("open connections: got %d, want %d as before", got, before)
	}
	if report := verify(t, l); !report.Healthy() {
		t.Errorf("the next one: got %v", report.Differences)
	}
}
