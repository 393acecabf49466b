package simulate

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"

	"github.com/stakeledger/stakeledger/chain"
)

// chance is the source of everything that is not computed. It draws from the generator itself, whose
// sequence is fixed, and not through rand.Rand, whose methods may take another path on another platform.
type chance struct{ pcg *rand.PCG }

// newChance returns the source of a seed for one purpose, independent of those for others.
func newChance(seed, purpose uint64) chance {
	return chance{rand.NewPCG(seed, purpose)}
}

// below returns a number from 0 to n-1. That it prefers some by one in 2^64/n does not matter here.
func (c chance) below(n int64) int64 {
	hi, _ := bits.Mul64(c.pcg.Uint64(), uint64(n))
	return int64(hi)
}

// between returns a number from low to high, both included.
func (c chance) between(low, high int64) int64 { return low + c.below(high-low+1) }

// perMille is true n times in a thousand.
func (c chance) perMille(n int64) bool { return c.below(1000) < n }

// address returns an address nobody has the key of.
func (c chance) address() chain.Address {
	var key [32]byte
	for i := 0; i < len(key); i += 8 {
		binary.BigEndian.PutUint64(key[i:], c.pcg.Uint64())
	}
	return chain.AddressFromPublicKey(key)
}
