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
	kinds, loc := r.columns.kinds, r.stmt.conn.Loc
	types := r.types[r.at : r.at+r.width]
	r.at += r.width
	for i, t := range types {
		var v driver.Value
		k := plain
		if kinds != nil {
			k = kinds[i]
		}
		switch t {
		case typeInteger:
			n := &r.numbers[r.number]
			r.number++
			switch k {
			case boolean:
				v = *n > 0
			case instant:
				v = in(loc, unixTime(*n))
			default:
				v = box(intKind, unsafe.Pointer(n))
			}
		case typeFloat:
			v = box(floatKind, unsafe.Pointer(&r.numbers[r.number]))
			r.number++
		case typeText:
			text := &r.texts[r.text]
			r.text++
			if k == instant {
				v = in(loc, parseTime(*text))
			} else {
				v = box(stringKind, unsafe.Pointer(text))
			}
		case typeBlob:
			v = r.blobs[r.blob]
			r.blob++
		}
		if i < len(dest) {
			dest[i] = v
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
