package manager_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
)

func TestCloseDrains(t *testing.T) {
	path := bankPath(t)
	db := bankOpen(t, path)
	bankFill(t, db)
	writer := bankHoldWriter(t, db, "held writer")
	reader := bankHoldReader(t, db, "held reader")
	const waiting = 10
	var calls []*call
	for seq := range int64(waiting) {
		calls = append(calls, start(func() error { return bankAdd(context.Background(), db, "waiting", seq) }))
	}
	until(t, "the writers to queue", func() bool { return db.Stats().Queue == waiting })

	closing := start(func() error { return db.Close(context.Background()) })
	until(t, "Close to stop admission", closeRefuses(db))
	if closing.returned() {
		t.Error("Close returned although transactions run and wait")
	}
	writer.end(t)
	for seq, c := range calls {
		if err := c.wait(t).err; err != nil {
			t.Errorf("writer %d that had queued before Close: %v", seq, err)
		}
	}
	if closing.returned() {
		t.Error("Close returned although a reader runs")
	}
	reader.end(t)
	if err := closing.wait(t).err; err != nil {
		t.Errorf("Close: %v", err)
	}
	bankAudit(t, bankOpen(t, path), waiting)
}

func TestCloseRefusesNewWorkFromTheStart(t *testing.T) {
	db := bankOpen(t, bankPath(t))
	writer := bankHoldWriter(t, db, "held writer")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := db.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close: got %v, want context.Canceled", err)
	}
	ran := false
	err := db.WithTx(context.Background(), func(context.Context, *bank) error { ran = true; return nil })
	if !errors.Is(err, manager.ErrClosed) || ran {
		t.Errorf("WithTx: got %v, closure ran: %v, want ErrClosed", err, ran)
	}
	err = db.ReadOnly(context.Background(), func(context.Context, *bank) error { ran = true; return nil })
	if !errors.Is(err, manager.ErrClosed) || ran {
		t.Errorf("ReadOnly: got %v, closure ran: %v, want ErrClosed", err, ran)
	}
	writer.end(t)
}

func TestCloseNamesWhoStillHoldsTheDatabase(t *testing.T) {
	db := bankOpen(t, bankPath(t))
	writer := bankHoldWriter(t, db, "slow writer")
	reader := bankHoldReader(t, db, "slow reader")
	try := func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		return db.Close(ctx)
	}
	err := try()
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "slow writer") {
		t.Errorf("Close beside a writer: got %v, want DeadlineExceeded naming the slow writer", err)
	}
	writer.end(t)
	err = try()
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "slow reader") || strings.Contains(err.Error(), "slow writer") {
		t.Errorf("Close beside a reader: got %v, want DeadlineExceeded naming the slow reader alone", err)
	}
	reader.end(t)
	for range 3 { // closed for good, then closed again
		bankClose(t, db)
	}
	if err := bankAdd(context.Background(), db, "late", 1); !errors.Is(err, manager.ErrClosed) {
		t.Errorf("WithTx after Close: got %v, want ErrClosed", err)
	}
	err = db.ReadOnly(context.Background(), func(context.Context, *bank) error { return nil })
	if !errors.Is(err, manager.ErrClosed) {
		t.Errorf("ReadOnly after Close: got %v, want ErrClosed", err)
	}
}

