package ingest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/stakeledger/stakeledger/chain"
)

// Error is what is wrong with an input, and where. It prints as
// `events.jsonl:12: field "tao": amount "1.0000000001": more than 9 decimal places; …`, and within pages as
// `page2.json:1: page 1, row 17: field "amount": …`.
// errors.Is finds chain.ErrInvalid in it when the input is wrong, and the reader's own error when
// reading failed.
type Error struct {
	Name  string // the name of the input, as given to Read
	Line  int    // 1-based
	Page  int    // the place of the page in the input, 1-based; 0 outside of pages
	Row   int    // the place of the row in its page or array, 1-based; 0 outside of them
	Field string // as the format names it; empty when the row as a whole is wrong
	Err   error
}

// Error prints name, line, page, row, field and reason; control characters are escaped and long values cut.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(printable(e.Name))
	b.WriteByte(':')
	b.WriteString(strconv.Itoa(e.Line))
	switch {
	case e.Page > 0 && e.Row > 0:
		fmt.Fprintf(&b, ": page %d, row %d", e.Page, e.Row)
	case e.Page > 0:
		fmt.Fprintf(&b, ": page %d", e.Page)
	case e.Row > 0:
		fmt.Fprintf(&b, ": row %d", e.Row)
	}
	if e.Field != "" {
		b.WriteString(": field ")
		b.WriteString(chain.Quote(e.Field))
	}
	b.WriteString(": ")
	b.WriteString(e.Err.Error())
	return b.String()
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// malformed is the reason for what is wrong with the shape of an input rather than with one value.
type malformed string

func (m malformed) Error() string        { return string(m) }
func (m malformed) Is(target error) bool { return target == chain.ErrInvalid }

// asError returns err as an *Error, which it may be already.
func asError(err error) *Error {
	if e, ok := err.(*Error); ok {
		return e
	}
	return &Error{Err: err}
}

// wrong is an error about a field of the row at hand; name and line are filled in by whoever knows them.
func wrong(field string, reason error) *Error { return &Error{Field: field, Err: reason} }

// printable leaves an ordinary file name as it is and quotes one that would disturb a terminal.
func printable(name string) string {
	if quoted := strconv.Quote(name); len(quoted) != len(name)+2 {
		return quoted
	}
	return name
}
