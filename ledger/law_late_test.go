package ledger_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// A miner whose events in order are more than a counter holds stays marked, and others are replayed all the same; but
// where a replay cannot be written, Apply says so.
func TestApplyReturnsTheErrorOfAReplay(t *testing.T) {
	const huge = chain.Rao(6) << 60
	l := open(t)
	apply(t, l, []ledger.Event{
		unstake("10-1", 10, huge, 1), stake("20-1", 20, 1, 1), unstake("30-1", 30, huge, 1), // matched, the two overflow exit_tao
		of(2, unstake("10-1", 10, 5, 1)), of(3, unstake("10-1", 10, 5, 1)),
	})
	late := []ledger.Event{stake("5-1", 5, 1, 1), of(2, stake("5-1", 5, 1, 1))}
	if s := apply(t, l, late); s.Applied != 2 || s.OutOfOrder != 2 {
		t.Errorf("got %+v, want both stakes applied late", s)
	}
	if m := miner(t, l, 1); m.OldestLateKey == nil || m.Trades != 1 {
		t.Errorf("got %+v, want it marked, and as it was", m)
	}
	if m := miner(t, l, 2); m.OldestLateKey != nil || m.Trades != 1 || m.UnmatchedTAO != 0 {
		t.Errorf("got %+v, want it replayed", m)
	}
	if err := l.RebuildMarked(context.Background(), nil); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("rebuild marked: got %v, want ErrInvalid for the first miner", err)
	}

	err := l.WithTx(context.Background(), func(ctx context.Context, tx ledger.Tx) error {
		_, err := tx.DB.ExecContext(ctx, "CREATE TRIGGER refusal BEFORE INSERT ON rebuilds BEGIN SELECT RAISE(ABORT, 'no replay today'); END")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Apply(context.Background(), sequence([]ledger.Event{of(3, stake("5-1", 5, 1, 1))})); err == nil || errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("got %v, want the error of the third miner's replay alone", err)
	}
	if m := miner(t, l, 3); m.OldestLateKey == nil || m.Positions != 1 {
		t.Errorf("got %+v, want the stake recorded and the miner marked", m)
	}
}
