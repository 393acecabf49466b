package chain_test

import (
	"cmp"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
)

// eventPlace is what decides an event's place.
type eventPlace struct {
	time  chain.Time
	block int64
	id    string
	index int64
}

func (p eventPlace) key() chain.EventKey {
	return chain.NewEventKey(p.time, p.block, p.id, p.index)
}

var twoNumbers = regexp.MustCompile(`^([0-9]+)-([0-9]+)$`)

// compareEvents is the order of events field by field, written without the encoding in mind.
func compareEvents(a, b eventPlace) int {
	return cmp.Or(cmp.Compare(a.time, b.time), compareBlocks(a, b), compareIDs(a.id, b.id), cmp.Compare(a.index, b.index))
}

func compareBlocks(a, b eventPlace) int {
	place := func(p eventPlace) *big.Int {
		if p.block > 0 {
			return big.NewInt(p.block)
		}
		if n := idNumbers(p.id); n != nil {
			return n[0]
		}
		return new(big.Int).Lsh(big.NewInt(1), 64)
	}
	return place(a).Cmp(place(b))
}

func compareIDs(a, b string) int {
	x, y := idNumbers(a), idNumbers(b)
	switch {
	case x != nil && y != nil:
		return cmp.Or(x[0].Cmp(y[0]), x[1].Cmp(y[1]), strings.Compare(a, b))
	case x != nil:
		return -1
	case y != nil:
		return 1
	}
	return strings.Compare(a, b)
}

// idNumbers are the numbers of an id of two below 2^63, else nil.
func idNumbers(id string) []*big.Int {
	m := twoNumbers.FindStringSubmatch(id)
	if m == nil {
		return nil
	}
	var numbers []*big.Int
	for _, digits := range m[1:] {
		n, _ := new(big.Int).SetString(digits, 10)
		if n.Cmp(big.NewInt(math.MaxInt64)) > 0 {
			return nil
		}
		numbers = append(numbers, n)
	}
	return numbers
}

func TestEventKeysAreInTheOrderOfEvents(t *testing.T) {
	var places []eventPlace
	for _, time := range []chain.Time{-62167219200000000, -1, 0, 1, 92, 93, 1 << 40, 91*93*93*93*93*93*93*93 - 1, 91 * 93 * 93 * 93 * 93 * 93 * 93 * 93, 253402300799999999} {
		for _, block := range []int64{0, 1, 9, 10, 28, 29, 958, 959, 52852, 52853, 1895779, math.MaxInt64} {
			for _, id := range []string{"0-0", "00-0", "0-00", "9-9", "9-09", "09-9", "9-10", "10-1", "64-28", "64-29", "9-010", "9-0009", "9-0010", "9-00010", "09-0009", "9-0000", "9-000", "9-00000", "9-999", "9-0999", "9-1000", "9-01000", "9-2305843009213693951", "9-2305843009213693952", "9-02305843009213693952", "1895779-0014", "9223372036854775807-1", "9223372036854775808-1",
				"", " ", "  ", "!", "! ", " !", "!0", "a", "a ", "a!", "a b", "~", "1-", "-1", "1-2-3", "1--2", "+1-2", "0x", strings.Repeat("0", 126) + "-1", strings.Repeat("~", 128)} {
				places = append(places, eventPlace{time, block, id, 0}, eventPlace{time, block, id, 1}, eventPlace{time, block, id, 29}, eventPlace{time, block, id, math.MaxInt64})
			}
		}
	}
	slices.SortFunc(places, compareEvents)
	for i := 1; i < len(places); i++ {
		a, b := places[i-1], places[i]
		if want, got := compareEvents(a, b), cmp.Compare(a.key(), b.key()); got != want {
			t.Fatalf("%+v (%s) and %+v (%s): got %d, want %d", a, a.key(), b, b.key(), got, want)
		}
	}
}

func TestFirstEventKeyStandsBeforeItsTime(t *testing.T) {
	for _, at := range []chain.Time{1, 64, 1767233448001000} {
		first, before, after := chain.FirstEventKey(at), chain.NewEventKey(at-1, math.MaxInt64, "~", math.MaxInt64), chain.NewEventKey(at, 0, "0-0", 0)
		if !(before < first && first < after) {
			t.Errorf("%d: got %s, want it between %s and %s", at, first, before, after)
		}
	}
}

func TestEventKeyIsShort(t *testing.T) {
	if got := chain.NewEventKey(1767233448001000, 1895779, "1895779-0014", 3); len(got) > 14 {
		t.Errorf("got %s with %d characters, want 14 at most", got, len(got))
	}
}

func FuzzEventKey(f *testing.F) {
	f.Add(int64(5), int64(0), "9-09", int64(1), int64(5), int64(9), "9-9", int64(1))
	f.Add(int64(5), int64(7), "a b", int64(1), int64(5), int64(7), "a", int64(1))
	f.Add(int64(1), int64(0), "x", int64(0), int64(1), int64(math.MaxInt64), "0-0", int64(0))
	f.Fuzz(func(t *testing.T, time1, block1 int64, id1 string, index1, time2, block2 int64, id2 string, index2 int64) {
		a, b := eventPlace{chain.Time(time1), block1, id1, index1}, eventPlace{chain.Time(time2), block2, id2, index2}
		for _, p := range []*eventPlace{&a, &b} {
			key := p.key() // takes anything
			if _, err := chain.ParseExtrinsicID(p.id); err != nil {
				return
			}
			if p.time < -62167219200000000 || p.time > 253402300799999999 || p.block < 0 || p.index < 0 {
				return
			}
			if _, err := chain.ParseExtrinsicID(string(key[:min(len(key), 128)])); err != nil {
				t.Fatalf("%+v: the key %q is not printable", *p, key)
			}
		}
		want, got := compareEvents(a, b), cmp.Compare(a.key(), b.key())
		if a.id == b.id && a.index == b.index && compareBlocks(a, b) == 0 { // one event, with and without its block
			want = cmp.Compare(a.time, b.time)
		}
		if got != want {
			t.Fatalf("%+v (%s) and %+v (%s): got %d, want %d", a, a.key(), b, b.key(), got, want)
		}
	})
}

func BenchmarkEventKey(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if chain.NewEventKey(1767233448001000, 1895779, "1895779-0014", 3) == "" {
			b.Fatal(fmt.Errorf("empty"))
		}
	}
}
