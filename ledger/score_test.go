package ledger_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

func scores(t testing.TB, l *ledger.Ledger, at chain.Time, lookback int, opts ...ledger.ScoreOption) []ledger.Score {
	t.Helper()
	s, err := l.Scores(context.Background(), at, lookback, opts...)
	if err != nil {
		t.Fatalf("scores: %v", err)
	}
	return s
}

// gained has a miner close a position with a gain in TAO, some minutes after noon.
func gained(t *testing.T, l *ledger.Ledger, n byte, name string, minutes int, gain chain.Rao) {
	t.Helper()
	p := addPosition(t, l, of(n, stake(name, minutes-100, 100*tao, 10)))
	processClose(t, l, of(n, unstake(name+"-x", minutes, 100*tao+gain*tao, 10)), ledger.PositionIDs(p.PositionID))
}

func ranking(scores []ledger.Score) (coldkeys []chain.Address) {
	for _, s := range scores {
		coldkeys = append(coldkeys, s.Coldkey)
	}
	return coldkeys
}

func TestScoresAreOrdered(t *testing.T) {
	l := open(t)
	register(t, l, 7, 6, 5, 4, 3, 2, 1)
	gained(t, l, 3, "a", 0, 5)
	gained(t, l, 6, "a", 1, 5) // as much as 3, on the same day
	gained(t, l, 1, "a", 2, 9)
	gained(t, l, 5, "a", 3, -4)
	gained(t, l, 2, "a", 4, -4)

	got := scores(t, l, after(10), 0)
	byColdkey := func(numbers ...byte) []chain.Address {
		var keys []chain.Address
		for _, n := range numbers {
			keys = append(keys, coldkey(n))
		}
		slices.Sort(keys)
		return keys
	}
	want := slices.Concat(byColdkey(1), byColdkey(3, 6), byColdkey(4, 7), byColdkey(5, 2))
	if ranks := ranking(got); !slices.Equal(ranks, want) {
		t.Errorf("order: got %v, want %v", ranks, want)
	}
	var normalized, weights []float64
	sum := 0.0
	for _, s := range got {
		normalized, weights = append(normalized, s.Normalized), append(weights, s.Weight)
		sum += s.Weight
	}
	if want := []float64{1, 0, 0, 0, 0, 0, 0}; !slices.Equal(normalized, want) {
		t.Errorf("normalized: got %v, want %v", normalized, want)
	}
	if want := []float64{9. / 19, 5. / 19, 5. / 19, 0, 0, 0, 0}; !slices.Equal(weights, want) || math.Abs(sum-1) > 1e-12 {
		t.Errorf("weights: got %v, which sum to %v, want %v", weights, sum, want)
	}
	if again := scores(t, l, after(10), 0); !reflect.DeepEqual(again, got) {
		t.Errorf("again: got %+v, want the same %+v", again, got)
	}
}

func TestScoresOfNobodyAndOfLosers(t *testing.T) {
	l := open(t)
	if got := scores(t, l, after(0), ledger.DefaultLookback); len(got) != 0 {
		t.Errorf("no miner: got %+v", got)
	}
	register(t, l, 1, 2)
	gained(t, l, 1, "a", 0, -1)
	got := scores(t, l, after(0), ledger.DefaultLookback)
	if len(got) != 2 || got[0].Raw != 0 || got[1].Raw != -1 || got[0].Weight+got[1].Weight+got[0].Normalized+got[1].Normalized != 0 {
		t.Errorf("nobody gained: got %+v, want no weights", got)
	}
}

