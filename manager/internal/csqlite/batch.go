//go:build cgo && linux && !libsqlite3 && !stakeledger_nostep

package csqlite

/*
#include "step.h"
*/
import "C"

import (
	"slices"
	"unsafe"
)

// A batch is the rows that crossed with one call and were not read. They are read
// where C has put them; before a call that overwrites that, keepCrossed copies them.
type batch struct {
	cells []C.csqlite_cell
	bytes []byte // of their texts and blobs

	// What values of the rows lead to. It is newly allocated for each batch, since
	// the caller may still have values of the one before.
	numbers []int64
	texts   []string
	shared  string // a copy of bytes from there
	from    int
}

// few holds what most single rows have, in one allocation.
type few struct {
	numbers [12]int64
	texts   [4]string
}

// A text of up to sharedText bytes lies in one string with its neighbours, of up
// to sharedBytes, which stays in memory for as long as somebody keeps one of them.
const (
	sharedText  = 256
	sharedBytes = 4096
)

// take lets r read what has crossed.
func (r *Rows) take() {
	c := r.stmt.conn
	out := c.out
	r.left, r.width = int32(out.rows), int32(out.cols)
	n := int(r.left) * int(r.width)
	if n == 0 {
		return
	}
	c.crossed = r
	r.cells = unsafe.Slice(out.cells, n)
	r.bytes = unsafe.Slice((*byte)(unsafe.Pointer(out.bytes)), int(out.bytes_used))
	r.shared, r.from = "", 0
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
	if r.left > 1 && len(r.above) != int(r.width) {
		r.above = make([]any, r.width)
	}
}

// keepCrossed copies what was not read out of C's memory, which the next call may
// overwrite or free.
func (c *Conn) keepCrossed() {
	r := c.crossed
	if r == nil {
		return
	}
	c.crossed = nil
	if r.left > 0 {
		r.cells, r.bytes = slices.Clone(r.cells), slices.Clone(r.bytes)
	}
}

// addText returns the text at bytes[at:at+n], which stays where it is.
func (r *batch) addText(at, n int) *string {
	var text string
	if n > sharedText {
		text = string(r.bytes[at : at+n])
	} else {
		if at+n > r.from+len(r.shared) {
			r.shared, r.from = string(r.bytes[at:min(at+sharedBytes, len(r.bytes))]), at
		}
		text = r.shared[at-r.from : at-r.from+n]
	}
	r.texts = append(r.texts, text)
	return &r.texts[len(r.texts)-1]
}

// addNumber returns where n, or the bits of a float, stays.
func (r *batch) addNumber(n int64) *int64 {
	r.numbers = append(r.numbers, n)
	return &r.numbers[len(r.numbers)-1]
}
