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
	"sync/atomic"
	"syscall"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager/internal/engine"
)

// minSQLite is the first SQLite without the WAL-reset bug, which can lose
// committed writes of two connections. https://www.sqlite.org/wal.html#walresetbug
const minSQLite = 3_051_003

// core is a manager without the types of its query sets.
type core struct {
	cfg      config
	path     string          // absolute, symbolic links resolved
	writer   *writer         // nil on a server and where nothing is written
	server   engine.Database // nil on SQLite
	lanes    *lanes          // its writers, or nil
	commits  atomic.Uint64
	readers  *readers
	stats    counters
	watchdog *watchdog
	backups  backups
	closing  closeState
	door     sqlDoor
	closures runningClosures
	file     dbFile

	readOnly bool // opened with OpenReadOnly
	adopted  bool // the file was not in WAL mode when it was opened
}

func newCore(cfg config) *core {
	co := &core{cfg: cfg, closing: closeState{turn: make(chan struct{}, 1)}}
	co.readers = newReaders(co, cfg.readers)
	co.door.readers = newReaders(co, maxLeases)
	return co
}

// openWritable opens or creates the database at path.
func openWritable(ctx context.Context, path string, cfg config) (_ *core, err error) {
	if e, err := engineOf(path); e != nil || err != nil {
		if err != nil {
			return nil, err
		}
		return openServer(ctx, e, path, cfg, false)
	}
	co := newCore(cfg)
	if co.path, err = realPath(path); err != nil {
		return nil, err
	}
	if err := checkLibrary(); err != nil {
		return nil, err
	}
	co.file.path = co.path
	if err := cfg.checkPragmas(); err != nil {
		return nil, err
	}
	if err := co.precheckFile(); err != nil {
		return nil, err
	}
	lock, err := openLock(co, lockPath(co.path))
	if err != nil {
		return nil, co.explainOpen(err)
	}
	defer func() {
		if err != nil {
			lock.close()
			co.closeOpened()
		}
	}()
	// From here to the end of open nobody else opens or migrates the file.
	if err := lock.acquire(ctx, &label{name: "open"}); err != nil {
		return nil, err
	}
	if err := co.retryOpen(ctx, co.prepareFile); err != nil {
		return nil, err
	}
	if err := co.retryOpen(ctx, co.migrate); err != nil {
		return nil, err
	}
	if err := co.retryOpen(ctx, co.openWriterConn); err != nil {
		return nil, err
	}
	if err := co.retryOpen(ctx, co.reportOrphans); err != nil {
		return nil, err
	}
	if cfg.lockFile {
		co.writer.lock = lock
		lock.release()
	} else {
		lock.close()
	}
	co.watchdog = startWatchdog(co)
	co.warnOfTwins()
	return co, nil
}

// precheckFile looks at an existing file before a lock file is made beside it, which
// another program's file must not get. Under the lock all is looked at again.
func (co *core) precheckFile() error {
	if _, err := os.Stat(co.path); err != nil {
		return nil
	}
	if err := co.checkPlace(true); err != nil {
		return err
	}
	if err := co.checkFile("ro"); errors.Is(err, ErrWrongFile) || errors.Is(err, ErrCorrupt) {
		return co.explainOpen(err)
	}
	return nil
}

