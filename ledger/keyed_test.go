package ledger_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

// A transaction with keys writes nothing but what belongs to them: where it did, two that should exclude each other
// would run side by side on PostgreSQL, and that would show only as lost money. So the ledgers of these tests have
// triggers, on both engines, that refuse a row of another miner.

// ownedByID are the tables whose rows belong to a miner by its id, ownedByColdkey those by its coldkey. Without an
// owner are the words, which nobody writes, and sharedByKeyed.
var (
	ownedByID      = []string{"registrations", "events", "rebuilds", "archive_runs", "positions", "trades", "closes", "snapshots"}
	ownedByColdkey = []string{"miners", "rejected_events", "staged_events"}
)

// sharedByKeyed are what all transactions with keys may write, and how: counts that only grow, and a mark that nobody
// takes away.
var sharedByKeyed = map[string]string{
	"intakes": "NEW.state = OLD.state AND NEW.staged = OLD.staged", "policy": "NEW.mixed = 1 AND NEW.min_blocks = OLD.min_blocks AND NEW.transfers = OLD.transfers",
}

const withoutKey = "a row was written without its key"

// keysOnSQLite gives every connection the triggers, as TEMP objects that the file does not hold.
func keysOnSQLite() ledger.Option {
	var held atomic.Pointer[[]string]
	holds := func(coldkey string) bool {
		keys := held.Load()
		return keys == nil || len(*keys) == 0 || coldkey == "*" || strings.Contains(strings.Join(*keys, " ")+" ", "miner/"+coldkey+" ")
	}
	check := func(_ context.Context, _ manager.DBTX, keys []string) error {
		held.Store(&keys)
		return nil
	}
	return ledger.WithManager(manager.WithKeyCheck(check), manager.WithConnectHook(func(_ context.Context, c *sqlite3.SQLiteConn) error {
		if err := c.RegisterFunc("holds_key", holds, false); err != nil {
			return err
		}
		rows, err := c.Query("SELECT 1 FROM sqlite_schema WHERE name = 'policy'", nil)
		if err != nil {
			return err
		}
		migrated := rows.Next(make([]driver.Value, 1)) == nil
		if err := rows.Close(); err != nil || !migrated {
			return err
		}
		for _, text := range keyTriggers() {
			if _, err := c.Exec(text, nil); err != nil {
				return err
			}
		}
		return nil
	}))
}

func keyTriggers() (texts []string) {
	add := func(table, event, row, coldkey string) {
		texts = append(texts, "CREATE TEMP TRIGGER key_"+table+"_"+event+" BEFORE "+event+" ON main."+table+
			" WHEN NOT holds_key("+strings.ReplaceAll(coldkey, "ROW", row)+") BEGIN SELECT RAISE(ABORT, '"+withoutKey+"'); END")
	}
	for event, row := range map[string]string{"INSERT": "NEW", "UPDATE": "NEW", "DELETE": "OLD"} {
		for _, table := range ownedByID {
			add(table, event, row, "COALESCE((SELECT m.coldkey FROM miners m WHERE m.miner_id = ROW.miner_id), '')")
		}
		for _, table := range ownedByColdkey {
			add(table, event, row, "ROW.coldkey")
		}
		for table, allowed := range sharedByKeyed {
			coldkey := "''"
			if event == "UPDATE" {
				coldkey = "CASE WHEN " + allowed + " THEN '*' ELSE '' END"
			}
			add(table, event, row, coldkey)
		}
	}
	return texts
}

// keysOnPostgres passes the keys of a transaction to the triggers of guardKeys.
var keysOnPostgres = manager.WithKeyCheck(func(ctx context.Context, tx manager.DBTX, keys []string) error {
	_, err := tx.ExecContext(ctx, "SET LOCAL stakeledger.keys = '"+strings.Join(keys, " ")+"'")
	return err
})

