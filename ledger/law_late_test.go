package ledger_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

// A miner whose events in order are more than a counter holds stays marked, and others are replayed all the same; but
// where a replay cannot be written, Apply says so.
func TestApplyReturnsTheErrorOfAReplay(t *testing.T) {
	onlySQLite(t, "it creates a trigger in SQLite's SQL")
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

// What is archived between the plan of a replay and its writing is seen: a trade from before the replay is live again with
// its position.
func TestReplayBesideArchive(t *testing.T) {
	onlySQLite(t, "it opens the file twice")
	path := filepath.Join(t.TempDir(), "ledger.db")
	second := openAt(t, path, ledger.WithManager(quiet))
	archived := int64(-1)
	l := openAt(t, path, ledger.WithManager(quiet, manager.WithTracer(func(ctx context.Context, op manager.Operation) (context.Context, func(error)) {
		if op.Kind == manager.OperationWrite && op.Label == "ledger.RebuildMarked" && archived < 0 {
			archived = 0
			archived = archive(t, second, after(11)).Trades
		}
		return ctx, func(error) {}
	})))
	events := []ledger.Event{
		stake("5-1", 5, 10, 10), unstake("8-1", 8, 5, 5), unstake("10-1", 10, 5, 5),
		stake("10-1", 9, 5, 5), // what the last unstake closes, once it is known
	}
	apply(t, l, events[:3])
	apply(t, l, events[3:])
	if archived != 2 {
		t.Errorf("got %d trades archived beside the replay, want 2", archived)
	}
	inTime := open(t)
	apply(t, inTime, events)
	diff(t, byKey(t, l), byKey(t, inTime))
	healthy(t, l)
	if v := verify(t, l); !v.Healthy() {
		t.Errorf("verify: %v", v.Differences)
	}
}

// Replays that a random stream hardly makes, each against the same events in order.
func TestReplayOfRareCases(t *testing.T) {
	indexed := func(e ledger.Event, index int64) ledger.Event {
		e.EventIndex = index
		return e
	}
	var between []ledger.Event // more open positions than a replay reads at once
	for i := range 300 {
		between = append(between, indexed(stake("6-1", 6, 5, 5), int64(i)))
	}
	for name, c := range map[string]struct {
		events  []ledger.Event
		late    ledger.Event
		archive int // before this minute; 0: not
	}{
		"a trade that was archived with a position that is open again": {
			[]ledger.Event{stake("5-1", 5, 10, 10), unstake("8-1", 8, 5, 5), unstake("10-1", 10, 5, 5)}, stake("10-1", 9, 5, 5), 11,
		},
		"a self-trade's second position, once its first is sold before": {
			append(between, stake("1-1", 1, 10, 10), stake("10-1", 5, 5, 5), indexed(stake("10-1", 7, 5, 5), 1), indexed(unstake("10-1", 10, 5, 5), 2)), unstake("8-1", 8, 15, 15), 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, inTime := open(t), open(t)
			apply(t, l, c.events)
			if c.archive > 0 {
				archive(t, l, after(c.archive))
			}
			apply(t, l, []ledger.Event{c.late})
			apply(t, inTime, append(slices.Clone(c.events), c.late))
			diff(t, byKey(t, l), byKey(t, inTime))
			healthy(t, l)
		})
	}
}
