package ledger_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

// attacked is a ledger with one of everything. Miner 1: position 1 partly closed by trade 3, position 2 whole,
// position 4 on subnet 2, position 5 entered late, unstake 6 ignored. Miner 2: position 7, trade 8, closed.
// Miner 3 has nothing.
func attacked(t *testing.T) *ledger.Ledger {
	l := open(t)
	register(t, l, 1, 2, 3)
	addPosition(t, l, stake("1", 0, 1000, 1000))
	addPosition(t, l, stake("2", 1, 1000, 1000))
	processClose(t, l, unstake("3", 5000, 600, 500))
	elsewhere := stake("4", 2, 1000, 1000)
	elsewhere.Netuid = 2
	addPosition(t, l, elsewhere)
	addPosition(t, l, stake("5", 9000, 1000, 1000))
	nothing := unstake("6", 3, 1, 1)
	nothing.Netuid = 9
	processClose(t, l, nothing, ledger.Mode("lenient"))
	addPosition(t, l, of(2, stake("7", 0, 1000, 1000)))
	processClose(t, l, of(2, unstake("8", 5000, 1000, 1000)))
	return l
}

// attempt runs raw SQL in a transaction of its own.
func attempt(l *ledger.Ledger, sql string) error {
	return l.WithTx(context.Background(), func(ctx context.Context, tx ledger.Tx) error {
		_, err := tx.DB.ExecContext(ctx, sql)
		return err
	})
}

