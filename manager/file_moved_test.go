package manager_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// filesMoved are the ways in which what a manager has open stops being what others find.
var filesMoved = []struct {
	name string
	move func(t *testing.T, path string) error
}{
	{"the file is deleted", func(_ *testing.T, path string) error { return os.Remove(path) }},
	{"the file is renamed", func(_ *testing.T, path string) error { return os.Rename(path, path+".old") }},
	{"another database takes its place", func(t *testing.T, path string) error { return os.Rename(fileSpare(t, path), path) }},
	{"it is written anew by an editor", func(_ *testing.T, path string) error {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return errors.Join(os.WriteFile(path+".tmp", text, 0o600), os.Rename(path+".tmp", path))
	}},
	{"a link takes its place", func(t *testing.T, path string) error {
		return errors.Join(os.Remove(path), os.Symlink(fileSpare(t, path), path))
	}},
	{"the folder is renamed", func(_ *testing.T, path string) error { return os.Rename(filepath.Dir(path), filepath.Dir(path)+".old") }},
	{"another folder takes its place", func(_ *testing.T, path string) error {
		dir := filepath.Dir(path)
		return errors.Join(os.Rename(dir, dir+".old"), os.CopyFS(dir, os.DirFS(dir+".old")))
	}},
	{"the log is deleted", func(_ *testing.T, path string) error { return os.Remove(path + "-wal") }},
	{"another log takes its place", func(_ *testing.T, path string) error {
		text, err := os.ReadFile(path + "-wal")
		if err != nil {
			return err
		}
		return errors.Join(os.WriteFile(path+".tmp", text, 0o600), os.Rename(path+".tmp", path+"-wal"))
	}},
	{"the index is deleted", func(_ *testing.T, path string) error { return os.Remove(path + "-shm") }},
	{"another index takes its place", func(_ *testing.T, path string) error {
		return errors.Join(os.WriteFile(path+".tmp", nil, 0o600), os.Rename(path+".tmp", path+"-shm"))
	}},
}

// filesCut are the ways to break a log that keeps its place. Only who writes it notices.
var filesCut = []struct {
	name string
	move func(t *testing.T, path string) error
}{
	{"the log is cut to nothing", func(_ *testing.T, path string) error { return os.Truncate(path+"-wal", 0) }},
	{"the log is cut in the middle", func(_ *testing.T, path string) error { return os.Truncate(path+"-wal", 32+3*(24+4096)) }},
	{"the log is cut within a frame", func(_ *testing.T, path string) error { return os.Truncate(path+"-wal", 500) }},
}

// fileSpare makes another bank beside path.
func fileSpare(t *testing.T, path string) string {
	t.Helper()
	spare := filepath.Join(filepath.Dir(path), "spare.db")
	db := bankOpen(t, spare)
	bankFill(t, db)
	bankClose(t, db)
	return spare
}

// fileBank is a bank in a folder of its own, with some commits in its log.
func fileBank(t *testing.T) (db *bankDB, path string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "bank.db")
	db = bankOpen(t, path)
	bankFill(t, db)
	for seq := range int64(10) {
		if err := bankAdd(t.Context(), db, "before", seq); err != nil {
			t.Fatal(err)
		}
	}
	return db, path
}

func fileWantMoved(t *testing.T, what string, err error) {
	t.Helper()
	var e *manager.Error
	if !errors.Is(err, manager.ErrFileMoved) || !errors.As(err, &e) || e.Op == "" || !strings.Contains(err.Error(), "bank.db") {
		t.Errorf("%s: got %v, want ErrFileMoved that says what was attempted and names the file", what, err)
	}
}

func TestNoCommitToAFileThatIsNoLongerTheOne(t *testing.T) {
	for _, c := range append(filesMoved, filesCut...) {
		t.Run(c.name, func(t *testing.T) {
			db, path := fileBank(t)
			if err := c.move(t, path); err != nil {
				t.Fatal(err)
			}
			fileWantMoved(t, "WithTx", bankAdd(t.Context(), db, "after", 1))
			ran := false
			err := db.WithTx(t.Context(), func(context.Context, *bank) error { ran = true; return nil })
			fileWantMoved(t, "the next WithTx", err)
			if ran {
				t.Error("a closure ran after the manager had stopped")
			}
			fileWantMoved(t, "ReadOnly", db.ReadOnly(t.Context(), func(context.Context, *bank) error { return nil }))
		})
	}
}

