package ledger_test

import (
	"cmp"
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// Lists of the archive are paged and filtered as those of what is live, which they are compared with.
func TestArchivedLists(t *testing.T) {
	const seed = 8
	live, archived := open(t), open(t)
	for _, l := range []*ledger.Ledger{live, archived} {
		apply(t, l, history(seed, 400))
	}
	archive(t, archived, after(100_000))
	ctx := context.Background()
	one := chain.Netuid(1)
	for _, f := range []ledger.PositionFilter{{}, {Netuid: &one}, {From: after(50)}, {Until: after(200)}, {From: after(50), Until: after(200), Netuid: &one}} {
		f.Status = chain.PositionClosed
		for minerID := int64(1); minerID <= 4; minerID++ {
			want, err := live.Positions(ctx, minerID, f, ledger.Page[ledger.Position]{Limit: 1000})
			if err != nil {
				t.Fatal(err)
			}
			f.Archived = true
			got := pages(t, 7, func(p ledger.Page[ledger.Position]) ([]ledger.Position, error) {
				return archived.Positions(ctx, minerID, f, p)
			})
			f.Archived = false
			for i := range got {
				if got[i].ArchiveRun == nil {
					t.Errorf("seed %d: position %d is listed as archived, and is not", seed, got[i].PositionID)
				}
				got[i].ArchiveRun = nil
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("seed %d, miner %d, %+v: got %d positions, want %d", seed, minerID, f, len(got), len(want))
			}
			trades := ledger.TradeFilter{Netuid: f.Netuid, From: f.From, Until: f.Until}
			all, err := live.Trades(ctx, minerID, trades, ledger.Page[ledger.Trade]{Limit: 1000})
			if err != nil {
				t.Fatal(err)
			}
			moved := pages(t, 5, func(p ledger.Page[ledger.Trade]) ([]ledger.Trade, error) {
				of := trades
				of.Archived = true
				return archived.Trades(ctx, minerID, of, p)
			})
			for i := range moved {
				moved[i].ArchiveRun = nil
			}
			stayed := pages(t, 5, func(p ledger.Page[ledger.Trade]) ([]ledger.Trade, error) {
				return archived.Trades(ctx, minerID, trades, p)
			})
			both := slices.Concat(moved, stayed)
			slices.SortFunc(both, func(a, b ledger.Trade) int { return cmp.Compare(a.EventKey, b.EventKey) })
			if !reflect.DeepEqual(both, all) || len(moved) == 0 {
				t.Errorf("seed %d, miner %d, %+v: got %d trades, of them %d archived, want %d", seed, minerID, f, len(both), len(moved), len(all))
			}
			for _, p := range got {
				want, err := live.ClosesOfPosition(ctx, p.PositionID, ledger.Page[ledger.Close]{})
				if err != nil {
					t.Fatal(err)
				}
				got := pages(t, 1, func(page ledger.Page[ledger.Close]) ([]ledger.Close, error) {
					return archived.ClosesOfPosition(ctx, p.PositionID, page)
				})
				if !reflect.DeepEqual(got, want) {
					t.Errorf("seed %d: closes of position %d: got %+v, want %+v", seed, p.PositionID, got, want)
				}
			}
		}
	}
	if _, err := archived.Positions(ctx, 1, ledger.PositionFilter{Status: "shut", Archived: true}, ledger.Page[ledger.Position]{}); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("unknown status: got error %v, want ErrInvalid", err)
	}
}

// pages reads a whole list in pages of a size.
func pages[T any](t testing.TB, size int, list func(ledger.Page[T]) ([]T, error)) []T {
	t.Helper()
	var all []T
	for p := (ledger.Page[T]{Limit: size}); ; {
		page, err := list(p)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page...)
		if len(page) < size {
			return all
		}
		p.After = &page[len(page)-1]
	}
}
