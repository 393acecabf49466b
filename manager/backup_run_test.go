package manager_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
)

func TestBackupReportsItsProgress(t *testing.T) {
	db := backupSource(t)
	var seen []manager.BackupProgress
	err := db.Backup(t.Context(), filepath.Join(t.TempDir(), "copy.db"), manager.OnBackupProgress(func(p manager.BackupProgress) {
		seen = append(seen, p)
		if err := bankAdd(context.Background(), db, "meanwhile", int64(len(seen))); err != nil {
			t.Error(err)
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) < 3 {
		t.Fatalf("calls: got %d, want several", len(seen))
	}
	for i, p := range seen {
		if p.Total != seen[0].Total || p.Done > p.Total || i > 0 && p.Done < seen[i-1].Done {
			t.Errorf("call %d: got %+v after %+v, want pages that grow up to an unchanging total", i, p, seen[max(0, i-1)])
		}
		want := manager.BackupCopying
		if i == len(seen)-1 {
			want = manager.BackupChecking
		}
		if p.Phase != want {
			t.Errorf("call %d of %d: got phase %s, want %s", i, len(seen), p.Phase, want)
		}
		if i > 1 && want == manager.BackupCopying && p.WALFrames <= seen[i-1].WALFrames {
			t.Errorf("call %d: log of %d frames after %d and a commit, want it to grow", i, p.WALFrames, seen[i-1].WALFrames)
		}
	}
	if last := seen[len(seen)-1]; last.Done != last.Total {
		t.Errorf("last call: %d of %d pages, want all", last.Done, last.Total)
	}
}

func TestBackupOfADatabaseOpenedReadOnly(t *testing.T) {
	db := backupSource(t)
	reports, err := manager.OpenReadOnly(t.Context(), db.Path(), newBank)
	if err != nil {
		t.Fatal(err)
	}
	defer bankClose(t, reports)
	dest := filepath.Join(t.TempDir(), "copy.db")
	commits := int64(0)
	err = reports.Backup(t.Context(), dest, manager.OnBackupProgress(func(manager.BackupProgress) {
		commits++
		if err := bankAdd(context.Background(), db, "meanwhile", commits); err != nil {
			t.Error(err)
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := backupAudit(t, dest), bankCount(t, db)-commits; got != want {
		t.Errorf("transfers in the copy: got %d, want %d as before the call", got, want)
	}
}

// The log cannot shrink during a backup, so trying would only stop the writer; who makes it grow is named.
func TestBackupHoldsTheLogByName(t *testing.T) {
	log := &logbook{}
	db := backupSource(t, manager.WithLogger(log.logger()), manager.WithCheckpointFrames(20), manager.WithSlowWarnings(time.Hour, time.Hour, 10*time.Millisecond))
	dest := filepath.Join(t.TempDir(), "copy.db")
	seq := int64(0)
	commit := func(n int) {
		for range n {
			seq++
			if err := bankAdd(context.Background(), db, "meanwhile", seq); err != nil {
				t.Error(err)
			}
		}
	}
	call := 0
	err := db.Backup(t.Context(), dest, manager.OnBackupProgress(func(p manager.BackupProgress) {
		if call++; call != 1 {
			return
		}
		before := db.Stats().Checkpoints
		commit(300)
		time.Sleep(30 * time.Millisecond) // longer than a reader may take
		if got := db.Stats().Checkpoints; got != before {
			t.Errorf("checkpoints during the copying: got %d, want none", got-before)
		}
		if got, want := db.Stats().ReaderLabels, []string{"back up to " + dest}; !slices.Equal(got, want) {
			t.Errorf("reader labels: got %q, want %q", got, want)
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	if got := log.about("read transaction"); len(got) > 0 {
		t.Errorf("slow-read warnings: got %v, want none", got)
	}
	if got := log.about("reader holds it"); len(got) > 0 {
		t.Errorf("warnings of an unnamed reader: got %v, want none", got)
	}
	warnings := log.about("write-ahead log grows while a backup copies")
	if len(warnings) == 0 || len(warnings) > 6 { // one each time it has doubled
		t.Fatalf("warnings of a growing log: got %d, want one to six", len(warnings))
	}
	if got, want := warnings[0].attrs["backup"].String(), "back up to "+dest; got != want {
		t.Errorf("warning names %q, want %q", got, want)
	}
	before := db.Stats().Checkpoints
	commit(200)
	if got := db.Stats().Checkpoints; got == before {
		t.Error("checkpoints after the backup: got none, want the writer to catch up")
	}
}

func TestCloseWaitsForABackup(t *testing.T) {
	db := backupSource(t)
	dest := filepath.Join(t.TempDir(), "copy.db")
	copying, letGo := make(chan struct{}), make(chan struct{})
	once := sync.OnceFunc(func() { close(copying); <-letGo })
	backup := start(func() error {
		return db.Backup(context.Background(), dest, manager.OnBackupProgress(func(manager.BackupProgress) { once() }))
	})
	await(t, "the backup to copy", copying)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := db.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "back up to "+dest) {
		t.Errorf("Close beside a backup: got %v, want it to name the backup", err)
	}
	if err := db.Backup(t.Context(), dest+"2"); !errors.Is(err, manager.ErrClosed) {
		t.Errorf("Backup while closing: got %v, want ErrClosed", err)
	}
	closing := start(func() error { return db.Close(context.Background()) })
	close(letGo)
	if err := backup.wait(t).err; err != nil {
		t.Error(err)
	}
	if err := closing.wait(t).err; err != nil {
		t.Error(err)
	}
	backupAudit(t, dest)
}

// Who reads the last backup, and is killed, leaves an empty log, which must not be in the way of the next backup.
func TestBackupReplacesOneWhoseReaderWasKilled(t *testing.T) {
	db := bankOpen(t, bankPath(t))
	bankFill(t, db)
	dest := filepath.Join(t.TempDir(), "backup.db")
	if err := db.Backup(t.Context(), dest); err != nil {
		t.Fatal(err)
	}
	reader := childStart(t, "count on request", nil, dest, "")
	if got := reader.said(t); got != "ready" {
		t.Fatalf("reader of the backup: %s", got)
	}
	if err := db.Backup(t.Context(), dest, manager.Overwrite()); err == nil {
		t.Error("Backup over one that is being read: no error, and its reader would meet two files")
	}
	reader.kill(t)
	if _, err := os.Stat(dest + "-wal"); err != nil {
		t.Fatalf("nothing was left, so this shows nothing: %v", err)
	}
	if err := db.Backup(t.Context(), dest, manager.Overwrite()); err != nil {
		t.Errorf("Backup over one whose reader was killed: %v", err)
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(dest + suffix); err == nil {
			t.Errorf("%s is left beside the new backup", suffix)
		}
	}
}
