package damage_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ingest/simulate"
	"github.com/stakeledger/stakeledger/ledger"
)

// now is the time of everything but events.
const now = chain.Time(1735689600000000 + 90*24*3600*1_000_000)

const window = 60 * 24 * time.Hour

func clock() time.Time { return now.Time() }

// events are those of a few miners. The same seed gives the same.
func events(seed uint64, n int) ([]ledger.Event, error) {
	rows, err := simulate.Events(simulate.Config{Seed: seed, Events: n, Miners: 3, Validators: 2, Subnets: 2, Span: window})
	if err != nil {
		return nil, err
	}
	var list []ledger.Event
	for row := range rows {
		list = append(list, row.Event)
	}
	return list, nil
}

func all(list []ledger.Event) iter.Seq2[ledger.Event, error] {
	return func(yield func(ledger.Event, error) bool) {
		for _, e := range list {
			if !yield(e, nil) {
				return
			}
		}
	}
}

const templateEvents = 160

// makeLedger makes a ledger with rows in every table, some of them archived, some late, and closes it.
func makeLedger(t *testing.T, seed uint64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.db")
	ctx := t.Context()
	l, err := ledger.Open(ctx, path, ledger.WithClock(clock), ledger.WithBatchSize(10))
	if err != nil {
		t.Fatal(err)
	}
	list, err := events(seed, templateEvents)
	if err != nil {
		t.Fatal(err)
	}
	if err := fill(ctx, l, list); err != nil {
		t.Fatalf("SEED=%d: make a ledger: %v", seed, err)
	}
	if report, err := l.Verify(ctx); err != nil || !report.Healthy() {
		t.Fatalf("SEED=%d: verify before any damage: %v, %v", seed, report.Differences, err)
	}
	if err := l.Close(ctx); err != nil {
		t.Fatal(err)
	}
	return path
}

func fill(ctx context.Context, l *ledger.Ledger, list []ledger.Event) error {
	for i, uid := range []chain.UID{3, 5} {
		e := list[i*7]
		_, err := l.SyncMetagraph(ctx, []ledger.MetagraphRow{{UID: uid, Hotkey: list[0].Hotkey, Coldkey: e.Coldkey}}, now-chain.Time(2-i))
		if err != nil {
			return err
		}
	}
	third := len(list) / 3
	conflict := list[0]
	conflict.TAO++
	for _, part := range [][]ledger.Event{list[:third], {conflict}, list[2*third : len(list)-20]} {
		if _, err := l.Apply(ctx, all(part)); err != nil {
			return err
		}
	}
	for _, e := range list[third : third+20] { // late, and marked
		err := error(nil)
		if e.Kind == chain.Stake {
			_, _, err = l.AddPosition(ctx, e)
		} else {
			_, err = l.ProcessClose(ctx, e, ledger.Mode(chain.Lenient))
		}
		if err != nil && !errors.Is(err, ledger.ErrInvalid) && !errors.Is(err, ledger.ErrDuplicateEvent) && !errors.Is(err, ledger.ErrIgnored) {
			return err
		}
	}
	if _, err := l.ArchiveClosedPositions(ctx, now-chain.Time(55*24*time.Hour/time.Microsecond), ledger.ArchiveRows(7)); err != nil {
		return err
	}
	if err := closeListed(ctx, l, list[0].Coldkey); err != nil {
		return err
	}
	for i := range 3 {
		if _, err := l.TakeSnapshots(ctx, now-chain.Time(i), window); err != nil {
			return err
		}
	}
	// Left by an input that was interrupted: staged, and not applied.
	interrupted, cancel := context.WithCancel(ctx)
	_, err := l.Apply(interrupted, all(list[len(list)-20:]), ledger.OnProgress(func(p ledger.Progress) {
		if p.Phase == ledger.Staging {
			cancel()
		}
	}))
	cancel()
	if !errors.Is(err, context.Canceled) {
		return fmt.Errorf("interrupted input: %w", err)
	}
	return nil
}

// closeListed sells of a position that it names.
func closeListed(ctx context.Context, l *ledger.Ledger, coldkey chain.Address) error {
	m, err := l.MinerByColdkey(ctx, coldkey)
	if err != nil {
		return err
	}
	open, err := l.OpenPositions(ctx, m.MinerID, ledger.Page[ledger.Position]{})
	if err != nil || len(open) == 0 {
		return errors.Join(err, errors.New("no open position among the events"))
	}
	p := open[0]
	_, err = l.ProcessClose(ctx, ledger.Event{
		Coldkey: coldkey, Hotkey: p.Hotkey, Netuid: p.Netuid, ExtrinsicID: "9000000-0001", Block: 9_000_000, Time: now - 5, TAO: 77, Alpha: max(1, p.RemainingAlpha/2),
	}, ledger.PositionIDs(p.PositionID))
	return err
}
