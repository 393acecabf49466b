package limits_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/torture/effort"
)

const (
	blobs       = 16 << 10 // rows
	blobSize    = 64 << 10 // bytes: a gigabyte in all
	memoryLimit = 384 << 20
)

// TestGigabyte writes, reads, backs up, restores and verifies a database of a
// gigabyte, in bounded memory.
func TestGigabyte(t *testing.T) {
	if !effort.Long() {
		t.Skip("a database of a gigabyte: TORTURE=1 makes it")
	}
	seed := effort.Seed(t)
	check := nothingLeft(t)
	peak := watchMemory()
	dir := t.TempDir()
	path, copied, restored := filepath.Join(dir, "big.db"), filepath.Join(dir, "copy.db"), filepath.Join(dir, "restored.db")
	step := stopwatch(t)

	db := openAt(t, path)
	for from := int64(0); from < blobs; from += 64 {
		err := db.WithTx(t.Context(), func(ctx context.Context, q queries) error {
			for id := from; id < from+64; id++ {
				if _, err := q.ExecContext(ctx, "-- name: AddBlob :exec\nINSERT INTO items (id, name) VALUES (?, ?)", id, blob(seed, id)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(path + "-wal"); err != nil || info.Size() > 128<<20 {
		t.Errorf("write-ahead log after writing: %v, %v, want at most 128 MB", info, err)
	}
	step("written")
	verify(t, db, seed)
	step("read")
	backUp(t, db, copied)
	step("backed up beside a writer")
	shut(t, db)
	if err := manager.Restore(t.Context(), copied, restored); err != nil {
		t.Fatal(err)
	}
	step("restored")
	db = openAt(t, restored)
	step("opened")
	verify(t, db, seed)
	step("verified")
	shut(t, db)
	if most := peak(); most > memoryLimit {
		t.Errorf("memory: %d MB at the most, want at most %d MB", most>>20, memoryLimit>>20)
	} else {
		t.Logf("memory: %d MB at the most", most>>20)
	}
	check()
}

// blob computes a row's contents, to write them and to compare.
func blob(seed uint64, id int64) string {
	random := rand.NewChaCha8([32]byte{byte(id), byte(id >> 8), byte(id >> 16), byte(seed), byte(seed >> 8), byte(seed >> 16)})
	text := make([]byte, blobSize)
	_, _ = random.Read(text)
	for i := range text {
		text[i] = 'a' + text[i]%26
	}
	return string(text)
}

// verify compares every row with what was written, in one snapshot.
func verify(t *testing.T, db *store, seed uint64) {
	t.Helper()
	err := db.ReadOnly(t.Context(), func(ctx context.Context, q queries) error {
		rows, err := q.QueryContext(ctx, "-- name: Blobs :many\nSELECT id, name FROM items WHERE id >= 0 ORDER BY id")
		if err != nil {
			return err
		}
		defer rows.Close()
		next := int64(0)
		for ; rows.Next(); next++ {
			var id int64
			var name string
			if err := rows.Scan(&id, &name); err != nil {
				return err
			}
			if id != next || hash(name) != hash(blob(seed, id)) {
				return fmt.Errorf("row %d: it is not row %d as it was written", id, next)
			}
		}
		if next != blobs {
			return fmt.Errorf("%d rows, want %d", next, blobs)
		}
		return rows.Err()
	})
	if err != nil {
		t.Error(err)
	}
}

func hash(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return h.Sum64()
}

// backUp makes a backup while a writer changes rows that verify does not read.
func backUp(t *testing.T, db *store, to string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	var writes atomic.Int64
	writing.Go(func() {
		for id := int64(-1); ctx.Err() == nil; id-- {
			err := db.WithTx(t.Context(), func(ctx context.Context, q queries) error {
				_, err := q.ExecContext(ctx, "-- name: AddBlob :exec\nINSERT INTO items (id, name) VALUES (?, ?)", id, "beside")
				return err
			})
			if err != nil {
				t.Errorf("write %d beside the backup: %v", -id, err)
				return
			}
			writes.Add(1)
		}
	})
	if err := db.Backup(t.Context(), to); err != nil {
		t.Error(err)
	}
	cancel()
	writing.Wait()
	if writes.Load() < 10 {
		t.Errorf("%d writes beside the backup, want it to hold nobody up", writes.Load())
	}
}

// stopwatch logs how long each step took.
func stopwatch(t *testing.T) func(what string) {
	last := time.Now()
	return func(what string) {
		t.Logf("%s in %s", what, time.Since(last).Round(10*time.Millisecond))
		last = time.Now()
	}
}

// watchMemory notes the memory this process has in use, SQLite's included, until
// the largest is asked for. Elsewhere than on Linux it is 0.
func watchMemory() (peak func() int64) {
	stop, result := make(chan struct{}), make(chan int64)
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for most := int64(0); ; {
			select {
			case <-stop:
				result <- most
				return
			case <-tick.C:
			}
			var size, resident int64
			if text, err := os.ReadFile("/proc/self/statm"); err == nil {
				_, _ = fmt.Sscan(string(text), &size, &resident)
			}
			most = max(most, resident*int64(os.Getpagesize()))
		}
	}()
	return func() int64 { close(stop); return <-result }
}
