package ledger_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

// What no row can hold but one that was damaged is an error that names the row, and nothing changes.
func TestDamagedRowsAreNamed(t *testing.T) {
	ctx := context.Background()
	rebuild := func(l *ledger.Ledger) error { _, err := l.Rebuild(ctx, coldkey(1)); return err }
	snapshot := func(l *ledger.Ledger) error {
		_, _, err := l.TakeSnapshot(ctx, coldkey(1), after(50), 365*24*time.Hour)
		return err
	}
	sell := func(l *ledger.Ledger) error {
		_, err := l.ProcessClose(ctx, unstake("t9", 90, 100, 20), ledger.Mode(chain.Lenient))
		return err
	}
	apply := func(l *ledger.Ledger) error { _, err := l.Apply(ctx, sequence(nil)); return err }
	const staged = `INSERT INTO intakes (state, created_at, heartbeat, min_blocks, self_trade, no_register, staged) VALUES ('%', 1, 1, 0, 'zero', 0, 1);
		INSERT INTO staged_events SELECT 1, m.coldkey, e.event_key, 0, time, block, extrinsic_id, event_index, kind, netuid, hotkey, tao, alpha, 0, NULL, NULL, NULL FROM events e JOIN miners m USING (miner_id) WHERE event_id = 4;`
	complete, abandoned := strings.Replace(staged, "%", "staged", 1), strings.Replace(staged, "%", "discarded", 1)
	for _, c := range []struct {
		name, damage string
		do           func(l *ledger.Ledger) error
		want         string
	}{
		{"a negative amount of an unstake", "UPDATE events SET tao = -60 WHERE event_id = 5", rebuild, "events t5 #1"},
		{"no alpha of an unstake", "UPDATE events SET alpha = 0 WHERE event_id = 6", rebuild, "events t6 #1"},
		{"a negative alpha of an unstake", "UPDATE events SET alpha = -5 WHERE event_id = 7", rebuild, "events t7 #1"},
		{"a negative amount of a stake", "UPDATE events SET tao = -1 WHERE event_id = 1", rebuild, "positions 1"},
		{"a negative alpha of a stake", "UPDATE events SET alpha = -1 WHERE event_id = 1", rebuild, "positions 1"},
		{"a position of nothing", "UPDATE positions SET entry_tao = 0 WHERE position_id = 2", snapshot, "positions 2"},
		{"a position that cost less than nothing", "UPDATE positions SET entry_tao = -1 WHERE position_id = 4", sell, "positions 4"},
		{"more left than there was", "UPDATE positions SET remaining_alpha = 11 WHERE position_id = 4", sell, "positions 4"},
		{"a staged event that sells less than nothing", complete + "UPDATE staged_events SET kind = 'unstake', tao = -1", apply, "staged_events 0 of input 1"},
		{"a staged event at no time", complete + "UPDATE staged_events SET time = 0", apply, "staged_events 0 of input 1"},
		{"a staged coldkey that is no text", complete + "UPDATE staged_events SET coldkey = CAST(coldkey AS BLOB)", apply, "staged events of coldkey"},
		{"an abandoned coldkey that is no text", abandoned + "UPDATE staged_events SET coldkey = CAST(coldkey AS BLOB)", apply, "staged events of coldkey"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := guarded(t)
			unguarded(t, l, c.damage)
			before := record(t, l)
			err := c.do(l)
			if !errors.Is(err, manager.ErrCorrupt) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want ErrCorrupt that names %s", err, c.want)
			}
			diff(t, record(t, l), before)
		})
	}
}

// A caller's loop over a list ends where an index repeats a row.
func TestListsEndWhereAKeyIsNoText(t *testing.T) {
	l := guarded(t)
	unguarded(t, l, "UPDATE closes SET event_key = CAST(event_key AS BLOB) WHERE position_id = 1")
	var p ledger.Page[ledger.Close]
	p.Limit = 1
	for range 10 {
		rows, err := l.ClosesOfPosition(context.Background(), 1, p)
		if errors.Is(err, manager.ErrCorrupt) {
			return
		}
		if err != nil || len(rows) == 0 {
			t.Fatalf("got %v, %v, want ErrCorrupt in the end", rows, err)
		}
		p.After = &rows[len(rows)-1]
	}
	t.Error("the list does not end")
}

// Verify goes by the events that are there: an id of any size is one more of them.
func TestVerifyEndsWhereAnIDIsLarge(t *testing.T) {
	l := guarded(t)
	unguarded(t, l, "UPDATE events SET event_id = 253402300799999999 WHERE event_id = 4; UPDATE events SET event_id = 9223372036854775807 WHERE event_id = 3; UPDATE events SET event_id = -9 WHERE event_id = 2")
	if report := verify(t, l); report.Healthy() {
		t.Error("got no difference, want events without positions")
	}
}

// What only a CHECK constraint says is asked of every row.
func TestVerifyAsksTheConstraints(t *testing.T) {
	for _, c := range []struct{ damage, want string }{
		{"UPDATE events SET out_of_order = -100 WHERE event_id = 4", "events 4: out_of_order_is_flag"},
		{"UPDATE events SET tao = 1.5 WHERE event_id = 4", "events 4: tao_in_range"},
		{"UPDATE archive_runs SET gain = 1.5", "archive_runs 1/1: gain_in_range"},
		{"UPDATE archive_runs SET cutoff = -1", "archive_runs 1/1: cutoff_in_range"},
		{"UPDATE policy SET lookback_days = -1", "policy 1: lookback_in_range"},
		{"UPDATE miners SET registered_at = 'soon'", "miners 1: registered_at_in_range"},
		{"UPDATE closes SET alpha = 0 WHERE trade_id = 7 AND step = 1", "closes 7/1: alpha_in_range"},
		{"INSERT INTO registrations (miner_id, uid, hotkey, started_at) VALUES (1, 70000, printf('5%047d', 1), 5)", "registrations 1: uid_in_range"},
	} {
		l := guarded(t)
		unguarded(t, l, c.damage)
		report, _ := l.Verify(context.Background()) // a value of another type ends the rest of it
		found := false
		for _, d := range report.Differences {
			found = found || d.Table+" "+d.Row+": "+d.Field == c.want
		}
		if !found {
			t.Errorf("%s: %q is not among %v", c.damage, c.want, report.Differences)
		}
	}
}
