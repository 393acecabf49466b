package chain

import (
	"database/sql/driver"
	"slices"
)

// Outcome says whether an event had an effect.
type Outcome string

// The values of Outcome.
const (
	Applied Outcome = "applied" // it opened or closed a position
	Ignored Outcome = "ignored" // recorded without effect, for an IgnoreReason
)

var outcomes = []Outcome{Applied, Ignored}

// ParseOutcome reads an outcome. The error is an *InvalidError.
func ParseOutcome(s string) (Outcome, error) {
	return parseWord("outcome", s, outcomes)
}

// Valid reports whether it is one of the values above.
func (o Outcome) Valid() bool { return slices.Contains(outcomes, o) }

// Scan reads a text column and refuses an unknown word, NULL and every other type.
func (o *Outcome) Scan(src any) error { return scanWord(o, "outcome", src, outcomes) }

// Value is the word as text.
func (o Outcome) Value() (driver.Value, error) { return string(o), nil }

// IgnoreReason is why an event had no effect.
type IgnoreReason string

// The values of IgnoreReason.
const (
	BeforeTrackingStart IgnoreReason = "before_tracking_start" // older than the tracking start of its miner
	InvalidNetuid       IgnoreReason = "invalid_netuid"        // on netuid 0, which has no alpha
	ZeroAmounts         IgnoreReason = "zero_amounts"          // its TAO or its alpha is 0
	NoOpenPosition      IgnoreReason = "no_open_position"      // an unstake that met nothing to close
	Excluded            IgnoreReason = "excluded"              // left out by the caller, for example a transfer
)

var ignoreReasons = []IgnoreReason{BeforeTrackingStart, InvalidNetuid, ZeroAmounts, NoOpenPosition, Excluded}

// ParseIgnoreReason reads an ignore reason. The error is an *InvalidError.
func ParseIgnoreReason(s string) (IgnoreReason, error) {
	return parseWord("ignore reason", s, ignoreReasons)
}

// Valid reports whether it is one of the values above.
func (i IgnoreReason) Valid() bool { return slices.Contains(ignoreReasons, i) }

// Scan reads a text column and refuses an unknown word, NULL and every other type.
func (i *IgnoreReason) Scan(src any) error { return scanWord(i, "ignore reason", src, ignoreReasons) }

// Value is the word as text.
func (i IgnoreReason) Value() (driver.Value, error) { return string(i), nil }
