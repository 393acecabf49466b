package manager

import (
	"context"
	"errors"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// locklessDSN is for a database for which no shared memory file can be made: on
// read-only media, or in a folder that this process may not write. The file is
// read as it is; a log that was left beside it is read with an index in memory.
// Nothing is locked, so the caller must compare traces.
func locklessDSN(path string, before fileTraces) string {
	if before["-wal"].size > 0 {
		return fileDSN(path, "ro") + "&vfs=unix-none&_locking_mode=EXCLUSIVE"
	}
	return fileDSN(path, "ro") + "&immutable=1"
}

// cannotShare reports whether err means that no shared memory file can be made.
// Then no other process on this mount can have made one either.
func cannotShare(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && (e.Code == sqlite3.ErrCantOpen || e.Code == sqlite3.ErrReadonly) && e.ExtendedCode != sqlite3.ErrReadonlyRollback
}

// openLockless opens a connection that takes no locks. The traces show whether
// another program writes the file after that.
func (p *readers) openLockless(ctx context.Context) (*conn, error) {
	before := tracesOf(p.core.path)
	c, err := openConn(ctx, &p.core.cfg, locklessDSN(p.core.path, before), beginRead, readerPragmas())
	if err != nil {
		return nil, err
	}
	if _, err = readPragma(c.raw, "schema_version"); err == nil {
		err = p.core.file.rememberIDs(false)
	}
	if err != nil {
		_ = c.close()
		return nil, err
	}
	p.core.file.forgetLog() // the connection does not lock the log, so another program may remove it
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lockless == nil {
		p.lockless = map[*conn]fileTraces{}
	}
	p.lockless[c] = before
	return c, nil
}

// checkLockless returns an error, and closes c so that another connection is
// opened, if c reads without locks and the database may have been written since
// c was opened. It comes before a snapshot and after it: what was read meanwhile
// may be of two moments. Nobody else may use c.
func (p *readers) checkLockless(c *conn, l *label) error {
	err := p.writtenMeanwhile(c, l)
	if err != nil {
		p.mu.Lock()
		delete(p.lockless, c)
		p.mu.Unlock()
		_ = c.close()
	}
	return err
}

// writtenMeanwhile is checkLockless for a connection that is in use.
func (p *readers) writtenMeanwhile(c *conn, l *label) error {
	if p.core.writer != nil || p.core.server != nil {
		return nil
	}
	p.mu.Lock()
	opened, alone := p.lockless[c]
	p.mu.Unlock()
	if !alone || opened.equal(tracesOf(p.core.path)) {
		return nil
	}
	return &Error{Op: "read", Label: l.String(), Kind: ErrBusy, Err: sqlite3.Error{Code: sqlite3.ErrBusy},
		Detail: p.core.path + " was written meanwhile by a program that may write its folder, which this one may not"}
}

// sweepLog removes an empty log that reading left behind: SQLite also makes one
// for read-only connections, but lets only a connection that can write remove it.
// A log with frames, or one that is in use, stays.
func (co *core) sweepLog() {
	if tracesOf(co.path)["-wal"].size == 0 && co.file.check() == nil {
		co.sweepLogOf(co.path)
	}
}

// sweepLogOf does the same at any path, where a reader may have been killed.
func (co *core) sweepLogOf(path string) {
	if found := tracesOf(path); found["-wal"].size > 0 || found["-journal"].size > 0 {
		return
	}
	s, err := co.openRaw(fileDSN(path, "rw"))
	if err != nil {
		return
	}
	_, _ = readPragma(s.conn, "schema_version")
	_ = s.close()
}
