package chain

import (
	"database/sql/driver"
	"strconv"

	"golang.org/x/crypto/blake2b"
)

// Address is an account of the chain in SS58 form: 48 base58 characters that hold the network prefix
// 42, a 32-byte public key and a checksum. A coldkey identifies a miner, a hotkey the account it stakes to.
type Address string

const (
	addressLength = 48
	networkPrefix = 42
	addressField  = "address"
)

// rawAddress is what the base58 characters stand for: prefix, public key, checksum.
type rawAddress [1 + 32 + 2]byte

// ParseAddress checks an SS58 address in full: length, alphabet, network prefix 42 and the blake2b
// checksum, so that a mistyped or a cut address never gets further. The error is an *InvalidError.
func ParseAddress(s string) (Address, error) {
	if len(s) != addressLength {
		return "", invalid(addressField, s, strconv.Itoa(len(s))+" characters; an SS58 address with network prefix 42 has 48")
	}
	raw, ok := decodeBase58(s)
	switch {
	case !ok:
		return "", invalid(addressField, s, "not SS58; want base58, the digits and letters without 0, O, I and l")
	case raw[0] != networkPrefix:
		return "", invalid(addressField, s, "network prefix "+strconv.Itoa(int(raw[0]))+"; want 42")
	case [2]byte(raw[33:]) != checksum([33]byte(raw[:33])):
		return "", invalid(addressField, s, "wrong checksum; a character was changed")
	}
	return Address(s), nil
}

// AddressFromPublicKey returns the address of a public key.
func AddressFromPublicKey(key [32]byte) Address {
	raw := rawAddress{networkPrefix}
	copy(raw[1:], key[:])
	sum := checksum([33]byte(raw[:33]))
	copy(raw[33:], sum[:])
	return Address(encodeBase58(raw))
}

// checksum is the first two bytes of blake2b-512 over a fixed word, the prefix and the key.
func checksum(body [33]byte) [2]byte {
	const context = "SS58PRE"
	var message [len(context) + len(body)]byte
	copy(message[:], context)
	copy(message[len(context):], body[:])
	sum := blake2b.Sum512(message[:])
	return [2]byte(sum[:2])
}

// Scan reads a text column. It trusts that the address was checked on its way in; NULL and every other
// type are errors.
func (a *Address) Scan(src any) error {
	switch s := src.(type) {
	case string:
		*a = Address(s)
	case []byte:
		*a = Address(s)
	default:
		return wrongType(addressField, src, "text")
	}
	return nil
}

// Value is the address as text.
func (a Address) Value() (driver.Value, error) { return string(a), nil }
