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
	const (
		copyPosition = "INSERT INTO archived_positions SELECT * FROM positions WHERE position_id = "
		copyTrade    = "INSERT INTO archived_trades SELECT * FROM trades WHERE trade_id = "
		copyCloses   = "INSERT INTO archived_closes SELECT * FROM closes WHERE position_id = "
		mark         = "INSERT INTO rebuilds VALUES (1); "
	)
	l := guarded(t)
	for _, c := range []struct{ name, sql, want string }{
		{"deleting a closed position", "DELETE FROM positions WHERE position_id = 2", "without an archived copy"},
		{"deleting an open position", "DELETE FROM positions WHERE position_id = 4", "without an archived copy"},
		{"deleting a trade", "DELETE FROM trades WHERE trade_id = 6", "without an archived copy"},
		{"deleting a close", "DELETE FROM closes WHERE position_id = 2", "without an archived copy"},
		{"deleting an archived position", "DELETE FROM archived_positions", "only in a rebuild"},
		{"deleting an archived trade", "DELETE FROM archived_trades", "only in a rebuild"},
		{"deleting an archived close", "DELETE FROM archived_closes", "only in a rebuild"},
		{"changing an archived position", "UPDATE archived_positions SET gain = gain + 1", "never changes"},
		{"changing an archived trade", "UPDATE archived_trades SET unmatched_alpha = 1", "never changes"},
		{"changing an archived close", "UPDATE archived_closes SET gain = gain + 1", "never changes"},
		{"archiving an open position", copyPosition + "4", "as it stands"},
		{"archiving a partial position", copyPosition + "3", "after its closes"},
		{"archiving a position before its closes", copyPosition + "2", "after its closes"},
		{"archiving a close of a partial position", copyCloses + "3", "of a closed position"},
		{"archiving a trade before its closes", copyTrade + "6", "after its closes"},
		{"archiving another position than there is", copyCloses + "2; DELETE FROM closes WHERE position_id = 2; INSERT INTO archived_positions SELECT position_id, miner_id, netuid, hotkey, extrinsic_id, event_index, entry_block, entry_time, entry_tao, entry_alpha, remaining_alpha, status, last_exit_time, closed_at, gain + 1 FROM positions WHERE position_id = 2", "as it stands"},
		{"archiving another close than there is", "INSERT INTO archived_closes SELECT trade_id, step, position_id, miner_id, alpha + 1, tao, cost, raw_gain, gain, duration_us, min_blocks_met, self_trade FROM closes WHERE position_id = 2", "as it stands"},
		{"archiving another trade than there is", copyCloses + "2; DELETE FROM closes WHERE position_id = 2; INSERT INTO archived_trades SELECT trade_id, miner_id, netuid, hotkey, extrinsic_id, event_index, exit_block, exit_time + 1, exit_tao, exit_alpha, unmatched_alpha, unmatched_tao FROM trades WHERE trade_id = 6", "as it stands"},
		{"archiving a position of nobody", "INSERT INTO archived_positions SELECT 99, miner_id, netuid, hotkey, extrinsic_id, event_index, entry_block, entry_time, entry_tao, entry_alpha, remaining_alpha, status, last_exit_time, closed_at, gain FROM archived_positions", "as it stands"},
		{"archiving a close of no trade", "INSERT INTO archived_closes SELECT 99, step, position_id, miner_id, alpha, tao, cost, raw_gain, gain, duration_us, min_blocks_met, self_trade FROM archived_closes LIMIT 1", "as it stands"},
		{"replacing an archived position", "INSERT OR REPLACE INTO archived_positions SELECT position_id, miner_id, netuid, hotkey, extrinsic_id, event_index, entry_block, entry_time, entry_tao, entry_alpha, remaining_alpha, status, last_exit_time, closed_at, gain + 1 FROM archived_positions", "as it stands"},
		{"beginning an archived position again", "INSERT INTO positions SELECT position_id, miner_id, netuid, hotkey, extrinsic_id, event_index, entry_block, entry_time, entry_tao, entry_alpha, entry_alpha, 'open', NULL, NULL, 0 FROM archived_positions", "is archived"},
		{"beginning an archived trade again", "INSERT INTO trades SELECT * FROM archived_trades", "is archived"},
		{"an archived close's place taken", "INSERT INTO closes SELECT 7, 0, 4, 1, 1, 1, 1, 0, 0, t.exit_time - p.entry_time, 1, 0 FROM trades t, positions p WHERE t.trade_id = 7 AND p.position_id = 4", "is archived"},
		{"rewriting the log of a run", "UPDATE archive_runs SET positions = 0", "only grows"},
		{"deleting the log of a run", "DELETE FROM archive_runs", "never deleted"},

		{"a rebuild that changes how a position was opened", mark + "UPDATE archived_positions SET entry_tao = 1", "never changes"},
		{"a rebuild that changes what a trade sold", mark + "UPDATE archived_trades SET exit_tao = 1", "never changes"},
		{"a rebuild that changes a close", mark + "UPDATE archived_closes SET tao = 1", "never changes"},
		{"a rebuild that takes a close's position away", mark + "DELETE FROM archived_positions", "after its closes"},
		{"a rebuild that takes a close's archived trade away", mark + "DELETE FROM archived_trades", "after its closes"},
		{"a rebuild that takes a close's live trade away", mark + "DELETE FROM closes; DELETE FROM trades WHERE trade_id = 7", "without an archived copy"},
		{"a rebuild of another miner", "INSERT INTO miners (coldkey, status, registered_at) VALUES (printf('%048d', 2), 'active', 1); INSERT INTO rebuilds VALUES (2); DELETE FROM archived_closes", "only in a rebuild"},
	} {
		before := record(t, l)
		err := statements(l, c.sql)
		if err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, manager.ErrCheck) {
			t.Errorf("%s: got error %v, want ErrCheck with %q", c.name, err, c.want)
		}
		if record(t, l) != before {
			t.Errorf("%s: changed the ledger", c.name)
		}
	}
}

// A rebuild may empty the archive of its miner, closes first, and fill it again.
func TestArchiveGivesWayToRebuild(t *testing.T) {
	l := guarded(t)
	err := statements(l, `INSERT INTO rebuilds VALUES (1);
		UPDATE archived_positions SET gain = 7;
		UPDATE archived_trades SET unmatched_alpha = 1;
		DELETE FROM archived_closes;
		DELETE FROM closes;
		DELETE FROM archived_positions;
		DELETE FROM positions;
		DELETE FROM archived_trades;
		DELETE FROM trades;
		INSERT INTO positions (position_id, miner_id, netuid, hotkey, extrinsic_id, event_index, entry_block, entry_time, entry_tao, entry_alpha, remaining_alpha, status)
		SELECT event_id, miner_id, netuid, hotkey, extrinsic_id, event_index, block, time, tao, alpha, alpha, 'open' FROM events WHERE kind = 'stake';
		DELETE FROM rebuilds`)
	if err != nil {
		t.Fatal(err)
	}
	if n := count(t, l, "positions WHERE status = 'open'"); n != 4 {
		t.Errorf("got %d open positions, want all 4 again", n)
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
