package chain_test

import (
	"errors"
	"math"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
)

var (
	decimal   = regexp.MustCompile(`^([0-9]+)(?:\.([0-9]{1,9}))?$`)
	wholeRao  = regexp.MustCompile(`^[0-9]+$`)
	zonedTime = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6}0*)?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$`)
)

// FuzzAmountsAgree reads every text in a second way, by a pattern and exact arithmetic: both give the same amount, or
// both refuse it.
func FuzzAmountsAgree(f *testing.F) {
	for _, seed := range []string{"", "0", "00", "1.5", "1.", ".1", "-1", "+1", "1e3", "0x10", "1_0", "NaN", "Inf", " 1", "1 ", "1.0000000000", "9223372036.854775807", "9223372036.854775808",
		"9223372036854775807", "9223372036854775808", "00000000000000000000000001.000000001", "1.1.1", "\u0661", "1\x00", "-0", "--1", "-9223372036.854775808", "-9223372036.854775809"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := chain.ParseRao(s)
		sameAmount(t, s, got, err, exactRao(s))

		var whole *big.Int
		if wholeRao.MatchString(s) {
			whole, _ = new(big.Int).SetString(s, 10)
		}
		got, err = chain.ParseRaoInt(s)
		sameAmount(t, s, got, err, whole)

		signed := exactRao(strings.TrimPrefix(s, "-"))
		if signed != nil && strings.HasPrefix(s, "-") {
			signed.Neg(signed)
		}
		err = got.UnmarshalText([]byte(s))
		sameAmount(t, s, got, err, signed)
	})
}

// exactRao is the amount a decimal text stands for in rao, nil for every other text.
func exactRao(s string) *big.Int {
	if !decimal.MatchString(s) {
		return nil
	}
	exact, _ := new(big.Rat).SetString(s)
	exact.Mul(exact, big.NewRat(chain.RaoPerTAO, 1))
	return exact.Num()
}

func sameAmount(t *testing.T, s string, got chain.Rao, err error, want *big.Int) {
	t.Helper()
	switch {
	case want == nil || !want.IsInt64():
		if !errors.Is(err, chain.ErrInvalid) {
			t.Fatalf("%q: got %d, %v, want ErrInvalid", s, got, err)
		}
	case err != nil || int64(got) != want.Int64():
		t.Fatalf("%q: got %d, %v, want %v rao", s, got, err, want)
	}
}

// FuzzAmountsPrint: what is printed is read again as the same, whatever the amount.
func FuzzAmountsPrint(f *testing.F) {
	for _, seed := range []int64{0, 1, -1, chain.RaoPerTAO, math.MaxInt64, math.MinInt64} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, n int64) {
		text := chain.Rao(n).String()
		if want := new(big.Rat).SetFrac64(n, chain.RaoPerTAO).FloatString(9); text != want {
			t.Fatalf("%d: got %q, want %q", n, text, want)
		}
		var got chain.Rao
		if err := got.UnmarshalText([]byte(text)); err != nil || int64(got) != n {
			t.Fatalf("%q: got %d, %v, want %d", text, got, err, n)
		}
	})
}

// FuzzTimesAgree reads every text in a second way, by a pattern and the standard library: both give the same time, or
// both refuse it.
func FuzzTimesAgree(f *testing.F) {
	for _, seed := range []string{"2026-01-01T02:10:48Z", "2026-01-01T02:10:48.000001Z", "2026-01-01T02:10:48.0000010000000000000Z", "2026-01-01T02:10:48.0000000000001Z", "2026-01-01T02:10:48,5Z",
		"2026-02-29T00:00:00Z", "2024-02-29T23:59:59+23:59", "2016-12-31T23:59:60Z", "2026-01-01T24:00:00Z", "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59.999999-00:01", "2026-01-01t00:00:00z",
		"2026-01-01T00:00:00", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+0100", "2026-01-01T0:00:00Z", "12026-01-01T00:00:00Z", "2026-00-10T00:00:00Z", "2026-01-01 00:00:00Z", "-001-01-01T00:00:00Z"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := chain.ParseTime(s)
		want, wantErr := time.Parse(time.RFC3339Nano, s)
		year := want.UTC().Year()
		if !zonedTime.MatchString(s) || wantErr != nil || year < 0 || year > 9999 {
			if !errors.Is(err, chain.ErrInvalid) {
				t.Fatalf("%q: got %v, %v, want ErrInvalid", s, got, err)
			}
			return
		}
		if err != nil || !got.Time().Equal(want) {
			t.Fatalf("%q: got %v, %v, want %v", s, got, err, want)
		}
	})
}

// FuzzTimesPrint: what is printed is read again as the same, and a moment that cannot be printed is refused.
func FuzzTimesPrint(f *testing.F) {
	for _, seed := range [][2]int64{{0, 0}, {0, 1000}, {0, 1}, {-62167219200, 0}, {-62167219201, 0}, {253402300799, 999_999_000}, {253402300800, 0}, {1767233448, 1_000_000}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, seconds, nanos int64) {
		moment := time.Unix(seconds%(1<<40), nanos%1e9).UTC()
		got, err := chain.TimeOf(moment)
		if moment.Year() < 0 || moment.Year() > 9999 || moment.Nanosecond()%1000 != 0 {
			if !errors.Is(err, chain.ErrInvalid) {
				t.Fatalf("%v: got %v, %v, want ErrInvalid", moment, got, err)
			}
			return
		}
		if err != nil || !got.Time().Equal(moment) {
			t.Fatalf("%v: got %v, %v", moment, got, err)
		}
		if want := moment.Format(time.RFC3339Nano); got.String() != want {
			t.Fatalf("got %q, want %q", got, want)
		}
		if again, err := chain.ParseTime(got.String()); err != nil || again != got {
			t.Fatalf("%q: got %v, %v, want %v", got, again, err, got)
		}
	})
}

// FuzzChangedAddress changes one character. The checksum has 16 bits, so one change in 65,536 makes another good
// address; it must then be that of another key, never of the same.
func FuzzChangedAddress(f *testing.F) {
	f.Add([]byte{}, uint8(0), uint8('1'))
	f.Add([]byte("a public key of thirty-two bytes"), uint8(47), uint8('z'))
	f.Add([]byte{0xff, 0xff, 0xff}, uint8(20), uint8(0))
	f.Add(make([]byte, 32), uint8(3), uint8('0'))
	f.Fuzz(func(t *testing.T, bytes []byte, at, char uint8) {
		var key [32]byte
		copy(key[:], bytes)
		address := chain.AddressFromPublicKey(key)
		if got, err := chain.ParseAddress(string(address)); err != nil || got != address {
			t.Fatalf("%s of key %x: got %q, %v", address, key, got, err)
		}
		raw := bigBase58(string(address))
		if len(raw) != 35 || raw[0] != 42 || [32]byte(raw[1:33]) != key {
			t.Fatalf("%s: holds %x, want prefix 42 and key %x", address, raw, key)
		}
		changed := []byte(address)
		changed[int(at)%len(changed)] = char
		got, err := chain.ParseAddress(string(changed))
		switch {
		case string(changed) == string(address):
		case err != nil:
			if !errors.Is(err, chain.ErrInvalid) {
				t.Fatalf("%q: got %v, want ErrInvalid", changed, err)
			}
		default:
			other := [32]byte(bigBase58(string(got))[1:33])
			if other == key || chain.AddressFromPublicKey(other) != got {
				t.Fatalf("%q, a change of %s: got %q, want it refused", changed, address, got)
			}
		}
	})
}

// FuzzSharesTelescope cuts a whole anywhere: the shares are those of exact fractions, rounded, and sum to the whole.
func FuzzSharesTelescope(f *testing.F) {
	f.Add(int64(100), int64(3), []byte{1, 2})
	f.Add(int64(math.MaxInt64), int64(math.MaxInt64), []byte{0, 0, 7, 255, 128})
	f.Add(int64(1), int64(math.MaxInt64), []byte{1, 1, 1, 1, 1, 1, 1})
	f.Fuzz(func(t *testing.T, total, whole int64, cuts []byte) {
		if total < 0 || whole <= 0 || len(cuts) > 64 {
			t.Skip("outside the contract, or long")
		}
		var before, sum int64
		for i := range len(cuts) + 1 {
			after := whole
			if i < len(cuts) { // so many 256ths of what is left
				after = before + int64(new(big.Int).Rsh(new(big.Int).Mul(big.NewInt(whole-before), big.NewInt(int64(cuts[i]))), 8).Uint64())
			}
			share, err := chain.Share(chain.Rao(total), chain.Rao(whole), chain.Rao(before), chain.Rao(after))
			if err != nil {
				t.Fatal(err)
			}
			part := int64(share)
			exact := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(total), big.NewInt(after-before)), big.NewInt(whole))
			off := new(big.Rat).Sub(new(big.Rat).SetInt64(part), exact)
			if part < 0 || off.Abs(off).Cmp(big.NewRat(1, 1)) >= 0 {
				t.Fatalf("Share(%d, %d, %d, %d): got %d, want less than one rao from %v", total, whole, before, after, part, exact)
			}
			sum += part
			before = after
		}
		if sum != total {
			t.Fatalf("shares of %d of %d at %v: got sum %d", total, whole, cuts, sum)
		}
	})
}

// FuzzMulDivFloor: exact wherever the result fits, and a panic, not a wrong amount, everywhere else.
func FuzzMulDivFloor(f *testing.F) {
	for _, seed := range [][3]int64{{1, 2, 3}, {math.MaxInt64, math.MaxInt64, math.MaxInt64}, {math.MaxInt64, math.MaxInt64, math.MaxInt64 - 1}, {math.MaxInt64, 2, 1}, {0, 0, 0}, {-1, 1, 1}, {1, 1, math.MinInt64}} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, a, b, c int64) {
		var want *big.Int
		if a >= 0 && b >= 0 && c > 0 {
			want = new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
			want.Quo(want, big.NewInt(c))
		}
		got, panicked := mulDivFloor(a, b, c)
		if fits := want != nil && want.IsInt64(); panicked == fits || fits && got != want.Int64() {
			t.Fatalf("MulDivFloor(%d, %d, %d): got %d, panic %v, want %v", a, b, c, got, panicked, want)
		}
	})
}

func mulDivFloor(a, b, c int64) (got int64, panicked bool) {
	defer func() { panicked = recover() != nil }()
	return chain.MulDivFloor(a, b, c), false
}
