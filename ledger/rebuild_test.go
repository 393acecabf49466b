package ledger_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

func rebuild(t testing.TB, l *ledger.Ledger, n byte) ledger.RebuildResult {
	t.Helper()
	result, err := l.Rebuild(context.Background(), coldkey(n))
	if err != nil {
		t.Fatalf("rebuild: %v", err)
	}
	return result
}

// byKey is a ledger's record with every id replaced by the key of its event, archived or not,
// so that ledgers compare that took the same events in at different times.
func byKey(t testing.TB, l *ledger.Ledger) string {
	t.Helper()
	const key = "m.coldkey, e.extrinsic_id, e.event_index"
	var text strings.Builder
	for _, query := range []string{
		"SELECT 'miner', " + key + ", m.status, m.tracking_start, m.oldest_late_key, m.last_active, m.positions, m.open_positions, m.trades, m.closes, m.entry_tao, m.entry_alpha, m.closed_alpha, m.exit_tao, m.raw_gain, m.gain, m.counted_closes, m.winning_closes, m.counted_duration_us, m.unmatched_alpha, m.unmatched_tao FROM miners m LEFT JOIN events e ON e.miner_id = m.miner_id AND e.event_key = m.latest_key ORDER BY m.coldkey",
		"SELECT 'event', " + key + ", e.kind, e.netuid, e.hotkey, e.block, e.time, e.tao, e.alpha, e.mode, e.min_blocks, e.self_trade, e.outcome, e.reason, e.out_of_order FROM events e JOIN miners m USING (miner_id) ORDER BY " + key,
		"SELECT 'position', " + key + ", p.remaining_alpha, p.status, p.last_exit_time, p.closed_at, p.gain FROM positions p JOIN events e ON e.event_id = p.position_id JOIN miners m ON m.miner_id = e.miner_id ORDER BY " + key,
		"SELECT 'trade', " + key + ", t.unmatched_alpha, t.unmatched_tao FROM trades t JOIN events e ON e.event_id = t.trade_id JOIN miners m ON m.miner_id = e.miner_id ORDER BY " + key,
		"SELECT 'close', " + key + ", c.step, o.extrinsic_id, o.event_index, c.alpha, c.tao, c.cost, c.raw_gain, c.gain, c.duration_us, c.min_blocks_met, c.self_trade FROM closes c JOIN events e ON e.event_id = c.trade_id JOIN events o ON o.event_id = c.position_id JOIN miners m ON m.miner_id = e.miner_id ORDER BY " + key + ", c.step",
	} {
		dump(t, l, &text, query)
	}
	return text.String()
}

// whole is every table's content.
func whole(t testing.TB, l *ledger.Ledger) string { return tables(t, l) + archived(t, l) }

// replayable is an event with the options of its close.
type replayable struct {
	ledger.Event
	mode      chain.CloseMode
	minBlocks int64
	selfTrade chain.SelfTradePolicy
	list      []string // keys of positions
}

func keyOf(e ledger.Event) string { return fmt.Sprint(e.ExtrinsicID, "#", e.EventIndex) }

// replayables are random events of one miner in order.
func replayables(r *rand.Rand, n int) []replayable {
	var events []ledger.Event
	sells := 1 + r.IntN(4) // in halves of what is bought each time
	for i := range n {
		minutes := r.IntN(n * 2)
		e := stake(fmt.Sprintf("%d-%04d", 1000+minutes/3, r.IntN(3)), minutes, chain.Rao(1+r.IntN(1000)), chain.Rao(1+r.IntN(1000)))
		e.Netuid, e.EventIndex = chain.Netuid(1+r.IntN(2)), int64(i)
		if r.IntN(5) < 2 {
			e.Kind = chain.Unstake
			e.Alpha = 1 + e.Alpha*chain.Rao(sells)/2
		}
		events = append(events, e)
	}
	var list []replayable
	var stakes []string
	for _, e := range inOrder(events) {
		op := replayable{Event: e, mode: chain.Lenient, minBlocks: int64(r.IntN(3) * 200), selfTrade: chain.SelfTradeZero}
		if r.IntN(2) == 0 {
			op.selfTrade = chain.SelfTradeClamp
		}
		if r.IntN(4) == 0 {
			op.mode = chain.Strict
		}
		if e.Kind == chain.Stake {
			stakes = append(stakes, keyOf(e))
		} else if len(stakes) > 0 && r.IntN(6) == 0 {
			for range 1 + r.IntN(3) {
				op.list = append(op.list, stakes[r.IntN(len(stakes))])
			}
		}
		list = append(list, op)
	}
	return list
}

