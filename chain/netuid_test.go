package chain_test

import (
	"errors"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
)

func TestParseNetuidAndUID(t *testing.T) {
	for in, want := range map[string]int{"0": 0, "64": 64, "0064": 64, "65535": 65535} {
		if got, err := chain.ParseNetuid(in); err != nil || int(got) != want {
			t.Errorf("ParseNetuid(%q): got %d, %v, want %d", in, got, err, want)
		}
		if got, err := chain.ParseUID(in); err != nil || int(got) != want {
			t.Errorf("ParseUID(%q): got %d, %v, want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "-1", "+1", "65536", "131072", "1.0", "1e3", " 1", "NaN", "\u0661", "99999999999999999999"} {
		_, err := chain.ParseNetuid(in)
		wantInvalid(t, err, "netuid", in, "from 0 to 65535")
		_, err = chain.ParseUID(in)
		wantInvalid(t, err, "uid", in, "from 0 to 65535")
	}
}

func TestNetuidAndUIDScanAndValue(t *testing.T) {
	for _, n := range []int64{0, 64, 65535} {
		var netuid chain.Netuid
		if err := netuid.Scan(n); err != nil || int64(netuid) != n {
			t.Errorf("Scan: got %d, %v, want %d", netuid, err, n)
		}
		var uid chain.UID
		if err := uid.Scan(n); err != nil || int64(uid) != n {
			t.Errorf("Scan: got %d, %v, want %d", uid, err, n)
		}
		if v, err := netuid.Value(); err != nil || v != n {
			t.Errorf("Value: got %v, %v, want int64 %d", v, err, n)
		}
		if v, err := uid.Value(); err != nil || v != n {
			t.Errorf("Value: got %v, %v, want int64 %d", v, err, n)
		}
	}
	for _, src := range []any{int64(-1), int64(65536), int64(1 << 32), nil, "1", 1.0} {
		netuid, uid := chain.Netuid(7), chain.UID(7)
		if err := netuid.Scan(src); !errors.Is(err, chain.ErrInvalid) || netuid != 7 {
			t.Errorf("Netuid.Scan(%v): got %d, %v, want ErrInvalid and the value untouched", src, netuid, err)
		}
		if err := uid.Scan(src); !errors.Is(err, chain.ErrInvalid) || uid != 7 {
			t.Errorf("UID.Scan(%v): got %d, %v, want ErrInvalid and the value untouched", src, uid, err)
		}
	}
}
