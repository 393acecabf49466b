package ingest

import (
	"fmt"
	"io"
	"strings"

	"github.com/stakeledger/stakeledger/chain"
)

// readCSV reads rows of our own form, with the names of the fields in the first line. No field can hold a
// line break, so a row is a line: a quote that is never closed costs a line and not the rest of the file.
func readCSV(in *input, take func(Row) bool) error {
	var (
		r       rowReader
		columns []*field
		cells   []string
	)
	for ; ; in.line++ {
		line, err := in.nextLine()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if isBlank(line) {
			continue
		}
		if cells, err = splitCells(cells[:0], line); err != nil {
			return err
		}
		if columns == nil {
			if columns, err = readHeader(cells); err != nil {
				return err
			}
			continue
		}
		if err := r.readCells(columns, cells); err != nil {
			return err
		}
		if !take(r.row) {
			return errStopped
		}
	}
}

// maxCells is more than any event has; a line of a million commas must not become a million cells.
const maxCells = 64

// splitCells appends the cells of a line to cells.
func splitCells(cells []string, line string) ([]string, error) {
	for {
		var cell string
		var err error
		if strings.HasPrefix(line, `"`) {
			cell, line, err = quotedCell(line[1:])
			if err != nil {
				return nil, err
			}
		} else {
			end := strings.IndexByte(line, ',')
			if end < 0 {
				end = len(line)
			}
			cell, line = line[:end], line[end:]
			if strings.Contains(cell, `"`) {
				return nil, malformed("a quote within a cell that does not begin with one: " + chain.Quote(cell))
			}
		}
		if len(cells) == maxCells {
			return nil, malformed("more than 64 cells, which no event has")
		}
		cells = append(cells, cell)
		if line == "" {
			return cells, nil
		}
		line = line[1:] // the comma
	}
}

// quotedCell reads a cell after its opening quote, and returns what follows it: nothing, or a comma
// first.
func quotedCell(line string) (cell, rest string, err error) {
	for from := 0; ; {
		i := strings.IndexByte(line[from:], '"')
		if i < 0 {
			return "", "", malformed("a quote is not closed within its line")
		}
		end := from + i
		rest = line[end+1:]
		switch {
		case strings.HasPrefix(rest, `"`): // two quotes stand for one
			from = end + 2
		case rest == "" || rest[0] == ',':
			return strings.ReplaceAll(line[:end], `""`, `"`), rest, nil
		default:
			return "", "", malformed("text after a closing quote: " + chain.Quote(rest))
		}
	}
}

// readHeader finds the field of each column.
func readHeader(names []string) ([]*field, error) {
	columns := make([]*field, len(names))
	var seen fieldSet
	for c, name := range names {
		i := ownForm.index(name)
		if i < 0 {
			return nil, unknownField(name)
		}
		if !seen.add(i) {
			return nil, wrong(name, errDuplicate)
		}
		columns[c] = &ownForm[i]
	}
	if err := ownForm.absent(seen); err != nil {
		return nil, err
	}
	return columns, nil
}

// readCells reads a row from the cells of a line.
func (r *rowReader) readCells(columns []*field, cells []string) error {
	if len(cells) != len(columns) {
		return malformed(fmt.Sprintf("%d cells; the header has %d", len(cells), len(columns)))
	}
	r.row = Row{}
	for c, f := range columns {
		if cells[c] == "" && f.optional {
			continue
		}
		if err := f.set(r, cells[c]); err != nil {
			return wrong(f.name, err)
		}
	}
	return nil
}
