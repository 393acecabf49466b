package manager

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// The errors of this package, for errors.Is. Each of them, except ErrNotFound,
// comes inside an [*Error] that says what was attempted.
var (
	// ErrNotFound is sql.ErrNoRows: a query for one row found none.
	ErrNotFound = sql.ErrNoRows

	// ErrBusy: the retry budget or MaxQueueWait was used up. Nothing happened.
	ErrBusy = errors.New("database is busy")
	// ErrUnique: a UNIQUE or PRIMARY KEY constraint refused the statement.
	ErrUnique = errors.New("unique constraint failed")
	// ErrForeignKey: a foreign key refused the statement or the commit.
	ErrForeignKey = errors.New("foreign key constraint failed")
	// ErrCheck: a CHECK constraint, a trigger's RAISE or a strict column type refused the statement.
	ErrCheck = errors.New("check constraint failed")
	// ErrNotNull: a NOT NULL constraint refused the statement.
	ErrNotNull = errors.New("not-null constraint failed")
	// ErrReadOnly: a write was tried where only reads are allowed, or the file cannot be written.
	ErrReadOnly = errors.New("database is read-only")
	// ErrFull: the disk or the database's size limit is full.
	ErrFull = errors.New("database or disk is full")
	// ErrCorrupt: the file is damaged or is no SQLite database.
	ErrCorrupt = errors.New("database file is corrupt or not a database")
	// ErrIO: the operating system failed a read, write or sync, or the file cannot be opened.
	ErrIO = errors.New("disk I/O error")
	// ErrClosed: the manager is closed or closing. Nothing happened.
	ErrClosed = errors.New("database is closed")
	// ErrQueueFull: too many writers wait already. Nothing happened.
	ErrQueueFull = errors.New("write queue is full")
	// ErrTxAborted: the database rolled the transaction back while its closure ran. Nothing of it
	// happened.
	ErrTxAborted = errors.New("transaction was rolled back by SQLite")
	// ErrTxDone: a query set or context was used after its closure had returned.
	ErrTxDone = errors.New("transaction has ended")
	// ErrCommitUnknown: COMMIT reported an I/O error, or the transaction was gone when it failed. The change is
	// not visible now, unless the connection was lost, but its record may be in the WAL and return after a
	// crash: find out by a key of your own.
	ErrCommitUnknown = errors.New("outcome of the commit is unknown")
	// ErrWrongFile: the file belongs to another program (see WithApplicationID).
	ErrWrongFile = errors.New("file belongs to another program")
	// ErrTooNew: the file's schema is newer than the program.
	ErrTooNew = errors.New("schema is newer than the program")
	// ErrFileMoved: what is at the database's path, or its log, is no longer what the manager has open. The change
	// went to a file that nobody will find. Nothing is written or read from then on; close, and open again.
	ErrFileMoved = errors.New("committed to or read from a file that is no longer at its path")
	// ErrUnsupported: the path, option or SQLite library cannot be used.
	ErrUnsupported = errors.New("not supported")
)

// Error says what the manager attempted when it failed. Use errors.Is with the
// errors of this package or a context error, and errors.As for the driver's
// sqlite3.Error.
type Error struct {
	Op       string        // what was attempted: "commit", "query", "open", …
	Query    string        // the sqlc query's name, if a statement failed
	Label    string        // the transaction's label
	Attempts int           // how often it was tried, if more than once
	Waited   time.Duration // how long it was waited for, if the error is ErrBusy
	Table    string        // the table of a failed constraint, if SQLite named it
	Columns  []string      // its columns, if SQLite named them
	Detail   string        // what the caller can do, or what the reason was
	Kind     error         // one of this package's errors, or nil
	Err      error         // the driver's or the context's error, or nil

	met *busyMark // set if a retry may help: of the run whose statement failed
}

// Error starts with what was attempted and ends with the cause.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Query != "" {
		b.WriteString(" " + e.Query)
	}
	if e.Label != "" {
		fmt.Fprintf(&b, " (%s)", e.Label)
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&b, ": %d attempts", e.Attempts)
	}
	if e.Waited > 0 {
		fmt.Fprintf(&b, ": waited %s", e.Waited.Round(time.Millisecond))
	}
	if e.Kind != nil {
		b.WriteString(": " + e.Kind.Error())
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Is reports whether target is the error's kind.
func (e *Error) Is(target error) bool { return e.Kind != nil && target == e.Kind }

// Unwrap returns the driver's or the context's error.
func (e *Error) Unwrap() error { return e.Err }

// wrap makes an *Error of a driver's error. An *Error is returned as it is.
func wrap(op, query, label string, err error) error {
	if err == nil {
		return nil
	}
	if own, ok := err.(*Error); ok {
		return own
	}
	e := &Error{Op: op, Query: query, Label: label, Err: err}
	var s sqlite3.Error
	if errors.As(err, &s) {
		e.Kind = kindOf(s)
		if s.Code == sqlite3.ErrLocked && e.Kind == ErrUnsupported {
			e.Detail = "rows of another statement of the transaction are still open; read them to the end or close them first"
		}
		if s.Code == sqlite3.ErrConstraint && s.ExtendedCode != sqlite3.ErrConstraintTrigger { // the message is the trigger's
			e.Table, e.Columns = parseConstraint(s.Error())
		}
	} else if s := serverError(err); s != nil {
		e.classify(s)
	}
	return e
}

// kindOf maps a result code of SQLite to the error that callers ask for.
// https://www.sqlite.org/rescode.html
func kindOf(e sqlite3.Error) error {
	switch e.ExtendedCode {
	case sqlite3.ErrConstraintUnique, sqlite3.ErrConstraintPrimaryKey, sqlite3.ErrConstraintRowID:
		return ErrUnique
	case sqlite3.ErrConstraintForeignKey:
		return ErrForeignKey
	case sqlite3.ErrConstraintNotNull:
		return ErrNotNull
	case sqlite3.ErrLockedSharedCache:
		return ErrBusy
	}
	switch e.Code {
	case sqlite3.ErrConstraint, sqlite3.ErrMismatch:
		return ErrCheck
	case sqlite3.ErrBusy:
		return ErrBusy
	case sqlite3.ErrLocked: // by another statement of the same connection
		return ErrUnsupported
	case sqlite3.ErrReadonly, sqlite3.ErrPerm, sqlite3.ErrAuth:
		return ErrReadOnly
	case sqlite3.ErrFull:
		return ErrFull
	case sqlite3.ErrCorrupt, sqlite3.ErrNotADB, sqlite3.ErrFormat:
		return ErrCorrupt
	case sqlite3.ErrIoErr, sqlite3.ErrCantOpen:
		return ErrIO
	}
	return nil
}

// kindOfError is the kind of the driver's error in err, or nil.
func kindOfError(err error) error {
	var e sqlite3.Error
	if errors.As(err, &e) {
		return kindOf(e)
	}
	return nil
}

// isIO reports whether SQLite could not read, write or sync.
func isIO(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && e.Code == sqlite3.ErrIoErr
}

// resultCode is the extended result code in err, for the log.
func resultCode(err error) int {
	var e sqlite3.Error
	if errors.As(err, &e) {
		return int(e.ExtendedCode)
	}
	return 0
}

// withDetail sets the detail of an *Error that has none.
func withDetail(err error, detail string) error {
	if e, ok := err.(*Error); ok && e.Detail == "" {
		e.Detail = detail
	}
	return err
}

// contextError is the error of op if ctx has ended, else nil.
func contextError(ctx context.Context, op, query, label string) error {
	err := ctx.Err()
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != err {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	return &Error{Op: op, Query: query, Label: label, Err: err}
}
