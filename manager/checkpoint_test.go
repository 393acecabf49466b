package manager_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
)

// walMegabytes is the size of the write-ahead log's file, which only ever grows: what it needed at most.
func walMegabytes(t testing.TB, path string) int64 {
	t.Helper()
	info, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	return info.Size() >> 20
}

// walWrite commits transfers of that many bytes until enough is true.
func walWrite(t testing.TB, db *bankDB, worker string, size int, enough func() bool) (commits int64) {
	t.Helper()
	payload := make([]byte, size)
	for ; !enough(); commits++ {
		err := db.WithTx(context.Background(), func(ctx context.Context, tx *bank) error {
			return tx.insertTransfer(ctx, worker, commits, 0, 0, 0, payload)
		})
		if err != nil {
			t.Errorf("%s: %v", worker, err)
			return commits
		}
	}
	return commits
}

func TestLogStaysShortUnderOverlappingReaders(t *testing.T) {
	path := bankPath(t)
	db := bankOpen(t, path, manager.WithReaders(4))
	bankFill(t, db)
	end := time.Now().Add(3 * time.Second)
	if testing.Short() {
		end = time.Now().Add(time.Second)
	}
	over := func() bool { return time.Now().After(end) }
	var done sync.WaitGroup
	for i := range 3 {
		done.Go(func() {
			time.Sleep(time.Duration(i) * 3 * time.Millisecond) // so that at every moment somebody reads
			for !over() {
				err := db.ReadOnly(t.Context(), func(context.Context, *bank) error {
					time.Sleep(10 * time.Millisecond)
					return nil
				}, manager.Pinned())
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	var written [8]int64
	for g := range written {
		done.Go(func() { written[g] = walWrite(t, db, fmt.Sprint("writer", g), 3000, over) })
	}
	done.Wait()
	var commits int64
	for _, n := range written {
		commits += n
	}
	stats := db.Stats()
	t.Logf("%d commits of 3,000 bytes, %d checkpoints, log of at most %d MiB", commits, stats.Checkpoints, walMegabytes(t, path))
	if got, most := walMegabytes(t, path), int64(48); got > most {
		t.Errorf("write-ahead log: got %d MiB after %d MiB of rows, want at most %d", got, commits*3000>>20, most)
	}
	if stats.Checkpoints == 0 {
		t.Error("checkpoints: got 0, want some")
	}
}

func TestLogStaysShortUnderLargeTransactions(t *testing.T) {
	path := bankPath(t)
	db := bankOpen(t, path)
	bankFill(t, db)
	left := 40
	commits := walWrite(t, db, "large", 2<<20, func() bool { left--; return left < 0 })
	if got, most := walMegabytes(t, path), int64(48); got > most {
		t.Errorf("write-ahead log: got %d MiB after %d transactions of 2 MiB, want at most %d", got, commits, most)
	}
}

func TestReaderThatNeverEndsIsNamed(t *testing.T) {
	log := &logbook{}
	db := bankOpen(t, bankPath(t), manager.WithLogger(slog.New(log)), manager.WithCheckpointFrames(50), manager.WithSlowWarnings(0, 0, 0))
	bankFill(t, db)
	reader := bankHoldReader(t, db, "endless report")
	grows := func() []logEntry { return log.about("write-ahead log keeps growing") }
	deadline := time.Now().Add(patience)
	walWrite(t, db, "beside", 4000, func() bool { return len(grows()) > 0 || time.Now().After(deadline) })
	if len(grows()) == 0 {
		t.Fatal("no warning of the log that keeps growing")
	}
	if got := grows()[0].attrs["readers"].String(); !strings.Contains(got, "endless report") {
		t.Errorf("readers: got %q, want the label of the one that holds the log", got)
	}
	if got := db.Stats().WALFrames; got < 50 {
		t.Errorf("Stats.WALFrames: got %d, want the frames that could not be moved", got)
	}
	before := db.Stats().Checkpoints
	reader.end(t)
	deadline = time.Now().Add(patience)
	walWrite(t, db, "after", 4000, func() bool { return db.Stats().Checkpoints > before || time.Now().After(deadline) })
	if got := db.Stats(); got.Checkpoints == before {
		t.Errorf("checkpoints once the reader is gone: got none, want one; %+v", got)
	}
}

func TestCheckpointDoesNotHoldUpWritersForLong(t *testing.T) {
	db := bankOpen(t, bankPath(t), manager.WithCheckpointFrames(50))
	bankFill(t, db)
	reader := bankHoldReader(t, db, "endless report")
	var longest time.Duration
	end := time.Now().Add(time.Second)
	walWrite(t, db, "beside", 4000, func() bool {
		began := time.Now()
		if err := bankAdd(t.Context(), db, "timed", began.UnixNano()); err != nil {
			t.Error(err)
		}
		longest = max(longest, time.Since(began))
		return began.After(end)
	})
	reader.end(t)
	t.Logf("longest write %v", longest)
	if most := time.Second; longest > most {
		t.Errorf("longest write beside a reader that holds the log: got %v, want less than %v", longest, most)
	}
}
