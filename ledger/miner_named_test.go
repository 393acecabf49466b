package ledger_test

import (
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// A miner with several hotkeys that begin alike is one miner.
func TestMinersNamedByHotkeysOfOne(t *testing.T) {
	l := open(t)
	miner := coldkey(1)
	begins := ""
	var of map[string]byte
	var pair [2]chain.Address
	for length := 3; length <= 4 && begins == ""; length++ {
		of = map[string]byte{}
		for n := byte(1); n < 250; n++ {
			start := string(hotkey(n))[:length]
			if first, ok := of[start]; ok && !strings.HasPrefix(string(miner), start) {
				begins, pair = start, [2]chain.Address{hotkey(first), hotkey(n)}
				break
			}
			of[start] = n
		}
	}
	if begins == "" {
		t.Fatal("no two of the hotkeys begin alike")
	}
	rows := []ledger.MetagraphRow{{UID: 1, Hotkey: pair[0], Coldkey: miner}, {UID: 2, Hotkey: pair[1], Coldkey: miner}}
	if _, err := l.SyncMetagraph(t.Context(), rows, noon); err != nil {
		t.Fatal(err)
	}
	found, err := l.MinersNamed(t.Context(), begins, "", 3)
	if err != nil || len(found) != 1 || found[0].Coldkey != miner {
		t.Errorf("miners whose hotkey begins with %s: got %v, %v, want the one", begins, found, err)
	}
}
