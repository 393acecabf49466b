package ingest

import (
	"strings"

	"github.com/stakeledger/stakeledger/chain"
)

// addressBook remembers addresses that were verified: most rows repeat a few, and verifying one takes
// longer than reading the rest of a row. What it holds is bounded; it starts anew when full.
type addressBook map[string]chain.Address

const maxAddresses = 4096

func (b *addressBook) parse(s string) (chain.Address, error) {
	if a, ok := (*b)[s]; ok {
		return a, nil
	}
	a, err := chain.ParseAddress(strings.Clone(s)) // remembered without the line around it
	if err != nil {
		return "", err
	}
	if *b == nil || len(*b) == maxAddresses {
		*b = make(addressBook)
	}
	(*b)[string(a)] = a
	return a, nil
}
