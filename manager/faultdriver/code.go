package faultdriver

import (
	"database/sql/driver"
	"fmt"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// Code is the answer of a call that fails: an extended result code of SQLite
// (https://www.sqlite.org/rescode.html), or [ConnectionLost]. Any other result
// code works as well: Code(sqlite3.ErrIoErrRead).
type Code int

// The codes that a program must be ready for.
const (
	Busy         Code = 5
	BusyRecovery Code = 5 | 1<<8
	BusySnapshot Code = 5 | 2<<8
	Locked       Code = 6
	NoMem        Code = 7
	Interrupt    Code = 9
	IOErr        Code = 10
	IOErrFsync   Code = 10 | 4<<8
	Corrupt      Code = 11
	Full         Code = 13

	// ConnectionLost is driver.ErrBadConn. The connection is gone with it: its
	// transaction is rolled back and every later call fails in the same way.
	ConnectionLost Code = -1
)

// Codes are all of the above.
func Codes() []Code {
	return []Code{Busy, BusyRecovery, BusySnapshot, Locked, NoMem, Interrupt, IOErr, IOErrFsync, Corrupt, Full, ConnectionLost}
}

// Retryable reports whether the manager tries again by itself: SQLITE_BUSY.
// SQLITE_LOCKED is by another statement of the same connection, which waiting
// does not cure.
func (c Code) Retryable() bool { return c > 0 && c&0xff == Busy }

// Err is the error as the driver returns it.
func (c Code) Err() error {
	if c == ConnectionLost {
		return driver.ErrBadConn
	}
	return sqlite3.Error{Code: sqlite3.ErrNo(c & 0xff), ExtendedCode: sqlite3.ErrNoExtended(c)}
}

var codeNames = map[Code]string{
	Busy: "BUSY", BusyRecovery: "BUSY_RECOVERY", BusySnapshot: "BUSY_SNAPSHOT", Locked: "LOCKED", NoMem: "NOMEM",
	Interrupt: "INTERRUPT", IOErr: "IOERR", IOErrFsync: "IOERR_FSYNC", Corrupt: "CORRUPT", Full: "FULL",
	ConnectionLost: "connection lost",
}

// String is SQLite's name of the code, without SQLITE_.
func (c Code) String() string {
	if name, ok := codeNames[c]; ok {
		return name
	}
	return fmt.Sprintf("code %d", int(c))
}
