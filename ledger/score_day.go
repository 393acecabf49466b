package ledger

import (
	"time"

	"github.com/stakeledger/stakeledger/chain"
)

const dayUs = 24 * 60 * 60 * 1_000_000

// Day is a day in UTC, as the number of days since 1970-01-01. Its text is a date, "2025-04-10".
type Day int64

// DayOf is the day of a time, which must not be before 1970.
func DayOf(t chain.Time) Day { return Day(t / dayUs) }

// Start is the first moment of the day.
func (d Day) Start() chain.Time { return chain.Time(d) * dayUs }

// String is the date, "2025-04-10".
func (d Day) String() string { return d.Start().Time().Format(time.DateOnly) }

// MarshalText is String.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }
