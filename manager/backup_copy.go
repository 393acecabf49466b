package manager

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// A rawConn is a connection outside the pools: one end of a copy, an observer,
// or one for a check.
type rawConn struct {
	driver *sqlite3.SQLiteConn // what SQLite's backup API takes
	conn   DriverConn          // the same connection, wrapped by WithDriver
}

func (e *env) openRaw(dsn string) (*rawConn, error) {
	c, err := (&sqlite3.SQLiteDriver{}).Open(dsn)
	if err != nil {
		return nil, err
	}
	s := &rawConn{driver: c.(*sqlite3.SQLiteConn)}
	if err := e.cfg.connected(context.Background(), s.driver); err != nil {
		return nil, err
	}
	if s.conn = s.driver; e.cfg.wrapDriver != nil {
		s.conn = e.cfg.wrapDriver(s.driver)
	}
	return s, nil
}

// openPool makes a *sql.DB for a function of the caller's; WithDriver wraps its
// connections too.
func (e *env) openPool(dsn string) *sql.DB { return sql.OpenDB(rawPool{e, dsn, nil}) }

type rawPool struct {
	env *env
	dsn string
	met *migrationTrouble // of a migration, otherwise nil
}

func (p rawPool) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }

func (p rawPool) Connect(context.Context) (driver.Conn, error) {
	c, err := p.connect()
	if err != nil || p.met == nil {
		return c, err
	}
	p.met.opened.Add(1)
	return migrationConn{c, p.met}, nil
}

func (p rawPool) connect() (DriverConn, error) {
	s, err := p.env.openRaw(p.dsn)
	if err != nil {
		return nil, err
	}
	for _, setting := range p.env.cfg.without(strictPragmas) {
		if err := setting.set(s.conn); err != nil {
			_ = s.close()
			return nil, err
		}
	}
	return s.conn, nil
}

// close may be called on nil and more than once.
func (s *rawConn) close() error {
	if s == nil || s.driver == nil {
		return nil
	}
	s.driver = nil
	return s.conn.Close()
}

// openPinned opens a database and takes a snapshot, which lasts until the
// connection is closed. BEGIN alone takes none.
func (e *env) openPinned(dsn string) (*rawConn, error) {
	s, err := e.openRaw(dsn)
	if err != nil {
		return nil, err
	}
	if _, err = s.conn.ExecContext(context.Background(), "BEGIN", nil); err == nil {
		_, err = readPragma(s.conn, "schema_version")
	}
	if err != nil {
		_ = s.close()
		return nil, err
	}
	return s, nil
}

// retryBusy repeats step while the database is busy.
func (e *env) retryBusy(ctx context.Context, op string, step func() error) error {
	retry := retrier{env: e, label: &label{}, op: op}
	for {
		err := step()
		if err == nil || !isBusy(err) {
			return err
		}
		if err := retry.wait(ctx, err); err != nil {
			return err
		}
	}
}

// withOp sets the operation of an error that realPath returned.
func withOp(op string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		e.Op = op
	}
	return err
}

// copyStep is how many pages are copied before the context is checked again.
const copyStep = 256

// A copier copies the snapshot that from holds into a partial.
type copier struct {
	env      *env
	op       string
	from     *rawConn
	to       *partial
	identity string // of from
	progress func(done, total int)
}

// copyPages copies all of from's pages through SQLite's backup API. The copy
// needs no journal: an incomplete one is discarded anyway.
func (k *copier) copyPages(ctx context.Context) (err error) {
	if k.identity, err = fileIdentity(k.from.conn); err != nil {
		return wrap(k.op, "", "", err)
	}
	to, err := k.env.openRaw(fileDSN(k.to.path(), "rw") + "&nolock=1&_journal_mode=OFF&_synchronous=OFF")
	if err != nil {
		return wrap(k.op, "", "", err)
	}
	defer func() {
		if closeErr := to.close(); err == nil {
			err = wrap(k.op, "", "", closeErr)
		}
	}()
	b, err := to.driver.Backup("main", k.from.driver, "main")
	if err != nil {
		return wrap(k.op, "", "", err)
	}
	flushed := k.to.keepFlushing()
	defer func() { // also when progress panics
		flushErr := flushed()
		if finishErr := b.Finish(); err == nil {
			err = wrap(k.op, "", "", splitCode(finishErr))
		}
		if err == nil {
			err = flushErr
		}
	}()
	return k.copySteps(ctx, b)
}

func (k *copier) copySteps(ctx context.Context, b *sqlite3.SQLiteBackup) error {
	retry := retrier{env: k.env, label: &label{}, op: k.op}
	for copied := 0; ; {
		if err := contextError(ctx, k.op, "", ""); err != nil {
			return err
		}
		done, err := b.Step(copyStep)
		if err != nil {
			return k.explainFull(wrap(k.op, "", "", splitCode(err)))
		}
		now := b.PageCount() - b.Remaining()
		if !done && now == copied { // this is how Step reports SQLITE_BUSY
			if err := retry.wait(ctx, sqlite3.Error{Code: sqlite3.ErrBusy}); err != nil {
				return err
			}
			continue
		}
		copied = now
		if k.progress != nil {
			k.progress(copied, b.PageCount())
		}
		if done {
			return nil
		}
	}
}

// splitCode splits the extended code that a backup step returns into Code and
// ExtendedCode, as all other errors of the driver have them.
func splitCode(err error) error {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return err
	}
	e.ExtendedCode = sqlite3.ErrNoExtended(e.Code)
	e.Code &= 0xff
	return e
}

func (k *copier) explainFull(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Kind == ErrFull && e.Detail == "" {
		e.Detail = "no room for " + k.to.path()
	}
	return err
}

// openCopy opens the complete copy for reading. No other process uses it yet, so
// it needs no locks, and no log or shared memory file is made.
func (k *copier) openCopy() (*rawConn, error) {
	return k.env.openRaw(k.readDSN())
}

func (k *copier) readDSN() string { return fileDSN(k.to.path(), "ro") + "&immutable=1" }
