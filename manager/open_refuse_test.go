package manager_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// refuseWants checks that an error of Open is of the kind, names what was attempted, and holds a sentence
// that says what to do.
func refuseWants(t testing.TB, err, kind error, advice string) {
	t.Helper()
	var e *manager.Error
	if !errors.As(err, &e) {
		t.Errorf("got error %v, want a *manager.Error", err)
		return
	}
	if !errors.Is(err, kind) {
		t.Errorf("got %v, want %v", err, kind)
	}
	if e.Op == "" || !strings.HasPrefix(err.Error(), e.Op) {
		t.Errorf("error text %q does not start with what was attempted, %q", err, e.Op)
	}
	if e.Detail == "" || !strings.Contains(err.Error(), advice) {
		t.Errorf("error text %q does not say what to do, want %q in it", err, advice)
	}
}

// refuseOpen opens path as the bank does and wants that refused.
func refuseOpen(t testing.TB, path string, kind error, advice string) {
	t.Helper()
	_, err := manager.Open(t.Context(), path, newBank, newBank, manager.WithMigration(bankMigrate), manager.WithApplicationID(bankApplication))
	refuseWants(t, err, kind, advice)
}

func refuseOpenReadOnly(t testing.TB, path string, kind error, advice string) {
	t.Helper()
	_, err := manager.OpenReadOnly(t.Context(), path, newBank, manager.WithApplicationID(bankApplication))
	refuseWants(t, err, kind, advice)
}

func TestOpenRefusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir) // a refused name must not become a file
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, path, advice string }{
		{"empty", "", "give the path of a file"},
		{"memory", ":memory:", "give the path of a file"},
		{"memory URI", "file::memory:?cache=shared", "give the path of a file"},
		{"memdb URI", "file:/name?vfs=memdb", "give the path of a file"},
		{"URI", "file:bank.db", "give the path of a file"},
		{"folder", t.TempDir(), "not a regular file"},
		{"device", "/dev/null", "not a regular file"},
		{"pipe", pipe, "not a regular file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			refuseOpen(t, c.path, manager.ErrUnsupported, c.advice)
			refuseOpenReadOnly(t, c.path, manager.ErrUnsupported, c.advice)
		})
	}
	if got := openFiles(t, dir); len(got) != 0 {
		t.Errorf("files left behind: %q", got)
	}
}

func TestOpenRefusesMissingFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "bank.db")
	_, err := manager.Open(t.Context(), path, newBank, newBank)
	refuseWants(t, err, manager.ErrIO, "create the folder first")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist inside", err)
	}
}

func TestOpenReadOnlyRefusesMissingFile(t *testing.T) {
	path := bankPath(t)
	_, err := manager.OpenReadOnly(t.Context(), path, newBank)
	if !errors.Is(err, manager.ErrIO) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want ErrIO and fs.ErrNotExist", err)
	}
	if got := openFiles(t, filepath.Dir(path)); len(got) != 0 {
		t.Errorf("files left behind: %q", got)
	}
}

func TestOpenReadOnlyRefusesAnotherJournalMode(t *testing.T) {
	path := bankPath(t)
	raw := openRaw(t, path, "?_journal_mode=DELETE")
	if _, err := raw.Exec("CREATE TABLE t (x)"); err != nil {
		t.Fatal(err)
	}
	raw.Close()
	_, err := manager.OpenReadOnly(t.Context(), path, newBank)
	refuseWants(t, err, manager.ErrUnsupported, "open it for writing once")
}

func TestOpenRefusesAnotherProgramsFile(t *testing.T) {
	cases := []struct{ name, sql string }{
		{"other id", "PRAGMA application_id = 77; CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)"},
		{"other id without tables", "PRAGMA application_id = 77"},
		{"no id but tables", "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)"},
		{"negative id", "PRAGMA application_id = -77; CREATE TABLE theirs (x)"},
	}
	for _, journal := range []string{"DELETE", "WAL"} {
		for _, c := range cases {
			t.Run(c.name+" in "+journal, func(t *testing.T) {
				path := bankPath(t)
				raw := openRaw(t, path, "?_journal_mode="+journal)
				if _, err := raw.Exec(c.sql); err != nil {
					t.Fatal(err)
				}
				raw.Close()
				before := refuseSum(t, path)
				refuseOpen(t, path, manager.ErrWrongFile, "give another path")
				if refuseSum(t, path) != before {
					t.Error("the refused file was changed")
				}
				if _, err := os.Stat(path + "-lock"); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("a lock file beside another program's file: got %v, want none", err)
				}
				if journal == "WAL" { // OpenReadOnly takes no other
					refuseOpenReadOnly(t, path, manager.ErrWrongFile, "give another path")
				}
			})
		}
	}
}

// A file whose program is running, or was killed, has part of its contents in the log beside it. To look at
// it must not fold the log into it.
func TestOpenRefusesAnotherProgramsFileWithALog(t *testing.T) {
	for _, state := range []string{"running", "killed"} {
		t.Run(state, func(t *testing.T) {
			path := bankPath(t)
			raw := openRaw(t, path, "?_journal_mode=WAL")
			if _, err := raw.Exec("PRAGMA application_id = 77; CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)"); err != nil {
				t.Fatal(err)
			}
			if state == "killed" {
				path = refuseCopy(t, path)
			}
			before, logBefore := refuseSum(t, path), refuseSum(t, path+"-wal")
			refuseOpen(t, path, manager.ErrWrongFile, "give another path")
			if refuseSum(t, path) != before {
				t.Error("the refused file was changed")
			}
			if refuseSum(t, path+"-wal") != logBefore {
				t.Error("the log of the refused file was changed")
			}
		})
	}
}

