package ledger_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// TestWhatAnEventKeepsBesideItsContents: the first value given stands, by whichever call it came; a repeat adds what
// was not known, and is the same event.
func TestWhatAnEventKeepsBesideItsContents(t *testing.T) {
	ctx := context.Background()
	fee, more := chain.Rao(7), chain.Rao(8)
	dollars, others := chain.USD("36.560"), chain.USD("1")
	facts := func(e ledger.Event, transfer *bool, fee *chain.Rao, usd *chain.USD) ledger.Event {
		e.IsTransfer, e.Fee, e.USD = transfer, fee, usd
		return e
	}
	for name, record := range map[string]func(l *ledger.Ledger, e ledger.Event) error{
		"Apply":       func(l *ledger.Ledger, e ledger.Event) error { apply(t, l, []ledger.Event{e}); return nil },
		"AddPosition": func(l *ledger.Ledger, e ledger.Event) error { _, _, err := l.AddPosition(ctx, e); return err },
	} {
		l := open(t)
		register(t, l, 1)
		e := stake("1-1", 0, tao, tao)
		for _, repeat := range []ledger.Event{e, facts(e, nil, &fee, nil), facts(e, new(true), &more, nil), facts(e, new(false), nil, &dollars), facts(e, nil, nil, &others), e} {
			if err := record(l, repeat); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		got, err := l.Event(ctx, 1)
		if err != nil || got.IsTransfer == nil || !*got.IsTransfer || got.Fee == nil || *got.Fee != fee || got.USD == nil || *got.USD != dollars {
			t.Errorf("%s: got %+v, error %v; want a transfer, a fee of %s and %s dollars", name, got, err, fee, dollars)
		}
		if _, err := l.Event(ctx, 2); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("%s: repeats are recorded as events of their own: %v", name, err)
		}
	}
}
