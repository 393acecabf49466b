package chain_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
)

func TestParseExtrinsicID(t *testing.T) {
	for _, c := range []struct {
		name, id string
		ok       bool
	}{
		{"block and number", "1895779-0014", true},
		{"any printable text", "~a b!", true},
		{"128 characters", strings.Repeat("7", 128), true},
		{"129 characters", strings.Repeat("7", 129), false},
		{"empty", "", false},
		{"control character", "1\x1b[2J", false},
		{"delete", "1\x7f", false},
		{"beyond ASCII", "1é", false},
		{"no UTF-8", "1\xff", false},
	} {
		got, err := chain.ParseExtrinsicID(c.id)
		if c.ok && (err != nil || got != c.id) || !c.ok && !errors.Is(err, chain.ErrInvalid) {
			t.Errorf("%s: got %q, %v, want it taken: %v", c.name, got, err, c.ok)
		}
	}
}
