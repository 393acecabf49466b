// Package effort tells a test how hard to try: briefly in make test, at length in
// make torture, for hours in make soak.
package effort

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// Count is how many cases to try: quick in make test, long when TORTURE is set.
func Count(quick, long int) int {
	if Long() {
		return long
	}
	return quick
}

// Long reports whether TORTURE is set: make torture and make soak.
func Long() bool { return os.Getenv("TORTURE") != "" }

// Soak is how long a test of endurance runs: SOAK, a duration such as 2h. The
// test is skipped, with a line that says how to run it, when SOAK is not set.
func Soak(t testing.TB) time.Duration {
	t.Helper()
	text := os.Getenv("SOAK")
	if text == "" {
		t.Skip("an endurance test: SOAK=1h runs it for an hour")
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("SOAK=%q: %v; write a duration such as 90m", text, err)
	}
	return d
}

// Seed is the seed of a randomised test: SEED if it is set, otherwise a new one. It
// is logged, so that a failure can be replayed.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("SEED=%q: %v; write a whole number", text, err)
		}
		seed = n
	}
	t.Logf("SEED=%d replays this run", seed)
	return seed
}

// Rand is a generator started from Seed.
func Rand(t testing.TB) *rand.Rand {
	t.Helper()
	return rand.New(rand.NewPCG(Seed(t), 0))
}
