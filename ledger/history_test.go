package ledger_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

// history is a random input of a few miners: stakes and unstakes, self-trades, events without effect,
// repeats and conflicts, in no order.
func history(seed uint64, n int) []ledger.Event {
	r := rand.New(rand.NewPCG(seed, 1))
	events := make([]ledger.Event, 0, n)
	for i := range n {
		minutes := r.IntN(n)
		e := stake(fmt.Sprintf("%d-%04d", 1000+minutes/3, r.IntN(3)), minutes, chain.Rao(1+r.IntN(1000)), chain.Rao(1+r.IntN(1000)))
		e.Coldkey, e.Netuid, e.EventIndex = coldkey(byte(r.IntN(4))), chain.Netuid(1+r.IntN(2)), int64(i)
		if r.IntN(5) < 2 {
			e.Kind = chain.Unstake
		}
		switch r.IntN(40) {
		case 0:
			e.Excluded = true
		case 1:
			e.Netuid = 0
		case 2:
			e.TAO = 0
		case 3:
			e.Block = 0
		}
		if len(events) > 0 && r.IntN(20) == 0 {
			e = events[r.IntN(len(events))]
			if r.IntN(2) == 0 {
				e.Alpha++
			}
		}
		events = append(events, e)
	}
	return events
}

// inOrder sorts events as they are to be applied, miner by miner.
func inOrder(events []ledger.Event) []ledger.Event {
	sorted := slices.Clone(events)
	numbers := func(e ledger.Event) (block, number int) {
		if _, err := fmt.Sscanf(e.ExtrinsicID, "%d-%d", &block, &number); err != nil {
			panic(err)
		}
		return block, number
	}
	slices.SortStableFunc(sorted, func(a, b ledger.Event) int {
		aBlock, aNumber := numbers(a)
		bBlock, bNumber := numbers(b)
		return cmp.Or(cmp.Compare(a.Coldkey, b.Coldkey), cmp.Compare(a.Time, b.Time), cmp.Compare(a.Block, b.Block),
			cmp.Compare(aBlock, bBlock), cmp.Compare(aNumber, bNumber), cmp.Compare(a.EventIndex, b.EventIndex))
	})
	return sorted
}

// tables is the content of every table that is the ledger's record, a line a row.
func tables(t testing.TB, l *ledger.Ledger) string {
	t.Helper()
	var text strings.Builder
	for _, query := range []string{
		"SELECT 'miner', miner_id, coldkey, status, tracking_start, latest_key, oldest_late_key, last_active, positions, open_positions, trades, closes, entry_tao, entry_alpha, closed_alpha, exit_tao, raw_gain, gain, counted_closes, winning_closes, counted_duration_us, unmatched_alpha, unmatched_tao FROM miners ORDER BY miner_id",
		"SELECT 'event', * FROM events ORDER BY event_id",
		"SELECT 'position', * FROM positions ORDER BY position_id",
		"SELECT 'trade', * FROM trades ORDER BY trade_id",
		"SELECT 'close', * FROM closes ORDER BY trade_id, step",
		"SELECT 'rejected', * FROM rejected_events ORDER BY rejected_id",
		"SELECT 'staged', * FROM staged_events ORDER BY coldkey, seq",
		"SELECT 'waiting', intake_id FROM intakes WHERE state <> 'done' ORDER BY intake_id",
	} {
		dump(t, l, &text, query)
	}
	return text.String()
}

func dump(t testing.TB, l *ledger.Ledger, text *strings.Builder, query string) {
	t.Helper()
	var lines string
	err := l.WithTx(context.Background(), func(ctx context.Context, tx ledger.Tx) error {
		var text strings.Builder
		rows, err := tx.DB.QueryContext(ctx, query)
		if err != nil {
			return err
		}
		defer rows.Close()
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		values, pointers := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			pointers[i] = &values[i]
		}
		for rows.Next() {
			if err := rows.Scan(pointers...); err != nil {
				return err
			}
			fmt.Fprintln(&text, values...)
		}
		lines = text.String()
		return rows.Err()
	})
	text.WriteString(lines)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func count(t testing.TB, l *ledger.Ledger, table string) int {
	t.Helper()
	var text strings.Builder
	dump(t, l, &text, "SELECT 1 FROM "+table)
	return strings.Count(text.String(), "\n")
}

