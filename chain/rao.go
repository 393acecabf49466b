package chain

import (
	"database/sql/driver"
	"math"
	"strconv"
	"strings"
)

// Rao is an amount of TAO or alpha in its smallest unit: 1 TAO = 1 alpha = 1e9 rao. Amounts of events
// are never negative; gains may be.
type Rao int64

// RaoPerTAO is the number of rao in one TAO, and in one alpha.
const RaoPerTAO = 1_000_000_000

const (
	raoPlaces   = 9
	amountField = "amount"
)

// ParseRao reads an amount written as a decimal number of TAO, exactly: digits, and after an optional
// point one to nine more. It refuses signs, exponents, NaN and infinities, spaces, a point without
// digits on both sides, more than nine places (even zeros) and what does not fit int64. The error is
// an *InvalidError.
func ParseRao(s string) (Rao, error) {
	whole, places, hasPoint := strings.Cut(s, ".")
	switch {
	case s == "":
		return 0, invalid(amountField, s, "empty; want a decimal number such as 1.5")
	case s[0] == '-' || s[0] == '+':
		return 0, invalid(amountField, s, "a sign is not allowed")
	case !digits(whole) || hasPoint && !digits(places):
		return 0, invalid(amountField, s, "not a plain decimal number such as 1.5 or 0.000000001")
	case len(places) > raoPlaces:
		return 0, invalid(amountField, s, "more than 9 decimal places; a rao is the smallest unit")
	}
	n, ok := appendDigits(0, whole)
	if ok {
		n, ok = appendDigits(n, places)
	}
	for i := len(places); ok && i < raoPlaces; i++ {
		n, ok = appendDigits(n, "0")
	}
	if !ok {
		return 0, invalid(amountField, s, "too large; at most "+Rao(math.MaxInt64).String())
	}
	return Rao(n), nil
}

// ParseRaoInt reads an amount written as a whole number of rao, such as "165693980": digits only. The
// error is an *InvalidError.
func ParseRaoInt(s string) (Rao, error) {
	switch {
	case s == "":
		return 0, invalid(amountField, s, "empty; want a whole number of rao")
	case s[0] == '-' || s[0] == '+':
		return 0, invalid(amountField, s, "a sign is not allowed")
	case !digits(s):
		return 0, invalid(amountField, s, "not a whole number of rao")
	}
	n, ok := appendDigits(0, s)
	if !ok {
		return 0, invalid(amountField, s, "too large; at most "+strconv.FormatInt(math.MaxInt64, 10)+" rao")
	}
	return Rao(n), nil
}

// digits reports whether s is one ASCII digit or more, and nothing else.
func digits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// appendDigits returns n followed by the digits of s, and false when that passes int64.
func appendDigits(n int64, s string) (int64, bool) {
	for i := 0; i < len(s); i++ {
		d := int64(s[i] - '0')
		if n > (math.MaxInt64-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, true
}

// String prints the amount in TAO with nine places, "0.000000001"; a negative one with a leading minus.
func (r Rao) String() string {
	b, _ := r.AppendText(nil)
	return string(b)
}

// AppendText appends what String returns to b. It never fails.
func (r Rao) AppendText(b []byte) ([]byte, error) {
	u := uint64(r)
	if r < 0 {
		b = append(b, '-')
		u = -u // the lowest int64 has no positive twin, but this is right for it too
	}
	b = strconv.AppendUint(b, u/RaoPerTAO, 10)
	b = append(b, '.')
	rest := u % RaoPerTAO
	for unit := uint64(RaoPerTAO / 10); unit > 0; unit /= 10 {
		b = append(b, '0'+byte(rest/unit%10))
	}
	return b, nil
}

// MarshalText returns what String returns; in JSON that is a string. It never fails.
func (r Rao) MarshalText() ([]byte, error) { return r.AppendText(nil) }

// UnmarshalText reads what MarshalText writes: as ParseRao, but with a minus allowed, since a gain may
// be negative. In JSON only a string is an amount; a number is an error.
func (r *Rao) UnmarshalText(text []byte) error {
	s := string(text)
	amount, negative := strings.CutPrefix(s, "-")
	v, err := ParseRao(amount)
	if err != nil {
		// The lowest int64 prints a magnitude that ParseRao refuses.
		if s == Rao(math.MinInt64).String() {
			*r = math.MinInt64
			return nil
		}
		return err
	}
	if negative {
		v = -v
	}
	*r = v
	return nil
}

// Scan reads an integer column. NULL and every other type are errors.
func (r *Rao) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return wrongType(amountField, src, "int64")
	}
	*r = Rao(n)
	return nil
}

// Value is the amount in rao as int64.
func (r Rao) Value() (driver.Value, error) { return int64(r), nil }
