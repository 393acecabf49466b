package chain_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
)

func TestMulDivFloor(t *testing.T) {
	const top = math.MaxInt64
	for _, tt := range []struct{ a, b, c, want int64 }{
		{0, 0, 1, 0},
		{0, top, top, 0},
		{7, 3, 2, 10},
		{1, 1, 2, 0},
		{top, top, top, top},
		{top, 1, 1, top},
		{top, 2, 2, top},
		{top, top - 1, top, top - 1},
		{top - 1, top - 1, top, top - 2},
		{3_000_000_000_000_000_000, 3_000_000_000_000_000_000, 9_000_000_000_000_000_000, 1_000_000_000_000_000_000},
	} {
		if got := chain.MulDivFloor(tt.a, tt.b, tt.c); got != tt.want {
			t.Errorf("MulDivFloor(%d, %d, %d): got %d, want %d", tt.a, tt.b, tt.c, got, tt.want)
		}
	}
}

func TestMulDivFloorPanics(t *testing.T) {
	const top = math.MaxInt64
	for _, in := range [][3]int64{{-1, 1, 1}, {1, -1, 1}, {1, 1, 0}, {1, 1, -1}, {top, 2, 1}, {top, top, 1}, {top, top, 2}, {top, 4, 2}, {top, 4, 1}} {
		wantPanic(t, func() { chain.MulDivFloor(in[0], in[1], in[2]) }, "chain.MulDivFloor")
	}
}

func TestShareRefusesWhatNoRowHolds(t *testing.T) {
	const low = math.MinInt64
	for _, in := range [][4]chain.Rao{
		{1, 10, 5, 4}, {1, 10, 5, 11}, {1, 10, -1, 5}, {-1, 10, 0, 5}, {1, 0, 0, 0}, {1, -10, 0, 0}, {1, -10, -20, -15}, {1, 10, low, low}, {low, low, low, low},
	} {
		if got, err := chain.Share(in[0], in[1], in[2], in[3]); got != 0 || !errors.Is(err, chain.ErrInvalid) {
			t.Errorf("Share(%d): got %d, %v, want ErrInvalid", in, got, err)
		}
	}
}

func wantPanic(t *testing.T, call func(), part string) {
	t.Helper()
	defer func() {
		if got := fmt.Sprint(recover()); !strings.Contains(got, part) {
			t.Errorf("got panic %q, want one with %q", got, part)
		}
	}()
	call()
}

func TestMulDivFloorAgainstBig(t *testing.T) {
	random := newRandom(t)
	for range 100_000 {
		c := 1 + anySize(random, math.MaxInt64-1)
		a, b := anySize(random, math.MaxInt64), anySize(random, c) // b <= c: the result fits
		want := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
		want.Quo(want, big.NewInt(c))
		if got := chain.MulDivFloor(a, b, c); want.Cmp(big.NewInt(got)) != 0 {
			t.Fatalf("MulDivFloor(%d, %d, %d): got %d, want %v", a, b, c, got, want)
		}
	}
}

func TestSharesSumToTheWhole(t *testing.T) {
	random := newRandom(t)
	for range 2_000 {
		total := chain.Rao(anySize(random, math.MaxInt64))
		whole := chain.Rao(1 + anySize(random, math.MaxInt64-1))
		var sum, before chain.Rao
		for before < whole {
			after := before + 1 + chain.Rao(random.Int64N(int64(whole-before)))
			part, err := chain.Share(total, whole, before, after)
			if part < 0 || err != nil {
				t.Fatalf("Share(%d, %d, %d, %d): got %d, %v, want >= 0", total, whole, before, after, part, err)
			}
			sum += part
			before = after
		}
		if sum != total {
			t.Fatalf("shares of %d over %d: got sum %d", total, whole, sum)
		}
	}
}

// FuzzShare compares with exact fractions.
func FuzzShare(f *testing.F) {
	f.Add(int64(100), int64(3), int64(0), int64(1))
	f.Add(int64(100), int64(3), int64(1), int64(2))
	f.Add(int64(math.MaxInt64), int64(math.MaxInt64), int64(1), int64(math.MaxInt64))
	f.Add(int64(math.MaxInt64), int64(math.MaxInt64-1), int64(7), int64(math.MaxInt64-1))
	f.Fuzz(func(t *testing.T, total, whole, before, after int64) {
		if total < 0 || whole <= 0 || before < 0 || before > after || after > whole {
			t.Skip("outside the contract")
		}
		got, err := chain.Share(chain.Rao(total), chain.Rao(whole), chain.Rao(before), chain.Rao(after))
		want := new(big.Int).Sub(floorOf(total, after, whole), floorOf(total, before, whole))
		if err != nil || want.Cmp(big.NewInt(int64(got))) != 0 {
			t.Fatalf("Share(%d, %d, %d, %d): got %d, %v, want %v", total, whole, before, after, got, err, want)
		}
	})
}

// floorOf is floor(total*part/whole) through a fraction.
func floorOf(total, part, whole int64) *big.Int {
	exact := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(total), big.NewInt(part)), big.NewInt(whole))
	return new(big.Int).Div(exact.Num(), exact.Denom())
}

// newRandom prints its seed, so that a failure can be repeated.
func newRandom(t *testing.T) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// anySize is a number from 0 to limit whose number of bits is as random as its value.
func anySize(random *rand.Rand, limit int64) int64 {
	return min(limit, random.Int64()>>random.IntN(63))
}
