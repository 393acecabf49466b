package ledger_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

// twins is a ledger of two positions of the same amounts, 1 and 2, a minute apart, and two trades that close
// them, 3 and 4; event 5 met nothing on another subnet, and position 6 is open.
func twins(t *testing.T, opts ...ledger.Option) *ledger.Ledger {
	t.Helper()
	l := open(t, opts...)
	register(t, l, 1)
	addPosition(t, l, stake("1-1", 0, 10*tao, 10*tao))
	addPosition(t, l, stake("2-1", 1, 10*tao, 10*tao))
	processClose(t, l, unstake("3-1", 5, 12*tao, 10*tao), ledger.MinBlocks(0), ledger.OverridePolicy(), ledger.PositionIDs(1))
	processClose(t, l, unstake("4-1", 6, 12*tao, 10*tao), ledger.MinBlocks(0), ledger.OverridePolicy())
	elsewhere := unstake("5-1", 8, 12*tao, 10*tao)
	elsewhere.Netuid = 2
	processClose(t, l, elsewhere, ledger.Mode(chain.Lenient))
	addPosition(t, l, stake("6-1", 7, 10*tao, 10*tao))
	if err := l.RebuildMarked(context.Background(), nil); err != nil { // the last one came late
		t.Fatal(err)
	}
	if _, _, err := l.TakeSnapshot(context.Background(), coldkey(1), after(20), time.Hour); err != nil {
		t.Fatal(err)
	}
	return l
}

// Whatever adds up may still have happened in another way: then the order tells, or a list, or a score.
func TestVerifyFindsWhatAddsUp(t *testing.T) {
	const free = "UPDATE events SET position_ids = NULL WHERE event_id = 3; "
	for _, c := range []struct {
		name, sql string
		want      []string
	}{
		{"nothing is wrong without the list either", free, nil},
		{"last in, first out", free + `
			UPDATE closes SET position_id = 3 - position_id;
			UPDATE closes SET duration_us = duration_us + CASE position_id WHEN 2 THEN -60000000 ELSE 60000000 END;
			UPDATE positions SET last_exit_time = last_exit_time + CASE position_id WHEN 1 THEN 60000000 ELSE -60000000 END WHERE position_id < 3;
			UPDATE positions SET closed_at = last_exit_time WHERE position_id < 3`,
			[]string{"closes 3/0: first in, first out"}},
		{"another one than the list names", "UPDATE events SET position_ids = '[2]' WHERE event_id = 3", []string{"closes 3/0: position_id"}},
		{"something was open", "UPDATE events SET netuid = 1, event_id = 50 WHERE event_id = 5", []string{"events 50: first in, first out"}},
		{"a score", "UPDATE snapshots SET score = score + 1", []string{"snapshots 1 at 2025-06-15T15:26:40Z: score"}},
		{"a score that is missing", "UPDATE snapshots SET score = NULL", []string{"snapshots 1/1750001200000000: score_from_three_positions", "snapshots 1 at 2025-06-15T15:26:40Z: score"}},
		{"a snapshot's counts", "UPDATE snapshots SET open_positions = open_positions + 1", []string{"snapshots 1/1750001200000000: positions_are_open_or_closed", "snapshots 1 at 2025-06-15T15:26:40Z: positions"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := twins(t)
			if report := verify(t, l); !report.Healthy() {
				t.Fatalf("before: got %v", report.Differences)
			}
			unguarded(t, l, c.sql)
			var got []string
			for _, d := range verify(t, l).Differences {
				got = append(got, d.Table+" "+d.Row+": "+d.Field)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// A marked miner is named, and its order is not asked before the replay.
func TestVerifyNamesMarkedMiners(t *testing.T) {
	l := open(t)
	register(t, l, 1, 2)
	addPosition(t, l, stake("1-1", 0, 10, 10))
	addPosition(t, l, stake("3-1", 5, 10, 10))
	processClose(t, l, unstake("4-1", 6, 30, 20))
	addPosition(t, l, stake("2-1", 3, 10, 10)) // late: the trade would have taken of it
	report := verify(t, l)
	if !report.Healthy() || !slices.Equal(report.Marked, []chain.Address{coldkey(1)}) {
		t.Errorf("got %v and marked %v, want no difference and miner 1 marked", report.Differences, report.Marked)
	}
	unguarded(t, l, "UPDATE miners SET oldest_late_key = NULL")
	if report := verify(t, l); report.Found != 1 || report.Differences[0].Field != "first in, first out" {
		t.Errorf("without its mark: got %v, want the order that is wrong", report.Differences)
	}
	rebuild(t, l, 1)
	if report := verify(t, l); !report.Healthy() || len(report.Marked) != 0 {
		t.Errorf("rebuilt: got %v and marked %v", report.Differences, report.Marked)
	}
}

// Verify takes one of the ledger's readers, wherever it is called.
func TestVerifyTakesOneReader(t *testing.T) {
	ctx := context.Background()
	const broken = "UPDATE positions SET gain = gain + 1 WHERE position_id = 1"
	l := twins(t, ledger.WithManager(manager.WithReaders(1), manager.WithRetryBudget(10*time.Millisecond)))
	unguarded(t, l, broken)
	for _, c := range []struct {
		name string
		run  func(verify func(context.Context) error) error
	}{
		{"one reader", func(verify func(context.Context) error) error { return verify(ctx) }},
		{"inside a read", func(verify func(context.Context) error) error {
			return l.ReadOnly(ctx, func(ctx context.Context, _ *read.Queries) error { return verify(ctx) })
		}},
		{"inside a write", func(verify func(context.Context) error) error {
			return l.WithTx(ctx, func(ctx context.Context, _ ledger.Tx) error { return verify(ctx) })
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.run(func(ctx context.Context) error {
				report, err := l.Verify(ctx)
				if report.Found != 1 || report.Events != 6 {
					t.Errorf("got %+v, want one difference in 6 events", report)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}
