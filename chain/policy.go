package chain

import (
	"database/sql/driver"
	"slices"
)

// CloseMode is what a close does when it sells more alpha than is open.
type CloseMode string

// The values of CloseMode.
const (
	Strict  CloseMode = "strict"  // an error, and nothing changes
	Lenient CloseMode = "lenient" // close what there is and record the rest as unmatched
)

var closeModes = []CloseMode{Strict, Lenient}

// ParseCloseMode reads a close mode. The error is an *InvalidError.
func ParseCloseMode(s string) (CloseMode, error) {
	return parseWord("close mode", s, closeModes)
}

// Valid reports whether it is one of the values above.
func (c CloseMode) Valid() bool { return slices.Contains(closeModes, c) }

// Scan reads a text column and refuses an unknown word, NULL and every other type.
func (c *CloseMode) Scan(src any) error { return scanWord(c, "close mode", src, closeModes) }

// Value is the word as text.
func (c CloseMode) Value() (driver.Value, error) { return string(c), nil }

// SelfTradePolicy says what gain counts when a position is closed by the extrinsic that opened it.
type SelfTradePolicy string

// The values of SelfTradePolicy.
const (
	SelfTradeZero  SelfTradePolicy = "zero"  // nothing
	SelfTradeClamp SelfTradePolicy = "clamp" // its raw gain up to 0.001 TAO either way, and 0.0001 beyond
)

var selfTradePolicies = []SelfTradePolicy{SelfTradeZero, SelfTradeClamp}

// ParseSelfTradePolicy reads a self-trade policy. The error is an *InvalidError.
func ParseSelfTradePolicy(s string) (SelfTradePolicy, error) {
	return parseWord("self-trade policy", s, selfTradePolicies)
}

// Valid reports whether it is one of the values above.
func (s SelfTradePolicy) Valid() bool { return slices.Contains(selfTradePolicies, s) }

// Scan reads a text column and refuses an unknown word, NULL and every other type.
func (s *SelfTradePolicy) Scan(src any) error {
	return scanWord(s, "self-trade policy", src, selfTradePolicies)
}

// Value is the word as text.
func (s SelfTradePolicy) Value() (driver.Value, error) { return string(s), nil }

// TransferPolicy is whether transfers of stake between accounts count as stakes and unstakes.
type TransferPolicy string

// The values of TransferPolicy.
const (
	TransfersInclude TransferPolicy = "include" // like any other event
	TransfersExclude TransferPolicy = "exclude" // recorded as ignored: excluded
)

var transferPolicies = []TransferPolicy{TransfersInclude, TransfersExclude}

// ParseTransferPolicy reads a transfer policy. The error is an *InvalidError.
func ParseTransferPolicy(s string) (TransferPolicy, error) {
	return parseWord("transfer policy", s, transferPolicies)
}

// Valid reports whether it is one of the values above.
func (p TransferPolicy) Valid() bool { return slices.Contains(transferPolicies, p) }

// Scan reads a text column and refuses an unknown word, NULL and every other type.
func (p *TransferPolicy) Scan(src any) error {
	return scanWord(p, "transfer policy", src, transferPolicies)
}

// Value is the word as text.
func (p TransferPolicy) Value() (driver.Value, error) { return string(p), nil }
