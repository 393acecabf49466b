package chain

import "strings"

// maxExtrinsicID is how long an extrinsic's id may be, in characters.
const maxExtrinsicID = 128

// ParseExtrinsicID returns s if it can name an extrinsic: 1 to 128 printable ASCII characters, mostly a block
// and a number, "1895779-0014". The error is an *InvalidError.
func ParseExtrinsicID(s string) (string, error) {
	notPrintable := func(c rune) bool { return c < ' ' || c > '~' }
	if s == "" || len(s) > maxExtrinsicID || strings.ContainsFunc(s, notPrintable) {
		return "", &InvalidError{Field: "extrinsic", Value: s, Reason: "want 1 to 128 printable ASCII characters"}
	}
	return s, nil
}
