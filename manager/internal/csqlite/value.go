//go:build cgo && linux && !libsqlite3 && !stakeledger_nostep

package csqlite

import (
	"database/sql/driver"
	"strings"
	"time"
	"unsafe"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// read makes the driver's values of the next row's cells, as many as dest holds.
func (r *Rows) read(dest []driver.Value) {
	row := r.cells[:r.width]
	r.cells = r.cells[r.width:]
	kinds := r.columns.kinds
	for i := range row {
		cell := &row[i]
		var v driver.Value
		switch cell._type {
		case typeInteger:
			if n := int64(cell.v); uint64(n) < 256 { // which the runtime has in memory
				v = n
			} else {
				v = box(intKind, unsafe.Pointer(r.addNumber(n)))
			}
		case typeFloat:
			v = box(floatKind, unsafe.Pointer(r.addNumber(int64(cell.v))))
		case typeText:
			v = box(stringKind, unsafe.Pointer(r.addText(int(cell.v), int(cell.n))))
			if i < len(r.above) {
				r.above[i] = v
			}
		case typeAbove:
			v = r.above[i]
		case typeBlob:
			v = append(make([]byte, 0, cell.n), r.bytes[cell.v:int(cell.v)+int(cell.n)]...)
		}
		if kinds != nil {
			v = kinds[i].of(v, r.stmt.conn.Loc)
		}
		if i < len(dest) {
			dest[i] = v
		}
	}
}

// of is the value that the driver makes of v in a column of that kind.
func (k kind) of(v driver.Value, loc *time.Location) driver.Value {
	switch n := v.(type) {
	case int64:
		switch k {
		case boolean:
			return n > 0
		case instant:
			return in(loc, unixTime(n))
		}
	case string:
		if k == instant {
			return in(loc, parseTime(n))
		}
	}
	return v
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

// An interface value is a type and a pointer to what must never change. Numbers
// and texts of a batch never do, so the pointer may lead to them, where the
// compiler would copy each to memory of its own: twenty allocations for 1,000
// rows of eight columns, where the driver makes ten thousand.
type face struct{ kind, data unsafe.Pointer }

func kindOf(v any) unsafe.Pointer { return (*face)(unsafe.Pointer(&v)).kind }

var intKind, floatKind, stringKind = kindOf(int64(1)), kindOf(1.5), kindOf("")

// box is the value of that kind at data, which for a float is its bits.
func box(kind, data unsafe.Pointer) (v any) {
	*(*face)(unsafe.Pointer(&v)) = face{kind, data}
	return v
}
