package ledger_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ingest"
	"github.com/stakeledger/stakeledger/ledger"
)

// balance is what the chain says a stake holds at a block, emissions included.
type balance struct {
	Block int64
	Alpha chain.Rao
}

func chainBalances(t *testing.T) (list []balance) {
	t.Helper()
	var response struct {
		Data []struct {
			Block   int64  `json:"block_number"`
			Balance string `json:"balance"` // rao of alpha
		} `json:"data"`
	}
	if err := json.Unmarshal(shared(t, "data/stake_balance.json"), &response); err != nil {
		t.Fatal(err)
	}
	for _, row := range response.Data {
		alpha, err := chain.ParseRaoInt(row.Balance)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, balance{row.Block, alpha})
	}
	slices.SortFunc(list, func(a, b balance) int { return cmp.Compare(a.Block, b.Block) })
	return list
}

// exported are the events of the real export, oldest first.
func exported(t *testing.T) (events []ledger.Event) {
	t.Helper()
	for e, err := range ingest.Read(bytes.NewReader(shared(t, "data/stake_events.json")), "stake_events.json", ingest.Options{}) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	slices.SortStableFunc(events, func(a, b ledger.Event) int { return cmp.Compare(a.Block, b.Block) })
	return events
}

// openAlphaAt applies the events block by block and returns what is open in the ledger at each balance: by the
// miner's counters, which must agree with the positions.
func openAlphaAt(t *testing.T, events []ledger.Event, at []balance) (alpha []chain.Rao) {
	t.Helper()
	l := open(t)
	for _, b := range at {
		n := 0
		for n < len(events) && events[n].Block <= b.Block {
			n++
		}
		if n > 0 {
			apply(t, l, events[:n])
			events = events[n:]
		}
		m, err := l.MinerByColdkey(context.Background(), exportedColdkey)
		if err != nil {
			t.Fatal(err)
		}
		byPositions := chain.Rao(0)
		positions, err := l.OpenPositions(context.Background(), m.MinerID, ledger.Page[ledger.Position]{Limit: 10_000})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range positions {
			byPositions += p.RemainingAlpha
		}
		if got := m.EntryAlpha - m.ClosedAlpha; got != byPositions {
			t.Errorf("block %d: open alpha: got %s by the counters, %s in positions", b.Block, got, byPositions)
		}
		alpha = append(alpha, byPositions)
	}
	return alpha
}

const exportedColdkey chain.Address = "5GhEHXPEYynMD5sbRYBZps5QkEe5CYmHRjUASd9thePppuyk"

// implausible lists the blocks at which balances and open alpha cannot both be right. What a balance holds
// beyond the open alpha is what the chain has emitted to the stake. It never shrinks, but for a rao that the
// chain loses in rounding, and it grows by a few ten-millionths of the balance a block.
func implausible(at []balance, alpha []chain.Rao) (blocks []int64) {
	const perBlock = 2_000_000 // of the balance, a two-millionth
	for i := 1; i < len(at); i++ {
		emitted := (at[i].Alpha - alpha[i]) - (at[i-1].Alpha - alpha[i-1])
		most := chain.Rao(at[i].Block-at[i-1].Block) * (max(at[i].Alpha, at[i-1].Alpha)/perBlock + 1)
		if emitted < -1 || emitted > most {
			blocks = append(blocks, at[i].Block)
		}
	}
	return blocks
}

// The chain's own balances over the same time say the same as the ledger, to the rao.
func TestStakeBalanceAgreesWithTheChain(t *testing.T) {
	balances, events := chainBalances(t), exported(t)
	alpha := openAlphaAt(t, events, balances)
	if got := balances[0].Alpha - alpha[0]; got != 0 {
		t.Errorf("at the first balance, of the block of the first stake: got %s emitted, want none", got)
	}
	if got := implausible(balances, alpha); len(got) > 0 {
		t.Errorf("emission shrinks by more than a rao, or leaps, at blocks %v", got)
	}
	emitted := balances[len(balances)-1].Alpha - alpha[len(alpha)-1]
	if got, want := emitted.String(), "71.694495461"; got != want {
		t.Errorf("emitted by block %d: got %s, want %s", balances[len(balances)-1].Block, got, want)
	}
}

// An event that the ledger does not have shows at the next balance.
func TestStakeBalanceShowsAMissingEvent(t *testing.T) {
	balances, events := chainBalances(t), exported(t)
	for _, kind := range []chain.EventKind{chain.Stake, chain.Unstake} {
		t.Run(string(kind), func(t *testing.T) {
			last := len(events) - 1
			for last > 0 && (events[last].Kind != kind || events[last].Block > balances[len(balances)-1].Block) {
				last--
			}
			block := events[last].Block
			less := slices.Delete(slices.Clone(events), last, last+1)
			got := implausible(balances, openAlphaAt(t, less, balances))
			next := balances[slices.IndexFunc(balances, func(b balance) bool { return b.Block >= block })].Block
			if want := []int64{next}; !slices.Equal(got, want) {
				t.Errorf("without the event of block %d: got implausible blocks %v, want %v", block, got, want)
			}
		})
	}
}
