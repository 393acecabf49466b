package chain

import (
	"fmt"
	"math"
	"math/bits"
)

// MulDivFloor returns floor(a*b/c), computed through a 128-bit product so that nothing is lost on the
// way. It wants a >= 0, b >= 0, c > 0 and a result that fits int64, and panics otherwise: the caller
// holds these by its own rules (a part is never more than its whole), and a wrong amount of money is
// worse than a stopped program.
func MulDivFloor(a, b, c int64) int64 {
	if a < 0 || b < 0 || c <= 0 {
		panic(fmt.Sprintf("chain.MulDivFloor(%d, %d, %d): want a >= 0, b >= 0 and c > 0", a, b, c))
	}
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	if hi >= uint64(c) { // bits.Div64 would panic with less to say
		panic(fmt.Sprintf("chain.MulDivFloor(%d, %d, %d): the result does not fit int64", a, b, c))
	}
	q, _ := bits.Div64(hi, lo, uint64(c))
	if q > math.MaxInt64 {
		panic(fmt.Sprintf("chain.MulDivFloor(%d, %d, %d): the result does not fit int64", a, b, c))
	}
	return int64(q)
}

// Share returns the part of total that belongs to the stretch from before to after of whole:
//
//	floor(total*after/whole) - floor(total*before/whole)
//
// Shares of adjoining stretches telescope: those that together cover the whole sum to total exactly,
// whatever the rounding of each. Amounts may come from a damaged row: the error is an *InvalidError unless
// total >= 0, whole > 0 and 0 <= before <= after <= whole.
func Share(total, whole, before, after Rao) (Rao, error) {
	switch {
	case total < 0:
		return 0, invalid(amountField, total.String(), "is negative")
	case whole <= 0:
		return 0, invalid(amountField, whole.String(), "is no whole to share; want more than 0")
	case before < 0 || before > after || after > whole:
		return 0, invalid(amountField, whole.String(), fmt.Sprintf("has no part from %s to %s", before, after))
	}
	upper := MulDivFloor(int64(total), int64(after), int64(whole))
	lower := MulDivFloor(int64(total), int64(before), int64(whole))
	return Rao(upper - lower), nil
}