func TestScoresOfSome(t *testing.T) {
	l := open(t)
	ctx := context.Background()
	register(t, l, 1, 2)
	ensure(t, l, at(3, 3, 30, -1000))
	ensure(t, l, at(4, 4, 40, -1000))
	for n := byte(1); n <= 4; n++ {
		gained(t, l, n, "a", int(n), chain.Rao(n))
	}
	if _, err := l.UpdateMinerStatus(ctx, coldkey(2), chain.MinerBlacklisted); err != nil {
		t.Fatal(err)
	}
	if err := l.Deregister(ctx, coldkey(4), after(0)); err != nil {
		t.Fatal(err)
	}
	check := func(name string, got []ledger.Score, want string) {
		t.Helper()
		var text string
		for _, s := range got {
			n := slices.IndexFunc([]byte{1, 2, 3, 4, 5}, func(n byte) bool { return coldkey(n) == s.Coldkey }) + 1
			text += fmt.Sprintf("%d:%s %v %.2f %.2f; ", n, s.Status, s.Eligible, s.Normalized, s.Weight)
		}
		if text != want {
			t.Errorf("%s: got %s, want %s", name, text, want)
		}
	}
	check("those that can have weight", scores(t, l, after(100), 1), "3:active true 1.00 1.00; ")
	check("all", scores(t, l, after(100), 1, ledger.AllMiners()), "4:inactive false 0.00 0.00; 3:active true 1.00 1.00; 2:blacklisted false 0.00 0.00; 1:active false 0.00 0.00; ")
	ensure(t, l, at(1, 5, 5, 0))
	ensure(t, l, at(2, 6, 6, 0))
	ensure(t, l, at(1, 7, 3, 0))        // a second UID, lower
	got := scores(t, l, after(-100), 1) // what is now decides, whatever the moment
	check("as of now", got, "3:active true 1.00 0.75; 1:active true 0.00 0.25; ")
	if got[1].UID == nil || *got[1].UID != 3 || *got[1].Hotkey != hotkey(7) || *got[0].UID != 30 {
		t.Errorf("got %+v, want the lowest UIDs with their hotkeys", got)
	}
	weights, err := l.Weights(ctx, after(100), 1)
	if want := (ledger.Weights{UIDs: []chain.UID{3, 30}, Float: []float64{0.25, 0.75}, U16: []uint16{21845, 65535}}); err != nil || !reflect.DeepEqual(weights, want) {
		t.Errorf("weights: got %+v, error %v, want %+v", weights, err, want)
	}
}

// TestScoresWithoutUIDs: a ledger that no metagraph was given scores everybody, and can give no weights.
func TestScoresWithoutUIDs(t *testing.T) {
	l := open(t)
	register(t, l, 1, 2)
	gained(t, l, 1, "a", 1, 1)
	gained(t, l, 2, "a", 1, 2)
	if _, err := l.UpdateMinerStatus(context.Background(), coldkey(2), chain.MinerBlacklisted); err != nil {
		t.Fatal(err)
	}
	got := scores(t, l, after(100), 1)
	if len(got) != 2 || got[0].Eligible || got[0].Weight != 0 || !got[1].Eligible || got[1].Weight != 1 || got[1].UID != nil {
		t.Errorf("got %+v, want both, the blacklisted one without weight", got)
	}
	if w, err := l.Weights(context.Background(), after(100), 1); !errors.Is(err, ledger.ErrNotFound) || !strings.Contains(err.Error(), "sync") {
		t.Errorf("weights: got %+v, error %v, want ErrNotFound that names sync", w, err)
	}
}

func TestScoresRefuse(t *testing.T) {
	l := open(t)
	for _, c := range []struct {
		name     string
		at       chain.Time
		lookback int
	}{
		{"no moment", 0, 21},
		{"a moment after the year 9999", 253402300800000000, 21},
		{"a negative lookback", after(0), -1},
		{"a lookback of eleven years", after(0), 4000},
	} {
		if got, err := l.Scores(context.Background(), c.at, c.lookback); !errors.Is(err, ledger.ErrInvalid) || got != nil {
			t.Errorf("%s: got %+v, error %v, want ErrInvalid", c.name, got, err)
		}
	}
}

func TestScoresAtTheEndsOfTime(t *testing.T) {
	l := open(t)
	register(t, l, 1)
	first := stake("a", 0, 5*tao, 5)
	first.Time = 1
	last := unstake("b", 0, 9*tao, 5)
	last.Time = 253402300799999999
	addPosition(t, l, first)
	processClose(t, l, last, ledger.MinBlocks(0), ledger.OverridePolicy())
	got := scores(t, l, last.Time, 10)
	if len(got) != 1 || got[0].Raw != 4 || got[0].Days[0].Day.String() != "9999-12-31" {
		t.Errorf("on the last day there is: got %+v, want a gain of 4", got)
	}
	if got := scores(t, l, 1, 3650); len(got) != 1 || len(got[0].Days) != 0 {
		t.Errorf("on the first day there is: got %+v, want nothing", got)
	}
}

