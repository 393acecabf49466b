package chain

import (
	"errors"
	"fmt"
	"strconv"
)

// ErrInvalid matches every error of this package (errors.Is): a value from outside that its type does
// not allow.
var ErrInvalid = errors.New("invalid value")

// InvalidError says which field was refused, with which value, and why. It is ErrInvalid.
type InvalidError struct {
	Field  string // what the value was meant to be: "amount", "address", "tao"
	Value  string // the value as it came
	Reason string // what is wrong with it, and what would be right
}

// maxQuoted bounds how much of a value Quote repeats, in bytes.
const maxQuoted = 80

// Error prints the field, the quoted value and the reason, as in
// `amount "1.0000000001": more than 9 decimal places; a rao is the smallest unit`.
// Control characters are escaped and long values are cut.
func (e *InvalidError) Error() string {
	return e.Field + " " + Quote(e.Value) + ": " + e.Reason
}

// Is reports whether target is ErrInvalid.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// Quote prints a value from outside for an error or a log: in quotes, with control characters escaped,
// and cut if it is long.
func Quote(s string) string {
	if len(s) <= maxQuoted {
		return strconv.Quote(s)
	}
	return strconv.Quote(s[:maxQuoted]) + "... (" + strconv.Itoa(len(s)) + " bytes)"
}

func invalid(field, value, reason string) *InvalidError {
	return &InvalidError{Field: field, Value: value, Reason: reason}
}

// wrongType is the error of a Scan that met a column of another type.
func wrongType(field string, src any, want string) *InvalidError {
	return invalid(field, fmt.Sprintf("%T", src), "unexpected type of column; want "+want)
}
