package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

func archive(t testing.TB, l *ledger.Ledger, before chain.Time, opts ...ledger.ArchiveOption) ledger.ArchiveSummary {
	t.Helper()
	summary, err := l.ArchiveClosedPositions(context.Background(), before, opts...)
	if err != nil {
		t.Fatalf("archive: %v", err)
	}
	return summary
}

// archived is what is archived, a line a row.
func archived(t testing.TB, l *ledger.Ledger) string {
	t.Helper()
	var text strings.Builder
	for _, query := range []string{
		"SELECT 'position', position_id FROM positions WHERE archive_run IS NOT NULL ORDER BY position_id",
		"SELECT 'trade', trade_id FROM trades WHERE archive_run IS NOT NULL ORDER BY trade_id",
	} {
		dump(t, l, &text, query)
	}
	return text.String()
}

// record is every position, trade and close, archived or not.
func record(t testing.TB, l *ledger.Ledger) string {
	t.Helper()
	var text strings.Builder
	for _, query := range []string{
		"SELECT 'position', position_id, miner_id, netuid, hotkey, event_key, entry_tao, entry_alpha, remaining_alpha, status, last_exit_time, closed_at, gain FROM positions ORDER BY position_id",
		"SELECT 'trade', trade_id, miner_id, netuid, hotkey, event_key, exit_tao, exit_alpha, unmatched_alpha, unmatched_tao FROM trades ORDER BY trade_id",
		"SELECT 'close', * FROM closes ORDER BY trade_id, step",
	} {
		dump(t, l, &text, query)
	}
	return text.String()
}

func TestArchiveTakesWhatWasClosedBefore(t *testing.T) {
	l := open(t)
	ctx := context.Background()
	register(t, l, 1)
	old := addPosition(t, l, stake("old", 0, 100, 10))
	edge := addPosition(t, l, stake("edge", 1, 100, 10))
	open := addPosition(t, l, stake("open", 2, 100, 10))
	first := processClose(t, l, unstake("first", 10, 120, 10))
	second := processClose(t, l, unstake("second", 20, 180, 15)) // closes edge, and a part of open
	before, reported := record(t, l), report(t, l)

	got := archive(t, l, after(20))
	want := ledger.ArchiveSummary{RunID: 1, Miners: 1, Positions: 1, Trades: 1, Closes: 1}
	if got != want {
		t.Errorf("summary: got %+v, want %+v", got, want)
	}
	if p, err := l.Position(ctx, old.PositionID); err != nil || p.Status != chain.PositionClosed || *p.ClosedAt != after(10) || p.ArchiveRun == nil || *p.ArchiveRun != 1 {
		t.Errorf("archived position: got %+v, error %v", p, err)
	}
	if trade, err := l.Trade(ctx, first.Trade.TradeID); err != nil || trade.ExitTAO != 120 || trade.ArchiveRun == nil || *trade.ArchiveRun != 1 {
		t.Errorf("archived trade: got %+v, error %v", trade, err)
	}
	for _, id := range []int64{edge.PositionID, open.PositionID} { // closed at the cutoff, and not closed
		if p, err := l.Position(ctx, id); err != nil || p.ArchiveRun != nil {
			t.Errorf("position %d: got %+v, error %v, want it not archived", id, p, err)
		}
	}

	if got := archive(t, l, after(20)); got != (ledger.ArchiveSummary{}) {
		t.Errorf("again: got %+v, want nothing archived", got)
	}
	got = archive(t, l, after(20)+1)
	if want := (ledger.ArchiveSummary{RunID: 2, Miners: 1, Positions: 1, Closes: 1}); got != want {
		t.Errorf("a moment later: got %+v, want %+v: the trade has a close of an open position", got, want)
	}
	closes, err := l.ClosesOfTrade(ctx, second.Trade.TradeID, ledger.Page[ledger.Close]{})
	if err != nil || !reflect.DeepEqual(closes, second.Closes) {
		t.Errorf("closes of a trade with an archived position: got %+v, error %v, want %+v", closes, err, second.Closes)
	}
	processClose(t, l, unstake("third", 30, 60, 5))
	got = archive(t, l, after(31))
	if want := (ledger.ArchiveSummary{RunID: 3, Miners: 1, Positions: 1, Trades: 2, Closes: 2}); got != want {
		t.Errorf("with its last close: got %+v, want %+v", got, want)
	}
	if n := count(t, l, "positions WHERE archive_run IS NULL") + count(t, l, "trades WHERE archive_run IS NULL"); n != 0 {
		t.Errorf("got %d rows that are not archived, want none", n)
	}
	if got := report(t, l); got.Miners[0].Positions != 3 || got.Miners[0].EntryTAO != reported.Miners[0].EntryTAO {
		t.Errorf("report: got %+v, want the lifetime figures of %+v", got, reported)
	}
	if before == record(t, l) {
		t.Error("record: the third trade left no trace")
	}
}