// openReadOnly opens an existing database for reading only.
func openReadOnly(ctx context.Context, path string, cfg config) (_ *core, err error) {
	if e, err := engineOf(path); e != nil || err != nil {
		if err != nil {
			return nil, err
		}
		return openServer(ctx, e, path, cfg, true)
	}
	co := newCore(cfg)
	co.readOnly = true
	if co.path, err = realPath(path); err != nil {
		return nil, err
	}
	if err := checkLibrary(); err != nil {
		return nil, err
	}
	co.file.path = co.path
	if err := cfg.checkPragmas(); err != nil {
		return nil, err
	}
	if _, err := os.Stat(co.path); err != nil {
		return nil, &Error{Op: "open " + path + " read-only", Kind: ErrIO, Err: err}
	}
	if err := co.checkPlace(false); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			co.closeOpened()
			co.sweepLog()
		}
	}()
	var c *conn
	err = co.retryOpen(ctx, func(context.Context) (err error) {
		c, err = co.readers.liveConn(nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	co.readers.idle = append(co.readers.idle, c)
	if err := co.checkApplication(c.raw); err != nil {
		return nil, err
	}
	if _, alone := co.readers.lockless[c]; alone { // there it is no log that is asked for
	} else if mode, err := readPragma(c.raw, "journal_mode"); err != nil || !strings.EqualFold(mode, "wal") {
		return nil, &Error{Op: "open " + path + " read-only", Kind: ErrUnsupported, Err: err, Detail: "journal mode is " + mode + ", not wal: open it for writing once"}
	}
	co.watchdog = startWatchdog(co)
	return co, nil
}

// LockPath names the file whose lock, an exclusive flock(2), every manager of
// the database at path takes before it writes or migrates. Programs of other
// kinds that take it too wait in the same queue. The database need not exist.
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
	// A link to a file that is not there yet leads to the file that SQLite will make.
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

// SQLiteVersion is the version of the SQLite library that is linked into the program, such as "3.51.3".
func SQLiteVersion() string {
	version, _, _ := sqlite3.Version()
	return version
}

func checkLibrary() error {
	version, number, _ := sqlite3.Version()
	return checkVersion(version, number)
}

func checkVersion(version string, number int) error {
	if number < minSQLite {
		return &Error{Op: "open", Kind: ErrUnsupported, Detail: "SQLite " + version + " can lose committed writes (WAL-reset bug); build with 3.51.3 or later"}
	}
	return nil
}

// retryOpen repeats step while another program, one that does not know the
// lock file, keeps the database busy.
func (co *core) retryOpen(ctx context.Context, step func(context.Context) error) error {
	retry := retrier{core: co, label: &label{}, op: "open " + co.path}
	for {
		err := step(ctx)
		if err == nil || !isBusy(err) {
			return co.explainOpen(err)
		}
		if err := retry.wait(ctx, err); err != nil {
			return err
		}
	}
}

// explainOpen adds to an error of opening what the caller can do about it.
func (co *core) explainOpen(err error) error {
	var e *Error
	if !errors.As(err, &e) || e.Detail != "" {
		return err
	}
	switch {
	case isUnfinished(err):
		e.Detail = "a transaction in " + co.path + " was cut off and must be taken back, which takes writing; open it once with Open"
	case e.Kind == ErrCorrupt:
		e.Detail = co.path + " is damaged or no SQLite database; restore a backup"
	case co.readOnly:
	case e.Kind == ErrReadOnly || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS):
		e.Kind, e.Detail = ErrReadOnly, co.path+" or its folder cannot be written; use OpenReadOnly to read it"
	}
	return err
}

// prepareFile creates a fresh file that only its owner can read, and looks
// whether an existing one is ours before anything changes it.
func (co *core) prepareFile(context.Context) error {
	// An existing file is left to SQLite: closing any handle of it would drop the
	// locks that another connection of this process holds (fcntl(2)).
	f, err := os.OpenFile(co.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		_ = f.Close()
	} else if !errors.Is(err, fs.ErrExist) {
		return &Error{Op: "open " + co.path, Kind: ErrIO, Err: err}
	}
	// Read-only, since closing a connection that can write folds the log into
	// the file, and the file may be another program's.
	err = co.checkFile("ro")
	if isUnfinished(err) {
		// The rollback journal of a transaction that a kill or a power failure cut
		// off, mostly of the first Open of all. Nobody, whosever file it is, reads
		// it before that transaction is taken back, and that takes writing.
		err = co.checkFile("rw")
	}
	return err
}

// checkFile looks through a connection of its own whether the file is ours.
func (co *core) checkFile(mode string) error {
	s, err := co.openRaw(fileDSN(co.path, mode))
	if err != nil {
		return wrap("open "+co.path, "", "", err)
	}
	defer s.close()
	co.noteAdoption(s.conn)
	return co.checkApplication(s.conn)
}

// isUnfinished reports whether a connection that only reads met the journal of
// a transaction that was cut off.
func isUnfinished(err error) bool {
	var s sqlite3.Error
	return errors.As(err, &s) && s.ExtendedCode == sqlite3.ErrReadonlyRollback
}

// checkApplication refuses another program's file. An id of 0 is accepted on
// a file with no tables, which a migration is about to claim. Tables are asked
// for first: where another process claims the file meanwhile, those that are
// there by then have come after the id.
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
	return &Error{Op: "open " + co.path, Kind: ErrWrongFile, Detail: fmt.Sprintf("its application id is %s, this program's is %s; give another path", got, want)}
}

// openWriterConn opens the writer and the readers.
func (co *core) openWriterConn(ctx context.Context) (err error) {
	c, err := co.openWriter(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil { // the next try opens all of them again
			_ = c.close()
		}
	}()
	co.writer = &writer{core: co}
	co.writer.conn.Store(c)
	return co.checkApplication(c.raw)
}

func (co *core) openWriter(ctx context.Context) (*conn, error) {
	if co.server != nil {
		return co.openOnServer(ctx, true)
	}
	if err := co.file.movedError(); err != nil {
		return nil, movedAt("open", nil, err)
	}
	c, err := openConn(ctx, &co.cfg, fileDSN(co.path, "rw"), beginWrite, writerPragmas(&co.cfg))
	if err != nil {
		return nil, err
	}
	if _, err = readPragma(c.raw, "schema_version"); err == nil { // which opens the log
		err = co.file.rememberIDs(true)
	}
	err = wrap("read the log of "+co.path, "", "", err)
	if err == nil {
		co.file.pageSize, err = readPageSize(c.raw)
	}
	if err != nil {
		_ = c.close()
		return nil, movedAt("open", nil, err)
	}
	co.file.log.reopen(co.path)
	return c, nil
}

// closeOpened closes what a failed open had opened.
func (co *core) closeOpened() {
	for _, c := range co.writeConns() {
		_ = c.close()
	}
	co.file.log.close()
	co.file.folder.open.close()
	for _, c := range co.readConns() {
		_ = c.close()
	}
}
