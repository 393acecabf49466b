package chain

import (
	"database/sql/driver"
	"slices"
)

// MinerStatus is where a miner stands.
type MinerStatus string

// The values of MinerStatus.
const (
	MinerActive      MinerStatus = "active"      // registered now
	MinerInactive    MinerStatus = "inactive"    // deregistered; its history stays
	MinerBlacklisted MinerStatus = "blacklisted" // excluded for good, whatever else happens to it
)

var minerStatuses = []MinerStatus{MinerActive, MinerInactive, MinerBlacklisted}

// ParseMinerStatus reads a miner status. The error is an *InvalidError.
func ParseMinerStatus(s string) (MinerStatus, error) {
	return parseWord("miner status", s, minerStatuses)
}

// Valid reports whether it is one of the values above.
func (m MinerStatus) Valid() bool { return slices.Contains(minerStatuses, m) }

// Scan reads a text column and refuses an unknown word, NULL and every other type.
func (m *MinerStatus) Scan(src any) error { return scanWord(m, "miner status", src, minerStatuses) }

// Value is the word as text.
func (m MinerStatus) Value() (driver.Value, error) { return string(m), nil }

// PositionStatus follows from what is left of a position. Closed is final.
type PositionStatus string

// The values of PositionStatus.
const (
	PositionOpen    PositionStatus = "open"    // nothing sold yet
	PositionPartial PositionStatus = "partial" // some alpha sold
	PositionClosed  PositionStatus = "closed"  // all alpha sold
)

var positionStatuses = []PositionStatus{PositionOpen, PositionPartial, PositionClosed}

// ParsePositionStatus reads a position status. The error is an *InvalidError.
func ParsePositionStatus(s string) (PositionStatus, error) {
	return parseWord("position status", s, positionStatuses)
}

// Valid reports whether it is one of the values above.
func (p PositionStatus) Valid() bool { return slices.Contains(positionStatuses, p) }

// Scan reads a text column and refuses an unknown word, NULL and every other type.
func (p *PositionStatus) Scan(src any) error {
	return scanWord(p, "position status", src, positionStatuses)
}

// Value is the word as text.
func (p PositionStatus) Value() (driver.Value, error) { return string(p), nil }
