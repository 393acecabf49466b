package faults_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// A book records transfers, each a debit, a credit and a place in the order, so
// that one written in part or twice shows.
type book struct {
	stage     *stage
	db        *manager.DB[queries, queries]
	path      string
	other     *manager.DB[queries, queries] // of the same file, or nil
	numbers   int                           // given out so far
	there     map[int]bool                  // what is known to be there
	uncertain [][]int                       // of the last attempt: all of each list, or nothing
	commits   uint64                        // as Stats says
	opened    int                           // connections, once the book has been read
	reads     uint64                        // as Stats says
}

type queries struct{ db manager.DBTX }

func newQueries(db manager.DBTX) queries { return queries{db} }

// createBook may run any number of times.
func createBook(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, query := range []string{
		"CREATE TABLE IF NOT EXISTS progress (one INTEGER PRIMARY KEY, transfers INTEGER NOT NULL)",
		"CREATE TABLE IF NOT EXISTS entries (transfer INTEGER NOT NULL, amount INTEGER NOT NULL, UNIQUE (transfer, amount))",
		"INSERT INTO progress VALUES (1, 0) ON CONFLICT DO NOTHING",
		"CREATE VIEW IF NOT EXISTS transfers AS SELECT transfer FROM entries WHERE amount > 0",
		`CREATE TRIGGER IF NOT EXISTS transfer INSTEAD OF INSERT ON transfers BEGIN
			UPDATE progress SET transfers = transfers + 1;
			INSERT INTO entries (transfer, amount) SELECT new.transfer, -transfers FROM progress UNION ALL SELECT new.transfer, transfers FROM progress;
		END`,
	} {
		if _, err := tx.ExecContext(ctx, query); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func openDB(ctx context.Context, path string, s *stage, more ...manager.Option) (*manager.DB[queries, queries], error) {
	opts := append(s.options(), manager.WithReaders(1), manager.WithMigration(createBook))
	return manager.Open(ctx, path, newQueries, newQueries, append(opts, more...)...)
}

// openBook opens a fresh book that is closed when the test ends. Nothing has run on its connections yet.
func openBook(t *testing.T, s *stage, more ...manager.Option) *book {
	path := filepath.Join(folder(t), "book.db")
	db, err := openDB(t.Context(), path, s, more...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := soon()
		defer cancel()
		if err := db.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	opened := s.faults.Connections() + 1 // the reader's is opened when it is needed
	return &book{stage: s, db: db, path: path, there: map[int]bool{}, opened: opened}
}

// openUsedBook is openBook with all statements of transfers prepared.
func openUsedBook(t *testing.T, s *stage, more ...manager.Option) *book {
	b := openBook(t, s, more...)
	if err := b.probe(); err != nil {
		t.Fatal(err)
	}
	return b
}

// next is the number of a new transfer.
func (b *book) next() int {
	b.numbers++
	return b.numbers
}

// transfer uses every kind of call to the driver: a returned row, an exec, a list
// of rows, and an exec that counts.
func (q queries) transfer(ctx context.Context, number int) error {
	var place int64
	if err := q.db.QueryRowContext(ctx, "-- name: NextPlace :one\nUPDATE progress SET transfers = transfers + 1 RETURNING transfers").Scan(&place); err != nil {
		return err
	}
	if _, err := q.db.ExecContext(ctx, "-- name: Debit :exec\nINSERT INTO entries (transfer, amount) VALUES (?, ?)", number, -place); err != nil {
		return err
	}
	if list, err := q.entries(ctx, number); err != nil {
		return err
	} else if len(list) != 1 {
		return fmt.Errorf("entries of transfer %d: got %v, want its debit", number, list)
	}
	_, err := q.db.ExecContext(ctx, "-- name: Credit :execrows\nINSERT INTO entries (transfer, amount) VALUES (?, ?)", number, place)
	return err
}

// entries are the amounts of a transfer.
func (q queries) entries(ctx context.Context, number int) ([]int64, error) {
	return q.list(ctx, "-- name: Entries :many\nSELECT amount FROM entries WHERE transfer = ?", number)
}

func (q queries) list(ctx context.Context, query string, args ...any) (list []int64, err error) {
	r, err := q.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for r.Next() {
		var n int64
		if err := r.Scan(&n); err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, errors.Join(r.Close(), r.Err())
}

// answered keeps the answer for the transfers of one transaction: nil means that
// all are there, ErrCommitUnknown all or none, any other error none.
func (b *book) answered(err error, numbers ...int) {
	switch {
	case err == nil:
		for _, n := range numbers {
			b.there[n] = true
		}
	case errors.Is(err, manager.ErrCommitUnknown):
		b.uncertain = append(b.uncertain, numbers)
	}
}

// audit compares what is there with what was answered.
func (b *book) audit() error {
	found := map[int]bool{}
	err := b.db.ReadOnly(context.Background(), func(ctx context.Context, q queries) error {
		clear(found)
		places, err := q.list(ctx, "SELECT transfers FROM progress")
		if err != nil {
			return err
		}
		whole, err := q.list(ctx, "SELECT transfer FROM entries GROUP BY transfer HAVING COUNT(*) = 2 AND SUM(amount) = 0 ORDER BY transfer")
		if err != nil {
			return err
		}
		half, err := q.list(ctx, "SELECT transfer FROM entries GROUP BY transfer HAVING COUNT(*) <> 2 OR SUM(amount) <> 0")
		if err != nil {
			return err
		}
		if len(half) > 0 || places[0] != int64(len(whole)) {
			return fmt.Errorf("half transfers %v; %d whole ones in %d places", half, len(whole), places[0])
		}
		for _, n := range whole {
			found[int(n)] = true
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return b.compare(found)
}

func (b *book) compare(found map[int]bool) error {
	for _, list := range b.uncertain {
		there := 0
		for _, n := range list {
			if found[n] {
				there++
				b.there[n] = true
			}
		}
		if there != 0 && there != len(list) {
			return fmt.Errorf("of an unknown commit of transfers %v: %d are there", list, there)
		}
	}
	b.uncertain = nil
	for n := range b.there {
		if !found[n] {
			return fmt.Errorf("transfer %d was acknowledged and is not there", n)
		}
	}
	for n := range found {
		if !b.there[n] {
			return fmt.Errorf("transfer %d is there, and nobody was told so", n)
		}
	}
	return nil
}

// probe checks that the next callers are served and that the statistics show no
// running transaction, and keeps their counts.
func (b *book) probe() error {
	number := b.next()
	err := b.db.WithTx(context.Background(), func(ctx context.Context, tx queries) error { return tx.transfer(ctx, number) })
	if err != nil {
		return fmt.Errorf("the next transaction: %w", err)
	}
	b.answered(nil, number)
	if err := b.audit(); err != nil {
		return err
	}
	if err := idle(b.db.Stats); err != nil {
		return err
	}
	stats := b.db.Stats()
	b.commits = stats.Commits
	b.reads = stats.Queries["NextPlace"].Count
	return nil
}

// after checks everything that must hold after an attempt in which that many write
// transactions were acknowledged.
func (b *book) after(acknowledged int) error {
	if err := b.stage.noStrays(); err != nil {
		return err
	}
	if err := b.audit(); err != nil {
		return err
	}
	stats := b.db.Stats()
	if got, want := stats.Commits, b.commits+uint64(acknowledged); got != want {
		return fmt.Errorf("commits in the statistics: got %d, want %d", got, want)
	}
	if got := stats.Queries["NextPlace"].Count; got < b.reads {
		return fmt.Errorf("uses of a query in the statistics: got %d after %d", got, b.reads)
	}
	if err := b.probe(); err != nil {
		return err
	}
	if got := b.stage.faults.Connections(); got != b.opened {
		return fmt.Errorf("open connections: got %d, want %d", got, b.opened)
	}
	return nil
}
