package manager_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
)

// walLarge commits one transaction of about that many MiB.
func walLarge(t *testing.T, db *bankDB, worker string, megabytes int64) {
	t.Helper()
	payload := make([]byte, 1<<20)
	err := db.WithTx(t.Context(), func(ctx context.Context, tx *bank) error {
		for seq := range megabytes {
			if err := tx.insertTransfer(ctx, worker, seq, 0, 0, 0, payload); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLogShrinksAfterALargeTransaction(t *testing.T) {
	path := bankPath(t)
	db := bankOpen(t, path)
	bankFill(t, db)
	walLarge(t, db, "large", 100)
	if got, most := walMegabytes(t, path), int64(32); got > most {
		t.Errorf("log after a transaction of 100 MiB: got %d MiB, want at most %d", got, most)
	}
}

// No commit comes that would look at the log once the reader has left it.
func TestLogShrinksWhenTheReaderHasLeftIt(t *testing.T) {
	path := bankPath(t)
	db := bankOpen(t, path, manager.WithSlowWarnings(20*time.Millisecond, 0, 0))
	bankFill(t, db)
	reader := bankHoldReader(t, db, "report")
	walLarge(t, db, "large", 64)
	if got := walMegabytes(t, path); got < 60 {
		t.Fatalf("log beside a reader: got %d MiB, want all of it", got)
	}
	reader.end(t)
	until(t, "the log to shrink", func() bool { return walMegabytes(t, path) <= 32 })
}

// Frames are pages, and those may be larger than usual.
func TestLogOfLargePagesIsAsShort(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bank.db")
	raw := openRaw(t, path, "")
	if _, err := raw.Exec("PRAGMA page_size = 65536; PRAGMA application_id = 0x42414e4b; CREATE TABLE other (x)"); err != nil {
		t.Fatal(err)
	}
	raw.Close()
	db := bankOpen(t, path)
	bankFill(t, db)
	left := 60
	walWrite(t, db, "large", 1<<20, func() bool { left--; return left < 0 })
	if got, most := walMegabytes(t, path), int64(32); got > most {
		t.Errorf("log after 60 transactions of 1 MiB: got %d MiB, want at most %d", got, most)
	}
}

// After Ctrl-C: a deferred Close(ctx) whose ctx has ended.
func TestCloseWithAContextThatHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for range 20 {
		path := bankPath(t)
		db := bankOpen(t, path)
		bankFill(t, db)
		var calls []*call
		for seq := range int64(8) { // served by a goroutine of the manager, which is still busy when they return
			calls = append(calls, start(func() error { return bankAdd(context.Background(), db, "worker", seq) }))
		}
		for _, c := range calls {
			if err := c.wait(t).err; err != nil {
				t.Error(err)
			}
		}
		bankCount(t, db)
		if err := db.Close(ctx); err != nil {
			t.Fatalf("Close with nobody inside: %v", err)
		}
		if _, err := os.Stat(path + "-wal"); err == nil {
			t.Fatal("Close left the log")
		}
	}
}

// Statistics of a small table would mislead the planner when it has grown.
func TestCloseTakesNoStatistics(t *testing.T) {
	path := bankPath(t)
	db := bankOpen(t, path)
	bankFill(t, db)
	err := db.WithTx(t.Context(), func(ctx context.Context, tx *bank) error {
		if _, err := tx.db.ExecContext(ctx, "CREATE INDEX by_payee ON transfers (payee)"); err != nil {
			return err
		}
		for seq := range int64(500) {
			if err := tx.insertTransfer(ctx, "view", seq, 0, 1, 0, nil); err != nil {
				return err
			}
		}
		_, err := tx.value(ctx, "SELECT COUNT(*) FROM transfers WHERE payee = 1") // PRAGMA optimize counts what was asked for
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	bankClose(t, db)
	var tables int
	if err := openRaw(t, path, "").QueryRow("SELECT COUNT(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'").Scan(&tables); err != nil || tables != 0 {
		t.Errorf("tables of statistics: got %d, %v, want none", tables, err)
	}
}