func TestBatchesAndSingleEventsGiveTheSameTables(t *testing.T) {
	onlySQLite(t, "there Apply registers miners side by side, and the tables hold ids")
	for seed := uint64(1); seed <= 2; seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			events := history(seed, 200)
			batched := open(t, ledger.WithBatchSize(int(5*seed)))
			apply(t, batched, events, ledger.MinBlocks(100), ledger.OverridePolicy())
			single := open(t)
			for _, e := range inOrder(events) {
				apply(t, single, []ledger.Event{e}, ledger.MinBlocks(100), ledger.OverridePolicy())
			}
			diff(t, tables(t, batched), tables(t, single))
		})
	}
}

func diff(t *testing.T, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			t.Errorf("line %d:\ngot  %s\nwant %s", i, a[i], b[i])
			return
		}
	}
	t.Errorf("got %d lines, want %d", len(a), len(b))
}

func TestDirectCallsGiveTheSameTables(t *testing.T) {
	onlySQLite(t, "identities of PostgreSQL have gaps, and the tables hold ids")
	events := inOrder(history(11, 400))
	applied := open(t)
	apply(t, applied, events)
	direct := open(t)
	ctx := context.Background()
	for _, e := range events {
		if e.Netuid == 0 || e.TAO == 0 || e.Alpha == 0 || e.Excluded {
			apply(t, direct, []ledger.Event{e}) // the direct calls refuse these
			continue
		}
		if _, _, err := direct.EnsureMiner(ctx, ledger.Registration{Coldkey: e.Coldkey}); err != nil {
			t.Fatal(err)
		}
		var err error
		if e.Kind == chain.Stake {
			_, _, err = direct.AddPosition(ctx, e)
		} else {
			_, err = direct.ProcessClose(ctx, e, ledger.Mode(chain.Lenient))
		}
		if err != nil { // a conflict: only Apply keeps a record of it
			apply(t, direct, []ledger.Event{e})
		}
	}
	diff(t, tables(t, direct), tables(t, applied))
}

// Every closure may run more than once; with this option of the manager each of them does.
func TestClosuresRunAgain(t *testing.T) {
	onlySQLite(t, "identities of PostgreSQL have gaps, and the tables hold ids")
	events := inOrder(history(13, 120))
	once, twice := open(t), open(t, ledger.WithBatchSize(9), ledger.WithManager(manager.WithRunTwice()))
	for _, l := range []*ledger.Ledger{once, twice} {
		ensure(t, l, at(200, 1, 1, 0))
		ensure(t, l, at(201, 1, 2, 1))
		if err := l.Deregister(context.Background(), coldkey(201), after(2)); err != nil {
			t.Fatal(err)
		}
		register(t, l, 202)
		addPosition(t, l, of(202, stake("1-1", 0, 10, 10)))
		processClose(t, l, of(202, unstake("1-2", 1, 7, 5)))
		apply(t, l, events)
	}
	diff(t, tables(t, twice), tables(t, once))
}

// countdown is a context that ends after it was asked a number of times.
type countdown struct {
	context.Context
	cancel context.CancelFunc
	left   atomic.Int64
}

func endsAfter(n int) *countdown {
	ctx, cancel := context.WithCancel(context.Background())
	c := &countdown{Context: ctx, cancel: cancel}
	c.left.Store(int64(n))
	return c
}

func (c *countdown) Err() error {
	if c.left.Add(-1) < 0 {
		c.cancel()
	}
	return c.Context.Err()
}

func TestApplyGoesOnAfterAnyInterruption(t *testing.T) {
	const seed = 21
	events := history(seed, 300)
	whole := open(t)
	apply(t, whole, events)
	want := report(t, whole)

	interrupted := 0
	for n := 1; ; n = n*5/4 + 1 {
		path := filepath.Join(t.TempDir(), "ledger.db")
		l := openAt(t, path, ledger.WithBatchSize(16))
		_, err := l.Apply(endsAfter(n), sequence(events))
		if err != nil {
			interrupted++
		}
		if _, err := l.Apply(context.Background(), sequence(events)); err != nil {
			t.Fatalf("seed %d, ended at check %d: %v", seed, n, err)
		}
		if got := report(t, l); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d, ended at check %d:\ngot  %+v\nwant %+v", seed, n, got, want)
		}
		if left := count(t, l, "staged_events") + count(t, l, "intakes WHERE state <> 'done'"); left != 0 {
			t.Errorf("seed %d, ended at check %d: got %d rows that wait, want 0", seed, n, left)
		}
		if err == nil {
			break
		}
	}
	if interrupted < 10 {
		t.Errorf("got %d interruptions, want more: the context is not asked", interrupted)
	}
}