func TestArchiveChangesNoFigure(t *testing.T) {
	const seed = 5
	l := open(t)
	apply(t, l, history(seed, 600))
	recorded, reported := record(t, l), report(t, l)
	var positions, entryTAO int64
	for minutes := 100; minutes <= 700; minutes += 100 {
		summary := archive(t, l, after(minutes), ledger.ArchiveRows(30))
		positions += summary.Positions
		diff(t, record(t, l), recorded)
		if got := report(t, l); !reflect.DeepEqual(got, reported) {
			t.Fatalf("seed %d: the report changed:\ngot  %+v\nwant %+v", seed, got, reported)
		}
	}
	var sum int64
	for after := (*ledger.ArchiveRun)(nil); ; {
		page, err := l.ArchiveRuns(context.Background(), ledger.Page[ledger.ArchiveRun]{After: after, Limit: 3})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page {
			sum += r.Positions
			entryTAO += int64(r.EntryTAO)
		}
		if len(page) < 3 {
			break
		}
		after = &page[len(page)-1]
	}
	var text strings.Builder
	dump(t, l, &text, "SELECT COUNT(*), SUM(entry_tao) FROM positions WHERE archive_run IS NOT NULL")
	if got, want := text.String(), fmt.Sprintln(positions, entryTAO); got != want || sum != positions || positions == 0 {
		t.Errorf("seed %d: archived positions and their entry TAO: got %q, want the %q of the summaries, which count %d", seed, got, want, sum)
	}
	if n := count(t, l, "positions WHERE status = 'closed' AND archive_run IS NULL"); n != 0 {
		t.Errorf("seed %d: got %d closed positions that stayed, want 0", seed, n)
	}
	if n := count(t, l, "trades t WHERE archive_run IS NULL AND NOT EXISTS (SELECT 1 FROM closes c JOIN positions p USING (position_id) WHERE c.trade_id = t.trade_id AND p.archive_run IS NULL)"); n != 0 {
		t.Errorf("seed %d: got %d trades that stayed though all their positions are archived, want 0", seed, n)
	}
}

