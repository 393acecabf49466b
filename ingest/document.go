package ingest

import (
	"errors"
	"io"
	"strings"
)

// document reads one input, in whatever form it comes, down to its rows. What a row holds is for rows to say.
type document struct {
	in       *input
	rows     rows
	pages    *pageLog
	page     int // the place of the page at hand in the input, 0 outside of pages
	lastPage int
}

// rows reads the rows of a document, one at a time.
type rows interface {
	object(s *scanner) error     // a row as a JSON object, with nothing after it
	header(names []string) error // of CSV, before any of its rows
	cells(cells []string) error  // a row of CSV, as many as the header has
}

// errStopped ends the reading of rows because their taker wants no more.
var errStopped = errors.New("stopped")

// read reads the whole input. Its error is an *Error that lacks the name of the input at most.
func (d *document) read() error {
	first, err := d.in.firstByte()
	switch {
	case err == io.EOF:
		return nil
	case err != nil:
	case first == '[' || first == '{':
		err = d.readJSON()
	default:
		err = d.readCSV()
	}
	if err == nil || err == errStopped {
		return err
	}
	e := asError(err)
	if e.Line == 0 {
		e.Line = d.in.line
	}
	if e.Page == 0 {
		e.Page = d.page
	}
	return e
}

// readJSON reads pages and arrays, one after the other, or objects that are rows.
func (d *document) readJSON() error {
	for first := true; ; first = false {
		c, err := d.in.nextByte()
		if c == byteOrderMark[0] { // of a file that was put after another
			c, err = d.in.firstByte()
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case c == '[':
			err = d.readArray()
		case c == '{' && d.in.isPage():
			err = d.readPage()
		case c == '{' && first:
			return d.readObjects()
		default:
			return malformed("text after the end of a page, which is not another page")
		}
		if err != nil {
			return err
		}
	}
}

// readObjects reads rows that are objects: one a line or, where the first of them is spread over lines, one after
// the other.
func (d *document) readObjects() error {
	if start, _ := d.in.reader.Peek(2); len(start) == 2 && (start[1] == '\n' || start[1] == '\r') {
		return d.readSpreadObjects()
	}
	for ; ; d.in.line++ {
		line, err := d.in.nextLine()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if isBlank(line) {
			continue
		}
		if err := d.rows.object(&scanner{text: line}); err != nil {
			return err
		}
	}
}

func (d *document) readSpreadObjects() error {
	for {
		if _, err := d.in.nextByte(); err == io.EOF {
			return nil
		}
		if err := d.readRow(0, nil); err != nil {
			return err
		}
	}
}

// readArray reads an array of rows, of pages, or of arrays of rows.
func (d *document) readArray() error {
	row, isRows := 0, false
	return d.in.members('[', ']', func() error {
		c, err := d.in.peekByte()
		switch {
		case err != nil:
			return err
		case !isRows && c == '[':
			return d.onPage(func() error { return d.readRows(nil) })
		case !isRows && c == '{' && d.in.isPage():
			return d.readPage()
		}
		isRows = true
		row++
		return d.readRow(row, nil)
	})
}

// onPage reads what counts as the next page of the input.
func (d *document) onPage(read func() error) error {
	d.lastPage++
	d.page = d.lastPage
	err := read()
	if err == nil {
		d.page = 0
	}
	return err
}

// readPage reads a page: an object with rows as "data" and, as "pagination", what says which part of the whole it
// is. What else it holds is skipped.
func (d *document) readPage() error {
	return d.onPage(func() error {
		var p page
		hasData, hasPagination := false, false
		err := d.in.members('{', '}', func() error {
			name, err := d.in.memberName()
			switch {
			case err != nil:
				return err
			case name == "data" && hasData, name == "pagination" && hasPagination:
				return wrong(name, errDuplicate)
			case name == "data":
				hasData = true
				return d.readRows(&p)
			case name == "pagination":
				hasPagination = true
				return d.readPagination(&p)
			}
			return d.in.skipValue()
		})
		if err == nil && !hasData {
			err = wrong("data", errMissing)
		}
		if err == nil {
			d.pages.add(p)
		}
		return err
	})
}

// readRows reads an array of rows.
func (d *document) readRows(p *page) error {
	row := 0
	return d.in.members('[', ']', func() error {
		row++
		return d.readRow(row, p)
	})
}

// readRow reads the next value as a row, which p counts. number is its place in an array, 0 outside of one.
func (d *document) readRow(number int, p *page) error {
	text, line, err := d.in.value()
	if err == nil {
		s := scanner{text: text}
		if err = d.rows.object(&s); err == nil {
			d.pages.count(p, text)
		}
		if err == nil || err == errStopped {
			return err
		}
		err = asError(err)
		err.(*Error).Line = line + strings.Count(text[:s.pos], "\n")
	}
	if e, ok := err.(*Error); ok {
		e.Row = number
	}
	return err
}
