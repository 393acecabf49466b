package chain

import (
	"database/sql/driver"
	"strconv"
	"strings"
)

// EventKey is the place of an event among those of its miner: one key comes before another, byte by byte,
// where its event does. Printable ASCII, so that every database sorts and prints it alike. The order is
//
//   - time;
//   - block, where an unknown one (0) takes the first number of an extrinsic id of two, and without such an id
//     comes after all known blocks of its time;
//   - extrinsic id: ids of two numbers ("1895779-0014") by their numbers and, where these are equal, by bytes;
//     after them all others by bytes;
//   - event index.
//
// No two events of a miner have the same key, since it holds the extrinsic id and the index.
type EventKey string

// The digits of a key in the order of their bytes.
const keyDigits = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"

// What stands before an extrinsic id says how its first number compares with the block, which mostly is the
// same, so that it need not be written again.
const (
	keyBelowBlock = '<'
	keySameBlock  = '='
	keyAboveBlock = '>'
	keyNoNumber   = '~' // after every number: the block is unknown, or the id is not two numbers
)

// NewEventKey is the key of an event. It takes any values and fails for none, but keeps the order only of those
// that an event may have: times of the years 0 to 9999, no negative block or index, ids of ParseExtrinsicID.
func NewEventKey(t Time, block int64, extrinsicID string, eventIndex int64) EventKey {
	key := appendKeyTime(make([]byte, 0, 48), t)
	id, isNumbers := splitExtrinsicID(extrinsicID)
	if block == 0 && isNumbers {
		block = id.first
	}
	if block == 0 && !isNumbers {
		key = append(key, keyNoNumber)
	} else {
		key = appendKeyNumber(key, block)
	}
	if isNumbers {
		key = id.append(key, block)
	} else {
		key = appendKeyText(append(key, keyNoNumber), extrinsicID)
	}
	return EventKey(appendKeyNumber(key, eventIndex))
}

// FirstEventKey comes before the key of every event at a time or later, and after those of all earlier ones.
func FirstEventKey(t Time) EventKey { return EventKey(appendKeyTime(nil, t)) }

// keyTimeDigits hold the microseconds of 10,000 years.
const keyTimeDigits = 10

func appendKeyTime(key []byte, t Time) []byte {
	return appendKeyDigits(key, uint64(t-minTime), keyTimeDigits)
}

// appendKeyNumber appends a number so that smaller ones are shorter: the first digit says how many follow, and
// holds the rest of the number where few do. 0 to 31 are one digit, up to 1,055 two, and so on.
func appendKeyNumber(key []byte, n int64) []byte {
	first, rest := uint64(0), uint64(n)
	for room, digits := uint64(32), 0; room > 1; room, digits = room/2, digits+1 {
		if size := room << (6 * digits); rest >= size {
			first, rest = first+room, rest-size
			continue
		}
		return appendKeyDigits(append(key, keyDigits[first+rest>>(6*digits)]), rest, digits)
	}
	return appendKeyDigits(append(key, keyDigits[len(keyDigits)-1]), rest, 11)
}

func appendKeyDigits(key []byte, n uint64, digits int) []byte {
	for shift := 6 * (digits - 1); shift >= 0; shift -= 6 {
		key = append(key, keyDigits[n>>shift&63])
	}
	return key
}

// appendKeyText appends a text and an end that comes before everything that could follow it. The end is a space,
// so the two first characters that a text may hold stand for themselves by two.
func appendKeyText(key []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case ' ':
			key = append(key, '!', '0')
		case '!':
			key = append(key, '!', '1')
		default:
			key = append(key, c)
		}
	}
	return append(key, ' ')
}

// numberedID is an extrinsic id of two numbers.
type numberedID struct {
	first, second           int64
	firstZeros, secondZeros int // that lead, and do not count
}

// splitExtrinsicID reads an id of two numbers below 2^63.
func splitExtrinsicID(s string) (id numberedID, ok bool) {
	first, second, ok := strings.Cut(s, "-")
	if !ok {
		return id, false
	}
	if id.first, id.firstZeros, ok = keyNumber(first); !ok {
		return id, false
	}
	id.second, id.secondZeros, ok = keyNumber(second)
	return id, ok
}

// keyNumber reads digits, and counts the zeros before the number.
func keyNumber(s string) (n int64, zeros int, ok bool) {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, 0, false
		}
	}
	for zeros < len(s)-1 && s[zeros] == '0' {
		zeros++
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, zeros, err == nil
}

// append appends the numbers, and the place of the zeros among ids of the same numbers.
func (id numberedID) append(key []byte, block int64) []byte {
	switch {
	case id.first == block:
		key = append(key, keySameBlock)
	case id.first < block:
		key = appendKeyNumber(append(key, keyBelowBlock), id.first)
	default:
		key = appendKeyNumber(append(key, keyAboveBlock), id.first)
	}
	key = appendKeyNumber(key, id.second)
	start := len(key)
	key = appendKeyNumber(key, zerosAfter(id.first, id.firstZeros)<<7|zerosAfter(id.second, id.secondZeros))
	for i := start; i < len(key); i++ { // backwards, so that what most ids have is short
		key[i] = keyDigits[63-strings.IndexByte(keyDigits, key[i])]
	}
	return key
}

// zerosAfter is how many of the ways to write a number with zeros before it come later by bytes: more zeros come
// before any other digit, but after the end of the number 0 itself.
func zerosAfter(n int64, zeros int) int64 {
	if n == 0 {
		return int64(maxExtrinsicID - 1 - zeros)
	}
	return int64(zeros)
}

// Scan reads a text column.
func (k *EventKey) Scan(src any) error {
	switch v := src.(type) {
	case string:
		*k = EventKey(v)
	case []byte:
		*k = EventKey(v)
	default:
		return wrongType("event key", src, "text")
	}
	return nil
}

// Value is the key as text.
func (k EventKey) Value() (driver.Value, error) { return string(k), nil }
