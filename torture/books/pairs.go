package books

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/stakeledger/stakeledger/manager"
)

// Pairs is a database of numbered transactions. Each takes the next place in
// the order of commits and writes a debit and a credit with the same body.
// Only the newest bodies are kept, so pages are freed and used again. It is
// safe for concurrent use.
type Pairs struct{ db *manager.DB[queries, queries] }

type queries struct{ manager.DBTX }

const pairsApplication = 0x50414952

// keptBodies is how many of the newest transactions keep their bodies.
const keptBodies = 40

// migratePairs may run any number of times.
func migratePairs(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	_, err = tx.ExecContext(ctx, `
		CREATE TABLE IF NOT EXISTS progress (one INTEGER PRIMARY KEY CHECK (one = 1), places INTEGER NOT NULL);
		CREATE TABLE IF NOT EXISTS debits (place INTEGER PRIMARY KEY, number INTEGER NOT NULL UNIQUE, body BLOB NOT NULL);
		CREATE TABLE IF NOT EXISTS credits (number INTEGER PRIMARY KEY, place INTEGER NOT NULL UNIQUE, body BLOB NOT NULL);
		INSERT INTO progress VALUES (1, 0) ON CONFLICT DO NOTHING;`)
	if err != nil {
		return err
	}
	return tx.Commit()
}

// OpenPairs opens or creates the database at path. Errors are those of manager.Open.
func OpenPairs(ctx context.Context, path string, opts ...manager.Option) (*Pairs, error) {
	of := func(db manager.DBTX) queries { return queries{db} }
	db, err := manager.Open(ctx, path, of, of, append([]manager.Option{
		manager.WithApplicationID(pairsApplication), manager.WithMigration(migratePairs),
	}, opts...)...)
	if err != nil {
		return nil, err
	}
	return &Pairs{db}, nil
}

// Close closes the database.
func (p *Pairs) Close(ctx context.Context) error { return p.db.Close(ctx) }

// Stats are those of the manager underneath.
func (p *Pairs) Stats() manager.Stats { return p.db.Stats() }

// Write is one transaction. number must not have been used before.
func (p *Pairs) Write(ctx context.Context, number int64) error {
	return p.db.WithTx(ctx, func(ctx context.Context, tx queries) error { return tx.write(ctx, number) }, manager.Label("pair"))
}

func (tx queries) write(ctx context.Context, number int64) error {
	var place int64
	if err := tx.QueryRowContext(ctx, "UPDATE progress SET places = places + 1 RETURNING places").Scan(&place); err != nil {
		return err
	}
	for _, write := range []struct {
		query string
		args  []any
	}{
		{"INSERT INTO debits (place, number, body) VALUES (?, ?, ?)", []any{place, number, body(number)}},
		{"UPDATE debits SET body = x'' WHERE place = ?", []any{place - keptBodies}},
		{"INSERT INTO credits (place, number, body) VALUES (?, ?, ?)", []any{place, number, body(number)}},
		{"UPDATE credits SET body = x'' WHERE place = ?", []any{place - keptBodies}},
	} {
		if _, err := tx.ExecContext(ctx, write.query, write.args...); err != nil {
			return err
		}
	}
	return nil
}

// WriteAll writes count numbered transactions, by Write or WriteSQL, from each of
// several goroutines, so that they share commits. The numbers are first, first+1, …, in any order.
// said is called with each number after write returned nil, by the goroutine
// that wrote it. A goroutine ends at its first error.
func (p *Pairs) WriteAll(ctx context.Context, write func(ctx context.Context, number int64) error, writers, count int, first int64, said func(number int64)) error {
	var done sync.WaitGroup
	errs := make([]error, writers)
	for w := range writers {
		done.Go(func() {
			for i := range count {
				number := first + int64(w*count+i)
				if err := write(ctx, number); err != nil {
					errs[w] = fmt.Errorf("write %d: %w", number, err)
					return
				}
				said(number)
			}
		})
	}
	done.Wait()
	return errors.Join(errs...)
}

// body is what transaction number writes: sometimes nothing, mostly a part of
// a page, sometimes more than one.
func body(number int64) []byte {
	r := rand.New(rand.NewPCG(uint64(number), 1))
	b := make([]byte, r.IntN(400))
	if r.IntN(16) == 0 {
		b = make([]byte, r.IntN(9_000))
	}
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}
