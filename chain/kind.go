package chain

import (
	"database/sql/driver"
	"slices"
)

// EventKind is the side of an event.
type EventKind string

// The values of EventKind.
const (
	Stake   EventKind = "stake"   // TAO buys alpha: opens a position
	Unstake EventKind = "unstake" // alpha is sold for TAO: a trade, closes positions
)

var eventKinds = []EventKind{Stake, Unstake}

// ParseEventKind reads an event kind. The error is an *InvalidError.
func ParseEventKind(s string) (EventKind, error) {
	return parseWord("event kind", s, eventKinds)
}

// Valid reports whether it is one of the values above.
func (e EventKind) Valid() bool { return slices.Contains(eventKinds, e) }

// Scan reads a text column and refuses an unknown word, NULL and every other type.
func (e *EventKind) Scan(src any) error { return scanWord(e, "event kind", src, eventKinds) }

// Value is the word as text.
func (e EventKind) Value() (driver.Value, error) { return string(e), nil }
