//go:build cgo && linux && !libsqlite3 && !stakeledger_nostep

package csqlite

/*
#include "step.h"
*/
import "C"

import "unsafe"

// A batch is the rows that crossed with one call, cell by cell. Its slices but for
// types are newly allocated for each batch, since values that the caller still has may point into the old ones.
type batch struct {
	types   []uint8 // of all cells
	numbers []int64 // of those that are integers, or the bits of floats
	texts   []string
	blobs   [][]byte

	at, number, text, blob int32 // the next of each
}

// few holds what most single rows have, in one allocation.
type few struct {
	numbers [16]int64
	texts   [6]string
}

// A text of up to sharedText bytes lies in one string with its neighbours, of up
// to sharedBytes, which stays in memory for as long as somebody keeps one of them.
const (
	sharedText  = 256
	sharedBytes = 4096
)

// take copies what has crossed out of C's memory, which the next call overwrites.
func (r *Rows) take() {
	out := r.stmt.conn.out
	r.left, r.width = int32(out.rows), int32(out.cols)
	n := int(r.left) * int(r.width)
	if n == 0 {
		return
	}
	r.blobs = nil
	r.at, r.number, r.text, r.blob = 0, 0, 0, 0
	if r.types = r.types[:0]; n > cap(r.types) {
		r.types = make([]uint8, 0, n)
	}
	numbers, texts := int(out.numbers), int(out.texts)
	switch {
	case texts == 0:
		r.numbers, r.texts = make([]int64, 0, numbers), nil
	case numbers > len(few{}.numbers) || texts > len(few{}.texts):
		r.numbers, r.texts = make([]int64, 0, numbers), make([]string, 0, texts)
	default:
		f := &few{}
		r.numbers, r.texts = f.numbers[:0], f.texts[:0]
	}
	r.copy(unsafe.Slice(out.cells, n), unsafe.Slice((*byte)(unsafe.Pointer(out.bytes)), int(out.bytes_used)))
}

func (r *batch) copy(cells []C.csqlite_cell, bytes []byte) {
	shared, from := "", 0 // a copy of bytes from there
	for i := range cells {
		cell := &cells[i]
		r.types = append(r.types, uint8(cell._type))
		at, n := int(cell.v), int(cell.n)
		switch cell._type {
		case typeInteger, typeFloat:
			r.numbers = append(r.numbers, int64(cell.v))
		case typeText:
			if n > sharedText {
				r.texts = append(r.texts, string(bytes[at:at+n]))
				continue
			}
			if at+n > from+len(shared) {
				shared, from = string(bytes[at:min(at+sharedBytes, len(bytes))]), at
			}
			r.texts = append(r.texts, shared[at-from:at-from+n])
		case typeBlob:
			r.blobs = append(r.blobs, append(make([]byte, 0, n), bytes[at:at+n]...))
		}
	}
}