func TestScoreAsJSON(t *testing.T) {
	l := open(t)
	register(t, l, 1, 2)
	gained(t, l, 1, "a", 0, 5)
	text, err := json.Marshal(scores(t, l, after(0), 21))
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"miner_id":1,"coldkey":"` + string(coldkey(1)) + `","uid":null,"hotkey":null,"status":"active","eligible":true,"raw":5,"normalized":1,"weight":1,"days":[{"day":"2025-06-15","gain_tao":"5.000000000"}]},` +
		`{"miner_id":2,"coldkey":"` + string(coldkey(2)) + `","uid":null,"hotkey":null,"status":"active","eligible":true,"raw":0,"normalized":0,"weight":0,"days":[]}]`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

// Scores of a random history, half of it archived, against days summed one by one.
func TestScoresFollowTheList(t *testing.T) {
	const seed = 71
	events := history(seed, 1200)
	for i := range events { // a minute of the history is an hour here, so it runs over fifty days
		events[i].Time = noon + (events[i].Time-noon)*60
	}
	whole, archived := open(t), open(t)
	apply(t, whole, events, ledger.MinBlocks(0), ledger.OverridePolicy())
	apply(t, archived, events, ledger.MinBlocks(0), ledger.OverridePolicy())
	if s := archive(t, archived, noon.Add(600*time.Hour)); s.Positions < 100 {
		t.Fatalf("seed %d: archived %+v, want more", seed, s)
	}
	for _, lookback := range []int{0, 1, 21, 60} {
		for _, hours := range []int{-24, 100, 500, 601, 1000} {
			at := noon.Add(time.Duration(hours) * time.Hour)
			got := scores(t, archived, at, lookback)
			want := scoresOneByOne(t, whole, at, lookback)
			if len(got) != len(want) {
				t.Fatalf("seed %d: got %d scores, want %d", seed, len(got), len(want))
			}
			for i := range got {
				if got[i].Coldkey != want[i].Coldkey || math.Abs(got[i].Raw-want[i].Raw) > 1e-12 || !reflect.DeepEqual(got[i].Days, want[i].Days) {
					t.Errorf("seed %d, %d days to %s, rank %d:\ngot  %+v\nwant %+v", seed, lookback, at, i, got[i], want[i])
				}
			}
		}
	}
}

// scoresOneByOne works raw scores out from lists of a ledger in which nothing is archived.
func scoresOneByOne(t *testing.T, l *ledger.Ledger, at chain.Time, lookback int) []ledger.Score {
	t.Helper()
	ctx := context.Background()
	miners, err := l.Miners(ctx, ledger.Page[ledger.Miner]{})
	if err != nil {
		t.Fatal(err)
	}
	date := func(u chain.Time) time.Time { return u.Time().Truncate(24 * time.Hour) }
	var all []ledger.Score
	for _, m := range miners {
		positions, err := l.Positions(ctx, m.MinerID, ledger.PositionFilter{Status: chain.PositionClosed}, ledger.Page[ledger.Position]{Limit: 10_000})
		if err != nil {
			t.Fatal(err)
		}
		s := ledger.Score{Coldkey: m.Coldkey, Days: []ledger.DayGain{}}
		for ago := lookback; ago >= 0; ago-- {
			day := date(at).AddDate(0, 0, -ago)
			gain, closed := chain.Rao(0), false
			for _, p := range positions {
				if date(*p.ClosedAt).Equal(day) {
					gain, closed = gain+p.Gain, true
				}
			}
			if closed {
				s.Raw += math.Exp(-0.30964974*float64(ago)) * float64(gain) / 1e9
				s.Days = append(s.Days, ledger.DayGain{Day: ledger.DayOf(chain.Time(day.UnixMicro())), Gain: gain})
			}
		}
		s.Raw /= float64(max(1, len(s.Days)))
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b ledger.Score) int {
		return cmp.Or(cmp.Compare(b.Raw, a.Raw), cmp.Compare(a.Coldkey, b.Coldkey))
	})
	return all
}
