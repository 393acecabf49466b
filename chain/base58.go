package chain

import (
	"encoding/binary"
	"math/bits"
)

const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// An address is a number of 35 bytes in 48 digits of base 58. Eight digits at a time fit a machine word,
// so six rounds over five words do what a digit at a time does in forty-eight.
const (
	groupDigits = 8
	groupBase   = 58 * 58 * 58 * 58 * 58 * 58 * 58 * 58
	words       = 5
	wordBytes   = 8 * words
)

// digitValue maps a character to its value plus one; zero is not a digit.
var digitValue = func() (values [256]byte) {
	for i := range len(alphabet) {
		values[alphabet[i]] = byte(i + 1)
	}
	return values
}()

// decodeBase58 reads 48 characters. It reports false for a character outside the alphabet and for a
// number that takes more than 35 bytes.
func decodeBase58(s string) (raw rawAddress, ok bool) {
	var number [words]uint64 // the most significant word first
	for at := 0; at < addressLength; at += groupDigits {
		var carry uint64
		for i := at; i < at+groupDigits; i++ {
			v := digitValue[s[i]]
			if v == 0 {
				return rawAddress{}, false
			}
			carry = carry*58 + uint64(v-1)
		}
		for w := words - 1; w >= 0; w-- {
			hi, lo := bits.Mul64(number[w], groupBase)
			var c uint64
			number[w], c = bits.Add64(lo, carry, 0)
			carry = hi + c
		}
	}
	var all [wordBytes]byte
	for w, v := range number {
		binary.BigEndian.PutUint64(all[8*w:], v)
	}
	const spare = wordBytes - len(raw)
	for _, b := range all[:spare] {
		if b != 0 {
			return rawAddress{}, false
		}
	}
	return rawAddress(all[spare:]), true
}

// encodeBase58 writes 48 characters.
func encodeBase58(raw rawAddress) string {
	var all [wordBytes]byte
	copy(all[wordBytes-len(raw):], raw[:])
	var number [words]uint64
	for w := range number {
		number[w] = binary.BigEndian.Uint64(all[8*w:])
	}
	var text [addressLength]byte
	for at := addressLength; at > 0; at -= groupDigits {
		var rest uint64
		for w := range number {
			number[w], rest = bits.Div64(rest, number[w], groupBase)
		}
		for i := at - 1; i >= at-groupDigits; i-- {
			text[i] = alphabet[rest%58]
			rest /= 58
		}
	}
	return string(text[:])
}
