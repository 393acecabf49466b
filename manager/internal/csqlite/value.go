//go:build cgo && linux && !libsqlite3 && !stakeledger_nostep

package csqlite

/*
#include "step.h"
*/
import "C"

import (
	"database/sql/driver"
	"math"
	"strings"
	"time"
	"unsafe"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// read makes the driver's values of a row's cells.
func (r *Rows) read(row []C.csqlite_cell, dest []driver.Value) {
	kinds, loc := r.columns.kinds, r.conn.Loc
	for i := range row {
		cell, k := &row[i], plain
		if kinds != nil {
			k = kinds[i]
		}
		switch cell._type {
		case typeInteger:
			switch k {
			case boolean:
				dest[i] = cell.v > 0
			case instant:
				dest[i] = in(loc, unixTime(int64(cell.v)))
			default:
				dest[i] = boxInt(&cell.v)
			}
		case typeFloat:
			dest[i] = math.Float64frombits(uint64(cell.v))
		case typeText:
			if k == instant {
				dest[i] = in(loc, parseTime(r.texts[cell.v]))
			} else {
				dest[i] = boxString(&r.texts[cell.v])
			}
		case typeBlob:
			dest[i] = r.blobs[cell.v]
		default:
			dest[i] = nil
		}
	}
}

// unixTime reads seconds, or milliseconds where they would be too many seconds.
func unixTime(v int64) time.Time {
	if v > 1e12 || v < -1e12 {
		return time.Unix(0, v*int64(time.Millisecond)).UTC()
	}
	return time.Unix(v, 0).UTC()
}

// parseTime reads the first of the driver's formats that fits, and else is the
// zero time.
func parseTime(s string) time.Time {
	s = strings.TrimSuffix(s, "Z")
	for _, format := range sqlite3.SQLiteTimestampFormats {
		if t, err := time.ParseInLocation(format, s, time.UTC); err == nil {
			return t
		}
	}
	return time.Time{}
}

func in(loc *time.Location, t time.Time) time.Time {
	if loc == nil {
		return t
	}
	return t.In(loc)
}

// An interface value is a type and a pointer to what must never change. Cells and
// texts that crossed from C never do, so the pointer may lead to them, where the
// compiler would copy each to memory of its own: a third of a scan's time.
type face struct{ kind, data unsafe.Pointer }

var (
	someInt    any = int64(1 << 40)
	someString any = "a string"
	intKind        = (*face)(unsafe.Pointer(&someInt)).kind
	stringKind     = (*face)(unsafe.Pointer(&someString)).kind
)

func boxInt(v *C.int64_t) (a any) {
	*(*face)(unsafe.Pointer(&a)) = face{intKind, unsafe.Pointer(v)}
	return a
}

func boxString(s *string) (a any) {
	*(*face)(unsafe.Pointer(&a)) = face{stringKind, unsafe.Pointer(s)}
	return a
}
