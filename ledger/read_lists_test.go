package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// samePages fails unless a list read in pages of any size is the list read at once, of a length.
func samePages[T any](t *testing.T, name string, want int, list func(ledger.Page[T]) ([]T, error)) []T {
	t.Helper()
	whole, err := list(ledger.Page[T]{Limit: 10_000})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(whole) != want {
		t.Errorf("%s: got %d rows, want %d", name, len(whole), want)
	}
	for _, limit := range []int{1, 3, 7} {
		if paged := pages(t, limit, list); !slices.EqualFunc(paged, whole, func(a, b T) bool { return reflect.DeepEqual(a, b) }) {
			t.Errorf("%s in pages of %d:\ngot  %+v\nwant %+v", name, limit, paged, whole)
		}
	}
	return whole
}

func TestListsArePagedByKey(t *testing.T) {
	l := open(t)
	ctx := context.Background()
	var events []ledger.Event
	for i := range 20 { // pairs at the same moment, in two subnets
		e := stake(fmt.Sprintf("s%d", i), i/2*10, 10, 10)
		e.Netuid = chain.Netuid(1 + i%2)
		events = append(events, e)
	}
	for i := range 6 {
		events = append(events, unstake(fmt.Sprintf("t%d", i), 200+i/2, 15, 15))
	}
	apply(t, l, events)
	for n := byte(1); n < 8; n++ {
		ensure(t, l, at(n, n, chain.UID(n-1), 0))
	}

	samePages(t, "miners", 7, func(p ledger.Page[ledger.Miner]) ([]ledger.Miner, error) { return l.Miners(ctx, p) })
	samePages(t, "active miners", 7, func(p ledger.Page[ledger.Miner]) ([]ledger.Miner, error) {
		return l.MinersByStatus(ctx, chain.MinerActive, p)
	})
	held := samePages(t, "current registrations", 7, func(p ledger.Page[ledger.RecordedRegistration]) ([]ledger.RecordedRegistration, error) {
		return l.CurrentRegistrations(ctx, p)
	})
	if held[0].UID != 0 || held[6].UID != 6 {
		t.Errorf("current registrations: got UIDs %d to %d, want 0 to 6", held[0].UID, held[6].UID)
	}

	all := samePages(t, "positions", 20, func(p ledger.Page[ledger.Position]) ([]ledger.Position, error) {
		return l.Positions(ctx, 1, ledger.PositionFilter{}, p)
	})
	if !slices.IsSortedFunc(all, func(a, b ledger.Position) int { return int(a.EntryTime - b.EntryTime) }) {
		t.Error("positions are not sorted by entry time")
	}
	two := chain.Netuid(2)
	for name, c := range map[string]struct {
		filter ledger.PositionFilter
		want   int
	}{
		"subnet":         {ledger.PositionFilter{Netuid: &two}, 10},
		"closed":         {ledger.PositionFilter{Status: chain.PositionClosed}, 9},
		"open of subnet": {ledger.PositionFilter{Netuid: &two, Status: chain.PositionOpen}, 10},
		"from":           {ledger.PositionFilter{From: after(80)}, 4},
		"until":          {ledger.PositionFilter{Until: after(10)}, 4},
		"a moment":       {ledger.PositionFilter{From: after(30), Until: after(30)}, 2},
		"nothing":        {ledger.PositionFilter{From: after(31), Until: after(39)}, 0},
	} {
		samePages(t, "positions: "+name, c.want, func(p ledger.Page[ledger.Position]) ([]ledger.Position, error) {
			return l.Positions(ctx, 1, c.filter, p)
		})
	}
	samePages(t, "open positions", 11, func(p ledger.Page[ledger.Position]) ([]ledger.Position, error) {
		return l.OpenPositions(ctx, 1, p)
	})

	trades := samePages(t, "trades", 6, func(p ledger.Page[ledger.Trade]) ([]ledger.Trade, error) {
		return l.Trades(ctx, 1, ledger.TradeFilter{From: after(200), Until: after(202)}, p)
	})
	samePages(t, "trades of a subnet", 0, func(p ledger.Page[ledger.Trade]) ([]ledger.Trade, error) {
		return l.Trades(ctx, 1, ledger.TradeFilter{Netuid: &two}, p)
	})
	samePages(t, "closes of a trade", 2, func(p ledger.Page[ledger.Close]) ([]ledger.Close, error) {
		return l.ClosesOfTrade(ctx, trades[0].TradeID, p)
	})
	samePages(t, "closes of a position", 2, func(p ledger.Page[ledger.Close]) ([]ledger.Close, error) {
		return l.ClosesOfPosition(ctx, all[2].PositionID, p)
	})
	samePages(t, "events", 26, func(p ledger.Page[ledger.RecordedEvent]) ([]ledger.RecordedEvent, error) {
		return l.Events(ctx, 1, ledger.EventFilter{}, p)
	})
	samePages(t, "applied events of a moment", 2, func(p ledger.Page[ledger.RecordedEvent]) ([]ledger.RecordedEvent, error) {
		return l.Events(ctx, 1, ledger.EventFilter{Outcome: chain.Applied, From: after(201), Until: after(201)}, p)
	})
	samePages(t, "ignored events", 0, func(p ledger.Page[ledger.RecordedEvent]) ([]ledger.RecordedEvent, error) {
		return l.Events(ctx, 1, ledger.EventFilter{Outcome: chain.Ignored}, p)
	})
}

func TestListsRefuseBadValues(t *testing.T) {
	l := open(t)
	ctx := context.Background()
	for name, list := range map[string]func() error{
		"negative limit": func() error { _, err := l.Miners(ctx, ledger.Page[ledger.Miner]{Limit: -1}); return err },
		"limit too high": func() error { _, err := l.Miners(ctx, ledger.Page[ledger.Miner]{Limit: 10_001}); return err },
		"miner status": func() error {
			_, err := l.MinersByStatus(ctx, "gone", ledger.Page[ledger.Miner]{})
			return err
		},
		"position status": func() error {
			_, err := l.Positions(ctx, 1, ledger.PositionFilter{Status: "gone"}, ledger.Page[ledger.Position]{})
			return err
		},
		"outcome": func() error {
			_, err := l.Events(ctx, 1, ledger.EventFilter{Outcome: "gone"}, ledger.Page[ledger.RecordedEvent]{})
			return err
		},
	} {
		if err := list(); !errors.Is(err, ledger.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
}

func TestMissingRowsAreNotFound(t *testing.T) {
	l := open(t)
	ctx := context.Background()
	for name, read := range map[string]func() error{
		"miner":    func() error { _, err := l.Miner(ctx, 1); return err },
		"coldkey":  func() error { _, err := l.MinerByColdkey(ctx, coldkey(1)); return err },
		"hotkey":   func() error { _, err := l.MinerByHotkey(ctx, hotkey(1)); return err },
		"UID":      func() error { _, err := l.MinerByUID(ctx, 1); return err },
		"position": func() error { _, err := l.Position(ctx, 1); return err },
		"trade":    func() error { _, err := l.Trade(ctx, 1); return err },
		"event":    func() error { _, err := l.Event(ctx, 1); return err },
	} {
		if err := read(); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("%s: got %v, want ErrNotFound", name, err)
		}
	}
}
