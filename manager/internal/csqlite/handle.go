//go:build cgo && linux && !libsqlite3 && !stakeledger_nostep

package csqlite

/*
#cgo CFLAGS: -O2 -std=gnu11
#cgo nocallback csqlite_deferred_foreign_keys
#cgo noescape csqlite_deferred_foreign_keys
#cgo nocallback csqlite_in_transaction
#cgo noescape csqlite_in_transaction
#cgo nocallback csqlite_forget_row_id
#cgo noescape csqlite_forget_row_id
#include "open.h"
#include "vfs.h"
*/
import "C"

import (
	"database/sql/driver"
	"runtime"
	"sync"
)

// Available says whether this build can have a [Handle].
const Available = true

// A Handle is the sqlite3* of a connection that the driver opened. Like the
// connection it is for one goroutine at a time.
type Handle struct {
	db   C.uintptr_t // 0 after Close
	conn driver.Conn // the driver's finalizer closes what nobody refers to
}

// Open calls open, which opens one connection through the driver on the
// goroutine that called it, and returns the connection with a Handle on it. The
// Handle is nil where it cannot be had: open then did not open exactly one
// connection of the SQLite inside the driver on its own goroutine. An error is
// open's.
func Open(open func() (driver.Conn, error)) (driver.Conn, *Handle, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if !registered.acquire() {
		conn, err := open()
		return conn, nil, err
	}
	defer registered.release()
	C.csqlite_watch()
	defer C.csqlite_watched() // also when open panics
	conn, err := open()
	if err != nil {
		return conn, nil, err
	}
	db := C.csqlite_watched()
	if db == 0 {
		return conn, nil, nil
	}
	return conn, &Handle{db, conn}, nil
}

// WriterVFS is the name of the VFS for connections that write, see vfs.h, or "" where it cannot be had.
func WriterVFS() string {
	name := C.csqlite_vfs()
	if name == nil {
		return ""
	}
	return C.GoString(name)
}

// A registration is the process's function in SQLite's list, shared by the Opens
// that run.
type registration struct {
	mu    sync.Mutex
	users int
}

var registered registration

func (r *registration) acquire() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.users == 0 && C.csqlite_register() != 0 {
		return false
	}
	r.users++
	return true
}

func (r *registration) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.users--; r.users == 0 {
		cancel()
	}
}

// cancel reports whether SQLite had our function in its list.
func cancel() bool { return C.csqlite_cancel() != 0 }

// Close ends the use of the handle, not the connection. It goes before the
// connection's own Close.
func (h *Handle) Close() { h.db, h.conn = 0, nil }

// DeferredForeignKeys reports whether the transaction violates a foreign key
// whose check is deferred to COMMIT. It is exact, and false on a closed handle.
func (h *Handle) DeferredForeignKeys() bool {
	return h.db != 0 && C.csqlite_deferred_foreign_keys(h.db) != 0
}

// InTransaction reports whether a transaction is open. On a closed handle none is.
func (h *Handle) InTransaction() bool {
	return h.db != 0 && C.csqlite_in_transaction(h.db) != 0
}

// ForgetRowID makes last_insert_rowid() 0, as on a connection that has inserted nothing.
func (h *Handle) ForgetRowID() {
	if h.db != 0 {
		C.csqlite_forget_row_id(h.db)
	}
}
