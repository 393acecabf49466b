package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// strangeIDs tie, differ in zeros alone, are no numbers, or pass 63 bits.
var strangeIDs = []string{
	"5000-1", "5000-01", "05000-1", "5000-2", "5000-10", "5001-1", "4999-9", "0-0", "00-0",
	"9223372036854775807-1", "9223372036854775808-1", "5000-9223372036854775808", "a", "b", "a b", "5000", "5000-", "-1", "~",
}

// strange are events of one miner of which nearly all tie in something.
func strange(r *rand.Rand, n int) []ledger.Event {
	var events []ledger.Event
	for i := range n {
		e := stake(strangeIDs[r.IntN(len(strangeIDs))], r.IntN(4), chain.Rao(1+r.IntN(2_000_000)), chain.Rao(1+r.IntN(60)))
		e.EventIndex, e.Netuid = int64(r.IntN(n)), chain.Netuid(1+r.IntN(2))
		e.Block = []int64{0, 0, 4999, 5000, 5000, 5001, 1}[r.IntN(7)]
		if r.IntN(9) < 4 {
			e.Kind = chain.Unstake
			e.Alpha *= 2
		}
		switch r.IntN(25) {
		case 0:
			e.Netuid = 0
		case 1:
			e.TAO = 0
		case 2:
			e.Excluded = true
		case 3:
			e.TAO, e.Alpha = chain.Rao(1)<<60, chain.Rao(1)<<60-chain.Rao(i)
		case 4:
			if i > 0 {
				e.ExtrinsicID, e.EventIndex = events[i-1].ExtrinsicID, events[i-1].EventIndex
			}
		}
		events = append(events, e)
	}
	return events
}

// Whatever was recorded, and by whatever calls, the rows are what the recorded events alone make.
func TestTheLedgerIsWhatItsRecordedEventsMake(t *testing.T) {
	base := uint64(time.Now().UnixNano())
	for i := range uint64(lawStreamsOr(t, 60)) {
		seed := base + i
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 9))
			l := open(t, ledger.WithBatchSize(1+r.IntN(20)))
			var opts []ledger.MinerOption
			if r.IntN(3) == 0 {
				opts = append(opts, ledger.TrackingStart(after(1)))
			}
			if _, err := l.RegisterMiner(context.Background(), ledger.Registration{Coldkey: coldkey(1)}, opts...); err != nil {
				t.Fatal(err)
			}
			for events := strange(r, 30+r.IntN(60)); len(events) > 0; {
				n := min(len(events), 1+r.IntN(15))
				strangeStep(t, r, l, events[:n])
				events = events[n:]
				if r.IntN(4) == 0 {
					archive(t, l, after(r.IntN(5)), ledger.ArchiveRows(1+r.IntN(5)))
				}
			}
			if err := l.RebuildMarked(context.Background(), nil); err != nil && !errors.Is(err, ledger.ErrInvalid) {
				t.Fatal(err)
			}
			m := miner(t, l, 1)
			if m.OldestLateKey != nil {
				return // its events in order are more than a counter holds, and it says so
			}
			diff(t, standing(t.Context(), t, l, m), lawful(t.Context(), t, l, m))
			healthy(t, l)
			if again := rebuild(t, l, 1); again.Changed() {
				t.Errorf("a whole rebuild changed something: %+v", again)
			}
			if v := verify(t, l); !v.Healthy() {
				t.Errorf("verify: %v", v.Differences)
			}
		})
		if t.Failed() {
			return
		}
	}
}

// strangeStep takes a few events in by some way or other.
func strangeStep(t *testing.T, r *rand.Rand, l *ledger.Ledger, events []ledger.Event) {
	t.Helper()
	policy := []chain.SelfTradePolicy{chain.SelfTradeZero, chain.SelfTradeClamp}[r.IntN(2)]
	blocks := int64(r.IntN(3))
	if r.IntN(2) == 0 {
		opts := []ledger.ApplyOption{ledger.SelfTrade(policy), ledger.MinBlocks(blocks), ledger.OverridePolicy()}
		if r.IntN(3) == 0 {
			opts = append(opts, ledger.LeaveLate())
		}
		apply(t, l, events, opts...)
		return
	}
	for _, e := range events {
		var err error
		if e.Kind == chain.Stake {
			_, _, err = l.AddPosition(context.Background(), e)
		} else {
			opts := []ledger.CloseOption{ledger.SelfTrade(policy), ledger.MinBlocks(blocks), ledger.OverridePolicy()}
			if r.IntN(3) > 0 {
				opts = append(opts, ledger.Mode(chain.Lenient))
			}
			if ids := openIDs(t, l); len(ids) > 0 && r.IntN(3) == 0 {
				r.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
				opts = append(opts, ledger.PositionIDs(ids[:1+r.IntN(min(3, len(ids)))]...))
			}
			_, err = l.ProcessClose(context.Background(), e, opts...)
		}
		refusals := []error{ledger.ErrInvalid, ledger.ErrDuplicateEvent, ledger.ErrIgnored, ledger.ErrNoOpenPosition, ledger.ErrInsufficientAlpha}
		if err != nil && !slices.ContainsFunc(refusals, func(refusal error) bool { return errors.Is(err, refusal) }) {
			t.Fatal(err)
		}
	}
}

func openIDs(t *testing.T, l *ledger.Ledger) (ids []int64) {
	t.Helper()
	open, err := l.OpenPositions(context.Background(), miner(t, l, 1).MinerID, ledger.Page[ledger.Position]{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range open {
		ids = append(ids, p.PositionID)
	}
	return ids
}
