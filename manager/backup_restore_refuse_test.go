package manager_test

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
)

func TestRestoreRefusesItsDestination(t *testing.T) {
	src := restoreSource(t)
	for _, c := range []struct {
		name, dest, put string
		kind            error
		advice          string
	}{
		{"that exists", "bank.db", "bank.db", fs.ErrExist, "nothing is overwritten; give another path"},
		{"with a log", "bank.db", "bank.db-wal", fs.ErrExist, "bank.db-wal belongs to a database"},
		{"with an empty log", "bank.db", "bank.db-wal empty", fs.ErrExist, "bank.db-wal belongs to a database"}, // a program may have it open, and write on
		{"with an index", "bank.db", "bank.db-shm", fs.ErrExist, "bank.db-shm belongs to a database"},
		{"with a journal", "bank.db", "bank.db-journal", fs.ErrExist, "bank.db-journal belongs to a database"},
		{"that is the source", src, "", fs.ErrExist, "give another path"},
		{"in no folder", "missing/bank.db", "", manager.ErrIO, "create the folder first"},
		{"that is no file", "file:bank.db", "", manager.ErrUnsupported, "give the path of a file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := t.TempDir()
			if c.put != "" {
				name, empty := strings.CutSuffix(c.put, " empty")
				text := []byte("precious")
				if empty {
					text = nil
				}
				if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			dest := c.dest
			if !filepath.IsAbs(dest) && !strings.HasPrefix(dest, "file:") {
				dest = filepath.Join(folder, dest)
			}
			before := refuseSum(t, src)
			backupRefuses(t, folder, c.kind, c.advice, func() error { return restoreBank(t.Context(), src, dest) })
			if refuseSum(t, src) != before {
				t.Error("the source was changed")
			}
		})
	}
}

