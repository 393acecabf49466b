package chain

import (
	"database/sql/driver"
	"strings"
)

// USD is a value in dollars as it was given: a decimal, kept as text so that no digit is lost. Nothing is
// computed with it.
type USD string

// maxUSD is how long a USD may be, in characters.
const maxUSD = 60

// ParseUSD reads a decimal without a sign: digits, and where there is a fraction a point and more digits. The
// error is an *InvalidError.
func ParseUSD(s string) (USD, error) {
	whole, fraction, hasPoint := strings.Cut(s, ".")
	if len(s) > maxUSD || !areDigits(whole) || hasPoint && !areDigits(fraction) {
		return "", invalid("usd", s, "want a decimal without a sign, such as 36.56")
	}
	return USD(s), nil
}

// areDigits reports whether s is one digit or more.
func areDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// Scan reads a text column.
func (u *USD) Scan(src any) error {
	switch v := src.(type) {
	case string:
		*u = USD(v)
	case []byte:
		*u = USD(v)
	default:
		return wrongType("usd", src, "text")
	}
	return nil
}

// Value is the decimal as text.
func (u USD) Value() (driver.Value, error) { return string(u), nil }
