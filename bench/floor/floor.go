// Package floor runs the benchmark's work in C, many transactions in one cgo call.
// That is the time SQLite itself takes, the floor that contenders are compared with.
package floor

/*
#cgo CFLAGS: -O2 -std=gnu11
#cgo linux LDFLAGS: -Wl,--unresolved-symbols=ignore-all
#cgo darwin LDFLAGS: -Wl,-undefined,dynamic_lookup
#include <stdlib.h>
#include "floor.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	_ "github.com/mattn/go-sqlite3" // brings the SQLite that floor.c calls
)

// An Op is one stake or unstake event to book.
type Op struct {
	Close                      bool
	Coldkey, Hotkey, Extrinsic string
	Key                        string // its place among those of its miner
	Block, Time, TAO, Alpha    int64  // microseconds, rao
	Netuid                     int64
}

// Texts are the statements, each with the parameters and columns that the
// generated code of the same name has.
type Texts struct {
	MinerByColdkey, EventByKey, SelfTradeCandidates, FIFOCandidates, PositionByID, OpenPositions string
	InsertEvent, InsertPosition, InsertTrade, InsertClose, ShrinkPosition, AddToMiner            string
}

// A DB is one connection without a mutex; it serves one goroutine at a time.
type DB struct {
	c     *C.floor_db
	nanos []int64
	ops   []C.floor_op
}

// Version is SQLite's, as the driver brought it.
func Version() string { return C.GoString(C.floor_version()) }

// Open opens a migrated database, executes pragmas and prepares texts.
func Open(path, pragmas string, t Texts) (*DB, error) {
	list := []string{
		t.MinerByColdkey, t.EventByKey, t.SelfTradeCandidates, t.FIFOCandidates, t.PositionByID, t.OpenPositions,
		t.InsertEvent, t.InsertPosition, t.InsertTrade, t.InsertClose, t.ShrinkPosition, t.AddToMiner,
		"BEGIN", "BEGIN IMMEDIATE", "COMMIT",
	}
	var texts [C.STATEMENTS]*C.char
	for i, text := range list {
		texts[i] = C.CString(text)
		defer C.free(unsafe.Pointer(texts[i]))
	}
	cPath, cPragmas := C.CString(path), C.CString(pragmas)
	defer C.free(unsafe.Pointer(cPath))
	defer C.free(unsafe.Pointer(cPragmas))
	db := &DB{c: C.floor_open(cPath, cPragmas, &texts[0])}
	if db.c == nil {
		return nil, errors.New("open the floor: out of memory")
	}
	if message := C.GoString(C.floor_error(db.c)); message != "" {
		db.Close()
		return nil, fmt.Errorf("open the floor on %s: %s", path, message)
	}
	return db, nil
}

// Close ends the connection.
func (db *DB) Close() { C.floor_close(db.c) }

// Book books ops, perCommit of them in each transaction, and returns how long
// each one waited for its COMMIT in nanoseconds, valid until the next call.
func (db *DB) Book(ops []Op, perCommit int) ([]int64, error) {
	db.ops = db.ops[:0]
	for _, op := range ops {
		c := C.floor_op{
			block: C.int64_t(op.Block), time: C.int64_t(op.Time), tao: C.int64_t(op.TAO),
			alpha: C.int64_t(op.Alpha), netuid: C.int64_t(op.Netuid),
		}
		if op.Close {
			c.close = 1
		}
		fill(c.coldkey[:], op.Coldkey)
		fill(c.hotkey[:], op.Hotkey)
		fill(c.extrinsic[:], op.Extrinsic)
		fill(c.key[:], op.Key)
		db.ops = append(db.ops, c)
	}
	nanos := db.times(len(ops))
	return nanos, db.result(C.floor_book(db.c, &db.ops[0], C.int(len(ops)), C.int(perCommit), pointer(nanos)))
}

// Lone reads positions one by one.
func (db *DB) Lone(ids []int64) ([]int64, error) {
	nanos := db.times(len(ids))
	return nanos, db.result(C.floor_lone(db.c, pointer(ids), C.int(len(ids)), pointer(nanos)))
}

// Snapshot reads positions, reads of them in each transaction.
func (db *DB) Snapshot(ids []int64, reads int) ([]int64, error) {
	nanos := db.times(len(ids) / reads)
	return nanos, db.result(C.floor_snapshot(db.c, pointer(ids), C.int(reads), C.int(len(nanos)), pointer(nanos)))
}

// Scan reads a miner's open positions, rows of them, n times.
func (db *DB) Scan(miner int64, rows, n int) ([]int64, error) {
	nanos := db.times(n)
	return nanos, db.result(C.floor_scan(db.c, C.int64_t(miner), C.int(rows), C.int(n), pointer(nanos)))
}

// Steps is how many steps of SQLite's virtual machine all statements took since the last call, triggers included.
func (db *DB) Steps() int64 { return int64(C.floor_steps(db.c)) }

// Repreparations runs a statement as the driver does, and returns how often
// SQLite prepared it again. It leaves no change behind.
func (db *DB) Repreparations(text string, runs int) (int, error) {
	c := C.CString(text)
	defer C.free(unsafe.Pointer(c))
	n := C.floor_repreparations(db.c, c, C.int(runs))
	if n < 0 {
		return 0, db.result(n)
	}
	return int(n), nil
}

func (db *DB) times(n int) []int64 {
	if cap(db.nanos) < n {
		db.nanos = make([]int64, n)
	}
	return db.nanos[:n]
}

func (db *DB) result(code C.int) error {
	if code == 0 {
		return nil
	}
	return fmt.Errorf("run the floor: %s", C.GoString(C.floor_error(db.c)))
}

func pointer(list []int64) *C.int64_t { return (*C.int64_t)(unsafe.Pointer(&list[0])) }

// fill copies s and its ending zero byte.
func fill(to []C.char, s string) {
	if len(s) >= len(to) {
		panic(fmt.Sprintf("floor: %q is longer than %d bytes", s, len(to)-1))
	}
	for i := range len(s) {
		to[i] = C.char(s[i])
	}
	to[len(s)] = 0
}
