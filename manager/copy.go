package manager

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// A side is one end of a copy: a connection of its own, outside the pool.
type side struct {
	driver *sqlite3.SQLiteConn // what SQLite's backup API takes
	conn   DriverConn          // the same as WithDriver wraps it
}

func (co *core) openSide(dsn string) (*side, error) {
	c, err := (&sqlite3.SQLiteDriver{}).Open(dsn)
	if err != nil {
		return nil, err
	}
	s := &side{driver: c.(*sqlite3.SQLiteConn)}
	if s.conn = s.driver; co.cfg.wrapDriver != nil {
		s.conn = co.cfg.wrapDriver(s.driver)
	}
	return s, nil
}

// close is harmless on a side that was never opened or is closed.
func (s *side) close() error {
	if s == nil || s.driver == nil {
		return nil
	}
	s.driver = nil
	return s.conn.Close()
}

// openPinned opens a database and takes a snapshot of it, which the side
// keeps until it is closed. BEGIN alone takes none.
func (co *core) openPinned(dsn string) (*side, error) {
	s, err := co.openSide(dsn)
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

// patiently repeats step while the database is busy.
func (co *core) patiently(ctx context.Context, op string, step func() error) error {
	retry := retrier{core: co, label: &label{}, op: op}
	for {
		err := step()
		if err == nil || !isBusy(err) {
			return wrap(op, "", "", err)
		}
		if err := retry.wait(ctx, err); err != nil {
			return err
		}
	}
}

// during names what was attempted in an error that was made for opening.
func during(op string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		e.Op = op
	}
	return err
}

// copyStep is how many pages are copied between two looks at the context.
const copyStep = 256

// A copier copies the snapshot that from holds into a partial.
type copier struct {
	core     *core
	op       string
	from     *side
	to       *partial
	identity string // of from
	progress func(done, total int)
}

// pages copies all of from's pages through SQLite's backup API. What it
// writes needs neither journal nor sync: until it is whole it is nothing.
func (k *copier) pages(ctx context.Context) (err error) {
	if k.identity, err = identity(k.from.conn); err != nil {
		return wrap(k.op, "", "", err)
	}
	to, err := k.core.openSide(dsn(k.to.path(), "rw") + "&nolock=1&_journal_mode=OFF&_synchronous=OFF")
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
	defer func() { // also when progress panics
		if finishErr := b.Finish(); err == nil {
			err = wrap(k.op, "", "", primary(finishErr))
		}
	}()
	return k.steps(ctx, b)
}

func (k *copier) steps(ctx context.Context, b *sqlite3.SQLiteBackup) error {
	retry := retrier{core: k.core, label: &label{}, op: k.op}
	for copied := 0; ; {
		if err := ended(ctx, k.op, "", ""); err != nil {
			return err
		}
		done, err := b.Step(copyStep)
		if err != nil {
			return k.explain(wrap(k.op, "", "", primary(err)))
		}
		now := b.PageCount() - b.Remaining()
		if !done && now == copied { // Step says so little about SQLITE_BUSY
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

// primary splits the code of a backup's step, which is the extended one, the
// way every other error of the driver has it.
func primary(err error) error {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return err
	}
	e.ExtendedCode = sqlite3.ErrNoExtended(e.Code)
	e.Code &= 0xff
	return e
}

func (k *copier) explain(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Kind == ErrFull && e.Detail == "" {
		e.Detail = "no room for " + k.to.path()
	}
	return err
}

// open opens the whole copy for reading. Nobody else knows it yet, so it needs
// no locks, and no log or shared memory appears beside it.
func (k *copier) open() (*side, error) {
	return k.core.openSide(k.dsn())
}

func (k *copier) dsn() string { return dsn(k.to.path(), "ro") + "&immutable=1" }

// check reads the whole copy: that it is what was copied, that it is sound,
// and that its foreign keys hold.
func (k *copier) check(ctx context.Context, integrity string) error {
	c, err := k.open()
	if err != nil {
		return wrap(k.op, "", "", err)
	}
	defer c.close()
	got, err := identity(c.conn)
	if err != nil {
		return wrap(k.op, "", "", err)
	}
	if got != k.identity {
		return &Error{Op: k.op, Kind: ErrCorrupt, Detail: fmt.Sprintf("the copy is not what was copied: %s became %s; did another program write %s?", k.identity, got, k.to.path())}
	}
	if integrity == "" {
		return nil
	}
	for _, p := range []pragma{{"cell_size_check", "1", "1"}, {"trusted_schema", "0", "0"}, {"cache_size", "-65536", "-65536"}} {
		if err := p.set(c.conn); err != nil {
			return err
		}
	}
	if err := checkIntegrity(ctx, k.op, c.conn, integrity); err != nil {
		return err
	}
	return checkForeignKeys(ctx, k.op, c.conn)
}

// identity tells one database from another at little cost: what its header
// says, and a digest of its schema.
func identity(c DriverConn) (string, error) {
	header, err := readValue(c, `SELECT 'application id ' || application_id || ', user version ' || user_version || ', ' || page_count || ' pages of ' || page_size || ' bytes, ' || encoding
		FROM pragma_application_id, pragma_user_version, pragma_page_count, pragma_page_size, pragma_encoding`)
	if err != nil {
		return "", err
	}
	digest := sha256.New()
	err = eachRow(context.Background(), c, "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema ORDER BY rowid", func(row []driver.Value) bool {
		fmt.Fprintf(digest, "%q\n", row)
		return true
	})
	return fmt.Sprintf("%s, schema %.4x", header, digest.Sum(nil)), err
}

// checkIntegrity runs PRAGMA integrity_check or quick_check.
func checkIntegrity(ctx context.Context, op string, c DriverConn, name string) error {
	var found []string
	err := eachRow(ctx, c, "PRAGMA "+name+"(3)", func(row []driver.Value) bool {
		if s := fmt.Sprint(row[0]); s != "ok" {
			found = append(found, s)
		}
		return true
	})
	if err := checkFailed(ctx, op, err); err != nil {
		return err
	}
	if len(found) > 0 {
		return &Error{Op: op, Kind: ErrCorrupt, Detail: name + " found: " + strings.Join(found, "; ")}
	}
	return nil
}

// checkForeignKeys names the first row whose parent is missing.
func checkForeignKeys(ctx context.Context, op string, c DriverConn) error {
	var first []driver.Value
	err := eachRow(ctx, c, "PRAGMA foreign_key_check", func(row []driver.Value) bool {
		first = row
		return false
	})
	if err := checkFailed(ctx, op, err); err != nil {
		return err
	}
	if first != nil {
		return &Error{Op: op, Kind: ErrForeignKey, Table: fmt.Sprint(first[0]), Detail: fmt.Sprintf("row %v of %v refers to a row of %v that is not there", first[1], first[0], first[2])}
	}
	return nil
}

func checkFailed(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	if err := ended(ctx, op, "", ""); err != nil {
		return err
	}
	return wrap(op, "", "", err)
}

// eachRow runs a query on a bare connection and gives its rows to fn for as
// long as fn wants more.
func eachRow(ctx context.Context, c DriverConn, query string, fn func(row []driver.Value) bool) error {
	r, err := c.QueryContext(ctx, query, nil)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		row := make([]driver.Value, len(r.Columns()))
		switch err := r.Next(row); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if !fn(row) {
			return nil
		}
	}
}
