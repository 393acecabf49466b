package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// The order of one input decides nothing: neither which of several contents under one key is recorded, nor which
// event it is that a counter cannot hold.
func TestTheOrderOfAnInputDecidesNothing(t *testing.T) {
	base := uint64(time.Now().UnixNano())
	for i := range uint64(lawStreamsOr(t, 20)) {
		seed := base + i
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 11))
			events := contested(r, ties(r, 20+r.IntN(40)))
			var want string
			for order := range 3 {
				l := open(t, ledger.WithBatchSize(1+r.IntN(9)))
				register(t, l, 0, 1)
				apply(t, l, events)
				got := byKey(t, l) + rejections(t, l)
				if order == 0 {
					want = got
				}
				diff(t, got, want)
				r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
			}
		})
		if t.Failed() {
			return
		}
	}
}

// contested adds contents that are not those of their event: the same moment with another value, or another moment;
// repeats; and events that are too large together.
func contested(r *rand.Rand, events []ledger.Event) []ledger.Event {
	for _, e := range slices.Clone(events) {
		switch r.IntN(12) {
		case 0:
			e.TAO += chain.Rao(r.IntN(3)) - 1 // or the same again
		case 1:
			e.Alpha++
		case 2:
			e.Netuid = 3 - e.Netuid
		case 3:
			e.Hotkey = hotkey(9)
		case 4:
			e.Kind = map[chain.EventKind]chain.EventKind{chain.Stake: chain.Unstake, chain.Unstake: chain.Stake}[e.Kind]
		case 5:
			e.Time += chain.Time(r.IntN(3)) - 1
		case 6:
			e.Block = 0 // which may be the same place in the order of events
		case 7:
			e.TAO = chain.Rao(5) << 60
			e.EventIndex += 1000
		default:
			continue
		}
		events = append(events, e)
	}
	return events
}

// rejections are the events that were rejected, whichever came first.
func rejections(t testing.TB, l *ledger.Ledger) string {
	t.Helper()
	var text strings.Builder
	dump(t, l, &text, "SELECT 'rejected', coldkey, extrinsic_id, event_index, reason, payload FROM rejected_events ORDER BY coldkey, extrinsic_id, event_index, reason, payload")
	return text.String()
}