func TestResumedEventsAreReported(t *testing.T) {
	l := open(t, ledger.WithBatchSize(10))
	events := history(31, 200)
	ctx, cancel := context.WithCancel(context.Background())
	done := int64(0)
	if _, err := l.Apply(ctx, sequence(events), ledger.OnProgress(func(p ledger.Progress) {
		if p.Phase == ledger.Applying && p.Done >= 100 {
			done = p.Done
			cancel()
		}
	})); err == nil {
		t.Fatal("was not interrupted")
	}
	got := apply(t, l, nil)
	if got.Events != 0 || got.Resumed != 200-done {
		t.Errorf("got %+v, want %d resumed", got, 200-done)
	}
	whole := open(t)
	apply(t, whole, events)
	if got, want := report(t, l), report(t, whole); !reflect.DeepEqual(got, want) {
		t.Errorf("report:\ngot  %+v\nwant %+v", got, want)
	}
}

// model is the rules once more, written as plainly as can be: no batches, no paging, no SQL.
type model struct{ open []*lot }

type lot struct {
	e    ledger.Event
	id   int
	left chain.Rao
}

type figures struct {
	positions, open, trades, closes, counted, winning int64
	closed, exit, raw, gain, unmatched, unmatchedTAO  chain.Rao
}

func TestApplyFollowsTheModel(t *testing.T) {
	for seed := uint64(41); seed < 44; seed++ {
		l := open(t)
		events := history(seed, 800)
		apply(t, l, events, ledger.MinBlocks(500), ledger.OverridePolicy())
		want := map[chain.Address]*figures{}
		books := map[chain.Address]*model{}
		seen := map[string]bool{}
		for i, e := range inOrder(events) {
			if want[e.Coldkey] == nil {
				want[e.Coldkey], books[e.Coldkey] = &figures{}, &model{}
			}
			key := fmt.Sprint(e.Coldkey, e.ExtrinsicID, e.EventIndex)
			if seen[key] {
				continue
			}
			seen[key] = true
			if e.Netuid != 0 && e.TAO != 0 && e.Alpha != 0 && !e.Excluded {
				books[e.Coldkey].take(e, i, 500, want[e.Coldkey])
			}
		}
		for address, w := range want {
			m, err := l.MinerByColdkey(context.Background(), address)
			if err != nil {
				t.Fatal(err)
			}
			if got := figuresOf(m); got != *w {
				t.Errorf("seed %d, miner %s:\ngot  %+v\nwant %+v", seed, address, got, *w)
			}
		}
	}
}

func figuresOf(m read.Miner) figures {
	return figures{m.Positions, m.OpenPositions, m.Trades, m.Closes, m.CountedCloses, m.WinningCloses,
		m.ClosedAlpha, m.ExitTAO, m.RawGain, m.Gain, m.UnmatchedAlpha, m.UnmatchedTAO}
}

func (b *model) take(e ledger.Event, id int, minBlocks int64, f *figures) {
	if e.Kind == chain.Stake {
		b.open = append(b.open, &lot{e, id, e.Alpha})
		f.positions++
		f.open++
		return
	}
	candidates := slices.DeleteFunc(slices.Clone(b.open), func(p *lot) bool {
		return p.left == 0 || p.e.Netuid != e.Netuid || p.e.Time > e.Time
	})
	slices.SortFunc(candidates, func(x, y *lot) int {
		return cmp.Or(cmp.Compare(x.e.Time, y.e.Time), cmp.Compare(x.e.Block, y.e.Block), cmp.Compare(x.id, y.id))
	})
	own := slices.DeleteFunc(slices.Clone(candidates), func(p *lot) bool { return p.e.ExtrinsicID != e.ExtrinsicID })
	if len(own) > 0 {
		candidates = own
	}
	if len(candidates) == 0 {
		f.unmatched += e.Alpha
		f.unmatchedTAO += e.TAO
		return
	}
	f.trades++
	left := e.Alpha
	for _, p := range candidates {
		part := min(left, p.left)
		if part == 0 {
			break
		}
		sold, gone := e.Alpha-left, p.e.Alpha-p.left
		got := e.TAO*(sold+part)/e.Alpha - e.TAO*sold/e.Alpha // small amounts: no overflow here
		cost := p.e.TAO*(gone+part)/p.e.Alpha - p.e.TAO*gone/p.e.Alpha
		left -= part
		p.left -= part
		f.closes++
		f.closed += part
		f.exit += got
		f.raw += got - cost
		if p.left == 0 {
			f.open--
		}
		met := e.Block == 0 || p.e.Block == 0 || e.Block-p.e.Block >= minBlocks
		switch {
		case len(own) > 0:
			f.counted++
		case met:
			f.counted++
			f.gain += got - cost
			if got > cost {
				f.winning++
			}
		}
	}
	f.unmatched += left
	f.unmatchedTAO += e.TAO - e.TAO*(e.Alpha-left)/e.Alpha
}
