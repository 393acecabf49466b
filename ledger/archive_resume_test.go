package ledger_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
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
	want := archived(t, whole)

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
		if got := count(t, l, "positions WHERE archive_run IS NOT NULL"); int64(got) != first.Positions {
			t.Errorf("seed %d, ended at check %d: got %d archived positions, the summary counts %d", seed, n, got, first.Positions)
		}
		diff(t, record(t, l), recorded)
		if got := report(t, l); !reflect.DeepEqual(got, reported) {
			t.Fatalf("seed %d, ended at check %d: the report changed:\ngot  %+v\nwant %+v", seed, n, got, reported)
		}
		archive(t, l, cutoff, ledger.ArchiveRows(17))
		diff(t, archived(t, l), want)
		diff(t, record(t, l), recorded)
		if err == nil {
			break
		}
	}
	if interrupted < 10 {
		t.Errorf("got %d interruptions, want more: the context is not asked", interrupted)
	}
}

// A position with many closes is archived at once, and their trades in parts, as whole ledgers all the way.
func TestArchiveOfAPositionWithManyCloses(t *testing.T) {
	const closes = 50
	l := open(t)
	register(t, l, 1)
	p := addPosition(t, l, stake("in", 0, 1000, closes))
	small := addPosition(t, l, stake("small", 1, 10, 10))
	for i := range closes {
		processClose(t, l, unstake(fmt.Sprintf("out-%d", i), 10+i, 30, 1), ledger.MinBlocks(0), ledger.OverridePolicy())
	}
	processClose(t, l, unstake("out", 9, 30, 10), ledger.PositionIDs(small.PositionID))
	recorded := record(t, l)
	whole := snapshot(t, l, 1, after(500), 500*time.Minute)
	var seen []ledger.ArchiveSummary
	summary := archive(t, l, after(1000), ledger.ArchiveRows(2), ledger.OnArchived(func(s ledger.ArchiveSummary) {
		seen = append(seen, s)
		diff(t, record(t, l), recorded)
		if got, err := l.Position(context.Background(), p.PositionID); err != nil || (got.ArchiveRun != nil) != (s.Closes > 1) {
			t.Errorf("after %d transactions with %d closes: got %+v, error %v", len(seen), s.Closes, got, err)
		}
		part := snapshot(t, l, 1, after(500)-chain.Time(len(seen)), 500*time.Minute)
		if part.CountedCloses != whole.CountedCloses || part.CountedDurationUs != whole.CountedDurationUs || part.CountedCloses != closes {
			t.Errorf("after %d transactions: got a snapshot %+v, want the closes of %+v", len(seen), part, whole)
		}
	}))
	if want := (ledger.ArchiveSummary{RunID: 1, Miners: 1, Positions: 2, Trades: closes + 1, Closes: closes + 1}); summary != want || seen[len(seen)-1] != want {
		t.Errorf("got %+v, the last seen %+v, want %+v", summary, seen[len(seen)-1], want)
	}
	// The second position has more closes than go with the first one, and 51 trades go by twos.
	if len(seen) != 2+26 {
		t.Errorf("got %d transactions, want 28", len(seen))
	}
	result, err := l.ProcessClose(context.Background(), unstake("out-7", 17, 30, 1))
	if err != nil || result.IsNew || len(result.Closes) != 1 {
		t.Errorf("one of the trades again: got %+v, error %v", result, err)
	}
}

// A trade of more positions than a transaction takes is archived after the last of them.
func TestArchiveOfATradeWithManyCloses(t *testing.T) {
	const positions = 40
	l := open(t)
	register(t, l, 1)
	for i := range positions {
		addPosition(t, l, stake(fmt.Sprintf("in-%d", i), i, 10, 10))
	}
	sold := processClose(t, l, unstake("out", 100, 3000, 10*positions))
	archive(t, l, after(1000), ledger.ArchiveRows(9), ledger.OnArchived(func(s ledger.ArchiveSummary) {
		if s.Positions < positions && s.Trades != 0 {
			t.Errorf("with %d positions archived: got %d trades", s.Positions, s.Trades)
		}
	}))
	again, err := l.ProcessClose(context.Background(), unstake("out", 100, 3000, 10*positions))
	run := int64(1)
	sold.IsNew, sold.Trade.ArchiveRun = false, &run
	if err != nil || !reflect.DeepEqual(again, sold) {
		t.Errorf("the trade again: got %+v, error %v, want %+v", again, err, sold)
	}
}

