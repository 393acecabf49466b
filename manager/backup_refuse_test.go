package manager_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// backupRefuses wants an error of the kind that says what to do, and the folder as it was.
func backupRefuses(t testing.TB, folder string, kind error, advice string, run func() error) {
	t.Helper()
	before := backupContents(t, folder)
	refuseWants(t, run(), kind, advice)
	if got := backupContents(t, folder); got != before {
		t.Errorf("files after the refusal: got %s, want %s", got, before)
	}
}

// backupContents is a listing of a folder with what its small files hold. Databases in use are not opened,
// since closing them would drop this process's locks.
func backupContents(t testing.TB, folder string) (list string) {
	t.Helper()
	for _, name := range openFiles(t, folder) {
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		list += name
		if info.Mode().IsRegular() && info.Size() < 100 {
			data, _ := os.ReadFile(filepath.Join(folder, name))
			list += "=" + string(data)
		}
		list += " "
	}
	return list
}

func TestBackupRefusesItsDestination(t *testing.T) {
	db := backupSource(t)
	own := db.Path()
	for _, c := range []struct {
		name, dest string
		put        string // a file beside dest
		overwrite  bool
		kind       error
		advice     string
	}{
		{"that exists", "copy.db", "copy.db", false, fs.ErrExist, "give another path"},
		{"that a link has", "link.db", "", false, fs.ErrExist, "give another path"},
		{"with another database's log", "copy.db", "copy.db-wal", false, fs.ErrExist, "copy.db-wal belongs to a database"},
		{"with another database's journal", "copy.db", "copy.db-journal", false, fs.ErrExist, "copy.db-journal belongs to a database"},
		{"with another database's shared memory", "copy.db", "copy.db-shm", false, fs.ErrExist, "copy.db-shm belongs to a database"},
		{"to overwrite, with a log", "copy.db", "copy.db-wal", true, fs.ErrExist, "copy.db-wal belongs to a database"},
		{"in no folder", "missing/copy.db", "", true, manager.ErrIO, "create the folder first"},
		{"that is a folder", ".", "", true, manager.ErrUnsupported, "not a regular file"},
		{"in memory", ":memory:", "", true, manager.ErrUnsupported, "give the path of a file"},
		{"that is the database", own, "", true, manager.ErrUnsupported, "that is the database itself"},
		{"that is its log", own + "-wal", "", true, manager.ErrUnsupported, "that is the database itself"},
		{"that is its lock file", own + "-lock", "", true, manager.ErrUnsupported, "that is the database itself"},
		{"that is a link to it", "symbolic.db", "", true, manager.ErrUnsupported, "that is the database itself"},
		{"that is a hard link to it", "hard.db", "", true, manager.ErrUnsupported, "that is the database itself"},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := t.TempDir()
			if c.put != "" {
				if err := os.WriteFile(filepath.Join(folder, c.put), []byte("precious"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			err := errors.Join(os.Symlink(filepath.Join(folder, "target.db"), filepath.Join(folder, "link.db")),
				os.WriteFile(filepath.Join(folder, "target.db"), []byte("precious"), 0o600),
				os.Symlink(own, filepath.Join(folder, "symbolic.db")), os.Link(own, filepath.Join(folder, "hard.db")))
			if err != nil {
				t.Fatal(err)
			}
			dest := c.dest
			if !filepath.IsAbs(dest) && dest != ":memory:" {
				dest = filepath.Join(folder, dest)
			}
			var opts []manager.BackupOption
			if c.overwrite {
				opts = append(opts, manager.Overwrite())
			}
			backupRefuses(t, folder, c.kind, c.advice, func() error { return db.Backup(t.Context(), dest, opts...) })
			if got, want := openFiles(t, filepath.Dir(own)), []string{"bank.db", "bank.db-lock", "bank.db-shm", "bank.db-wal"}; !slices.Equal(got, want) {
				t.Errorf("files beside the database: got %q, want %q", got, want)
			}
		})
	}
	bankAudit(t, db, bankCount(t, db))
}

func TestBackupOverwritesInOneStep(t *testing.T) {
	db := backupSource(t)
	folder := t.TempDir()
	dest := filepath.Join(folder, "copy.db")
	if err := db.Backup(t.Context(), dest, manager.Overwrite()); err != nil {
		t.Fatal(err)
	}
	first := backupAudit(t, dest)
	if err := bankAdd(t.Context(), db, "between", 1); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := db.Backup(ctx, dest, manager.Overwrite(), manager.OnBackupProgress(func(p manager.BackupProgress) {
		if p.Phase == manager.BackupChecking {
			cancel()
		}
	}))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if got := backupAudit(t, dest); got != first {
		t.Errorf("transfers after a failed backup: got %d, want the old copy's %d", got, first)
	}
	if err := db.Backup(t.Context(), dest, manager.Overwrite()); err != nil {
		t.Fatal(err)
	}
	if got, want := backupAudit(t, dest), first+1; got != want {
		t.Errorf("transfers after another backup: got %d, want %d", got, want)
	}
	if got, want := openFiles(t, folder), []string{"copy.db"}; !slices.Equal(got, want) {
		t.Errorf("files: got %q, want %q", got, want)
	}
}

func TestBackupsToOnePlaceKeepApart(t *testing.T) {
	db := backupSource(t)
	folder := t.TempDir()
	dest := filepath.Join(folder, "copy.db")
	err := db.Backup(t.Context(), dest, manager.OnBackupProgress(func(p manager.BackupProgress) {
		backupRefuses(t, folder, manager.ErrBusy, "wait for it", func() error { return db.Backup(t.Context(), dest, manager.Overwrite()) })
		backupRefuses(t, folder, manager.ErrBusy, "wait for it", func() error { return manager.Restore(t.Context(), db.Path(), dest) })
		if p.Phase == manager.BackupChecking {
			if err := db.Backup(t.Context(), dest+"2"); err != nil {
				t.Errorf("to another place: %v", err)
			}
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := openFiles(t, folder), []string{"copy.db", "copy.db2"}; !slices.Equal(got, want) {
		t.Errorf("files: got %q, want %q", got, want)
	}
}

func TestBackupInsideTransactions(t *testing.T) {
	db := backupSource(t)
	folder := t.TempDir()
	err := db.WithTx(t.Context(), func(ctx context.Context, tx *bank) error {
		backupRefuses(t, folder, manager.ErrUnsupported, "after the commit", func() error { return db.Backup(ctx, filepath.Join(folder, "copy.db")) })
		return manager.AfterCommit(ctx, func(ctx context.Context, _ uint64) {
			if err := db.Backup(ctx, filepath.Join(folder, "after.db")); err != nil {
				t.Error(err)
			}
		})
	})
	if err != nil {
		t.Error(err)
	}
	err = db.ReadOnly(t.Context(), func(ctx context.Context, q *bank) error { return db.Backup(ctx, filepath.Join(folder, "beside.db")) })
	if err != nil {
		t.Error(err)
	}
	if got, want := openFiles(t, folder), []string{"after.db", "beside.db"}; !slices.Equal(got, want) {
		t.Errorf("files: got %q, want %q", got, want)
	}
}

// damageIndex changes a key in an index alone, which its table keeps: only integrity_check sees that.
func damageIndex(t testing.TB, path string) {
	t.Helper()
	raw := openRaw(t, path, "")
	if _, err := raw.Exec("INSERT INTO transfers (worker, seq, payer, payee, amount) VALUES ('zebra', 1, 0, 0, 0)"); err != nil {
		t.Fatal(err)
	}
	raw.Close()
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for from := 0; ; {
		key := bytes.Index(sound[from:], []byte("zebra"))
		if key < 0 {
			t.Fatal("no key whose change only integrity_check sees")
		}
		from += key + 1
		damaged := bytes.Clone(sound)
		damaged[from-1] = 'y'
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		raw := openRaw(t, path, "?mode=ro&immutable=1")
		var quick, full string
		err := errors.Join(raw.QueryRow("PRAGMA quick_check").Scan(&quick), raw.QueryRow("PRAGMA integrity_check").Scan(&full), raw.Close())
		if err != nil {
			t.Fatal(err)
		}
		if quick == "ok" && full != "ok" {
			return
		}
	}
}

// damagePage makes a page of a table nonsense.
func damagePage(t testing.TB, path string) {
	t.Helper()
	raw := openRaw(t, path, "?mode=ro")
	var root, size int64
	if err := raw.QueryRow("SELECT rootpage, page_size FROM sqlite_schema, pragma_page_size WHERE name = 'transfers'").Scan(&root, &size); err != nil {
		t.Fatal(err)
	}
	raw.Close()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(bytes.Repeat([]byte{0x5a}, 64), (root-1)*size); err != nil {
		t.Fatal(err)
	}
}

// damageReference makes a row refer to one that is not there.
func damageReference(t testing.TB, path string) {
	t.Helper()
	raw := openRaw(t, path, "?_foreign_keys=0")
	defer raw.Close()
	if _, err := raw.Exec("INSERT INTO transfers (worker, seq, payer, payee, amount) VALUES ('orphan', 1, 4711, 0, 0)"); err != nil {
		t.Fatal(err)
	}
}

func TestBackupOfADamagedDatabase(t *testing.T) {
	for _, c := range []struct {
		name        string
		damage      func(testing.TB, string)
		kind, quick error
		advice      string
	}{
		{"page", damagePage, manager.ErrCorrupt, manager.ErrCorrupt, "the database itself is damaged"},
		{"index", damageIndex, manager.ErrCorrupt, nil, "the database itself is damaged"},
		{"reference", damageReference, manager.ErrForeignKey, manager.ErrForeignKey, "refers to a row of accounts that is not there"},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := backupSource(t)
			bankClose(t, db)
			c.damage(t, db.Path())
			db = bankOpen(t, db.Path())
			folder := t.TempDir()
			dest := filepath.Join(folder, "copy.db")
			backupRefuses(t, folder, c.kind, c.advice, func() error { return db.Backup(t.Context(), dest) })
			if err := db.Backup(t.Context(), dest+".quick", manager.QuickCheck()); !errors.Is(err, c.quick) {
				t.Errorf("with QuickCheck: got %v, want %v", err, c.quick)
			}
			if err := db.Backup(t.Context(), dest+".unchecked", manager.Unchecked()); err != nil {
				t.Errorf("Unchecked: %v", err)
			}
		})
	}
}

func TestBackupRefusesACopyThatSomebodyChanged(t *testing.T) {
	for _, c := range []struct{ name, sql string }{
		{"header", "PRAGMA user_version = 9"},
		{"application", "PRAGMA application_id = 9"},
		{"schema", "CREATE INDEX sneaky ON transfers (payee)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := backupSource(t)
			folder := t.TempDir()
			dest := filepath.Join(folder, "copy.db")
			change := manager.OnBackupProgress(func(p manager.BackupProgress) {
				if p.Phase != manager.BackupChecking {
					return
				}
				raw := openRaw(t, dest+".partial-copy", "")
				defer raw.Close()
				if _, err := raw.Exec(c.sql); err != nil {
					t.Error(err)
				}
			})
			backupRefuses(t, folder, manager.ErrCorrupt, "the copy is not what was copied", func() error { return db.Backup(t.Context(), dest, change) })
		})
	}
}
