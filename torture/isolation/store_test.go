package isolation_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"time"

	"github.com/stakeledger/stakeledger/manager"
)

// queries reads and writes cells, each with a statement of its own, so that a
// transaction that is torn anywhere shows.
type queries struct{ manager.DBTX }

func newQueries(db manager.DBTX) queries { return queries{db} }

// store is a manager on a database of cells.
type store = manager.DB[queries, queries]

// openStore opens the database at path, or makes it.
func openStore(ctx context.Context, path string, opts ...manager.Option) (*store, error) {
	return manager.Open(ctx, path, newQueries, newQueries, append([]manager.Option{
		manager.WithMigration(migrate),
		manager.WithLogger(slog.New(slog.DiscardHandler)),
		manager.WithSynchronousNormal(), // no power is cut here, and histories come faster
		manager.WithCheckpointFrames(50),
		manager.WithGroupCommit(64, time.Second), // a slow moment of the machine does not split groups
	}, opts...)...)
}

func migrate(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	_, err = tx.ExecContext(ctx, `
		CREATE TABLE IF NOT EXISTS accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL);
		CREATE TABLE IF NOT EXISTS counters (id INTEGER PRIMARY KEY, value INTEGER NOT NULL);
		CREATE TABLE IF NOT EXISTS logs (id INTEGER PRIMARY KEY, names TEXT NOT NULL);
		CREATE TABLE IF NOT EXISTS marks (id INTEGER REFERENCES counters (id) DEFERRABLE INITIALLY DEFERRED);
		CREATE TABLE IF NOT EXISTS ties (id INTEGER REFERENCES counters (id));
		INSERT INTO accounts VALUES (0, 100), (1, 100), (2, 100), (3, 100) ON CONFLICT DO NOTHING;
		INSERT INTO counters VALUES (0, 0), (1, 0) ON CONFLICT DO NOTHING;
		INSERT INTO logs VALUES (0, ''), (1, '') ON CONFLICT DO NOTHING;`)
	if err != nil {
		return err
	}
	return tx.Commit()
}

func (q queries) balance(ctx context.Context, id int) (balance int64, err error) {
	err = q.QueryRowContext(ctx, "-- name: Balance :one\nSELECT balance FROM accounts WHERE id = ?", id).Scan(&balance)
	return balance, err
}

func (q queries) setBalance(ctx context.Context, id int, balance int64) error {
	_, err := q.ExecContext(ctx, "-- name: SetBalance :exec\nUPDATE accounts SET balance = ? WHERE id = ?", balance, id)
	return err
}

func (q queries) counter(ctx context.Context, id int) (value int64, err error) {
	err = q.QueryRowContext(ctx, "-- name: Counter :one\nSELECT value FROM counters WHERE id = ?", id).Scan(&value)
	return value, err
}

func (q queries) setCounter(ctx context.Context, id int, value int64) error {
	_, err := q.ExecContext(ctx, "-- name: SetCounter :exec\nUPDATE counters SET value = ? WHERE id = ?", value, id)
	return err
}

func (q queries) log(ctx context.Context, id int) (names string, err error) {
	err = q.QueryRowContext(ctx, "-- name: Log :one\nSELECT names FROM logs WHERE id = ?", id).Scan(&names)
	return names, err
}

func (q queries) appendLog(ctx context.Context, id int, name string) error {
	_, err := q.ExecContext(ctx, "-- name: AppendLog :exec\nUPDATE logs SET names = names || ? WHERE id = ?", appended("", name), id)
	return err
}

// all reads every cell.
func (q queries) all(ctx context.Context) (c cells, err error) {
	var errs [3]error
	for i := range c.Accounts {
		c.Accounts[i], err = q.balance(ctx, i)
		errs[0] = errors.Join(errs[0], err)
	}
	for i := range c.Counters {
		c.Counters[i], err = q.counter(ctx, i)
		errs[1] = errors.Join(errs[1], err)
	}
	for i := range c.Logs {
		c.Logs[i], err = q.log(ctx, i)
		errs[2] = errors.Join(errs[2], err)
	}
	return c, errors.Join(errs[:]...)
}