// take takes an operation in. ids are those of the positions by their key.
func take(ctx context.Context, l *ledger.Ledger, op replayable, ids map[string]int64) error {
	if op.Kind == chain.Stake {
		p, _, err := l.AddPosition(ctx, op.Event)
		ids[keyOf(op.Event)] = p.PositionID
		return err
	}
	opts := []ledger.CloseOption{ledger.Mode(op.mode), ledger.MinBlocks(op.minBlocks), ledger.SelfTrade(op.selfTrade), ledger.OverridePolicy()}
	if op.list != nil {
		var list []int64
		for _, key := range op.list {
			list = append(list, ids[key])
		}
		opts = append(opts, ledger.PositionIDs(list...))
	}
	_, err := l.ProcessClose(ctx, op.Event, opts...)
	return err
}

// takeAll takes operations in, and returns those that were refused.
func takeAll(t *testing.T, l *ledger.Ledger, ops []replayable, between func(ctx context.Context)) (refused map[string]bool) {
	t.Helper()
	err := l.WithTx(context.Background(), func(ctx context.Context, tx ledger.Tx) error {
		refused = map[string]bool{}
		ids := map[string]int64{}
		for _, op := range ops {
			err := take(ctx, l, op, ids)
			switch {
			case errors.Is(err, ledger.ErrNoOpenPosition), errors.Is(err, ledger.ErrInsufficientAlpha), errors.Is(err, ledger.ErrNotFound):
				refused[keyOf(op.Event)] = true
			case err != nil:
				return err
			}
			between(ctx)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return refused
}

// late is the operations with some of them moved back.
func late(r *rand.Rand, ops []replayable) []replayable {
	places := map[string]int{}
	for i, op := range ops {
		places[keyOf(op.Event)] = i
		if r.IntN(5) == 0 {
			places[keyOf(op.Event)] += 1 + r.IntN(len(ops)/3)
		}
	}
	shuffled := slices.Clone(ops)
	slices.SortStableFunc(shuffled, func(a, b replayable) int { return cmp.Compare(places[keyOf(a.Event)], places[keyOf(b.Event)]) })
	return shuffled
}

// Rebuilding a ledger that took events late gives the ledger that takes the same events in order.
func TestRebuildGivesTheLedgerInOrder(t *testing.T) {
	outcomes, changed := 0, 0
	for i := range 10 {
		seed := uint64(time.Now().UnixNano())
		archiving := i%2 == 1
		t.Run(fmt.Sprintf("seed %d, archiving %t", seed, archiving), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			ops := replayables(r, 150)
			var inTime, tooLate *ledger.Ledger
			for dropped := -1; dropped != 0; { // until both ledgers take the same
				inTime, tooLate = open(t), open(t)
				register(t, inTime, 1)
				register(t, tooLate, 1)
				refused := takeAll(t, inTime, ops, func(context.Context) {})
				for key := range takeAll(t, tooLate, late(rand.New(rand.NewPCG(seed, 2)), ops), func(ctx context.Context) {
					if archiving && r.IntN(10) == 0 {
						if _, err := tooLate.ArchiveClosedPositions(ctx, after(r.IntN(300))); err != nil {
							t.Fatal(err)
						}
					}
				}) {
					refused[key] = true
				}
				before := len(ops)
				ops = slices.DeleteFunc(ops, func(op replayable) bool { return refused[keyOf(op.Event)] })
				dropped = before - len(ops)
			}
			wasArchived := map[int64]bool{}
			for _, p := range pages(t, 100, func(p ledger.Page[ledger.Position]) ([]ledger.Position, error) {
				return tooLate.Positions(context.Background(), 1, ledger.PositionFilter{Archived: true}, p)
			}) {
				wasArchived[p.PositionID] = true
			}
			unordered := count(t, tooLate, "events WHERE out_of_order = 1")
			result := rebuild(t, tooLate, 1)
			diff(t, byKey(t, tooLate), byKey(t, inTime))
			if len(result.Unhonoured) > 0 {
				t.Errorf("got %v, want every input honoured, as in order", result.Unhonoured)
			}
			if int(result.Reordered) != unordered {
				t.Errorf("got %d reordered, want %d", result.Reordered, unordered)
			}
			outcomes += len(result.Outcomes)
			for _, p := range result.Positions {
				if wasArchived[p.Before.PositionID] {
					changed++
				}
			}
			for id := range wasArchived {
				if p, err := tooLate.Position(context.Background(), id); err != nil || (p.ArchiveRun != nil) != (p.Status == chain.PositionClosed) {
					t.Errorf("position %d was archived: got %+v, error %v, want it archived where it is closed", id, p, err)
				}
			}
			healthy(t, tooLate)

			stands := whole(t, tooLate)
			if again := rebuild(t, tooLate, 1); again.Changed() {
				t.Errorf("again: got %+v, want no change", again)
			}
			diff(t, whole(t, tooLate), stands)
			inOrder := whole(t, inTime)
			if again := rebuild(t, inTime, 1); again.Changed() {
				t.Errorf("in order: got %+v, want no change", again)
			}
			diff(t, whole(t, inTime), inOrder)
		})
	}
	if outcomes == 0 || changed == 0 {
		t.Errorf("%d outcomes and %d archived positions changed, want both tried", outcomes, changed)
	}
}

// healthy checks what no rebuild may leave behind: marks, and trades archived before their positions.
func healthy(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	for _, table := range []string{
		"rebuilds",
		"miners WHERE oldest_late_key IS NOT NULL",
		"trades WHERE trade_id NOT IN (SELECT trade_id FROM closes)",
		"trades t JOIN closes USING (trade_id) JOIN positions p USING (position_id) WHERE t.archive_run IS NOT NULL AND p.archive_run IS NULL",
	} {
		if n := count(t, l, table); n != 0 {
			t.Errorf("got %d rows of %s, want none", n, table)
		}
	}
}

func TestRebuildPutsALateStakeFirst(t *testing.T) {
	l := open(t)
	register(t, l, 1)
	second := addPosition(t, l, stake("2-0001", 10, 100, 10))
	sale := processClose(t, l, unstake("3-0001", 4000, 90, 10))
	archive(t, l, after(5000))
	first := addPosition(t, l, stake("1-0001", 5, 50, 10))

	got := rebuild(t, l, 1)
	if len(got.Positions) != 2 || len(got.Trades) != 0 || len(got.Closes) != 1 || got.Reordered != 1 || got.Replayed != 3 {
		t.Errorf("got %+v, want two positions and one close changed", got)
	}
	if c := got.Closes[0]; c.Before.PositionID != second.PositionID || c.After.PositionID != first.PositionID || c.After.Cost != 50 {
		t.Errorf("close: got %+v, want it to move from position %d to %d", c, second.PositionID, first.PositionID)
	}
	if p, err := l.Position(context.Background(), second.PositionID); err != nil || p.Status != chain.PositionOpen {
		t.Errorf("archived position that is open again: got %+v, %v", p, err)
	}
	if got, want := miner(t, l, 1).Gain, chain.Rao(40); got != want {
		t.Errorf("gain: got %s, want %s", got, want)
	}
	if _, err := l.Trade(context.Background(), sale.Trade.TradeID); err != nil {
		t.Errorf("the trade of a live position: %v", err)
	}
	healthy(t, l)
}

func TestRebuildChangesOutcomes(t *testing.T) {
	l := open(t)
	register(t, l, 1)
	nothing := processClose(t, l, unstake("2-0001", 10, 90, 10), ledger.Mode(chain.Lenient))
	addPosition(t, l, stake("1-0001", 5, 100, 10))
	got := rebuild(t, l, 1)
	if len(got.Outcomes) != 1 || got.Outcomes[0].After.Outcome != chain.Applied {
		t.Fatalf("got %+v, want the unstake applied", got.Outcomes)
	}
	if m := miner(t, l, 1); m.UnmatchedAlpha != 0 || m.Trades != 1 || *m.LatestKey != nothing.Event.EventKey {
		t.Errorf("got %+v, want one trade and nothing unmatched", m)
	}

	// An earlier sale takes what the later one had closed.
	late := of(1, unstake("1-0002", 7, 95, 10))
	processClose(t, l, late, ledger.Mode(chain.Lenient))
	got = rebuild(t, l, 1)
	if len(got.Outcomes) != 2 || len(got.Trades) != 2 {
		t.Errorf("got %+v, want the earlier sale applied and the later one ignored", got)
	}
	if m := miner(t, l, 1); m.Trades != 1 || m.UnmatchedTAO != 90 || *m.LastActive != after(7) {
		t.Errorf("got %+v, want the later sale unmatched", m)
	}
	healthy(t, l)
}

func TestRebuildNamesWhatCannotBeHonoured(t *testing.T) {
	l := open(t)
	register(t, l, 1)
	p1 := addPosition(t, l, stake("1-0001", 1, 100, 10))
	p2 := addPosition(t, l, stake("2-0001", 2, 100, 10))
	addPosition(t, l, stake("3-0001", 3, 100, 10))
	listed := processClose(t, l, unstake("9-0001", 90, 200, 20), ledger.PositionIDs(p1.PositionID, p2.PositionID))
	processClose(t, l, unstake("4-0001", 40, 50, 5), ledger.Mode(chain.Lenient)) // late, and takes of the third
	if _, err := l.ProcessClose(context.Background(), unstake("5-0001", 50, 70, 7), ledger.Mode(chain.Lenient)); err != nil {
		t.Fatal(err) // sells five of the third and two that nothing covers
	}

	got := rebuild(t, l, 1)
	// In order the two sales take 12 of the first and the second; 8 are left for the list.
	if len(got.Unhonoured) != 1 || got.Unhonoured[0].EventID != listed.Event.EventID ||
		!strings.Contains(got.Unhonoured[0].Detail, "is closed") || !strings.Contains(got.Unhonoured[0].Detail, "is unmatched") {
		t.Fatalf("got %+v, want the list of event %d named", got.Unhonoured, listed.Event.EventID)
	}
	trade, err := l.Trade(context.Background(), listed.Event.EventID)
	if err != nil || trade.UnmatchedAlpha != 12 || trade.UnmatchedTAO != 120 {
		t.Errorf("got %+v, %v, want 12 alpha unmatched", trade, err)
	}
	if p := miner(t, l, 1); p.OpenPositions != 1 {
		t.Errorf("got %d open positions, want the third, which was not on the list, untouched", p.OpenPositions)
	}
	if again := rebuild(t, l, 1); again.Changed() || len(again.Unhonoured) != 1 {
		t.Errorf("again: got %+v, want no change and the list named", again)
	}
	healthy(t, l)
}

// A rebuild also mends what raw SQL broke of a miner's figures.
func TestRebuildMendsFigures(t *testing.T) {
	l := attacked(t)
	before := record(t, l)
	if err := statements(l, "UPDATE miners SET gain = gain + 5, trades = 0, open_positions = 0 WHERE miner_id = 1; INSERT INTO rebuilds VALUES (1); UPDATE positions SET gain = 99 WHERE position_id = 1; DELETE FROM rebuilds"); err != nil {
		t.Fatal(err)
	}
	if got := rebuild(t, l, 1); len(got.Positions) != 1 || got.Counters.Before == nil {
		t.Errorf("got %+v, want a position and the counters changed", got)
	}
	diff(t, record(t, l), before)
}

func TestRebuildOfNobody(t *testing.T) {
	l := open(t)
	if _, err := l.Rebuild(context.Background(), coldkey(1)); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	register(t, l, 1)
	if got := rebuild(t, l, 1); got.Changed() || got.Replayed != 0 {
		t.Errorf("got %+v, want no change", got)
	}
}

func TestRebuildClosureRunsAgain(t *testing.T) {
	l := open(t, ledger.WithManager(manager.WithRunTwice()))
	apply(t, l, history(61, 300))
	apply(t, l, history(62, 300), ledger.MinBlocks(10), ledger.OverridePolicy(), ledger.LeaveLate())
	for n := range byte(4) {
		if got := rebuild(t, l, n); !got.Changed() {
			t.Errorf("miner %d: got no change, want late events put right", n)
		}
	}
	healthy(t, l)
}