func TestOpenClaimsAnEmptyFile(t *testing.T) {
	path := bankPath(t)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	db := bankOpen(t, path)
	bankFill(t, db)
	bankClose(t, db)
	bankAudit(t, bankOpen(t, path), 0)
	_, err := manager.Open(t.Context(), path, newBank, newBank, manager.WithApplicationID(bankApplication+1))
	refuseWants(t, err, manager.ErrWrongFile, "give another path")
}

func TestOpenRefusesWhatIsNoDatabase(t *testing.T) {
	for _, c := range []struct {
		name     string
		contents []byte
	}{
		{"text", []byte(strings.Repeat("This is a letter, not a database.\n", 300))},
		{"short text", []byte("hello")},
		{"zeros", make([]byte, 8192)},
		{"header alone", append([]byte("SQLite format 3\x00"), make([]byte, 84)...)},
		{"noise behind the header", append([]byte("SQLite format 3\x00"), bytes.Repeat([]byte{0xa5, 0x5a}, 4096)...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := bankPath(t)
			if err := os.WriteFile(path, c.contents, 0o600); err != nil {
				t.Fatal(err)
			}
			before := refuseSum(t, path)
			refuseOpen(t, path, manager.ErrCorrupt, "restore a backup")
			_, err := manager.Open(t.Context(), path, newBank, newBank, manager.WithMigration(bankMigrate))
			refuseWants(t, err, manager.ErrCorrupt, "restore a backup")
			if refuseSum(t, path) != before {
				t.Error("the refused file was changed")
			}
			refuseOpenReadOnly(t, path, manager.ErrCorrupt, "restore a backup")
		})
	}
}

func TestOpenRefusesAQuerySetForAnotherDriver(t *testing.T) {
	type copier interface{ CopyFrom(context.Context) error }
	path := bankPath(t)
	_, err := manager.Open(t.Context(), path, func(copier) *bank { return nil }, newBank)
	refuseWants(t, err, manager.ErrUnsupported, "generate for database/sql")
	_, err = manager.Open(t.Context(), path, newBank, func(copier) *bank { return nil })
	refuseWants(t, err, manager.ErrUnsupported, "generate for database/sql")
	if got := openFiles(t, filepath.Dir(path)); len(got) != 0 {
		t.Errorf("files left behind: %q", got)
	}
}

// Permissions bind everybody but the superuser, so a superuser's tests ask as nobody.
func TestOpenRefusesWhatCannotBeWritten(t *testing.T) {
	if os.Geteuid() == 0 && runtime.GOOS != "linux" {
		t.Skip("needs a user whom permissions bind")
	}
	dir, err := os.MkdirTemp("", "unwritable") // not t.TempDir, whose parents only their owner may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name         string
		folder, file os.FileMode
	}{
		{"file", 0o777, 0o444},
		{"folder", 0o555, 0o666},
		{"missing file in folder", 0o555, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := filepath.Join(dir, c.name)
			path := filepath.Join(folder, "bank.db")
			if err := os.Mkdir(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			if c.file != 0 {
				db := bankOpen(t, path)
				bankFill(t, db)
				bankClose(t, db)
				if err := errors.Join(os.Remove(path+"-lock"), os.Chmod(path, c.file)); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(folder, c.folder); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Chmod(folder, 0o755) })
			childStart(t, "open unwritable", childAsNobody, path).wait(t)
		})
	}
}

func init() {
	childRoles["open unwritable"] = func(t *testing.T, args []string) {
		refuseOpen(t, args[0], manager.ErrReadOnly, "use OpenReadOnly to read it")
	}
}

// refuseSum is a digest of a file's bytes.
func refuseSum(t testing.TB, path string) [sha256.Size]byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	return sha256.Sum256(data)
}

// refuseCopy copies a database that is open, log and all, as a power failure would leave it.
func refuseCopy(t testing.TB, path string) string {
	t.Helper()
	to := bankPath(t)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		data, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to+suffix, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// A container that is given one file, and not its folder, looks for the log in a folder of its own.
func TestOpenRefusesAFileThatIsAMountPoint(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only the superuser may mount a file")
	}
	c := childStart(t, "mount a file", func(cmd *exec.Cmd) {
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	}, filepath.Join(t.TempDir(), "a \\ folder"))
	diskWait(t, c)
}

func init() {
	childRoles["mount a file"] = func(t *testing.T, args []string) {
		dir := args[0]
		inside, outside := filepath.Join(dir, "inside", "bank.db"), filepath.Join(dir, "outside", "bank.db")
		if err := errors.Join(os.MkdirAll(filepath.Dir(inside), 0o700), os.MkdirAll(filepath.Dir(outside), 0o700), os.WriteFile(inside, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		db := bankOpen(t, outside)
		bankFill(t, db)
		bankClose(t, db)
		if err := errors.Join(
			syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""),
			syscall.Mount(outside, inside, "", syscall.MS_BIND, "")); err != nil {
			childSay("skip: cannot mount a file: %v", err)
			return
		}
		link := filepath.Join(dir, "link.db")
		if err := os.Symlink(inside, link); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{inside, link} {
			refuseOpen(t, path, manager.ErrUnsupported, "mount its folder")
			refuseOpenReadOnly(t, path, manager.ErrUnsupported, "mount its folder")
		}
		bankOpen(t, outside) // which is no mount point
		childSay("done")
	}
}
