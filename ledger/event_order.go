package ledger

import (
	"cmp"
	"math"
	"strconv"
	"strings"

	"github.com/stakeledger/stakeledger/chain"
)

// order is an event's place among those of its miner: by time, block, extrinsic, index. Extrinsics compare as
// numbers where they are written as two ("1895779-0014"), and as text otherwise, after all numbers.
type order struct {
	time            chain.Time
	block           int64
	extrinsicBlock  int64
	extrinsicNumber int64
	extrinsicID     string
	eventIndex      int64
}

func orderOf(time chain.Time, block int64, extrinsicID string, eventIndex int64) order {
	b, n := extrinsicNumbers(extrinsicID)
	return order{time, block, b, n, extrinsicID, eventIndex}
}

func (e Event) order() order { return orderOf(e.Time, e.Block, e.ExtrinsicID, e.EventIndex) }

// before reports whether a comes before b.
func (a order) before(b order) bool {
	return cmp.Or(
		cmp.Compare(a.time, b.time),
		cmp.Compare(a.block, b.block),
		cmp.Compare(a.extrinsicBlock, b.extrinsicBlock),
		cmp.Compare(a.extrinsicNumber, b.extrinsicNumber),
		cmp.Compare(a.extrinsicID, b.extrinsicID),
		cmp.Compare(a.eventIndex, b.eventIndex),
	) < 0
}

// extrinsicNumbers reads an extrinsic id of two numbers; any other gets the greatest numbers there are.
func extrinsicNumbers(id string) (block, number int64) {
	first, second, ok := strings.Cut(id, "-")
	if !ok || !allDigits(first) || !allDigits(second) {
		return math.MaxInt64, math.MaxInt64
	}
	block, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return math.MaxInt64, math.MaxInt64
	}
	number, err = strconv.ParseInt(second, 10, 64)
	if err != nil {
		return math.MaxInt64, math.MaxInt64
	}
	return block, number
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