// Everybody in a group is told, those whose closure failed too: they begin again, and find the manager stopped.
func TestNoGroupCommitsToAFileThatIsNoLongerTheOne(t *testing.T) {
	db, path := fileBank(t)
	held := bankHoldWriter(t, db, "holder")
	calls := []*call{start(func() error {
		return db.WithTx(context.Background(), func(ctx context.Context, tx *bank) error {
			return errors.Join(os.Remove(path+"-wal"), tx.insertTransfer(ctx, "remover", 1, 0, 1, 0, nil))
		})
	})}
	until(t, "the first to queue", func() bool { return db.Stats().Queue == 1 })
	for seq := range int64(5) {
		calls = append(calls, start(func() error { return bankAdd(context.Background(), db, "group", seq) }))
	}
	calls = append(calls, start(func() error {
		return db.WithTx(context.Background(), func(context.Context, *bank) error { return errOwn })
	}))
	until(t, "the writers to queue", func() bool { return db.Stats().Queue == len(calls) })
	held.end(t)
	for _, c := range calls {
		fileWantMoved(t, "member of a group", c.wait(t).err)
	}
}

func TestNoReadFromAFileThatIsNoLongerTheOne(t *testing.T) {
	for _, c := range filesMoved {
		t.Run(c.name, func(t *testing.T) {
			db, path := fileBank(t)
			report, err := manager.OpenReadOnly(t.Context(), path, newBank)
			if err != nil {
				t.Fatal(err)
			}
			defer bankClose(t, report)
			bankCount(t, report)
			bankCount(t, db)
			if err := c.move(t, path); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				fileWantMoved(t, "ReadOnly", db.ReadOnly(t.Context(), func(context.Context, *bank) error { return nil }))
				fileWantMoved(t, "ReadOnly of a database opened for reading", report.ReadOnly(t.Context(), func(context.Context, *bank) error { return nil }))
			}
			dest := filepath.Join(t.TempDir(), "copy.db")
			if err := db.Backup(t.Context(), dest); err == nil {
				t.Error("Backup: got nil, want an error: the copy would be of another file")
			}
			fileWantMoved(t, "WithTx after a read that noticed", bankAdd(t.Context(), db, "after", 1))
		})
	}
}

// What SQLite does to its own files is no reason to stop.
func TestFileStaysTheOne(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(t *testing.T, db *bankDB, path string)
	}{
		{"another program moves the log into the file", func(t *testing.T, _ *bankDB, path string) {
			raw := openRaw(t, path, "")
			if _, err := raw.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
				t.Fatal(err)
			}
			raw.Close()
		}},
		{"another program writes, begins the log anew and shortens it", func(t *testing.T, _ *bankDB, path string) {
			raw := openRaw(t, path, "")
			if _, err := raw.Exec("PRAGMA wal_checkpoint(RESTART); PRAGMA journal_size_limit = 0; UPDATE accounts SET balance = balance"); err != nil {
				t.Fatal(err)
			}
			raw.Close()
		}},
		{"another manager opens and closes it", func(t *testing.T, _ *bankDB, path string) {
			other := bankOpen(t, path)
			if err := bankAdd(t.Context(), other, "other", bankCount(t, other)); err != nil {
				t.Error(err)
			}
			bankClose(t, other)
		}},
		{"another process opens and closes it", func(t *testing.T, _ *bankDB, path string) {
			childStart(t, "open and close", nil, path).wait(t)
		}},
		{"it is vacuumed", func(t *testing.T, _ *bankDB, path string) {
			raw := openRaw(t, path, "")
			if _, err := raw.Exec("VACUUM"); err != nil {
				t.Fatal(err)
			}
			raw.Close()
		}},
		{"it is backed up", func(t *testing.T, db *bankDB, path string) {
			if err := db.Backup(t.Context(), path+".copy", manager.Overwrite()); err != nil {
				t.Fatal(err)
			}
		}},
		{"its folder is renamed and back", func(t *testing.T, _ *bankDB, path string) {
			dir := filepath.Dir(path)
			if err := errors.Join(os.Rename(dir, dir+".old"), os.Rename(dir+".old", dir)); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			db, path := fileBank(t)
			for seq := range int64(3) {
				c.do(t, db, path)
				bankCount(t, db)
				if err := bankAdd(t.Context(), db, "after", seq); err != nil {
					t.Fatal(err)
				}
			}
			bankClose(t, db)
			if got := bankCount(t, bankOpen(t, path)); got < 13 {
				t.Errorf("transfers: got %d, want all 13", got)
			}
		})
	}
}

