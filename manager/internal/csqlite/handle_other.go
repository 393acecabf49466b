//go:build !cgo || !linux || libsqlite3 || stakeledger_nostep

package csqlite

import (
	"database/sql/driver"
	"errors"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// Available says whether this build can have a [Handle].
const Available = false

// A Handle would be the sqlite3* of a connection. There is none in this build.
type Handle struct{}

// Open calls open and returns its connection and error. The Handle is nil.
func Open(open func() (driver.Conn, error)) (driver.Conn, *Handle, error) {
	conn, err := open()
	return conn, nil, err
}

// WriterVFS is "".
func WriterVFS() string { return "" }

// Close does nothing.
func (h *Handle) Close() {}

// DeferredForeignKeys is false.
func (h *Handle) DeferredForeignKeys() bool { return false }

// InTransaction is false.
func (h *Handle) InTransaction() bool { return false }

// ForgetRowID does nothing.
func (h *Handle) ForgetRowID() {}

// A Conn is the driver's connection. There is none in this build.
type Conn struct {
	*sqlite3.SQLiteConn
	Loc       *time.Location
	ReadAhead bool
}

// Conn fails.
func (h *Handle) Conn() (*Conn, error) { return nil, errors.New("this build has no handles") }
