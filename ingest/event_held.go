package ingest

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
)

// heldEvents are the events of the chain until all files are read: what marks one as a transfer may come after it,
// before it, or in another file. They are kept as lines of our own form, in memory as long as they are few and then
// in a temporary file. The zero value holds none.
type heldEvents struct {
	lines bytes.Buffer // of those that are not in the file
	file  *os.File
	any   bool
	moves []extrinsic
}

// maxHeld is how many bytes of events are held in memory.
const maxHeld = 1 << 20

// mark marks the events of an extrinsic as transfers.
func (h *heldEvents) mark(x extrinsic) { h.moves = append(h.moves, x) }

// add holds an event.
func (h *heldEvents) add(row Row) (err error) {
	h.any = true
	h.lines.Write(append(row.AppendJSON(h.lines.AvailableBuffer()), '\n'))
	if h.lines.Len() < maxHeld {
		return nil
	}
	if h.file == nil {
		if h.file, err = os.CreateTemp("", "stakeledger-*"); err != nil {
			return heldFailed(err)
		}
		_ = os.Remove(h.file.Name()) // so that a process that is killed leaves nothing; close removes it where this cannot
	}
	if _, err = h.lines.WriteTo(h.file); err != nil {
		return heldFailed(err)
	}
	return nil
}

// heldFailed says that a temporary file failed, as opposed to the input being wrong.
func heldFailed(err error) error {
	return &readError{fmt.Errorf("keep its events in a temporary file: %w", err)}
}

// release gives the events to take, in the order they came in.
func (h *heldEvents) release(take func(Row) bool) error {
	if !h.any {
		return nil
	}
	slices.SortFunc(h.moves, compareExtrinsics)
	lines := io.Reader(&h.lines)
	if h.file != nil {
		if _, err := h.file.Seek(0, io.SeekStart); err != nil {
			return asError(heldFailed(err))
		}
		lines = io.MultiReader(h.file, &h.lines)
	}
	r := eventReader{form: &ownForm, unknown: skipped, count: new(rowCount)}
	r.take = func(row Row) bool {
		x, _ := parseExtrinsic(row.ExtrinsicID) // was written by extrinsic.String
		row.IsTransfer = nil                    // that no move was seen does not say that there was none
		if _, row.Transfer = slices.BinarySearchFunc(h.moves, x, compareExtrinsics); row.Transfer {
			row.IsTransfer = isTransfer[true]
		}
		return take(row)
	}
	_, err := readFiles([]openFile{{name: "events of the chain", whole: lines}}, newPageLog(), func(int, *input) rows { return &r })
	return err
}

func compareExtrinsics(a, b extrinsic) int {
	return cmp.Or(cmp.Compare(a.block, b.block), cmp.Compare(a.index, b.index))
}

// close removes what is left.
func (h *heldEvents) close() {
	if h.file != nil {
		_ = h.file.Close() // was only a copy
		_ = os.Remove(h.file.Name())
	}
}
