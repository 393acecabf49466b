package ledger_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

// guarded is a ledger with position 1 archived (trade 5 with it, a close of trade 7), position 2 closed and
// live, position 3 partly sold and position 4 open. Trade 6 closes 2, trade 7 closes 1, 2 and 3.
func guarded(t *testing.T) *ledger.Ledger {
	l := open(t)
	register(t, l, 1)
	for i, name := range []string{"p1", "p2", "p3", "p4"} {
		addPosition(t, l, stake(name, i, 100, 10))
	}
	processClose(t, l, unstake("t5", 10, 60, 5), ledger.PositionIDs(1))
	processClose(t, l, unstake("t6", 20, 60, 5), ledger.PositionIDs(2))
	processClose(t, l, unstake("t7", 11, 120, 12), ledger.PositionIDs(1, 2, 3))
	archive(t, l, after(12))
	return l
}

// What one statement can break, the archive refuses by itself.
func TestArchiveGuards(t *testing.T) {
	onlySQLite(t, "its texts are in SQLite's SQL, and there foreign keys refuse at COMMIT, not at once")
	const rebuilding = "INSERT INTO rebuilds VALUES (1); "
	l := guarded(t)
	for _, c := range []struct {
		name, sql, want string
		kind            error
	}{
		{"deleting a closed position", "DELETE FROM positions WHERE position_id = 2", "only in a rebuild", nil},
		{"deleting an open position", "DELETE FROM positions WHERE position_id = 4", "only in a rebuild", nil},
		{"deleting an archived position", "DELETE FROM positions WHERE position_id = 1", "only in a rebuild", nil},
		{"deleting a trade", "DELETE FROM trades WHERE trade_id = 6", "only in a rebuild", nil},
		{"deleting a close", "DELETE FROM closes WHERE position_id = 2", "only in a rebuild", nil},
		{"changing an archived position", "UPDATE positions SET gain = gain + 1 WHERE position_id = 1", "closed is final", nil},
		{"changing an archived trade", "UPDATE trades SET unmatched_alpha = 1 WHERE trade_id = 5", "only in a rebuild", nil},
		{"changing a close", "UPDATE closes SET gain = gain + 1", "never changes", nil},
		{"archiving an open position", "UPDATE positions SET archive_run = 1 WHERE position_id = 4", "positions_archived_when_closed", nil},
		{"archiving a partial position", "UPDATE positions SET archive_run = 1 WHERE position_id = 3", "positions_archived_when_closed", nil},
		{"archiving by a run that never was", "UPDATE positions SET archive_run = 9 WHERE position_id = 2", "FOREIGN KEY", manager.ErrForeignKey},
		{"archiving a trade before its positions", "UPDATE trades SET archive_run = 1 WHERE trade_id = 6", "after the positions", nil},
		{"archiving a trade with an open position", "UPDATE positions SET archive_run = 1 WHERE position_id = 2; UPDATE trades SET archive_run = 1 WHERE trade_id = 7", "after the positions", nil},
		{"taking a position out", "UPDATE positions SET archive_run = NULL WHERE position_id = 1", "only a rebuild", nil},
		{"archiving a position again", "INSERT INTO archive_runs SELECT 2, miner_id, cutoff, started_at, finished_at, 0, 0, 0, 0, 0 FROM archive_runs; UPDATE positions SET archive_run = 2 WHERE position_id = 1", "only a rebuild", nil},
		{"taking a trade out", "UPDATE trades SET archive_run = NULL WHERE trade_id = 5", "only a rebuild", nil},
		{"a close of an archived trade", "INSERT INTO closes SELECT 5, 1, 4, 1, t.event_key, 1, 1, 1, 0, 0, t.exit_time - p.entry_time, 1, 0 FROM trades t, positions p WHERE t.trade_id = 5 AND p.position_id = 4", "earlier open position", nil},
		{"rewriting the log of a run", "UPDATE archive_runs SET positions = 0", "only grows", nil},
		{"deleting the log of a run", "DELETE FROM archive_runs", "never deleted", nil},

		{"a rebuild that changes how a position was opened", rebuilding + "UPDATE positions SET entry_tao = 1", "never changes", nil},
		{"a rebuild that changes what a trade sold", rebuilding + "UPDATE trades SET exit_tao = 1", "never changes", nil},
		{"a rebuild that changes a close", rebuilding + "UPDATE closes SET tao = 1", "never changes", nil},
		{"a rebuild that opens a position and leaves it archived", rebuilding + "UPDATE positions SET remaining_alpha = entry_alpha, status = 'open', last_exit_time = NULL, closed_at = NULL, gain = 0 WHERE position_id = 1", "positions_archived_when_closed", nil},
		{"a rebuild that removes a close's position", rebuilding + "DELETE FROM positions WHERE position_id = 1", "FOREIGN KEY", manager.ErrForeignKey},
		{"a rebuild that removes a close's trade", rebuilding + "DELETE FROM trades WHERE trade_id = 5", "FOREIGN KEY", manager.ErrForeignKey},
		{"a rebuild of another miner", "INSERT INTO miners (coldkey, status, registered_at) VALUES (printf('%048d', 2), 'active', 1); INSERT INTO rebuilds VALUES (2); UPDATE positions SET archive_run = NULL", "only a rebuild", nil},
	} {
		before := record(t, l) + archived(t, l)
		err := statements(l, c.sql)
		kind := c.kind
		if kind == nil {
			kind = manager.ErrCheck
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, kind) {
			t.Errorf("%s: got error %v, want %v with %q", c.name, err, kind, c.want)
		}
		if record(t, l)+archived(t, l) != before {
			t.Errorf("%s: changed the ledger", c.name)
		}
	}
}

// statements runs raw SQL in one transaction.
func statements(l *ledger.Ledger, sql string) error {
	return l.WithTx(context.Background(), func(ctx context.Context, tx ledger.Tx) error {
		for s := range strings.SplitSeq(sql, ";") {
			if _, err := tx.DB.ExecContext(ctx, s); err != nil {
				return err
			}
		}
		return nil
	})
}
