package chain

import (
	"database/sql/driver"
	"math"
	"strconv"
)

// Netuid is the number of a subnet. 0 is the root network, which has no alpha.
type Netuid uint16

// UID is the place of a miner within a subnet; it passes from miner to miner.
type UID uint16

const (
	netuidField = "netuid"
	uidField    = "uid"
)

// ParseNetuid reads the number of a subnet, 0 to 65535, in digits. The error is an *InvalidError.
func ParseNetuid(s string) (Netuid, error) {
	n, err := parseUint16(netuidField, s)
	return Netuid(n), err
}

// ParseUID reads a UID, 0 to 65535, in digits. The error is an *InvalidError.
func ParseUID(s string) (UID, error) {
	n, err := parseUint16(uidField, s)
	return UID(n), err
}

// String prints the number in digits.
func (n Netuid) String() string { return strconv.Itoa(int(n)) }

// String prints the number in digits.
func (u UID) String() string { return strconv.Itoa(int(u)) }

// Scan reads an integer column and refuses what is out of range. NULL and every other type are errors.
func (n *Netuid) Scan(src any) error {
	v, err := scanUint16(netuidField, src)
	if err == nil {
		*n = Netuid(v)
	}
	return err
}

// Scan reads an integer column and refuses what is out of range. NULL and every other type are errors.
func (u *UID) Scan(src any) error {
	v, err := scanUint16(uidField, src)
	if err == nil {
		*u = UID(v)
	}
	return err
}

// Value is the number as int64.
func (n Netuid) Value() (driver.Value, error) { return int64(n), nil }

// Value is the number as int64.
func (u UID) Value() (driver.Value, error) { return int64(u), nil }

const uint16Range = "want a whole number from 0 to 65535"

func parseUint16(field, s string) (uint16, error) {
	if !digits(s) {
		return 0, invalid(field, s, uint16Range)
	}
	n, ok := appendDigits(0, s)
	if !ok || n > math.MaxUint16 {
		return 0, invalid(field, s, uint16Range)
	}
	return uint16(n), nil
}

func scanUint16(field string, src any) (uint16, error) {
	n, ok := src.(int64)
	if !ok {
		return 0, wrongType(field, src, "int64")
	}
	if n < 0 || n > math.MaxUint16 {
		return 0, invalid(field, strconv.FormatInt(n, 10), uint16Range)
	}
	return uint16(n), nil
}
