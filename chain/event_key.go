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

// The digits of a key are the characters from ! to }, of which 93 make shorter keys than 64 letters and figures: a
// key stands in every row and index of its event.
const (
	keyDigit = '!'
	keyBase  = 93
)

// What stands before an extrinsic id whose first number is not the block. That it is, as mostly, shows in the digits
// between: the second number follows at once.
const (
	keyBelowBlock = keyDigit
	keySameBlock  = keyDigit + 1
	keyAboveBlock = keyDigit + keyBase - 1
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
	if eventIndex != 0 { // else nothing, which comes before all
		key = appendKeyNumber(key, eventIndex)
	}
	return EventKey(key)
}

// FirstEventKey comes before the key of every event at a time or later, and after those of all earlier ones.
func FirstEventKey(t Time) EventKey { return EventKey(appendKeyTime(nil, t)) }

// From 1970 until the year 2143 a time has keyTimeDigits digits, of which the first is neither the least nor the
// greatest. With these begin the times before, and those after, of keyTimeDigits+2.
const (
	keyTimeDigits = 8
	keyTimeFirst  = keyBase * keyBase * keyBase * keyBase * keyBase * keyBase * keyBase // what one of the first digit is worth
	keyTimeEnd    = (keyBase - 2) * keyTimeFirst
)

func appendKeyTime(key []byte, t Time) []byte {
	switch {
	case t < 0:
		return appendKeyDigits(append(key, keyDigit), uint64(t-minTime), keyTimeDigits+1)
	case t < keyTimeEnd:
		return appendKeyDigits(key, uint64(t)+keyTimeFirst, keyTimeDigits)
	}
	return appendKeyDigits(append(key, keyDigit+keyBase-1), uint64(t), keyTimeDigits+1)
}

// keyRooms says how many first digits a number has that so many others follow; one more is for what has ten.
type keyRooms [10]uint64

var (
	// A block of these years has four digits together.
	keyNumbers = keyRooms{29, 10, 6, 40, 2, 1, 1, 1, 1, 1}
	// The number of an extrinsic in its block has one or two. The first digit is not the least or the greatest where
	// keySameBlock is the least that there is.
	keySeconds = keyRooms{58, 24, 1, 1, 1, 1, 1, 1, 1, 1}
)

// append appends a number so that smaller ones are not longer: the first digit, counted from least, says how
// many follow, and holds the rest of the number where there are several for one length.
func (rooms *keyRooms) append(key []byte, least byte, n uint64) []byte {
	worth := uint64(1)
	for digits, room := range rooms {
		if n < room*worth {
			return appendKeyDigits(append(key, least+byte(n/worth)), n%worth, digits)
		}
		least, n, worth = least+byte(room), n-room*worth, worth*keyBase
	}
	return appendKeyDigits(append(key, least), n, len(rooms))
}

func appendKeyNumber(key []byte, n int64) []byte { return keyNumbers.append(key, keyDigit, uint64(n)) }

// appendKeyDigits appends that many digits of a number, at most ten.
func appendKeyDigits(key []byte, n uint64, digits int) []byte {
	key = append(key, "!!!!!!!!!!"[:digits]...)
	for i := len(key) - 1; i >= len(key)-digits; i-- {
		key[i] = byte(keyDigit + n%keyBase)
		n /= keyBase
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
	least := byte(keyDigit)
	switch {
	case id.first == block:
		least = keySameBlock
	case id.first < block:
		key = appendKeyNumber(append(key, keyBelowBlock), id.first)
	default:
		key = appendKeyNumber(append(key, keyAboveBlock), id.first)
	}
	zeros := zerosAfter(id.first, id.firstZeros)<<7 | zerosAfter(id.second, id.secondZeros)
	usual := zerosAfter(id.second, usualZeros(id.second))
	second := uint64(id.second)
	switch {
	case second >= keyLargeSecond:
		second += 2 * keyLargeSecond
	case zeros == usual:
		return keySeconds.append(key, least, 3*second+1)
	case zeros > usual:
		second *= 3
	default:
		second = 3*second + 2
	}
	key = keySeconds.append(key, least, second)
	return appendKeyDigits(key, uint64(1<<14-1-zeros), 3)
}

// keyLargeSecond is from where on a second number is not multiplied to hold how its zeros compare with the usual ones.
const keyLargeSecond = 1 << 61

// usualZeros are those that fill a second number up to four digits, as in "1895779-0014".
func usualZeros(n int64) int {
	switch {
	case n < 10:
		return 3
	case n < 100:
		return 2
	case n < 1000:
		return 1
	}
	return 0
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
