package manager_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// diskFill writes rows of 32 KiB from several goroutines, some of them in transactions of two, until the disk
// is full, and returns how many rows were acknowledged.
func diskFill(t *testing.T, db *bankDB, kinds ...error) int64 {
	payload := make([]byte, 32<<10)
	var acknowledged, refused atomic.Int64
	var done sync.WaitGroup
	for g := range 4 {
		worker := fmt.Sprint("full", g)
		done.Go(func() {
			for seq := int64(0); refused.Load() < 20; seq += 2 {
				if seq > 4000 {
					t.Error("512 MB written, and nothing was full")
					return
				}
				err := db.WithTx(t.Context(), func(ctx context.Context, tx *bank) error {
					return errors.Join(
						tx.insertTransfer(ctx, worker, seq, 0, 0, 0, payload),
						tx.insertTransfer(ctx, worker, seq+1, 0, 0, 0, payload))
				})
				if err == nil {
					acknowledged.Add(2)
					continue
				}
				refused.Add(1)
				known := false
				for _, kind := range kinds {
					known = known || errors.Is(err, kind)
				}
				if !known {
					t.Errorf("write on a full disk: got %v, want one of %v", err, kinds)
				}
			}
		})
	}
	done.Wait()
	if acknowledged.Load() == 0 {
		t.Error("no row found room")
	}
	return acknowledged.Load()
}

func init() {
	childRoles["full filesystem"] = func(t *testing.T, args []string) {
		dir := args[0]
		if err := errors.Join(
			syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""),
			syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=3m")); err != nil {
			childSay("skip: cannot mount a small filesystem: %v", err)
			return
		}
		path := filepath.Join(dir, "bank.db")
		db := bankOpen(t, path)
		bankFill(t, db)
		rows := diskFill(t, db, manager.ErrFull)
		bankAudit(t, db, rows) // reading goes on
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=64m"); err != nil {
			t.Fatal(err)
		}
		for seq := range int64(10) {
			if err := bankAdd(t.Context(), db, "room again", seq); err != nil {
				t.Errorf("write when there is room again: %v", err)
			}
		}
		bankAudit(t, db, rows+10)
		bankClose(t, db)
		bankAudit(t, bankOpen(t, path), rows+10)
		childSay("done")
	}
	childRoles["file size limit"] = func(t *testing.T, args []string) {
		signal.Ignore(syscall.SIGXFSZ) // the write then fails with an error
		db := bankOpen(t, args[0])
		bankFill(t, db)
		var limit syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		small := limit
		small.Cur = 2 << 20
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
			t.Fatal(err)
		}
		rows := diskFill(t, db, manager.ErrFull, manager.ErrIO, manager.ErrCommitUnknown)
		bankAudit(t, db, rows)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		if err := bankAdd(t.Context(), db, "room again", 1); err != nil {
			t.Errorf("write when there is room again: %v", err)
		}
		bankAudit(t, db, rows+1)
		childSay("done")
	}
}

func TestFullFilesystem(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only the superuser may mount a small filesystem")
	}
	c := childStart(t, "full filesystem", func(cmd *exec.Cmd) {
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	}, t.TempDir())
	diskWait(t, c)
}

func TestFileSizeLimit(t *testing.T) {
	diskWait(t, childStart(t, "file size limit", nil, bankPath(t)))
}

// diskWait waits for a child that says at the end whether it could do its work.
func diskWait(t *testing.T, c *child) {
	t.Helper()
	last, ok := "", false
	for line := range c.lines {
		last, ok = line, true
	}
	c.wait(t)
	if ok && last != "done" {
		t.Skip(last)
	}
}

func TestFullDatabase(t *testing.T) {
	path := bankPath(t)
	db := bankOpen(t, path)
	bankFill(t, db)
	bankClose(t, db)
	db = bankOpen(t, path, manager.WithPragma("max_page_count", "200"))
	rows := diskFill(t, db, manager.ErrFull)
	bankAudit(t, db, rows)
	bankClose(t, db)
	db = bankOpen(t, path)
	if err := bankAdd(t.Context(), db, "room again", 1); err != nil {
		t.Errorf("write when there is room again: %v", err)
	}
	bankAudit(t, db, rows+1)
}

// diskMake leaves a closed database of about a hundred pages.
func diskMake(t *testing.T) (path string, transfers int64) {
	t.Helper()
	path = bankPath(t)
	db := bankOpen(t, path)
	bankFill(t, db)
	transferMoney(t, db, "before", 100)
	bankClose(t, db)
	return path, 100 * transferGoroutines
}

