package manager

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// precheckFile checks an existing file before a lock file is made beside it, so that
// another program's file gets none. Under the lock everything is checked again.
func (co *core) precheckFile() error {
	if _, err := os.Stat(co.path); err != nil {
		return nil
	}
	if err := co.checkPlace(true); err != nil {
		return err
	}
	if _, err := os.Lstat(lockPath(co.path)); err == nil {
		return nil
	}
	err := co.checkFile("ro")
	co.closeSide()
	if errors.Is(err, ErrWrongFile) || errors.Is(err, ErrCorrupt) {
		return co.explainOpen(err)
	}
	return nil
}

// LockPath names the file whose lock, an exclusive flock(2), every manager of
// the database at path takes before it writes or migrates. Other programs that
// take it wait in the same queue. The database need not exist.
func LockPath(path string) (string, error) {
	path, err := realPath(path)
	if err != nil {
		return "", err
	}
	return lockPath(path), nil
}

func lockPath(database string) string { return database + "-lock" }

// realPath refuses what is no file and resolves symbolic links, so that every
// process finds the same lock file.
func realPath(path string) (string, error) {
	if path == "" || strings.Contains(path, ":memory:") || strings.HasPrefix(path, "file:") {
		return "", &Error{Op: fmt.Sprintf("open %q", path), Kind: ErrUnsupported, Detail: "a database in memory or a URI has no write-ahead log to share; give the path of a file (tests: filepath.Join(t.TempDir(), \"test.db\"))"}
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", &Error{Op: "open " + path, Kind: ErrIO, Err: err}
	}
	// Resolve also a link to a file that does not exist yet, since SQLite will create
	// the target.
	for range 40 {
		target, err := os.Readlink(abs)
		if err != nil {
			break
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(abs), target)
		}
		abs = target
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	} else if dir, err := filepath.EvalSymlinks(filepath.Dir(abs)); err == nil {
		abs = filepath.Join(dir, filepath.Base(abs))
	} else {
		return "", &Error{Op: "open " + path, Kind: ErrIO, Err: err, Detail: "create the folder first"}
	}
	if info, err := os.Stat(abs); err == nil && !info.Mode().IsRegular() {
		return "", &Error{Op: "open " + path, Kind: ErrUnsupported, Detail: "not a regular file"}
	}
	return abs, nil
}

// prepareFile creates a missing file, readable by its owner only, and checks
// the application id of an existing one before anything changes it.
func (co *core) prepareFile(context.Context) error {
	// An existing file must not be opened here: closing any descriptor of it
	// would drop the locks that another connection of this process holds
	// (fcntl(2)).
	f, err := os.OpenFile(co.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		_ = f.Close()
	} else if !errors.Is(err, fs.ErrExist) {
		return &Error{Op: "open " + co.path, Kind: ErrIO, Err: err}
	}
	// Read-only, since closing a connection that can write moves the log into
	// the file, and the file may be another program's.
	err = co.checkFile("ro")
	if isUnfinished(err) {
		// There is the rollback journal of a transaction that a kill or a power
		// failure interrupted, usually of the very first Open. Any program must
		// roll that transaction back before it can read the file, and that needs a
		// connection that can write.
		err = co.checkFile("rw")
	}
	return err
}

// checkFile opens the side connection and checks the file's application id on it.
func (co *core) checkFile(mode string) error {
	co.closeSide()
	s, err := co.openRaw(fileDSN(co.path, mode))
	if err != nil {
		return wrap("open "+co.path, "", "", err)
	}
	co.side = s
	co.noteAdoption(s.conn)
	return co.checkApplication(s.conn)
}

func (co *core) closeSide() {
	if co.side != nil {
		_ = co.side.close()
		co.side = nil
	}
}

// isUnfinished reports whether a read-only connection found the journal of an
// interrupted transaction.
func isUnfinished(err error) bool {
	var s sqlite3.Error
	return errors.As(err, &s) && s.ExtendedCode == sqlite3.ErrReadonlyRollback
}

// checkApplication refuses another program's file. An id of 0 is accepted on a
// file with no tables, which a migration is about to claim. It looks for tables
// first: if another process claims the file meanwhile, it sets the id before it
// makes tables, so an id of 0 read afterwards means that there were none.
func (co *core) checkApplication(c DriverConn) error {
	pages, err := readPragma(c, "page_count")
	if err != nil {
		return wrap("read PRAGMA page_count", "", "", err)
	}
	tables := "0"
	if pages != "0" && pages != "" {
		if tables, err = readPragma(c, "schema_version"); err != nil {
			return wrap("read PRAGMA schema_version", "", "", err)
		}
	}
	got, err := readPragma(c, "application_id")
	if err != nil {
		return wrap("read PRAGMA application_id", "", "", err)
	}
	want := strconv.Itoa(int(co.cfg.applicationID))
	if !co.cfg.hasID || got == want || got == "0" && tables == "0" {
		return nil
	}
	return co.wrongFile("open "+co.path, got)
}

// wrongFile is the error of op on a file with the application id got.
func (co *core) wrongFile(op, got string) error {
	return &Error{Op: op, Kind: ErrWrongFile, Detail: fmt.Sprintf("its application id is %s, this program's is %d; give another path", got, co.cfg.applicationID)}
}
