package manager

import (
	"errors"
	"strings"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// isBusy reports whether a retry may help against err, which a statement on the
// manager's own connection returned: SQLITE_BUSY with its extended codes, or
// SQLITE_LOCKED by another connection. A plain SQLITE_LOCKED comes from another
// statement on the same connection.
func isBusy(err error) bool {
	var own *callersError
	if errors.As(err, &own) {
		return false
	}
	var e sqlite3.Error
	if errors.As(err, &e) && (e.Code == sqlite3.ErrBusy && !inProgress(e) || e.ExtendedCode == sqlite3.ErrLockedSharedCache) {
		return true
	}
	s := serverError(err)
	return s != nil && s.Retry
}

// isInProgress reports whether SQLite cannot end a transaction or a savepoint
// because a statement that writes is unfinished. SQLite calls that busy, but a
// retry does not help.
func isInProgress(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && inProgress(e)
}

func inProgress(e sqlite3.Error) bool {
	return e.Code == sqlite3.ErrBusy && strings.Contains(e.Error(), "SQL statements in progress")
}

// A callersError is an error of a migration or connect hook that did not come
// from this database. It is returned unchanged, without a retry.
type callersError struct{ error }

func (e *callersError) Unwrap() error { return e.error }

// A busyMark identifies one run of a closure in the busy errors of its
// statements. An error without the mark does not come from that run, but from
// another database, another manager or an earlier run.
type busyMark struct{ _ byte }

// markBusy gives an error of t's own statement the mark of t's run, if it is a busy
// error. The caller holds the connection's mu.
func (t *txn) markBusy(err error) error {
	if e, ok := err.(*Error); ok && isBusy(e.Err) {
		if t.root.met == nil {
			t.root.met = new(busyMark)
		}
		e.met = t.root.met
	}
	return err
}

// canRetry reports whether t's closure, which returned err, may run again. t
// must have ended.
func (t *txn) canRetry(err error) bool {
	return err != nil && t.met != nil && t.met.isIn(err) && !errors.Is(err, ErrCommitUnknown)
}

// isIn reports whether err is, wraps or joins an error with the mark.
func (m *busyMark) isIn(err error) bool {
	if e, ok := err.(*Error); ok && e.met == m {
		return true
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		err = e.Unwrap()
		return err != nil && m.isIn(err)
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			if err != nil && m.isIn(err) {
				return true
			}
		}
	}
	return false
}