// An index that says otherwise than its table must not be read again and again.
func TestArchiveOfWhatCannotBeArchivedIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := openAt(t, path)
	register(t, l, 1)
	p := addPosition(t, l, stake("in", 0, 10, 10))
	processClose(t, l, unstake("out", 10, 10, 10))
	if err := l.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{ // the table is changed while the index is hidden from SQLite
		"PRAGMA journal_mode = DELETE", "PRAGMA writable_schema = ON",
		"CREATE TABLE hidden AS SELECT * FROM sqlite_schema WHERE name = 'positions_closed'", "DELETE FROM sqlite_schema WHERE name = 'positions_closed'",
	} {
		if _, err := raw.Exec(s); err != nil {
			t.Fatal(s, err)
		}
	}
	raw.Close()
	raw, err = sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	for _, s := range []string{
		"DROP TRIGGER positions_close", "PRAGMA ignore_check_constraints = ON",
		"UPDATE positions SET remaining_alpha = 1, status = 'partial', closed_at = NULL",
		"PRAGMA writable_schema = ON", "INSERT INTO sqlite_schema SELECT * FROM hidden", "DROP TABLE hidden",
	} {
		if _, err := raw.Exec(s); err != nil {
			t.Fatal(s, err)
		}
	}
	raw.Close()
	damaged := openAt(t, path, ledger.WithManager(manager.WithMigration(func(context.Context, *sql.DB) error { return nil })))
	_, err = damaged.ArchiveClosedPositions(context.Background(), after(1000))
	if !errors.Is(err, manager.ErrCorrupt) || !strings.Contains(err.Error(), fmt.Sprintf("position %d", p.PositionID)) {
		t.Errorf("got error %v, want ErrCorrupt that names the position", err)
	}
}

func TestArchiveClosuresRunAgain(t *testing.T) {
	const seed = 13
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := openAt(t, path)
	apply(t, l, history(seed, 200))
	recorded := record(t, l)
	summary := archive(t, openAt(t, path, ledger.WithManager(manager.WithRunTwice())), after(1000), ledger.ArchiveRows(20))
	if n := int64(count(t, l, "positions WHERE archive_run IS NOT NULL")); n == 0 || n != summary.Positions {
		t.Errorf("seed %d: got %d archived positions, the summary counts %d", seed, n, summary.Positions)
	}
	diff(t, record(t, l), recorded)
}

func TestArchiveInsideATransaction(t *testing.T) {
	l := open(t)
	apply(t, l, history(14, 200))
	before := archived(t, l)
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
	diff(t, archived(t, l), before)
}

// Two processes and a writer at once: nothing is archived twice, and nothing is lost.
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
		if _, err := second.Apply(context.Background(), sequence(events[800:]), ledger.LeaveLate()); err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	if got, want := moved[0].Positions+moved[1].Positions, int64(count(t, first, "positions WHERE archive_run IS NOT NULL")); got != want {
		t.Errorf("seed %d: the summaries count %d positions, the archive holds %d", seed, got, want)
	}
	if moved[0].RunID == moved[1].RunID {
		t.Errorf("seed %d: both were run %d", seed, moved[0].RunID)
	}
	plain := open(t)
	apply(t, plain, events[:800])
	apply(t, plain, events[800:], ledger.LeaveLate())
	if got, want := report(t, first), report(t, plain); !reflect.DeepEqual(got, want) {
		t.Errorf("seed %d:\ngot  %+v\nwant %+v", seed, got, want)
	}
}
