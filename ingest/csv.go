package ingest

import (
	"fmt"
	"io"
	"strings"

	"github.com/stakeledger/stakeledger/chain"
)

// readCSV reads rows under a header. No field can hold a line break, so a row is a line: a quote that is never closed
// costs a line and not the rest of the file.
func (d *document) readCSV() error {
	var (
		in      = d.in
		columns int
		cells   []string
		comma   byte
		names   string // the header
	)
	for ; ; in.line++ {
		line, err := in.nextLine()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if isBlank(line) || line == names { // which comes again where files were put one after the other
			continue
		}
		if comma == 0 {
			comma = separator(line)
		}
		if cells, err = splitCells(cells[:0], line, comma); err != nil {
			return err
		}
		if columns == 0 {
			columns, names = len(cells), line
			if err := d.rows.header(cells); err != nil {
				return err
			}
			continue
		}
		if len(cells) != columns {
			return malformed(fmt.Sprintf("%d cells; the header has %d", len(cells), columns))
		}
		if err := d.rows.cells(cells); err != nil {
			return err
		}
	}
}

// separator is what separates the cells of a header, a comma unless another one is there more often.
func separator(header string) byte {
	best, most := byte(','), 0
	for _, c := range []byte(",;\t|") {
		n, inQuotes := 0, false
		for i := range len(header) {
			switch {
			case header[i] == '"':
				inQuotes = !inQuotes
			case header[i] == c && !inQuotes:
				n++
			}
		}
		if n > most {
			best, most = c, n
		}
	}
	return best
}

// columnName is the field that a name in a header means: spreadsheets and databases write the same name in their
// own ways.
func columnName(name string) string {
	name = strings.Trim(name, " ")
	for i := range len(name) {
		if c := name[i]; c >= 'A' && c <= 'Z' || c == ' ' || c == '-' {
			return strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(name))
		}
	}
	return name
}

// maxCells is more than any row has; a line of a million commas must not become a million cells.
const maxCells = 64

// splitCells appends the cells of a line to cells.
func splitCells(cells []string, line string, comma byte) ([]string, error) {
	for {
		var cell string
		var err error
		if strings.HasPrefix(line, `"`) {
			cell, line, err = quotedCell(line[1:], comma)
			if err != nil {
				return nil, err
			}
		} else {
			end := strings.IndexByte(line, comma)
			if end < 0 {
				end = len(line)
			}
			cell, line = line[:end], line[end:]
			if strings.Contains(cell, `"`) {
				return nil, malformed("a quote within a cell that does not begin with one: " + chain.Quote(cell))
			}
		}
		if len(cells) == maxCells {
			return nil, malformed("more than 64 cells, which no row has")
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
func quotedCell(line string, comma byte) (cell, rest string, err error) {
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
		case rest == "" || rest[0] == comma:
			return strings.ReplaceAll(line[:end], `""`, `"`), rest, nil
		default:
			return "", "", malformed("text after a closing quote: " + chain.Quote(rest))
		}
	}
}