func TestArchivedEventsAreStillKnown(t *testing.T) {
	l := open(t)
	ctx := context.Background()
	register(t, l, 1, 2)
	entry, exit := stake("in", 0, 100, 10), unstake("out", 10, 120, 10)
	addPosition(t, l, entry)
	half := processClose(t, l, unstake("half", 9, 50, 5))
	closed := processClose(t, l, exit, ledger.Mode(chain.Lenient))
	kept := addPosition(t, l, stake("kept", 11, 100, 10))
	position, err := l.Position(ctx, half.Closes[0].PositionID)
	if err != nil {
		t.Fatal(err)
	}
	archive(t, l, after(11))
	reported := report(t, l)
	run := int64(1)
	position.ArchiveRun, closed.Trade.ArchiveRun = &run, &run

	p, isNew, err := l.AddPosition(ctx, entry)
	if err != nil || isNew || !reflect.DeepEqual(p, position) {
		t.Errorf("stake again: got %+v, new %v, error %v, want %+v", p, isNew, err, position)
	}
	result, err := l.ProcessClose(ctx, exit, ledger.Mode(chain.Lenient))
	closed.IsNew = false
	if err != nil || !reflect.DeepEqual(result, closed) {
		t.Errorf("unstake again: got %+v, error %v, want %+v", result, err, closed)
	}
	if got := apply(t, l, []ledger.Event{exit, entry}); got.Duplicates != 2 || got.Applied != 0 {
		t.Errorf("applied again: got %+v, want 2 duplicates", got)
	}
	other := entry
	other.Alpha++
	if _, _, err := l.AddPosition(ctx, other); !errors.Is(err, ledger.ErrDuplicateEvent) {
		t.Errorf("with other contents: got error %v, want ErrDuplicateEvent", err)
	}
	if got := report(t, l); !reflect.DeepEqual(got, reported) {
		t.Errorf("the repeats changed the report:\ngot  %+v\nwant %+v", got, reported)
	}

	list := ledger.PositionIDs(position.PositionID, kept.PositionID)
	if _, err := l.ProcessClose(ctx, unstake("late", 20, 5, 5), list); !errors.Is(err, ledger.ErrNoOpenPosition) {
		t.Errorf("a list with an archived position: got error %v, want ErrNoOpenPosition", err)
	}
	if _, err := l.ProcessClose(ctx, of(2, unstake("late", 20, 5, 5)), list); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("a list with another miner's archived position: got error %v, want ErrNotFound", err)
	}
}

func TestArchiveOfOneMiner(t *testing.T) {
	l := open(t)
	register(t, l, 1, 2, 3)
	for n := byte(1); n <= 3; n++ {
		addPosition(t, l, of(n, stake("in", 0, 100, 10)))
		processClose(t, l, of(n, unstake("out", 100, 120, 10)))
	}
	if got := archive(t, l, after(101), ledger.OfMiner(coldkey(2))); got.Positions != 1 || got.Miners != 1 {
		t.Errorf("of one miner: got %+v, want 1 position", got)
	}
	for n, want := range map[byte]int{1: 0, 2: 1, 3: 0} {
		m := miner(t, l, n)
		archived, err := l.Positions(context.Background(), m.MinerID, ledger.PositionFilter{Archived: true}, ledger.Page[ledger.Position]{})
		if err != nil || len(archived) != want {
			t.Errorf("miner %d: got %d archived positions, error %v, want %d", n, len(archived), err, want)
		}
	}
	runs, err := l.ArchiveRunsOfMiner(context.Background(), 2, ledger.Page[ledger.ArchiveRun]{})
	if err != nil || len(runs) != 1 || runs[0].Cutoff != after(101) || runs[0].Gain != 20 || runs[0].EntryTAO != 100 {
		t.Errorf("summary: got %+v, error %v", runs, err)
	}
	if got := archive(t, l, after(101)); got.Positions != 2 || got.Miners != 2 {
		t.Errorf("then all: got %+v, want the other 2", got)
	}
}

func TestArchiveRefuses(t *testing.T) {
	l := open(t)
	for _, c := range []struct {
		name   string
		before chain.Time
		opts   []ledger.ArchiveOption
		want   error
	}{
		{"no cutoff", 0, nil, ledger.ErrInvalid},
		{"a cutoff before 1970", -1, nil, ledger.ErrInvalid},
		{"a cutoff after the year 9999", 253402300800000000, nil, ledger.ErrInvalid},
		{"an unknown miner", after(0), []ledger.ArchiveOption{ledger.OfMiner(coldkey(1))}, ledger.ErrNotFound},
	} {
		if got, err := l.ArchiveClosedPositions(context.Background(), c.before, c.opts...); !errors.Is(err, c.want) || got != (ledger.ArchiveSummary{}) {
			t.Errorf("%s: got %+v, error %v, want %v", c.name, got, err, c.want)
		}
	}
}
