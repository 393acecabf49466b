package manager

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"strconv"
)

// WithRestoreCheck lets [Restore] run check on the copy, opened for reading,
// before it appears at its destination; its error ends Restore. migrate.NotNewer
// makes one that refuses a schema newer than the program. Open ignores this
// option. Default: none.
func WithRestoreCheck(check func(ctx context.Context, db *sql.DB) error) Option {
	return func(c *config) { c.restoreCheck = check }
}

// Restore copies the database at src, a backup or any other SQLite database, to a
// new file at dest, which appears in one step once it is whole and checked:
// integrity_check, foreign_key_check, [WithApplicationID] and [WithRestoreCheck].
// Nothing is overwritten: dest must not exist, nor a log or journal of another
// database beside it, not even an empty one, which a program that still has that
// database open would write into. The copy can be read by its owner only. If Restore fails or
// is killed, there is nothing at dest; a killed one leaves dest.partial-copy, which
// the next Restore to the same place removes.
//
// src is read through SQLite, so committed transactions that are still in a log
// beside it are included; it may lie on read-only media. It is not changed, and
// nothing appears beside it unless a log lies there already. A database in use is
// better copied with [DB.Backup]; here it is either copied as one snapshot or
// refused.
//
// Of the other options, WithLogger, WithRetryBudget and WithDriver count.
//
// Errors: fs.ErrExist when dest exists, fs.ErrNotExist when src or dest's
// folder does not, ErrCorrupt when src is damaged or no database,
// ErrForeignKey, ErrWrongFile, the error of the check (ErrTooNew), ErrBusy,
// ErrReadOnly, ErrFull, ErrIO, or the context's.
func Restore(ctx context.Context, src, dest string, opts ...Option) error {
	op := "restore " + src + " to " + dest
	if err := contextError(ctx, op, "", ""); err != nil {
		return err
	}
	co := &core{env: env{cfg: newConfig(opts)}, closing: closeState{turn: make(chan struct{}, 1)}}
	var err error
	if co.path, err = realPath(src); err != nil {
		return withOp(op, err)
	}
	path, err := realPath(dest)
	if err != nil {
		return withOp(op, err)
	}
	info, err := os.Stat(co.path)
	switch {
	case err != nil:
		return &Error{Op: op, Kind: ErrIO, Err: err}
	case info.Size() == 0:
		return &Error{Op: op, Kind: ErrCorrupt, Detail: src + " is empty"}
	}
	p, err := createPartial(op, path, "", false)
	if err != nil {
		return err
	}
	defer p.discard()
	k := &copier{env: &co.env, op: op, to: p}
	if err := co.copyFile(ctx, k); err != nil {
		return explainRestore(err, src)
	}
	if err := k.verifyCopy(ctx, "integrity_check"); err != nil {
		return explainRestore(err, src)
	}
	if err := co.runRestoreCheck(ctx, k); err != nil {
		return err
	}
	if err := contextError(ctx, op, "", ""); err != nil {
		return err
	}
	return p.publish()
}

// copyFile copies a database that this manager does not have open.
func (co *core) copyFile(ctx context.Context, k *copier) error {
	var before fileTraces
	err := co.retryBusy(ctx, k.op, func() (err error) {
		k.from, before, err = co.openStranger()
		return err
	})
	if err != nil {
		return wrap(k.op, "", "", err)
	}
	defer k.from.close()
	if err := co.checkRestored(k); err != nil {
		return err
	}
	if err := co.checkWholePages(k); err != nil {
		return err
	}
	if err := k.copyPages(ctx); err != nil {
		return err
	}
	if before != nil && !before.equal(tracesOf(co.path)) {
		return &Error{Op: k.op, Kind: ErrBusy, Detail: co.path + " was written meanwhile; use Backup, or stop the program that writes it"}
	}
	return nil
}

