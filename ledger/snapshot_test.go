package ledger_test

import (
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

func snapshot(t testing.TB, l *ledger.Ledger, n byte, at chain.Time, window time.Duration, opts ...ledger.SnapshotOption) ledger.Snapshot {
	t.Helper()
	s, _, err := l.TakeSnapshot(context.Background(), coldkey(n), at, window, opts...)
	if err != nil {
		t.Fatalf("snapshot: %v", err)
	}
	return s
}

func TestSnapshotIsTakenOnce(t *testing.T) {
	l := open(t)
	ctx := context.Background()
	register(t, l, 1)
	addPosition(t, l, stake("a", 0, 5, 5))
	first, isNew, err := l.TakeSnapshot(ctx, coldkey(1), after(60), time.Hour)
	if err != nil || !isNew || first.Positions != 1 || first.EntryTAO != 5 {
		t.Fatalf("got %+v, new %v, error %v", first, isNew, err)
	}
	addPosition(t, l, stake("b", 1, 5, 5))
	again, isNew, err := l.TakeSnapshot(ctx, coldkey(1), after(60), time.Hour)
	if err != nil || isNew || !reflect.DeepEqual(again, first) {
		t.Errorf("again: got %+v, new %v, error %v, want the earlier one %+v", again, isNew, err, first)
	}
	for _, c := range []struct {
		name   string
		window time.Duration
		opts   []ledger.SnapshotOption
	}{
		{"another window", time.Hour + 1000, nil},
		{"other weights", time.Hour, []ledger.SnapshotOption{ledger.SnapshotWeights(0.6, 0.3, 0.1)}},
	} {
		if _, _, err := l.TakeSnapshot(ctx, coldkey(1), after(60), c.window, c.opts...); !errors.Is(err, ledger.ErrSnapshotExists) {
			t.Errorf("%s: got error %v, want ErrSnapshotExists", c.name, err)
		}
	}
	if later := snapshot(t, l, 1, after(60)+1, time.Hour); later.Positions != 1 { // a was entered an hour and a microsecond before
		t.Errorf("a moment later: got %+v, want 1 position", later)
	}
}

func TestSnapshotRefuses(t *testing.T) {
	l := open(t)
	register(t, l, 1)
	for _, c := range []struct {
		name   string
		n      byte
		at     chain.Time
		window time.Duration
		opts   []ledger.SnapshotOption
		want   error
	}{
		{"an unknown miner", 2, after(0), time.Hour, nil, ledger.ErrNotFound},
		{"no moment", 1, 0, time.Hour, nil, ledger.ErrInvalid},
		{"a moment after the year 9999", 1, 253402300800000000, time.Hour, nil, ledger.ErrInvalid},
		{"a negative window", 1, after(0), -time.Hour, nil, ledger.ErrInvalid},
		{"a window finer than a microsecond", 1, after(0), time.Hour + 1, nil, ledger.ErrInvalid},
		{"a negative weight", 1, after(0), time.Hour, []ledger.SnapshotOption{ledger.SnapshotWeights(-0.1, 0, 0)}, ledger.ErrInvalid},
		{"a weight above 1", 1, after(0), time.Hour, []ledger.SnapshotOption{ledger.SnapshotWeights(0, 1.1, 0)}, ledger.ErrInvalid},
		{"a weight that is no number", 1, after(0), time.Hour, []ledger.SnapshotOption{ledger.SnapshotWeights(0, 0, math.NaN())}, ledger.ErrInvalid},
	} {
		if _, _, err := l.TakeSnapshot(context.Background(), coldkey(c.n), c.at, c.window, c.opts...); !errors.Is(err, c.want) {
			t.Errorf("%s: got error %v, want %v", c.name, err, c.want)
		}
		if c.n == 1 {
			if _, err := l.TakeSnapshots(context.Background(), c.at, c.window, c.opts...); !errors.Is(err, c.want) {
				t.Errorf("%s, all miners: got error %v, want %v", c.name, err, c.want)
			}
		}
	}
	if n := count(t, l, "snapshots"); n != 0 {
		t.Errorf("got %d snapshots, want none", n)
	}
}

func TestSnapshotScore(t *testing.T) {
	l := open(t)
	register(t, l, 1)
	addPosition(t, l, stake("a", 0, 10*tao, 10))
	addPosition(t, l, stake("b", 1, 30*tao, 10))
	if s := snapshot(t, l, 1, after(1), time.Hour); s.Score != nil {
		t.Errorf("of two positions: got score %d, want none", *s.Score)
	}
	if _, ok := snapshot(t, l, 1, after(1), time.Hour).ScoreValue(); ok {
		t.Error("of two positions: there is a score value, want none")
	}
	addPosition(t, l, stake("c", 2, 60*tao, 10))
	processClose(t, l, unstake("ax", 100, 12*tao, 10)) // +2 on 10
	processClose(t, l, unstake("bx", 101, 27*tao, 10)) // -3 on 30: weighted (20 - 90) / 40
	for _, c := range []struct {
		name string
		opts []ledger.SnapshotOption
		want int64
	}{
		{"default weights", nil, 0.6*-1_750_000_000 + 0.2*100_000_000_000 + 0.2*50_000_000_000},
		{"gain alone", []ledger.SnapshotOption{ledger.SnapshotWeights(1, 0, 0)}, -1_750_000_000},
		{"volume alone", []ledger.SnapshotOption{ledger.SnapshotWeights(0, 1, 0)}, 100_000_000_000},
		{"win rate alone", []ledger.SnapshotOption{ledger.SnapshotWeights(0, 0, 1)}, 50_000_000_000},
	} {
		s := snapshot(t, l, 1, after(200)+chain.Time(len(c.name)), 10*time.Hour, c.opts...)
		if s.Score == nil || *s.Score != c.want {
			t.Errorf("%s: got %v, want %d billionths", c.name, s.Score, c.want)
			continue
		}
		if v, ok := s.ScoreValue(); !ok || v != float64(c.want)/1e9 {
			t.Errorf("%s: value: got %v, %v, want %v", c.name, v, ok, float64(c.want)/1e9)
		}
	}
}

func TestSnapshotScoreIsRounded(t *testing.T) {
	l := open(t)
	register(t, l, 1, 2)
	for n, gain := range map[byte]chain.Rao{1: 1, 2: -1} {
		addPosition(t, l, of(n, stake("open", 0, 1, 1)))
		addPosition(t, l, of(n, stake("even", 0, 2, 1)))
		addPosition(t, l, of(n, stake("odd", 0, 2, 1)))
		even, odd := of(n, unstake("evenx", 100, 2, 1)), of(n, unstake("oddx", 100, 2+gain, 1))
		processClose(t, l, even, ledger.PositionIDs(addPosition(t, l, of(n, stake("even", 0, 2, 1))).PositionID))
		processClose(t, l, odd, ledger.PositionIDs(addPosition(t, l, of(n, stake("odd", 0, 2, 1))).PositionID))
		s := snapshot(t, l, n, after(100), 100*time.Minute, ledger.SnapshotWeights(1, 0, 0))
		if s.Score == nil || *s.Score != int64(gain) { // half a rao, rounded away from zero
			t.Errorf("weighted gain of %s over %s: got score %v, want %d", s.GainByEntry, s.ClosedEntryTAO, s.Score, gain)
		}
		if s.GainPercent != map[byte]string{1: "25.000000000", 2: "-25.000000000"}[n] {
			t.Errorf("gain of %d on 2, and of 0: got %s percent", gain, s.GainPercent)
		}
	}
}

func TestSnapshotsOfAllMiners(t *testing.T) {
	l := open(t)
	ctx := context.Background()
	const miners = 230
	for n := range miners {
		c := chain.AddressFromPublicKey([32]byte{9, byte(n)})
		if _, err := l.RegisterMiner(ctx, ledger.Registration{Coldkey: c}); err != nil {
			t.Fatal(err)
		}
	}
	snapshots := func(at chain.Time) []ledger.Snapshot {
		return pages(t, 50, func(p ledger.Page[ledger.Snapshot]) ([]ledger.Snapshot, error) { return l.SnapshotsAt(ctx, at, p) })
	}
	var first ledger.SnapshotSummary
	for n := 100; first.Taken == 0; n += 50 { // until it gets beyond its first transaction
		var err error
		if first, err = l.TakeSnapshots(endsAfter(n), after(10), time.Hour); err == nil || first.Taken >= miners {
			t.Fatalf("interrupted: got %+v, error %v, want some", first, err)
		}
	}
	if got := snapshots(after(10)); int64(len(got)) != first.Taken {
		t.Errorf("interrupted: got %d snapshots, want the %d of the summary", len(got), first.Taken)
	}
	second, err := l.TakeSnapshots(ctx, after(10), time.Hour)
	if want := (ledger.SnapshotSummary{Taken: miners - first.Taken, Existing: first.Taken}); err != nil || second != want {
		t.Errorf("then: got %+v, error %v, want %+v", second, err, want)
	}
	if third, err := l.TakeSnapshots(ctx, after(10), time.Hour); err != nil || third.Existing != miners || third.Taken != 0 {
		t.Errorf("again: got %+v, error %v, want all there", third, err)
	}
	if got := snapshots(after(10)); len(got) != miners || !slices.IsSortedFunc(got, func(a, b ledger.Snapshot) int { return int(a.MinerID - b.MinerID) }) {
		t.Errorf("got %d snapshots, want %d by miner", len(got), miners)
	}
	if _, err := l.TakeSnapshots(ctx, after(10), 2*time.Hour); !errors.Is(err, ledger.ErrSnapshotExists) {
		t.Errorf("another window: got error %v, want ErrSnapshotExists", err)
	}
}

func TestSnapshotsArePagedAndPruned(t *testing.T) {
	l := open(t)
	ctx := context.Background()
	register(t, l, 1, 2)
	for i := range 1200 {
		snapshot(t, l, 1, after(i), 0)
	}
	snapshot(t, l, 2, after(599), 0)
	list := func(f ledger.SnapshotFilter) (minutes []int) {
		all := pages(t, 90, func(p ledger.Page[ledger.Snapshot]) ([]ledger.Snapshot, error) { return l.Snapshots(ctx, 1, f, p) })
		for _, s := range all {
			minutes = append(minutes, int(s.At.Sub(noon)/time.Minute))
		}
		return minutes
	}
	upTo := func(from, until int) (minutes []int) {
		for i := from; i <= until; i++ {
			minutes = append(minutes, i)
		}
		return minutes
	}
	for _, c := range []struct {
		name        string
		f           ledger.SnapshotFilter
		from, until int
	}{
		{"all", ledger.SnapshotFilter{}, 0, 1199},
		{"from", ledger.SnapshotFilter{From: after(1000)}, 1000, 1199},
		{"until", ledger.SnapshotFilter{Until: after(200)}, 0, 200},
		{"between", ledger.SnapshotFilter{From: after(300), Until: after(600)}, 300, 600},
	} {
		if got, want := list(c.f), upTo(c.from, c.until); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", c.name, got, want)
		}
	}
	if n, err := l.PruneSnapshots(ctx, after(1100)); n != 1101 || err != nil { // more than go in one transaction
		t.Errorf("pruned: got %d, error %v, want 1101", n, err)
	}
	if got, want := list(ledger.SnapshotFilter{}), upTo(1100, 1199); !slices.Equal(got, want) {
		t.Errorf("after pruning: got %v, want those from the moment on", got)
	}
	if n, err := l.PruneSnapshots(ctx, after(1100)); n != 0 || err != nil {
		t.Errorf("pruned again: got %d, error %v, want 0", n, err)
	}
	if _, err := l.PruneSnapshots(ctx, 0); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("pruned before nothing: got error %v, want ErrInvalid", err)
	}
}

// What stood at a moment cannot be made to have stood otherwise.
func TestSnapshotGuards(t *testing.T) {
	l := open(t)
	register(t, l, 1)
	snapshot(t, l, 1, after(0), time.Hour)
	for name, sql := range map[string]string{
		"a change":      "UPDATE snapshots SET gain = 1",
		"a replacement": "INSERT OR REPLACE INTO snapshots SELECT * FROM snapshots",
		"a second one":  "INSERT INTO snapshots SELECT * FROM snapshots",
	} {
		if err := statements(l, sql); err == nil {
			t.Errorf("%s: accepted, want it refused", name)
		}
	}
}
