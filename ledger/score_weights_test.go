package ledger_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// What a metagraph and the gains of miners come to for the chain, worked out by hand.
func TestWeightsByHand(t *testing.T) {
	type uids map[chain.UID]byte // to the number of their miner
	for name, c := range map[string]struct {
		gains       map[byte]chain.Rao // in TAO, by miner
		uids        uids
		blacklisted []byte
		want        ledger.Weights
		normalized  []float64 // in the order of the UIDs
	}{
		"nobody gained": {
			map[byte]chain.Rao{1: 0, 2: -3}, uids{0: 1, 1: 2}, nil,
			ledger.Weights{UIDs: []chain.UID{}, Float: []float64{}, U16: []uint16{}}, []float64{},
		},
		"one miner": {
			map[byte]chain.Rao{1: 7}, uids{65535: 1}, nil,
			ledger.Weights{UIDs: []chain.UID{65535}, Float: []float64{1}, U16: []uint16{65535}}, []float64{1},
		},
		"equal ones": {
			map[byte]chain.Rao{1: 7, 2: 7, 3: -1}, uids{4: 2, 5: 1, 6: 3}, nil,
			ledger.Weights{UIDs: []chain.UID{4, 5}, Float: []float64{0.5, 0.5}, U16: []uint16{65535, 65535}}, []float64{1, 1},
		},
		"halves are rounded up": { // 65535 / 4 = 16383.75 and 65535 / 2 = 32767.5
			map[byte]chain.Rao{1: 4, 2: 1, 3: 2, 4: 1}, uids{0: 1, 1: 2, 2: 3, 3: 4}, nil,
			ledger.Weights{UIDs: []chain.UID{0, 1, 2, 3}, Float: []float64{0.5, 0.125, 0.25, 0.125}, U16: []uint16{65535, 16384, 32768, 16384}},
			[]float64{1, 0, 1. / 3, 0},
		},
		"several UIDs of one miner have its weight once, on the lowest": {
			map[byte]chain.Rao{1: 3, 2: 1}, uids{9: 1, 3: 1, 200: 1, 5: 2}, nil,
			ledger.Weights{UIDs: []chain.UID{3, 5}, Float: []float64{0.75, 0.25}, U16: []uint16{65535, 21845}}, []float64{1, 0},
		},
		"who is blacklisted or holds no UID has no part, and is no end of the scale": {
			map[byte]chain.Rao{1: 900, 2: 3, 3: 2, 4: 1, 5: 800}, uids{1: 1, 2: 2, 3: 3, 4: 4}, []byte{1},
			ledger.Weights{UIDs: []chain.UID{2, 3, 4}, Float: []float64{0.5, 1. / 3, 1. / 6}, U16: []uint16{65535, 43690, 21845}}, []float64{1, 0.5, 0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, ctx := open(t), context.Background()
			for n := byte(1); n <= byte(len(c.gains)); n++ {
				register(t, l, n)
				gained(t, l, n, "a", int(n), c.gains[n])
			}
			var rows []ledger.MetagraphRow
			for uid, n := range c.uids {
				rows = append(rows, ledger.MetagraphRow{UID: uid, Hotkey: chain.AddressFromPublicKey([32]byte{3, byte(uid), byte(uid >> 8)}), Coldkey: coldkey(n)})
			}
			if _, err := l.SyncMetagraph(ctx, rows, after(0)); err != nil {
				t.Fatal(err)
			}
			for _, n := range c.blacklisted {
				if _, err := l.UpdateMinerStatus(ctx, coldkey(n), chain.MinerBlacklisted); err != nil {
					t.Fatal(err)
				}
			}
			got, err := l.Weights(ctx, after(100), 1)
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, error %v, want %+v", got, err, c.want)
			}
			normalized := []float64{}
			all := scores(t, l, after(100), 1)
			for _, uid := range got.UIDs {
				at := slices.IndexFunc(all, func(s ledger.Score) bool { return *s.UID == uid })
				normalized = append(normalized, all[at].Normalized)
			}
			if fmt.Sprint(normalized) != fmt.Sprint(c.normalized) {
				t.Errorf("normalized: got %v, want %v", normalized, c.normalized)
			}
		})
	}
}