// What one statement can break, the database refuses by itself.
func TestRawSQLCannotBreakTheRecord(t *testing.T) {
	onlySQLite(t, "its texts are in SQLite's SQL: INSERT OR REPLACE, row ids")
	l := attacked(t)
	before := tables(t, l)
	const (
		eventOf    = "(miner_id, extrinsic_id, event_index, event_key, kind, netuid, hotkey, block, time, tao, alpha, outcome, reason, out_of_order, mode, min_blocks, self_trade, position_ids)"
		close      = "INSERT INTO closes (event_key, trade_id, step, position_id, miner_id, alpha, tao, cost, raw_gain, gain, duration_us, min_blocks_met, self_trade) "
		copyOfSix  = "SELECT miner_id, 'x', event_index, event_key, kind, netuid, hotkey, block, time, tao, alpha, outcome, reason, out_of_order, mode, min_blocks, self_trade, position_ids FROM events WHERE event_id = 6"
		keyOfThree = "(SELECT event_key FROM trades WHERE trade_id = 3)"
		durationOf = "(SELECT t.exit_time - p.entry_time FROM trades t, positions p WHERE t.trade_id = 3 AND p.position_id = 2)"
	)
	for name, sql := range map[string]string{
		// Amounts and identities never change.
		"event, amount":                "UPDATE events SET tao = tao + 1 WHERE event_id = 1",
		"event, miner":                 "UPDATE events SET miner_id = 2 WHERE event_id = 1",
		"event, inputs":                "UPDATE events SET min_blocks = 0 WHERE event_id = 3",
		"event, outcome":               "UPDATE events SET outcome = 'ignored', reason = 'excluded' WHERE event_id = 1",
		"position, cost":               "UPDATE positions SET entry_tao = 1 WHERE position_id = 1",
		"position, alpha":              "UPDATE positions SET entry_alpha = 2000 WHERE position_id = 1",
		"position, miner":              "UPDATE positions SET miner_id = 2 WHERE position_id = 1",
		"position, subnet":             "UPDATE positions SET netuid = 2 WHERE position_id = 1",
		"position, time":               "UPDATE positions SET entry_time = 1 WHERE position_id = 1",
		"position, id":                 "UPDATE OR REPLACE positions SET position_id = 2 WHERE position_id = 1",
		"trade, amount":                "UPDATE trades SET exit_tao = 1 WHERE trade_id = 3",
		"trade, unmatched":             "UPDATE trades SET unmatched_alpha = 1 WHERE trade_id = 3",
		"close, duration":              "UPDATE closes SET duration_us = duration_us + 1 WHERE trade_id = 3",
		"close, gain":                  "UPDATE closes SET gain = 0 WHERE trade_id = 3",
		"miner, coldkey":               "UPDATE miners SET coldkey = '" + string(coldkey(9)) + "' WHERE miner_id = 1",
		"miner, another's event":       "UPDATE miners SET latest_key = (SELECT event_key FROM events WHERE event_id = 7) WHERE miner_id = 1",
		"miner, no event":              "UPDATE miners SET latest_key = NULL WHERE miner_id = 1",
		"replaced miner":               "INSERT OR REPLACE INTO miners (miner_id, coldkey, status, registered_at) SELECT 1, coldkey, status, 5 FROM miners WHERE miner_id = 1",
		"replaced position":            "INSERT OR REPLACE INTO positions SELECT position_id, miner_id, netuid, hotkey, extrinsic_id, event_index, event_key, entry_block, entry_time, 1, entry_alpha, entry_alpha, 'open', NULL, NULL, 0, NULL FROM positions WHERE position_id = 2",
		"replaced trade":               "INSERT OR REPLACE INTO trades SELECT * FROM trades WHERE trade_id = 3",
		"replaced close":               "INSERT OR REPLACE INTO closes SELECT * FROM closes WHERE trade_id = 3",
		"taken name of another column": "UPDATE positions SET rowid = 99 WHERE position_id = 2",

		// What is left only shrinks, and says what the status says.
		"reopened":              "UPDATE positions SET remaining_alpha = 1000, status = 'open', last_exit_time = NULL, closed_at = NULL, gain = 0 WHERE position_id = 7",
		"grown":                 "UPDATE positions SET remaining_alpha = 600 WHERE position_id = 1",
		"gain alone":            "UPDATE positions SET gain = 5 WHERE position_id = 1",
		"below nothing":         "UPDATE positions SET remaining_alpha = -1 WHERE position_id = 1",
		"closed with a rest":    "UPDATE positions SET remaining_alpha = 1, status = 'closed', closed_at = last_exit_time WHERE position_id = 1",
		"empty but not closed":  "UPDATE positions SET remaining_alpha = 0 WHERE position_id = 1",
		"closed without a time": "UPDATE positions SET remaining_alpha = 0, status = 'closed' WHERE position_id = 1",
		"sold but open":         "UPDATE positions SET remaining_alpha = 1 WHERE position_id = 2",
		"unknown status":        "UPDATE positions SET remaining_alpha = 1, status = 'gone' WHERE position_id = 1",
		"a float left":          "UPDATE positions SET remaining_alpha = 1.5 WHERE position_id = 1",
		"a text left":           "UPDATE positions SET remaining_alpha = 'x' WHERE position_id = 1",

		// A close joins what belongs together, within what is left.
		"close of another miner's position": close + "SELECT " + keyOfThree + ", 3, 1, 7, 1, 1, 0, 0, 0, 0, duration_us, 1, 0 FROM closes WHERE trade_id = 8",
		"close under another miner's name":  close + "SELECT " + keyOfThree + ", 3, 1, 2, 2, 1, 0, 0, 0, 0, " + durationOf + ", 1, 0",
		"close on another subnet":           close + "SELECT " + keyOfThree + ", 3, 1, 4, 1, 1, 0, 0, 0, 0, 0, 1, 0",
		"close of a later position":         close + "SELECT " + keyOfThree + ", 3, 1, 5, 1, 1, 0, 0, 0, 0, 0, 1, 0",
		"close of more than is left":        close + "SELECT " + keyOfThree + ", 3, 1, 2, 1, 1001, 0, 0, 0, 0, " + durationOf + ", 1, 0",
		"close of more than the trade sold": close + "SELECT " + keyOfThree + ", 3, 1, 2, 1, 501, 0, 0, 0, 0, " + durationOf + ", 1, 0",
		"second close of a position":        close + "SELECT " + keyOfThree + ", 3, 1, 1, 1, 1, 0, 0, 0, 0, duration_us, 1, 0 FROM closes WHERE trade_id = 3",
		"close of a closed position":        close + "SELECT " + keyOfThree + ", 8, 1, 7, 2, 1, 0, 0, 0, 0, duration_us, 1, 0 FROM closes WHERE trade_id = 8",
		"close without a position":          close + "SELECT " + keyOfThree + ", 3, 1, 99, 1, 1, 0, 0, 0, 0, 0, 1, 0",
		"close with a gain from nowhere":    close + "SELECT " + keyOfThree + ", 3, 1, 2, 1, 1, 0, 0, 0, 5, " + durationOf + ", 1, 0",
		"close with a wrong raw gain":       close + "SELECT " + keyOfThree + ", 3, 1, 2, 1, 1, 5, 0, 4, 4, " + durationOf + ", 1, 0",
		"close that calls itself its own":   close + "SELECT " + keyOfThree + ", 3, 1, 2, 1, 1, 0, 0, 0, 0, 0, 1, 1",

		// Nothing is deleted.
		"deleted miner":        "DELETE FROM miners WHERE miner_id = 3",
		"deleted event":        "DELETE FROM events WHERE event_id = 6",
		"deleted position":     "DELETE FROM positions WHERE position_id = 2",
		"deleted trade":        "DELETE FROM trades WHERE trade_id = 3",
		"deleted close":        "DELETE FROM closes WHERE trade_id = 3",
		"deleted all closes":   "DELETE FROM closes",
		"a mark left standing": "INSERT INTO rebuilds (miner_id) VALUES (99)",

		// What is new is whole.
		"position without an event":      "INSERT INTO positions SELECT 99, miner_id, netuid, hotkey, extrinsic_id, event_index, event_key, entry_block, entry_time, entry_tao, entry_alpha, entry_alpha, 'open', NULL, NULL, 0, NULL FROM positions WHERE position_id = 2",
		"position of an ignored event":   "INSERT INTO positions SELECT event_id, miner_id, netuid, hotkey, extrinsic_id, event_index, event_key, block, time, tao, alpha, alpha, 'open', NULL, NULL, 0, NULL FROM events WHERE event_id = 6",
		"trade of a stake":               "INSERT INTO trades SELECT event_id, miner_id, netuid, hotkey, extrinsic_id, event_index, event_key, block, time, tao, alpha, 0, 0, NULL FROM events WHERE event_id = 2",
		"event of nobody":                "INSERT INTO events " + eventOf + " SELECT 99, extrinsic_id, event_index, event_key, kind, netuid, hotkey, block, time, tao, alpha, outcome, reason, out_of_order, mode, min_blocks, self_trade, position_ids FROM events WHERE event_id = 1",
		"event with a negative amount":   "INSERT INTO events " + eventOf + " SELECT miner_id, 'x', event_index, event_key, kind, netuid, hotkey, block, time, -1, alpha, outcome, reason, out_of_order, mode, min_blocks, self_trade, position_ids FROM events WHERE event_id = 1",
		"ignored without a reason":       "INSERT INTO events " + eventOf + " SELECT miner_id, 'x', event_index, event_key, kind, netuid, hotkey, block, time, tao, alpha, 'ignored', NULL, out_of_order, mode, min_blocks, self_trade, position_ids FROM events WHERE event_id = 1",
		"event with a line break":        "INSERT INTO events " + eventOf + " SELECT miner_id, 'a' || char(10), event_index, event_key, kind, netuid, hotkey, block, time, tao, alpha, outcome, reason, out_of_order, mode, min_blocks, self_trade, position_ids FROM events WHERE event_id = 1",
		"unstake without its inputs":     "INSERT INTO events " + eventOf + " SELECT miner_id, 'x', event_index, event_key, kind, netuid, hotkey, block, time, tao, alpha, outcome, reason, out_of_order, NULL, NULL, NULL, NULL FROM events WHERE event_id = 3",
		"counter that overflows":         "UPDATE miners SET entry_tao = entry_tao + 9223372036854775807 WHERE miner_id = 1",
		"counter with a fraction":        "UPDATE miners SET gain = gain + 0.5 WHERE miner_id = 1",
		"more wins than closes":          "UPDATE miners SET winning_closes = 5 WHERE miner_id = 1",
		"more closed than was entered":   "UPDATE miners SET closed_alpha = 999999 WHERE miner_id = 1",
		"address that is too short":      "INSERT INTO miners (coldkey, status, registered_at) VALUES ('5abc', 'active', 1)",
		"status that nobody knows":       "UPDATE miners SET status = 'gone' WHERE miner_id = 1",
		"UID out of range":               "INSERT INTO registrations (miner_id, uid, hotkey, started_at) SELECT 1, 65536, coldkey, 1 FROM miners WHERE miner_id = 1",
		"flag that is none":              close + "SELECT " + keyOfThree + ", 3, 1, 2, 1, 1, 0, 0, 0, 0, " + durationOf + ", 2, 0",
		"copy of an event, unknown kind": "INSERT INTO events " + eventOf + " SELECT miner_id, 'x', event_index, event_key, 'swap', netuid, hotkey, block, time, tao, alpha, outcome, reason, out_of_order, mode, min_blocks, self_trade, position_ids FROM events WHERE event_id = 6",
	} {
		err := attempt(l, sql)
		refused := errors.Is(err, manager.ErrCheck) || errors.Is(err, manager.ErrForeignKey) || errors.Is(err, manager.ErrUnique) || errors.Is(err, manager.ErrNotNull)
		if !refused {
			t.Errorf("%s: got %v, want a constraint to refuse it", name, err)
		}
	}
	// REPLACE does not replace an event: it is skipped, as a repeat is.
	if err := attempt(l, "INSERT OR REPLACE INTO events "+eventOf+" SELECT miner_id, extrinsic_id, event_index, event_key, kind, netuid, hotkey, block, time, tao + 1, alpha, outcome, reason, out_of_order, mode, min_blocks, self_trade, position_ids FROM events WHERE event_id = 6"); err != nil {
		t.Errorf("replaced event: %v", err)
	}
	diff(t, tables(t, l), before)
	if err := attempt(l, "INSERT INTO events "+eventOf+" "+copyOfSix); err != nil {
		t.Errorf("an event that is whole: %v", err)
	}
}

func TestRegistrationsOnlyEnd(t *testing.T) {
	l := open(t)
	ensure(t, l, at(1, 1, 1, 0))
	ensure(t, l, at(2, 2, 2, 0))
	for name, sql := range map[string]string{
		"second holder of a UID":    "INSERT INTO registrations (miner_id, uid, hotkey, started_at) VALUES (2, 1, '" + string(hotkey(9)) + "', 1)",
		"second holder of a hotkey": "INSERT OR REPLACE INTO registrations (miner_id, uid, hotkey, started_at) VALUES (2, 9, '" + string(hotkey(1)) + "', 1)",
		"passed on by an update":    "UPDATE registrations SET miner_id = 2 WHERE uid = 1",
		"end before the start":      "UPDATE registrations SET ended_at = 1 WHERE uid = 1",
		"deleted":                   "DELETE FROM registrations WHERE uid = 1",
	} {
		if err := attempt(l, sql); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	holder(t, l, 1, 1, 1)
	holder(t, l, 2, 2, 2)
}