// openStranger opens a database that may be in use, may have been left with a
// log beside it, and may lie where nothing can be written.
//
// A file with nothing beside it is not in use: it is read without locks, and
// without the files that SQLite would leave beside it. With a log the
// connection locks like any other. If no shared memory file can be made, no
// other process can have made one either, and the log is read with an index in
// memory. Reading without locks requires that nobody writes; the returned
// traces show whether somebody did.
func (co *core) openStranger() (*rawConn, fileTraces, error) {
	before := tracesOf(co.path)
	ro := fileDSN(co.path, "ro")
	if companionOf(co.path) == "" {
		s, err := co.openPinned(ro + "&immutable=1")
		return s, before, err
	}
	s, err := co.openPinned(ro)
	if !cannotShare(err) {
		return s, nil, err
	}
	s, aloneErr := co.openPinned(locklessDSN(co.path, before))
	if aloneErr != nil {
		return nil, nil, err
	}
	return s, before, nil
}

// fileTraces show whether a database was written, without opening it: closing
// any descriptor of a file would drop the locks that this process has on it.
type fileTraces map[string]fileTrace

type fileTrace struct{ size, changed int64 } // size -1: no such file

func tracesOf(path string) fileTraces {
	found := fileTraces{}
	for _, suffix := range append([]string{""}, companionSuffixes...) {
		found[suffix] = fileTrace{size: -1}
		if info, err := os.Stat(path + suffix); err == nil {
			found[suffix] = fileTrace{info.Size(), info.ModTime().UnixNano()}
		}
	}
	return found
}

func (t fileTraces) equal(other fileTraces) bool {
	for suffix, was := range t {
		if other[suffix] != was {
			return false
		}
	}
	return true
}

// checkRestored refuses another program's file before anything is copied.
func (co *core) checkRestored(k *copier) error {
	if !co.cfg.hasID {
		return nil
	}
	got, err := readPragma(k.from.conn, "application_id")
	if err != nil {
		return wrap(k.op, "", "", err)
	}
	if got != strconv.Itoa(int(co.cfg.applicationID)) {
		return co.wrongFile(k.op, got)
	}
	return nil
}

// checkWholePages refuses a file without a log that ends within a page: SQLite would read zeros in place of what is
// missing, and may find nothing wrong with them.
func (co *core) checkWholePages(k *copier) error {
	if companionOf(co.path) != "" {
		return nil
	}
	info, err := os.Stat(co.path)
	if err != nil {
		return &Error{Op: k.op, Kind: ErrIO, Err: err}
	}
	text, err := readPragma(k.from.conn, "page_size")
	if err != nil {
		return wrap(k.op, "", "", err)
	}
	if size, err := strconv.ParseInt(text, 10, 64); err != nil || info.Size()%size != 0 {
		return &Error{Op: k.op, Kind: ErrCorrupt, Detail: co.path + " ends within a page", Err: err}
	}
	return nil
}

func (co *core) runRestoreCheck(ctx context.Context, k *copier) error {
	if co.cfg.restoreCheck == nil {
		return nil
	}
	db := co.openPool(k.readDSN())
	defer db.Close()
	if err := co.cfg.restoreCheck(ctx, db); err != nil {
		if own := (*Error)(nil); errors.As(err, &own) {
			return err
		}
		return wrap(k.op, "", "", err)
	}
	return nil
}

// explainRestore adds to an error what the caller can do about it.
func explainRestore(err error, src string) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case e.Kind == ErrCorrupt && e.Detail == "":
		e.Detail = src + " is damaged or no SQLite database; take another backup"
	case e.Kind == ErrCorrupt || e.Kind == ErrForeignKey:
		e.Detail += "; take another backup"
	case isUnfinished(err):
		e.Detail = src + " has an unfinished transaction of a killed program beside it; let that program open it once"
	case errors.Is(err, fs.ErrPermission) && e.Detail == "":
		e.Detail = src + " cannot be read"
	}
	return err
}
