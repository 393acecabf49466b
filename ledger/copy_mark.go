package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/migrate"
)

// ErrUnfinishedCopy is returned where a copy into this place was interrupted, so rows are missing. Copy goes on with it.
var ErrUnfinishedCopy = errors.New("the copy of a ledger into it has not ended")

// copyMark is the table that a ledger has while Copy makes it: it names the source, and keeps everybody else from
// opening half a ledger.
type copyMark struct {
	from    string
	resumed bool
}

// checkUnfinished refuses a ledger that is half a copy.
func checkUnfinished(ctx context.Context, db queryer, onServer bool) error {
	from, found, err := readMark(ctx, db, onServer)
	if err != nil || !found {
		return err
	}
	return &Error{Op: "open", Err: ErrUnfinishedCopy, Detail: "run stakeledger copy from " + from + " again, which goes on, or remove it"}
}

// readMark finds the mark and whom it names.
func readMark(ctx context.Context, db queryer, onServer bool) (from string, found bool, err error) {
	if found, err = hasTable(ctx, db, onServer, "unfinished_copy"); err != nil || !found {
		return "", false, err
	}
	err = db.QueryRowContext(ctx, "SELECT source FROM unfinished_copy").Scan(&from)
	return from, true, err
}

// begin is the migration of a copy: it makes the schema, and the mark where there is nothing yet.
func (m *copyMark) begin(ctx context.Context, db *sql.DB) error {
	onServer := migrate.Dialect(db) == "postgres"
	up, err := schemaUp()
	if err != nil {
		return err
	}
	if err := up(ctx, db); err != nil {
		return err
	}
	if _, m.resumed, err = readMark(ctx, db, onServer); err != nil || m.resumed {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // an error where it was committed
	var used bool
	err = tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM miners) OR EXISTS (SELECT 1 FROM rejected_events) OR EXISTS (SELECT 1 FROM intakes)").Scan(&used)
	if err != nil {
		return err
	}
	policy, err := readPolicy(ctx, read.New(tx))
	if err != nil {
		return err
	}
	if used || policy != DefaultPolicy() {
		return &Error{Op: "begin", Err: ErrNotEmpty, Detail: "a copy is made into an empty place; remove what is there, or name another"}
	}
	if _, err := tx.ExecContext(ctx, "CREATE TABLE unfinished_copy (source text NOT NULL)"); err != nil {
		return err
	}
	insert := map[bool]string{false: "INSERT INTO unfinished_copy (source) VALUES (?)", true: "INSERT INTO unfinished_copy (source) VALUES ($1)"}[onServer]
	if _, err := tx.ExecContext(ctx, insert, m.from); err != nil {
		return err
	}
	return tx.Commit()
}

// end has ids go on after those that were given away, and takes the mark away: now it is a ledger.
func (k *copying) end(ctx context.Context) error {
	return k.to.WithTx(ctx, func(ctx context.Context, tx manager.DBTX) error {
		for table, id := range identities {
			last, err := lastID(ctx, k.from, k.fromServer, table, id)
			if err == nil {
				err = goOnAfterID(ctx, tx, k.to.Engine() != "sqlite", table, id, last)
			}
			if err != nil {
				return fmt.Errorf("set the next id of %s: %w", table, err)
			}
		}
		_, err := tx.ExecContext(ctx, "DROP TABLE unfinished_copy")
		return err
	}, manager.Label("ledger.Copy: end"))
}

// identities are the columns whose values the database makes.
var identities = map[string]string{
	"miners": "miner_id", "registrations": "registration_id", "events": "event_id", "rejected_events": "rejected_id", "intakes": "intake_id",
}

// lastID is the highest id that a table gave to a row, which may have been deleted since; 0 if there is none, or if it
// keeps no count of them.
func lastID(ctx context.Context, from manager.DBTX, onServer bool, table, id string) (last int64, err error) {
	if onServer {
		const query = "SELECT COALESCE(pg_sequence_last_value(pg_get_serial_sequence($1, $2)::regclass), 0)"
		err = from.QueryRowContext(ctx, query, table, id).Scan(&last)
	} else {
		err = from.QueryRowContext(ctx, "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = ?1", table).Scan(&last)
	}
	return last, err
}

// goOnAfterID has a table give its next row an id after last and after all that it has.
func goOnAfterID(ctx context.Context, tx manager.DBTX, onServer bool, table, id string, last int64) error {
	if onServer {
		text := "SELECT setval(pg_get_serial_sequence('" + table + "', '" + id + "'), GREATEST(MAX(" + id + "), $1, 1), COUNT(*) > 0 OR $1 > 0) FROM " + table
		return tx.QueryRowContext(ctx, text, last).Scan(new(int64))
	}
	if last == 0 || table == "events" { // whose ids no deleted row has had
		return nil
	}
	const begin = "INSERT INTO sqlite_sequence (name, seq) SELECT ?1, 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)"
	if _, err := tx.ExecContext(ctx, begin, table); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "UPDATE sqlite_sequence SET seq = ?2 WHERE name = ?1 AND seq < ?2", table, last)
	return err
}