func init() {
	childRoles["open and close"] = func(t *testing.T, args []string) {
		db := bankOpen(t, args[0])
		bankCount(t, db)
		bankClose(t, db)
	}
}

// SQLite removes a log by its name when the last connection closes: that of whatever database has the place now.
func TestCloseLeavesTheLogOfTheFileThatTookThePlace(t *testing.T) {
	db, path := fileBank(t)
	spare := filepath.Join(filepath.Dir(path), "spare.db")
	successor := bankOpen(t, spare)
	bankFill(t, successor)
	if err := bankAdd(t.Context(), successor, "successor", 1); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(spare+suffix, path+suffix); err != nil {
			t.Fatal(err)
		}
	}
	bankClose(t, db)
	if info, err := os.Stat(path + "-wal"); err != nil || info.Size() == 0 {
		t.Errorf("log of the file that took the place: %v, %v, want it left alone", info, err)
	}
}

func TestOpenRefusesAFileOfSeveralNames(t *testing.T) {
	db, path := fileBank(t)
	bankClose(t, db)
	other := filepath.Join(t.TempDir(), "other name.db")
	if err := os.Link(path, other); err != nil {
		t.Skipf("no hard links here: %v", err)
	}
	for _, name := range []string{path, other} {
		refuseOpen(t, name, manager.ErrUnsupported, "hard links")
		refuseOpenReadOnly(t, name, manager.ErrUnsupported, "hard links")
	}
	if err := os.Remove(other); err != nil {
		t.Fatal(err)
	}
	bankOpen(t, path)
}

// A copy gets its name by a hard link, and the name it had is removed: a kill between the two must not make it useless.
func TestOpenTakesACopyThatWasKilledWhenItHadItsName(t *testing.T) {
	for _, name := range []string{"Open", "OpenReadOnly"} {
		t.Run(name, func(t *testing.T) {
			db, path := fileBank(t)
			bankClose(t, db)
			if err := os.Link(path, path+".partial-copy"); err != nil {
				t.Skipf("no hard links here: %v", err)
			}
			if name == "OpenReadOnly" {
				report, err := manager.OpenReadOnly(t.Context(), path, newBank)
				if err != nil {
					t.Fatal(err)
				}
				bankClose(t, report)
				return
			}
			db = bankOpen(t, path)
			if err := bankAdd(t.Context(), db, "after", 1); err != nil {
				t.Error(err)
			}
		})
	}
}

// Under another name by a symbolic link it is the same file, and its log lies beside the file itself.
func TestFileBehindASymbolicLink(t *testing.T) {
	db, path := fileBank(t)
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	linked := bankOpen(t, link)
	if err := os.Remove(link); err != nil { // a name like any other
		t.Fatal(err)
	}
	for seq := range int64(3) {
		if err := errors.Join(bankAdd(t.Context(), linked, "linked", seq), bankAdd(t.Context(), db, "direct", seq)); err != nil {
			t.Error(err)
		}
	}
}

// Where Open makes the file, or its log, that log is compared too.
func TestLogOfAFileThatOpenMadeIsCompared(t *testing.T) {
	for _, suffix := range []string{"-wal", "-shm"} {
		path := bankPath(t)
		db, err := manager.Open(t.Context(), path, newBank, newBank)
		if err != nil {
			t.Fatal(err)
		}
		defer bankClose(t, db)
		write := func() error {
			return db.WithTx(t.Context(), func(ctx context.Context, tx *bank) error {
				_, err := tx.db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS t (x); INSERT INTO t VALUES (1)")
				return err
			})
		}
		if err := errors.Join(write(), os.Remove(path+suffix)); err != nil {
			t.Fatal(err)
		}
		fileWantMoved(t, "WithTx without "+suffix, write())
	}
}