func TestTruncatedFileIsCorrupt(t *testing.T) {
	path, _ := diskMake(t)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{info.Size() / 2 / 4096 * 4096, info.Size() - 4096, 4096, 2000, 100} {
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		t.Run(fmt.Sprint(size, " bytes"), func(t *testing.T) {
			refuseOpen(t, path, manager.ErrCorrupt, "restore a backup")
			refuseOpenReadOnly(t, path, manager.ErrCorrupt, "restore a backup")
		})
	}
}

// Damage that opening does not meet shows as ErrCorrupt where it is met; nothing is written on top of it.
func TestGarbledFileIsCorrupt(t *testing.T) {
	for name, garble := range map[string]func(data []byte, random *rand.Rand) []byte{
		"all but the header": func(data []byte, random *rand.Rand) []byte {
			for i := 100; i < len(data); i++ {
				data[i] = byte(random.Uint32())
			}
			return data
		},
		"all but the schema": func(data []byte, random *rand.Rand) []byte {
			for i := 4096; i < len(data); i++ {
				data[i] = byte(random.Uint32())
			}
			return data
		},
		"zeros but for the schema": func(data []byte, _ *rand.Rand) []byte {
			clear(data[4096:])
			return data
		},
		"the order of the pages": func(data []byte, _ *rand.Rand) []byte {
			for at := 4096; at+8192 <= len(data); at += 8192 {
				page := append([]byte(nil), data[at:at+4096]...)
				copy(data[at:], data[at+4096:at+8192])
				copy(data[at+4096:], page)
			}
			return data
		},
	} {
		t.Run(name, func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			path, _ := diskMake(t)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, garble(data, rand.New(rand.NewPCG(seed, 0))), 0o600); err != nil {
				t.Fatal(err)
			}
			db, err := manager.Open(t.Context(), path, newBank, newBank)
			if err != nil {
				refuseWants(t, err, manager.ErrCorrupt, "restore a backup")
				return
			}
			defer bankClose(t, db)
			err = db.ReadOnly(t.Context(), func(ctx context.Context, q *bank) error {
				_, err := q.unexplained(ctx, bankBalance)
				return err
			})
			if !errors.Is(err, manager.ErrCorrupt) {
				t.Errorf("reading everything: got %v, want ErrCorrupt", err)
			}
			err = db.WithTx(t.Context(), func(ctx context.Context, tx *bank) error {
				return tx.transfer(ctx, "after", 1, 0, 1, 1)
			})
			if !errors.Is(err, manager.ErrCorrupt) {
				t.Errorf("writing: got %v, want ErrCorrupt", err)
			}
		})
	}
}

// A crash image holds the file and its log. Whatever is lost of the log, what remains is whole transactions.
func TestLogAndIndexLostWhileClosed(t *testing.T) {
	path := bankPath(t)
	db := bankOpen(t, path, manager.WithGroupCommit(1, 0))
	bankFill(t, db)
	if _, err := openRaw(t, path, "").Exec("PRAGMA wal_checkpoint(RESTART)"); err != nil {
		t.Fatal(err)
	}
	transferMoney(t, db, "logged", 25)
	const transfers = 25 * transferGoroutines
	log, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	cut := func(image string) error { return os.Truncate(image+"-wal", random.Int64N(log.Size())) }
	for _, c := range []struct {
		name   string
		damage func(image string) error
		all    bool
	}{
		{"nothing", func(string) error { return nil }, true},
		{"index", func(image string) error { return os.Remove(image + "-shm") }, true},
		{"index emptied", func(image string) error { return os.Truncate(image+"-shm", 0) }, true},
		{"log", func(image string) error { return os.Remove(image + "-wal") }, false},
		{"log emptied", func(image string) error { return os.Truncate(image+"-wal", 0) }, false},
		{"both", func(image string) error { return errors.Join(os.Remove(image+"-wal"), os.Remove(image+"-shm")) }, false},
		{"end of the log", cut, false},
		{"another end of the log", cut, false},
		{"yet another end of the log", cut, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			image := refuseCopy(t, path)
			if err := c.damage(image); err != nil {
				t.Fatal(err)
			}
			db := bankOpen(t, image)
			got := bankCount(t, db)
			if c.all && got != transfers || got > transfers {
				t.Errorf("transfers: got %d of %d", got, transfers)
			}
			bankAudit(t, db, got)
			if err := bankAdd(t.Context(), db, "after", 1); err != nil {
				t.Error(err)
			}
			bankAudit(t, db, got+1)
		})
	}
}
