package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

// The archive is the same however often archiving was stopped, and in between nothing is missing and nothing
// is there twice.
func TestArchiveGoesOnAfterAnyInterruption(t *testing.T) {
	const seed = 41
	events, cutoff := history(seed, 300), after(250)
	whole := open(t)
	apply(t, whole, events)
	recorded, reported := record(t, whole), report(t, whole)
	archive(t, whole, cutoff)
	want := archiveTables(t, whole)

	interrupted := 0
	for n := 1; ; n = n*4/3 + 1 {
		l := open(t)
		apply(t, l, events)
		first, err := l.ArchiveClosedPositions(endsAfter(n), cutoff, ledger.ArchiveRows(10))
		if err != nil {
			interrupted++
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("seed %d, ended at check %d: %v", seed, n, err)
			}
		}
		if got := count(t, l, "archived_positions"); int64(got) != first.Positions {
			t.Errorf("seed %d, ended at check %d: got %d archived positions, the summary counts %d", seed, n, got, first.Positions)
		}
		diff(t, record(t, l), recorded)
		if got := report(t, l); !reflect.DeepEqual(got, reported) {
			t.Fatalf("seed %d, ended at check %d: the report changed:\ngot  %+v\nwant %+v", seed, n, got, reported)
		}
		archive(t, l, cutoff, ledger.ArchiveRows(17))
		diff(t, archiveTables(t, l), want)
		diff(t, record(t, l), recorded)
		if err == nil {
			break
		}
	}
	if interrupted < 10 {
		t.Errorf("got %d interruptions, want more: the context is not asked", interrupted)
	}
}

// A position with more closes than a transaction may move goes in parts, as whole ledgers all the way.
func TestArchiveOfAPositionWithManyCloses(t *testing.T) {
	const closes = 50
	l := open(t)
	register(t, l, 1)
	p := addPosition(t, l, stake("in", 0, 1000, closes))
	small := addPosition(t, l, stake("small", 1, 10, 10))
	for i := range closes {
		processClose(t, l, unstake(fmt.Sprintf("out-%d", i), 10+i, 30, 1), ledger.MinBlocks(0))
	}
	processClose(t, l, unstake("out", 9, 30, 10), ledger.PositionIDs(small.PositionID))
	recorded := record(t, l)
	whole := snapshot(t, l, 1, after(500), 500*time.Minute)
	var seen []ledger.ArchiveSummary
	summary := archive(t, l, after(1000), ledger.ArchiveRows(21), ledger.OnArchived(func(s ledger.ArchiveSummary) {
		seen = append(seen, s)
		diff(t, record(t, l), recorded)
		if n := int64(count(t, l, "archived_closes")); n != s.Closes {
			t.Errorf("after %d transactions: got %d archived closes, want %d", len(seen), n, s.Closes)
		}
		part := snapshot(t, l, 1, after(500)-chain.Time(len(seen)), 500*time.Minute)
		if part.CountedCloses != whole.CountedCloses || part.CountedDurationUs != whole.CountedDurationUs || part.CountedCloses != closes {
			t.Errorf("after %d transactions: got a snapshot %+v, want the closes of %+v", len(seen), part, whole)
		}
		_, err := l.Position(context.Background(), p.PositionID)
		if gone := errors.Is(err, ledger.ErrNotFound); gone != (count(t, l, "closes") == 0) {
			t.Errorf("after %d transactions: the position is gone: %v, with %d closes live", len(seen), gone, count(t, l, "closes"))
		}
	}))
	if want := (ledger.ArchiveSummary{RunID: 1, Miners: 1, Positions: 2, Trades: closes + 1, Closes: closes + 1}); summary != want || seen[len(seen)-1] != want {
		t.Errorf("got %+v, the last seen %+v, want %+v", summary, seen[len(seen)-1], want)
	}
	// 10 closes and their trades make 20 of the 21 rows, the position is the last one.
	if len(seen) != 6 {
		t.Errorf("got %d transactions, want 6", len(seen))
	}
	result, err := l.ProcessClose(context.Background(), unstake("out-7", 17, 30, 1))
	if err != nil || result.IsNew || len(result.Closes) != 1 {
		t.Errorf("one of the trades again: got %+v, error %v", result, err)
	}
}

