package chain_test

import (
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
)

const (
	alice    = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
	aliceKey = "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"
)

// knownAddresses are the well-known development accounts of Substrate and the ends of the range of keys.
var knownAddresses = map[string]string{
	alice: aliceKey,
	"5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty": "8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48",
	"5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM": strings.Repeat("00", 32),
}

func TestAddressFromPublicKey(t *testing.T) {
	for want, key := range knownAddresses {
		if got := chain.AddressFromPublicKey(publicKey(t, key)); string(got) != want {
			t.Errorf("key %s: got %s, want %s", key, got, want)
		}
	}
}

func TestParseAddress(t *testing.T) {
	for in := range knownAddresses {
		if got, err := chain.ParseAddress(in); err != nil || string(got) != in {
			t.Errorf("ParseAddress(%q): got %q, %v", in, got, err)
		}
	}
}

func TestParseAddressRefuses(t *testing.T) {
	for in, reason := range map[string]string{
		"":               "0 characters",
		alice[:47]:       "47 characters",
		alice + "Y":      "49 characters",
		" " + alice:      "49 characters",
		alice[:46] + "ü": "want base58", // 48 bytes
		"0x" + aliceKey:  "66 characters",
		"HNZata7iMYWmk5RvZRTiAsSDhV8366zq2YGb3tLH5Upf74F":  "47 characters",    // Kusama
		"15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5": "network prefix 0", // Polkadot
		"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ": "wrong checksum",
		"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutYQ": "wrong checksum",
		"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKut0Y": "want base58",
		"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutOY": "want base58",
		"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutIY": "want base58",
		"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutlY": "want base58",
		"5grwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY": "network prefix 46",
		strings.Repeat("1", 48):                            "network prefix 0",
		strings.Repeat("z", 48):                            "not SS58",
		strings.Repeat("\x00", 48):                         "want base58",
	} {
		got, err := chain.ParseAddress(in)
		wantInvalid(t, err, "address", in, reason)
		if got != "" {
			t.Errorf("ParseAddress(%q): got %q beside an error", in, got)
		}
	}
}

// TestParseAddressSeesEveryCharacter changes each character of an address in turn.
func TestParseAddressSeesEveryCharacter(t *testing.T) {
	for i := range alice {
		for _, c := range []byte("1Az") {
			if changed := alice[:i] + string(c) + alice[i+1:]; changed != alice {
				if _, err := chain.ParseAddress(changed); err == nil {
					t.Errorf("ParseAddress(%q): accepted with character %d changed", changed, i)
				}
			}
		}
	}
}

func TestAddressRoundTripAgainstBig(t *testing.T) {
	random := newRandom(t)
	for range 2_000 {
		var key [32]byte
		for i := range key {
			key[i] = byte(random.Uint32() >> random.IntN(32))
		}
		a := chain.AddressFromPublicKey(key)
		if got := bigBase58(string(a)); len(got) != 35 || got[0] != 42 || [32]byte(got[1:33]) != key {
			t.Fatalf("address %s of %x: holds %x", a, key, got)
		}
		if got, err := chain.ParseAddress(string(a)); err != nil || got != a {
			t.Fatalf("ParseAddress(%q): got %q, %v", a, got, err)
		}
	}
}

func TestAddressScanAndValue(t *testing.T) {
	var got chain.Address
	for _, src := range []any{alice, []byte(alice)} {
		if err := got.Scan(src); err != nil || got != alice {
			t.Errorf("Scan of %T: got %q, %v, want %q", src, got, err, alice)
		}
	}
	for _, src := range []any{nil, int64(1), 1.5} {
		if err := got.Scan(src); !errors.Is(err, chain.ErrInvalid) || got != alice {
			t.Errorf("Scan of %T: got %v, want ErrInvalid", src, err)
		}
	}
	if v, err := got.Value(); err != nil || v != alice {
		t.Errorf("Value: got %v, %v, want the text", v, err)
	}
}

// FuzzParseAddress checks that whatever is accepted is the address of the key that it holds.
func FuzzParseAddress(f *testing.F) {
	for seed := range knownAddresses {
		f.Add(seed)
	}
	for _, seed := range []string{alice[:47], strings.Repeat("z", 48), strings.Repeat("1", 48), "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := chain.ParseAddress(s)
		if err != nil {
			if !errors.Is(err, chain.ErrInvalid) {
				t.Fatalf("ParseAddress(%q): got %v, want ErrInvalid", s, err)
			}
			return
		}
		raw := bigBase58(s)
		if len(raw) != 35 || chain.AddressFromPublicKey([32]byte(raw[1:33])) != a || string(a) != s {
			t.Fatalf("ParseAddress(%q): got %q, holding %x", s, a, raw)
		}
	})
}

func BenchmarkParseAddress(b *testing.B) {
	for b.Loop() {
		if _, err := chain.ParseAddress(alice); err != nil {
			b.Fatal(err)
		}
	}
}

// bigBase58 decodes a digit at a time, the slow and obvious way.
func bigBase58(s string) []byte {
	const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	n := new(big.Int)
	for _, c := range s {
		n.Mul(n, big.NewInt(58))
		n.Add(n, big.NewInt(int64(strings.IndexRune(alphabet, c))))
	}
	return n.Bytes()
}

func publicKey(t *testing.T, s string) [32]byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return [32]byte(b)
}