func TestRestoreRefusesItsSource(t *testing.T) {
	// contents makes a source of the bank's bytes.
	contents := func(change func(data []byte) []byte) func(testing.TB, string) {
		return func(t testing.TB, src string) {
			data, err := os.ReadFile(src)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(src, change(data), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	execute := func(query string) func(testing.TB, string) {
		return func(t testing.TB, src string) {
			raw := openRaw(t, src, "")
			defer raw.Close()
			if _, err := raw.Exec(query); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name   string
		spoil  func(testing.TB, string)
		kind   error
		advice string
	}{
		{"damaged page", damagePage, manager.ErrCorrupt, "take another backup"},
		{"damaged index", damageIndex, manager.ErrCorrupt, "integrity_check found"},
		{"missing reference", damageReference, manager.ErrForeignKey, "refers to a row of accounts that is not there; take another backup"},
		{"truncated", contents(func(data []byte) []byte { return data[:len(data)/2] }), manager.ErrCorrupt, "take another backup"},
		{"truncated within a page", contents(func(data []byte) []byte { return data[:len(data)-100] }), manager.ErrCorrupt, "take another backup"},
		{"header alone", contents(func(data []byte) []byte { return data[:100] }), manager.ErrCorrupt, "take another backup"},
		{"text", contents(func([]byte) []byte { return []byte(strings.Repeat("no database at all\n", 500)) }), manager.ErrCorrupt, "take another backup"},
		{"zeros", contents(func(data []byte) []byte { return make([]byte, len(data)) }), manager.ErrCorrupt, "take another backup"},
		{"empty", contents(func([]byte) []byte { return nil }), manager.ErrCorrupt, "is empty"},
		{"another application", execute("PRAGMA application_id = 77"), manager.ErrWrongFile, "its application id is 77"},
		{"of no application", execute("PRAGMA application_id = 0"), manager.ErrWrongFile, "its application id is 0"},
		{"missing", func(t testing.TB, src string) { _ = os.Remove(src) }, fs.ErrNotExist, ""},
		{"folder", func(t testing.TB, src string) { _ = os.Remove(src); _ = os.Mkdir(src, 0o700) }, manager.ErrUnsupported, "not a regular file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := restoreSource(t)
			c.spoil(t, src)
			folder := t.TempDir()
			err := restoreBank(t.Context(), src, filepath.Join(folder, "restored.db"))
			if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.advice) {
				t.Errorf("got %v, want %v with %q", err, c.kind, c.advice)
			}
			if got := openFiles(t, folder); len(got) > 0 {
				t.Errorf("files left behind: %q", got)
			}
		})
	}
}

func TestRestoreChecksTheCopyBeforeItAppears(t *testing.T) {
	src, folder := restoreSource(t), t.TempDir()
	dest := filepath.Join(folder, "restored.db")
	tooNew := &manager.Error{Op: "check schema", Kind: manager.ErrTooNew, Detail: "use a newer program"}
	check := func(verdict error) manager.Option {
		return manager.WithRestoreCheck(func(ctx context.Context, db *sql.DB) error {
			var n int64
			if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM transfers").Scan(&n); err != nil || n != 400 {
				t.Errorf("the check sees %d transfers, %v, want 400", n, err)
			}
			if _, err := db.ExecContext(ctx, "DELETE FROM transfers"); err == nil {
				t.Error("the check could write")
			}
			if got := openFiles(t, folder); slices.Contains(got, "restored.db") {
				t.Errorf("files at the time of the check: %q", got)
			}
			return verdict
		})
	}
	backupRefuses(t, folder, manager.ErrTooNew, "use a newer program", func() error { return restoreBank(t.Context(), src, dest, check(tooNew)) })
	if err := restoreBank(t.Context(), src, dest, check(errOwn)); !errors.Is(err, errOwn) {
		t.Errorf("got %v, want the check's error", err)
	}
	if err := restoreBank(t.Context(), src, dest, check(nil)); err != nil {
		t.Error(err)
	}
}

// A source alone is read without locks, so a write to it must be noticed.
func TestRestoreNoticesThatItsSourceIsWritten(t *testing.T) {
	for _, c := range []struct {
		name  string
		write func(t *testing.T, src string)
	}{
		{"through a log", func(t *testing.T, src string) {
			bankFillMore(t, src, "?_journal_mode=WAL", false)
		}},
		{"through a log that is gone again", func(t *testing.T, src string) {
			bankFillMore(t, src, "?_journal_mode=WAL", true)
		}},
		{"by bytes", func(t *testing.T, src string) {
			if err := os.Truncate(src, 8192); err != nil {
				t.Error(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			src, folder, tap := restoreSource(t), t.TempDir(), newTap()
			tap.onRead("PRAGMA application_id", func(manager.DriverConn) error {
				c.write(t, src)
				return nil
			})
			err := restoreBank(t.Context(), src, filepath.Join(folder, "restored.db"), manager.WithDriver(tap.wrap))
			if !errors.Is(err, manager.ErrBusy) && !errors.Is(err, manager.ErrCorrupt) {
				t.Errorf("got %v, want ErrBusy, or ErrCorrupt if it was damaged", err)
			}
			if got := openFiles(t, folder); len(got) > 0 {
				t.Errorf("files left behind: %q", got)
			}
		})
	}
}

// bankFillMore writes the way another program does.
func bankFillMore(t testing.TB, path, options string, leave bool) {
	t.Helper()
	raw := openRaw(t, path, options)
	if _, err := raw.Exec("INSERT INTO transfers (worker, seq, payer, payee, amount) VALUES ('other program', 1, 0, 0, 0)"); err != nil {
		t.Error(err)
	}
	if leave {
		raw.Close()
	}
}

func TestRestoreEndsWithItsContext(t *testing.T) {
	src, folder := restoreSource(t), t.TempDir()
	dest := filepath.Join(folder, "restored.db")
	for _, statement := range []string{"before it begins", "BEGIN", "PRAGMA application_id", "PRAGMA integrity_check(3)", "PRAGMA foreign_key_check", "check"} {
		t.Run(statement, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			tap := newTap()
			tap.onRead(statement, func(manager.DriverConn) error { cancel(); return nil })
			if statement == "before it begins" {
				cancel()
			}
			err := restoreBank(ctx, src, dest, manager.WithDriver(tap.wrap), manager.WithRestoreCheck(func(context.Context, *sql.DB) error { cancel(); return nil }))
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context.Canceled", err)
			}
			if got := openFiles(t, folder); len(got) > 0 {
				t.Errorf("files left behind: %q", got)
			}
		})
	}
}

func TestKilledRestoreLeavesNothingOrAll(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	src, folder := restoreSource(t), t.TempDir()
	dest := filepath.Join(folder, "restored.db")
	for round := range 9 {
		mode := []string{"stop", "go on", "anywhere"}[round%3]
		c := childStart(t, "restore in steps", nil, src, dest, mode)
		c.said(t) // begins
		if mode != "anywhere" {
			c.said(t) // checks
		}
		if mode != "stop" {
			time.Sleep(time.Duration(random.Int64N(int64(20 * time.Millisecond))))
		}
		c.kill(t)
		left := openFiles(t, folder)
		if mode == "stop" && !slices.Equal(left, []string{"restored.db.partial-copy", "restored.db.partial-copy-lock"}) {
			t.Errorf("round %d: killed while checking left %q, want the partial copy", round, left)
		}
		if slices.Contains(left, "restored.db") {
			if got := backupAudit(t, dest); got != 400 {
				t.Errorf("round %d: transfers: got %d, want 400", round, got)
			}
			if err := os.Remove(dest); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := restoreBank(t.Context(), src, dest); err != nil {
		t.Fatal(err)
	}
	if got, want := openFiles(t, folder), []string{"restored.db"}; !slices.Equal(got, want) {
		t.Errorf("files: got %q, want %q", got, want)
	}
}