// A trade with more closes than a transaction moves stays live until the last of them has moved.
func TestArchiveOfATradeWithManyCloses(t *testing.T) {
	const positions = 40
	l := open(t)
	register(t, l, 1)
	for i := range positions {
		addPosition(t, l, stake(fmt.Sprintf("in-%d", i), i, 10, 10))
	}
	sold := processClose(t, l, unstake("out", 100, 3000, 10*positions))
	archive(t, l, after(1000), ledger.ArchiveRows(9), ledger.OnArchived(func(s ledger.ArchiveSummary) {
		if live := s.Positions < positions; live != (s.Trades == 0) {
			t.Errorf("with %d positions moved: got %d trades moved", s.Positions, s.Trades)
		}
	}))
	again, err := l.ProcessClose(context.Background(), unstake("out", 100, 3000, 10*positions))
	sold.IsNew = false
	if err != nil || !reflect.DeepEqual(again, sold) {
		t.Errorf("the trade again: got %+v, error %v, want %+v", again, err, sold)
	}
}

func TestArchiveClosuresRunAgain(t *testing.T) {
	const seed = 13
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := openAt(t, path)
	apply(t, l, history(seed, 200))
	recorded := record(t, l)
	summary := archive(t, openAt(t, path, ledger.WithManager(manager.WithRunTwice())), after(1000), ledger.ArchiveRows(20))
	if n := int64(count(t, l, "archived_positions")); n == 0 || n != summary.Positions {
		t.Errorf("seed %d: got %d archived positions, the summary counts %d", seed, n, summary.Positions)
	}
	diff(t, record(t, l), recorded)
}

func TestArchiveInsideATransaction(t *testing.T) {
	l := open(t)
	apply(t, l, history(14, 200))
	before := archiveTables(t, l)
	failure := errors.New("not today")
	err := l.WithTx(context.Background(), func(ctx context.Context, _ ledger.Tx) error {
		if s, err := l.ArchiveClosedPositions(ctx, after(1000), ledger.ArchiveRows(10)); err != nil || s.Positions == 0 {
			t.Errorf("got %+v, error %v", s, err)
		}
		return failure
	})
	if !errors.Is(err, failure) {
		t.Fatalf("got error %v, want its own", err)
	}
	diff(t, archiveTables(t, l), before)
}

// Two processes and a writer at once: nothing moves twice, and nothing is lost.
func TestTwoArchiveAtOnce(t *testing.T) {
	const seed = 51
	path := filepath.Join(t.TempDir(), "ledger.db")
	events := history(seed, 1200)
	first := openAt(t, path)
	apply(t, first, events[:800])
	second := openAt(t, path)
	var moved [2]ledger.ArchiveSummary
	var wg sync.WaitGroup
	for i, l := range []*ledger.Ledger{first, second} {
		wg.Go(func() {
			summary, err := l.ArchiveClosedPositions(context.Background(), after(10_000), ledger.ArchiveRows(12))
			if err != nil {
				t.Errorf("process %d: %v", i, err)
			}
			moved[i] = summary
		})
	}
	wg.Go(func() {
		if _, err := second.Apply(context.Background(), sequence(events[800:])); err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	if got, want := moved[0].Positions+moved[1].Positions, int64(count(t, first, "archived_positions")); got != want {
		t.Errorf("seed %d: the summaries count %d positions, the archive holds %d", seed, got, want)
	}
	if moved[0].RunID == moved[1].RunID {
		t.Errorf("seed %d: both were run %d", seed, moved[0].RunID)
	}
	plain := open(t)
	apply(t, plain, events[:800])
	apply(t, plain, events[800:])
	if got, want := report(t, first), report(t, plain); !reflect.DeepEqual(got, want) {
		t.Errorf("seed %d:\ngot  %+v\nwant %+v", seed, got, want)
	}
	if n := count(t, first, "positions JOIN archived_positions USING (position_id)"); n != 0 {
		t.Errorf("seed %d: got %d positions in both places", seed, n)
	}
}
