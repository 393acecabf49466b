package ledger

import (
	"errors"
	"fmt"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/manager"
)

// The errors of this package, for errors.Is. In addition there are those of the manager (busy, read-only,
// disk full, …) and the context's.
var (
	// ErrInvalid is chain.ErrInvalid: a value that cannot be. The *chain.InvalidError names field and value.
	ErrInvalid = chain.ErrInvalid
	// ErrNotFound is manager.ErrNotFound: no such miner, position, trade, event or registration.
	ErrNotFound = manager.ErrNotFound
	// ErrMinerExists: the coldkey is registered already; EnsureMiner finds or creates.
	ErrMinerExists = errors.New("miner exists already")
	// ErrDuplicateEvent: an event of the same miner, extrinsic and index was recorded with other contents.
	ErrDuplicateEvent = errors.New("event was recorded with other contents")
	// ErrNoOpenPosition: there is nothing to close.
	ErrNoOpenPosition = errors.New("no open position")
	// ErrInsufficientAlpha: the open positions hold less alpha than the trade sells.
	ErrInsufficientAlpha = errors.New("insufficient alpha")
	// ErrIgnored: the stake stands recorded as ignored, so it has no position.
	ErrIgnored = errors.New("event is recorded as ignored")
	// ErrSnapshotExists: the miner has a snapshot of that moment, with another window or other weights.
	ErrSnapshotExists = errors.New("snapshot exists already")
)

// Error says what the ledger attempted when it failed, and with which value. It is the error it wraps.
type Error struct {
	Op      string // what was attempted: "add position", "close", "register miner"
	Subject string // with what: an event's key, a coldkey, an id
	Detail  string // how the values stand, or what to do
	Err     error  // one of this package's errors, or the cause
}

// Error starts with what was attempted and ends with how the values stand.
func (e *Error) Error() string {
	cause := e.Err.Error()
	if e.Err == ErrNotFound {
		cause = "not found"
	}
	text := e.Op
	if e.Subject != "" {
		text += " " + e.Subject
	}
	text += ": " + cause
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}

// Unwrap returns the error's kind or cause.
func (e *Error) Unwrap() error { return e.Err }

// nameMissing makes ErrNotFound say what was looked for, and leaves other errors as they are.
func nameMissing(err error, op, format string, args ...any) error {
	if err == nil || !errors.Is(err, ErrNotFound) {
		return err
	}
	return &Error{Op: op, Subject: fmt.Sprintf(format, args...), Err: ErrNotFound}
}

// stuckError is the error of a loop over batches that found a row but could not change it, and so would read it
// forever: an index disagrees with its table.
func stuckError(op, format string, args ...any) error {
	return &Error{Op: op, Subject: fmt.Sprintf(format, args...), Err: manager.ErrCorrupt,
		Detail: "the row is found but cannot be changed; verify the file, and restore a backup"}
}

// corruptField is the error of a row that holds an impossible value: something other than the ledger changed
// it.
func corruptField(table, row, field string, value any, reason string) error {
	return corruptRow(table, row, invalid(field, value, reason))
}

// corruptRow is the error of a row whose values cannot be used.
func corruptRow(table, row string, err error) error {
	return &Error{Op: "read", Subject: table + " " + row, Err: manager.ErrCorrupt,
		Detail: err.Error() + "; verify the ledger, and restore a backup"}
}

func invalid(field string, value any, reason string) error {
	return &chain.InvalidError{Field: field, Value: fmt.Sprint(value), Reason: reason}
}
