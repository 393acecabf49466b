package endurance_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
)

// ringSize is how many rows a ring has. Writing wraps around, so the size of the
// database stays the same.
const ringSize = 50_000

type queries struct{ manager.DBTX }

func newQueries(db manager.DBTX) queries { return queries{db} }

// A ring is a manager on a database whose size does not change.
type ring struct {
	*manager.DB[queries, queries]
	body [16][]byte
}

func openRing(t *testing.T, opts ...manager.Option) *ring {
	t.Helper()
	db, err := manager.Open(t.Context(), filepath.Join(t.TempDir(), "ring.db"), newQueries, newQueries, append([]manager.Option{
		manager.WithMigration(migrate),
		manager.WithLogger(slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	r := &ring{DB: db}
	for i := range r.body {
		r.body[i] = make([]byte, 250)
		for j := range r.body[i] {
			r.body[i][j] = byte(rand.Uint32())
		}
	}
	for from := int64(0); from < ringSize; from += 1000 {
		if err := r.put(t.Context(), from, 1000); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func migrate(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS ring (place INTEGER PRIMARY KEY, written INTEGER NOT NULL, body BLOB NOT NULL)")
	return err
}

// put writes n rows from place on, in one transaction.
func (r *ring) put(ctx context.Context, place int64, n int) error {
	now := time.Now().UnixMicro()
	return r.WithTx(ctx, func(ctx context.Context, q queries) error {
		for i := range int64(n) {
			at := (place + i) % ringSize
			_, err := q.ExecContext(ctx, "-- name: Put :exec\nINSERT INTO ring VALUES (?, ?, ?) ON CONFLICT (place) DO UPDATE SET written = excluded.written, body = excluded.body",
				at, now, r.body[at%int64(len(r.body))])
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// scan reads n rows from place on, in one snapshot, and keeps it for so long.
func (r *ring) scan(ctx context.Context, place int64, n int, keep time.Duration) error {
	place = min(place, int64(ringSize-n))
	return r.ReadOnly(ctx, func(ctx context.Context, q queries) error {
		var rows, size int
		err := q.QueryRowContext(ctx, "-- name: Scan :one\nSELECT count(*), sum(length(body)) FROM ring WHERE place >= ? AND place < ?", place, place+int64(n)).Scan(&rows, &size)
		if err == nil && rows != n {
			err = fmt.Errorf("%d rows from %d on, want %d", rows, place, n)
		}
		if keep > 0 {
			time.Sleep(keep)
		}
		return err
	})
}

// logSize is the size of the write-ahead log's file, which never shrinks.
func (r *ring) logSize() int64 {
	info, err := os.Stat(r.Path() + "-wal")
	if err != nil {
		return 0
	}
	return info.Size()
}

func (r *ring) shut(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := r.Close(ctx); err != nil {
		t.Error(err)
	}
}