// guardKeys gives a ledger on PostgreSQL the triggers.
func guardKeys(l *ledger.Ledger) error {
	texts := []string{`CREATE FUNCTION guard_key() RETURNS trigger LANGUAGE plpgsql AS $$
		DECLARE held text := current_setting('stakeledger.keys', true); r record; owner text;
		BEGIN
			IF TG_OP = 'DELETE' THEN r := OLD; ELSE r := NEW; END IF;
			IF COALESCE(held, '') = '' THEN RETURN r; END IF;
			IF TG_ARGV[0] = 'id' THEN SELECT m.coldkey INTO owner FROM miners m WHERE m.miner_id = r.miner_id;
			ELSIF TG_ARGV[0] = 'coldkey' THEN owner := r.coldkey;
			END IF;
			IF owner IS NULL OR position('miner/' || owner || ' ' IN held || ' ') = 0 THEN
				RAISE EXCEPTION '` + withoutKey + `' USING ERRCODE = 'check_violation';
			END IF;
			RETURN r;
		END $$`}
	for kind, tables := range map[string][]string{"id": ownedByID, "coldkey": ownedByColdkey} {
		for _, table := range tables {
			texts = append(texts, "CREATE TRIGGER a_key BEFORE INSERT OR UPDATE OR DELETE ON "+table+" FOR EACH ROW EXECUTE FUNCTION guard_key('"+kind+"')")
		}
	}
	for table, allowed := range sharedByKeyed {
		texts = append(texts, "CREATE TRIGGER a_key BEFORE UPDATE ON "+table+" FOR EACH ROW WHEN (NOT ("+allowed+")) EXECUTE FUNCTION guard_key('none')",
			"CREATE TRIGGER a_key_too BEFORE INSERT OR DELETE ON "+table+" FOR EACH ROW EXECUTE FUNCTION guard_key('none')")
	}
	return l.WithTx(context.Background(), func(ctx context.Context, tx ledger.Tx) error {
		for _, text := range texts {
			if _, err := tx.DB.ExecContext(ctx, text); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestTransactionWithAKeyWritesNoOtherMiner(t *testing.T) {
	l := open(t)
	register(t, l, 1, 2)
	p := addPosition(t, l, stake("1-1", 1, tao, tao))
	other := stake("1-2", 2, tao, tao)
	other.Coldkey = coldkey(2)
	addPosition(t, l, other)
	key := func(n byte) manager.TxOption { return manager.Keyed("miner/" + string(coldkey(n))) }
	for _, test := range []struct {
		name, text string
		opts       []manager.TxOption
		refused    bool
	}{
		{"its own counters", "UPDATE miners SET gain = gain WHERE miner_id = ?1", []manager.TxOption{key(1)}, false},
		{"its own event", "UPDATE events SET fee = 1 WHERE miner_id = ?1", []manager.TxOption{key(1)}, false},
		{"two keys", "UPDATE events SET fee = 1 WHERE miner_id = ?1", []manager.TxOption{key(2), key(1)}, false},
		{"no keys", "UPDATE events SET fee = 1 WHERE miner_id = ?1", nil, false},
		{"the counters of another", "UPDATE miners SET gain = gain WHERE miner_id = ?1", []manager.TxOption{key(2)}, true},
		{"the event of another", "UPDATE events SET fee = 1 WHERE miner_id = ?1", []manager.TxOption{key(2)}, true},
		{"the policy", "UPDATE policy SET min_blocks = 1 WHERE policy_id = 1 AND ?1 > 0", []manager.TxOption{key(1)}, true},
		{"that the policy is mixed", "UPDATE policy SET mixed = 1 WHERE policy_id = 1 AND ?1 > 0", []manager.TxOption{key(1)}, false},
	} {
		err := l.DB().WithTx(t.Context(), func(ctx context.Context, tx ledger.Tx) error {
			_, err := tx.DB.ExecContext(ctx, test.text, p.MinerID)
			return err
		}, test.opts...)
		if refused := errors.Is(err, manager.ErrCheck) && strings.Contains(err.Error(), withoutKey); refused != test.refused || !refused && err != nil {
			t.Errorf("%s: got %v, want refused %t", test.name, err, test.refused)
		}
	}
}
