package chain

import (
	"database/sql/driver"
	"time"
)

// Time is a moment in UTC: microseconds since 1970-01-01T00:00:00Z, negative before it. The years are
// 0 to 9999, those RFC 3339 can write.
type Time int64

const (
	minTime   Time = -62167219200 * 1e6     // 0000-01-01T00:00:00Z
	maxTime   Time = 253402300800*1e6 - 1   // 9999-12-31T23:59:59.999999Z
	shape          = "dddd-dd-ddTdd:dd:dd"  // d stands for a digit
	example        = "2026-01-31T15:04:05Z" // what an error shows
	layout         = "2006-01-02T15:04:05.999999Z"
	timeField      = "time"
)

// ParseTime reads an RFC 3339 time with its zone, Z or an offset such as +02:00. It refuses a time
// without a zone, lower-case t and z, leap seconds, dates that do not exist, and what is finer than a
// microsecond; further zeros are not finer. The error is an *InvalidError.
func ParseTime(s string) (Time, error) {
	if !hasShape(s, shape) {
		return 0, invalid(timeField, s, "not an RFC 3339 time with a zone, such as "+example)
	}
	year, month, day := number(s[0:4]), number(s[5:7]), number(s[8:10])
	hour, minute, second := number(s[11:13]), number(s[14:16]), number(s[17:19])
	switch {
	case month < 1 || month > 12 || day < 1 || day > daysIn(year, month):
		return 0, invalid(timeField, s, "no such date")
	case second == 60:
		return 0, invalid(timeField, s, "a leap second cannot be stored; want seconds from 00 to 59")
	case hour > 23 || minute > 59 || second > 59:
		return 0, invalid(timeField, s, "no such time of day")
	}
	micros, zone, reason := fraction(s[len(shape):])
	if reason != "" {
		return 0, invalid(timeField, s, reason)
	}
	offset, reason := zoneOffset(zone)
	if reason != "" {
		return 0, invalid(timeField, s, reason)
	}
	seconds := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC).Unix() - offset
	t := Time(seconds*1e6 + micros)
	if t < minTime || t > maxTime {
		return 0, invalid(timeField, s, "outside the years 0 to 9999 in UTC")
	}
	return t, nil
}

// hasShape reports whether s begins like pattern, in which d stands for an ASCII digit.
func hasShape(s, pattern string) bool {
	if len(s) < len(pattern) {
		return false
	}
	for i := 0; i < len(pattern); i++ {
		isDigit := s[i] >= '0' && s[i] <= '9'
		if pattern[i] == 'd' && !isDigit || pattern[i] != 'd' && s[i] != pattern[i] {
			return false
		}
	}
	return true
}

// number reads a few ASCII digits.
func number(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		n = n*10 + int(s[i]-'0')
	}
	return n
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// fraction reads the optional fraction of a second at the start of s, in microseconds, and returns what
// follows it. A reason says what is wrong.
func fraction(s string) (micros int64, rest, reason string) {
	if s == "" || s[0] != '.' {
		return 0, s, ""
	}
	unit := int64(100_000)
	i := 1
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		if unit == 0 && s[i] != '0' {
			return 0, "", "finer than a microsecond"
		}
		micros += unit * int64(s[i]-'0')
		unit /= 10
	}
	if i == 1 {
		return 0, "", "a point without a fraction of a second after it"
	}
	return micros, s[i:], ""
}

// zoneOffset reads a zone, in seconds east of UTC. A reason says what is wrong.
func zoneOffset(s string) (seconds int64, reason string) {
	const wrong = "wrong zone; want Z or an offset such as +02:00"
	switch {
	case s == "":
		return 0, "no zone; add Z or an offset such as +02:00"
	case s == "Z":
		return 0, ""
	case len(s) != 6 || s[0] != '+' && s[0] != '-' || !hasShape(s[1:], "dd:dd"):
		return 0, wrong
	}
	hours, minutes := number(s[1:3]), number(s[4:6])
	if hours > 23 || minutes > 59 {
		return 0, wrong
	}
	seconds = int64(hours)*3600 + int64(minutes)*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, ""
}

// TimeOf returns t, which must be a whole number of microseconds in the years 0 to 9999. The error is
// an *InvalidError. To drop what is finer, say TimeOf(t.Truncate(time.Microsecond)).
func TimeOf(t time.Time) (Time, error) {
	t = t.UTC()
	if t.Year() < 0 || t.Year() > 9999 {
		return 0, invalid(timeField, t.String(), "outside the years 0 to 9999 in UTC")
	}
	if t.Nanosecond()%1000 != 0 {
		return 0, invalid(timeField, t.Format(time.RFC3339Nano), "finer than a microsecond")
	}
	return Time(t.UnixMicro()), nil
}

// Time returns the moment as a time.Time in UTC.
func (t Time) Time() time.Time { return time.UnixMicro(int64(t)).UTC() }

// String prints the moment in RFC 3339 with Z, and with up to six places where the second is not whole.
func (t Time) String() string { return t.Time().Format(layout) }

// AppendText appends what String returns to b. It never fails.
func (t Time) AppendText(b []byte) ([]byte, error) { return t.Time().AppendFormat(b, layout), nil }

// MarshalText returns what String returns; in JSON that is a string. It never fails.
func (t Time) MarshalText() ([]byte, error) { return t.AppendText(nil) }

// UnmarshalText is ParseTime.
func (t *Time) UnmarshalText(text []byte) error {
	v, err := ParseTime(string(text))
	if err != nil {
		return err
	}
	*t = v
	return nil
}

// Sub returns t − u. Like time.Time.Sub it stops at the ends of time.Duration, 292 years.
func (t Time) Sub(u Time) time.Duration { return t.Time().Sub(u.Time()) }

// Add returns t + d, with what d holds below a microsecond dropped.
func (t Time) Add(d time.Duration) Time { return t + Time(d.Microseconds()) }

// Scan reads an integer column of microseconds. NULL and every other type are errors.
func (t *Time) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return wrongType(timeField, src, "int64")
	}
	*t = Time(n)
	return nil
}

// Value is the moment in microseconds as int64.
func (t Time) Value() (driver.Value, error) { return int64(t), nil }
