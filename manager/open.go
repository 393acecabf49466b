package manager

import (
	"context"
	"errors"
	"io/fs"
	"os"
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
	env
	writer   *writer         // nil on a server and if opened read-only
	server   engine.Database // nil on SQLite
	lanes    *lanes          // its writers, or nil
	standby  *standby        // nil without WithStandby
	commits  atomic.Uint64
	readers  *readers
	watchdog *watchdog
	backups  backups
	closing  closeState
	door     sqlDoor
	closures runningClosures
	file     dbFile

	// While Open runs: a connection that looks at what others do, and that keeps the log open between them:
	// whenever the last connection closes, SQLite moves the log into the file.
	side     *rawConn
	migrated bool // by commits that may not be durable yet

	readOnly bool // opened with OpenReadOnly
	adopted  bool // the file was not in WAL mode when it was opened
}

func newCore(cfg config) *core {
	co := &core{env: env{cfg: cfg}, closing: closeState{turn: make(chan struct{}, 1)}}
	co.readers = newReaders(co, cfg.readers)
	co.door.readers = newReaders(co, maxLeases)
	return co
}

// newFileCore checks path, library and pragmas before anything is opened.
func newFileCore(path string, cfg config) (*core, error) {
	co := newCore(cfg)
	var err error
	if co.path, err = realPath(path); err != nil {
		return nil, err
	}
	if cfg.standby != "" {
		return nil, &Error{Op: "open " + path, Kind: ErrUnsupported, Detail: "WithStandby is for a server's database, and this is a file"}
	}
	co.file.path = co.path
	if err := checkLibrary(); err != nil {
		return nil, err
	}
	return co, cfg.checkPragmas()
}

// openWritable opens or creates the database at path.
func openWritable(ctx context.Context, path string, cfg config) (_ *core, err error) {
	if e, err := engineOf(path); e != nil || err != nil {
		if err != nil {
			return nil, err
		}
		return openServer(ctx, e, path, cfg, false)
	}
	co, err := newFileCore(path, cfg)
	if err != nil {
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
	defer co.closeSide()
	// From here to the end no other process opens or migrates the file.
	if err := lock.acquire(ctx, &label{name: "open"}); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{co.prepareFile, co.migrate, co.openWriterConn, co.syncMigrated, co.reportOrphans} {
		if err := co.retryOpen(ctx, step); err != nil {
			return nil, err
		}
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

// openReadOnly opens an existing database for reading only.
func openReadOnly(ctx context.Context, path string, cfg config) (_ *core, err error) {
	if e, err := engineOf(path); e != nil || err != nil {
		if err != nil {
			return nil, err
		}
		return openServer(ctx, e, path, cfg, true)
	}
	co, err := newFileCore(path, cfg)
	if err != nil {
		return nil, err
	}
	co.readOnly = true
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
	if _, alone := co.readers.lockless[c]; alone { // such a connection reports no journal mode
	} else if mode, err := readPragma(c.raw, "journal_mode"); err != nil || !strings.EqualFold(mode, "wal") {
		return nil, &Error{Op: "open " + path + " read-only", Kind: ErrUnsupported, Err: err, Detail: "journal mode is " + mode + ", not wal: open it for writing once"}
	}
	co.watchdog = startWatchdog(co)
	return co, nil
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
	return co.explainOpen(co.retryBusy(ctx, "open "+co.path, func() error { return step(ctx) }))
}

// explainOpen adds to an error of Open what the caller can do.
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

// openWriterConn opens the writer.
func (co *core) openWriterConn(ctx context.Context) (err error) {
	c, err := co.openWriter(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil { // the next attempt opens it again
			_ = c.close()
		}
	}()
	co.writer = &writer{core: co}
	co.writer.conn.Store(c)
	return co.checkApplication(c.raw)
}

func (co *core) openWriter(ctx context.Context) (*conn, error) {
	if co.server != nil {
		c, err := co.openOnServer(ctx, co.server, true)
		if err == nil {
			if err = co.standby.watch(ctx, c); err != nil {
				_ = c.close()
			}
		}
		return c, err
	}
	if err := co.file.movedError(); err != nil {
		return nil, movedAt("open", nil, err)
	}
	c, err := openConn(ctx, &co.cfg, writerDSN(co.path), beginWrite, writerPragmas(&co.cfg))
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