func TestTwoClosesAtOnce(t *testing.T) {
	db := bankOpen(t, bankPath(t))
	writer := bankHoldWriter(t, db, "held writer")
	first := start(func() error { return db.Close(context.Background()) })
	until(t, "Close to stop admission", closeRefuses(db))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	impatient := start(func() error { return db.Close(ctx) })
	if err := impatient.wait(t).err; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close that may not wait, beside one that does: got %v, want DeadlineExceeded", err)
	}
	writer.end(t)
	if err := first.wait(t).err; err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestCloseLeavesOneFileWithEverythingInIt(t *testing.T) {
	path := bankPath(t)
	db := bankOpen(t, path)
	bankFill(t, db)
	for seq := range int64(100) {
		if err := bankAdd(t.Context(), db, "filler", seq); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(path + "-wal"); err != nil || info.Size() == 0 {
		t.Fatalf("write-ahead log before Close: %v, want one with contents", err)
	}
	bankClose(t, db)
	if got, want := openFiles(t, filepath.Dir(path)), []string{"bank.db", "bank.db-lock"}; !slices.Equal(got, want) {
		t.Errorf("files: got %q, want %q", got, want)
	}
	var transfers int
	if err := openRaw(t, path, "?immutable=1").QueryRow("SELECT COUNT(*) FROM transfers").Scan(&transfers); err != nil || transfers != 100 {
		t.Errorf("transfers in the file itself: got %d, %v, want 100", transfers, err)
	}
}

func TestCloseMovesTheLogAlsoBesideAnotherReader(t *testing.T) {
	path := bankPath(t)
	db := bankOpen(t, path)
	bankFill(t, db)
	report, err := manager.OpenReadOnly(t.Context(), path, newBank)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bankClose(t, report) })
	bankAudit(t, report, 0)
	bankClose(t, db)
	if info, err := os.Stat(path + "-wal"); err != nil || info.Size() != 0 {
		t.Errorf("write-ahead log after Close: %v, %v, want an empty one", info, err)
	}
	bankAudit(t, report, 0)
}

// Whatever Open started is gone after Close, and after a failed Open.
func TestCloseLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	notOurs := filepath.Join(dir, "other.db")
	raw := openRaw(t, notOurs, "?_journal_mode=WAL")
	_, err := raw.Exec("PRAGMA application_id = 77; CREATE TABLE t (x)")
	if err := errors.Join(err, raw.Close()); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	files, routines := closeFiles(t), closeGoroutines()
	for round := range 5 {
		path := filepath.Join(dir, fmt.Sprint(round, ".db"))
		db := bankOpen(t, path)
		bankFill(t, db)
		for seq := range int64(20) { // queue, groups and readers have run
			c := start(func() error { return bankAdd(context.Background(), db, "worker", seq) })
			bankCount(t, db)
			if err := c.wait(t).err; err != nil {
				t.Error(err)
			}
		}
		report, err := manager.OpenReadOnly(t.Context(), path, newBank)
		if err != nil {
			t.Fatal(err)
		}
		bankCount(t, report)
		bankClose(t, report)
		bankClose(t, db)
		refuseOpen(t, notOurs, manager.ErrWrongFile, "")
		refuseOpenReadOnly(t, notOurs, manager.ErrWrongFile, "")
		refuseOpen(t, text, manager.ErrCorrupt, "")
		refuseOpenReadOnly(t, text, manager.ErrCorrupt, "")
		_, err = manager.Open(t.Context(), path, newBank, newBank, manager.WithMigration(func(context.Context, *sql.DB) error { return errOwn }))
		if !errors.Is(err, errOwn) {
			t.Errorf("Open with a migration that fails: got %v, want %v", err, errOwn)
		}
	}
	until(t, "all goroutines of the manager to end", func() bool { return len(closeGoroutines()) <= len(routines) })
	if got := closeFiles(t); len(got) > len(files) {
		t.Errorf("open files: got %d, want the %d from before:\n%s", len(got), len(files), strings.Join(got, "\n"))
	}
}

// closeRefuses reports whether a write is refused as closed. Until then it would wait for the held writer.
func closeRefuses(db *bankDB) func() bool {
	return func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		return errors.Is(bankAdd(ctx, db, "probe", 0), manager.ErrClosed)
	}
}

// closeFiles lists the files this process has open, where the system tells.
func closeFiles(t testing.TB) (open []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(target, "/") {
			open = append(open, target)
		}
	}
	return open
}

// closeGoroutines returns the stacks of the goroutines that the manager or database/sql started.
func closeGoroutines() (stacks []string) {
	all := make([]byte, 1<<20)
	all = all[:runtime.Stack(all, true)]
	for stack := range strings.SplitSeq(string(all), "\n\n") {
		_, by, _ := strings.Cut(stack, "created by ")
		if strings.Contains(by, "stakeledger/manager.") || strings.HasPrefix(by, "database/sql.") {
			stacks = append(stacks, stack)
		}
	}
	return stacks
}
