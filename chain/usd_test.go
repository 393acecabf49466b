package chain_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
)

func TestParseUSD(t *testing.T) {
	for _, s := range []string{"0", "36.56", "0.00000000000000000001", "123456789012345678901234567890"} {
		if got, err := chain.ParseUSD(s); err != nil || string(got) != s {
			t.Errorf("%q: got %q, error %v", s, got, err)
		}
	}
	for _, s := range []string{"", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", "1.2.3", " 1", "NaN", strings.Repeat("9", 61)} {
		if got, err := chain.ParseUSD(s); !errors.Is(err, chain.ErrInvalid) {
			t.Errorf("%q: got %q, error %v; want ErrInvalid", s, got, err)
		}
	}
}
