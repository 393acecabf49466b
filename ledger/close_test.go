package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// sold is the alpha that a result took from each position, in order.
func sold(r ledger.CloseResult) string {
	text := ""
	for _, c := range r.Closes {
		text += fmt.Sprintf("%d:%d ", c.PositionID, c.Alpha)
	}
	return text
}

func TestPositionListIsHonoured(t *testing.T) {
	l := open(t)
	register(t, l, 1, 2)
	a := addPosition(t, l, stake("a", 0, 10, 10)).PositionID
	b := addPosition(t, l, stake("b", 1, 10, 10)).PositionID
	c := addPosition(t, l, stake("c", 2, 10, 10)).PositionID
	late := addPosition(t, l, stake("late", 60, 10, 10)).PositionID
	tied := addPosition(t, l, stake("u", 11, 10, 10)).PositionID // at the time of the trade t2, and after it by its extrinsic
	elsewhere := stake("d", 1, 10, 10)
	elsewhere.Netuid = 2
	d := addPosition(t, l, elsewhere).PositionID
	others := stake("e", 1, 10, 10)
	others.Coldkey = coldkey(2)
	e := addPosition(t, l, others).PositionID

	if got, want := sold(processClose(t, l, unstake("t1", 10, 12, 12), ledger.PositionIDs(c, b, c))), fmt.Sprintf("%d:10 %d:2 ", b, c); got != want {
		t.Errorf("list of c and b: got %q, want %q", got, want)
	}
	before := report(t, l)
	for _, refused := range []struct {
		name string
		ids  []int64
		want error
	}{
		{"unknown id", []int64{c, 999}, ledger.ErrNotFound},
		{"another miner's", []int64{c, e}, ledger.ErrNotFound},
		{"closed", []int64{c, b}, ledger.ErrNoOpenPosition},
		{"another subnet's", []int64{c, d}, ledger.ErrNoOpenPosition},
		{"entered after the exit", []int64{c, late}, ledger.ErrNoOpenPosition},
		{"after the trade in the order of events alone", []int64{c, tied}, ledger.ErrNoOpenPosition},
		{"closed, and an unknown id", []int64{b, 999}, ledger.ErrNotFound},
		{"empty", nil, ledger.ErrInvalid},
		{"too little, though others are open", []int64{c}, ledger.ErrInsufficientAlpha},
	} {
		for _, mode := range []chain.CloseMode{chain.Strict, chain.Lenient} {
			if refused.want == ledger.ErrInsufficientAlpha && mode == chain.Lenient {
				continue
			}
			_, err := l.ProcessClose(context.Background(), unstake("t2", 11, 9, 9), ledger.PositionIDs(refused.ids...), ledger.Mode(mode))
			if !errors.Is(err, refused.want) {
				t.Errorf("%s, %s: got %v, want %v", refused.name, mode, err, refused.want)
			}
		}
	}
	if after := report(t, l); !reflect.DeepEqual(after, before) {
		t.Errorf("refused lists changed the ledger:\ngot  %+v\nwant %+v", after, before)
	}
	result := processClose(t, l, unstake("t2", 11, 9, 9), ledger.PositionIDs(c), ledger.Mode(chain.Lenient))
	if got, want := sold(result), fmt.Sprintf("%d:8 ", c); got != want || result.Trade.UnmatchedAlpha != 1 {
		t.Errorf("lenient: got %q with %s unmatched, want %q with 1 rao", got, result.Trade.UnmatchedAlpha, want)
	}
	if got := *result.Event.PositionIds; got != fmt.Sprintf("[%d]", c) {
		t.Errorf("inputs kept with the event: got list %s", got)
	}
	if got, want := sold(processClose(t, l, unstake("t3", 12, 3, 3))), fmt.Sprintf("%d:3 ", a); got != want {
		t.Errorf("without a list: got %q, want %q", got, want)
	}
}

func TestSelfTrades(t *testing.T) {
	for _, c := range []struct {
		name           string
		policy         chain.SelfTradePolicy
		tao            chain.Rao
		gain, raw      chain.Rao
		winning, count int64
	}{
		{"zero", chain.SelfTradeZero, 12 * tao, 0, 2 * tao, 0, 1},
		{"clamp, small gain", chain.SelfTradeClamp, 10*tao + 1_000_000, 1_000_000, 1_000_000, 1, 1},
		{"clamp, small loss", chain.SelfTradeClamp, 10*tao - 1_000_000, -1_000_000, -1_000_000, 0, 1},
		{"clamp, large gain", chain.SelfTradeClamp, 10*tao + 1_000_001, 100_000, 1_000_001, 1, 1},
		{"clamp, large loss", chain.SelfTradeClamp, 10*tao - 1_000_001, -100_000, -1_000_001, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := open(t)
			register(t, l, 1)
			addPosition(t, l, stake("old", 0, tao, tao))
			addPosition(t, l, stake("x", 1, 10*tao, 10*tao))
			result := processClose(t, l, unstake("x", 2, c.tao, 10*tao), ledger.SelfTrade(c.policy), ledger.OverridePolicy())
			if len(result.Closes) != 1 {
				t.Fatalf("got %d closes, want 1", len(result.Closes))
			}
			got := result.Closes[0]
			if !got.SelfTrade || !got.MinBlocksMet || got.DurationUs != 0 || got.Gain != c.gain || got.RawGain != c.raw {
				t.Errorf("close: got %+v, want gain %s, raw gain %s", got, c.gain, c.raw)
			}
			if m := miner(t, l, 1); m.WinningCloses != c.winning || m.CountedCloses != c.count || m.Gain != c.gain || m.CountedDurationUs != 0 {
				t.Errorf("miner: got %+v", m)
			}
		})
	}
}

func TestSelfTradeLeavesOlderPositions(t *testing.T) {
	l := open(t)
	register(t, l, 1)
	old := addPosition(t, l, stake("old", 0, 10, 10)).PositionID
	own := addPosition(t, l, stake("x", 1, 10, 10)).PositionID
	if _, err := l.ProcessClose(context.Background(), unstake("x", 2, 15, 15)); !errors.Is(err, ledger.ErrInsufficientAlpha) {
		t.Errorf("strict: got %v, want ErrInsufficientAlpha", err)
	}
	result := processClose(t, l, unstake("x", 2, 15, 15), ledger.Mode(chain.Lenient), ledger.PositionIDs(old, own))
	if got, want := sold(result), fmt.Sprintf("%d:10 ", own); got != want || result.Trade.UnmatchedAlpha != 5 || result.Trade.UnmatchedTAO != 5 {
		t.Errorf("got %q, unmatched %+v, want %q and 5 rao", got, result.Trade, want)
	}
	again := unstake("x", 3, 4, 4) // nothing of its own is open any more
	again.EventIndex = 2
	if got, want := sold(processClose(t, l, again)), fmt.Sprintf("%d:4 ", old); got != want {
		t.Errorf("after its own are closed: got %q, want %q", got, want)
	}
}

func TestMinimumBlocks(t *testing.T) {
	for _, c := range []struct {
		name        string
		entry, exit int64
		opts        []ledger.CloseOption
		met         bool
	}{
		{"default, just met", 1000, 1360, nil, true},
		{"default, one short", 1000, 1359, nil, false},
		{"entry unknown", 0, 100, nil, true},
		{"exit unknown", 1000, 0, nil, true},
		{"off, even backwards", 1000, 999, []ledger.CloseOption{ledger.MinBlocks(0), ledger.OverridePolicy()}, true},
		{"one", 1000, 1000, []ledger.CloseOption{ledger.MinBlocks(1), ledger.OverridePolicy()}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := open(t)
			register(t, l, 1)
			p, s := stake("p", 0, 10, 10), unstake("t", 5, 15, 10)
			p.Block, s.Block = c.entry, c.exit
			addPosition(t, l, p)
			got := processClose(t, l, s, c.opts...).Closes[0]
			want := chain.Rao(0)
			if c.met {
				want = 5
			}
			if got.MinBlocksMet != c.met || got.Gain != want || got.RawGain != 5 {
				t.Errorf("got %+v, want met %v, gain %d", got, c.met, want)
			}
			m := miner(t, l, 1)
			if (m.CountedCloses == 1) != c.met || (m.CountedDurationUs > 0) != c.met || m.RawGain != 5 || m.Gain != want {
				t.Errorf("miner: got %+v", m)
			}
		})
	}
	l := open(t)
	register(t, l, 1)
	if _, err := l.ProcessClose(context.Background(), unstake("t", 1, 1, 1), ledger.MinBlocks(-1)); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("negative: got %v, want ErrInvalid", err)
	}
}

func TestLenientWithoutPosition(t *testing.T) {
	l := open(t)
	register(t, l, 1)
	first := processClose(t, l, unstake("t", 1, 20, 10), ledger.Mode(chain.Lenient))
	if first.Trade != nil || !first.IsNew || first.Event.Outcome != chain.Ignored || *first.Event.Reason != chain.NoOpenPosition {
		t.Errorf("got %+v", first)
	}
	if m := miner(t, l, 1); m.Trades != 0 || m.UnmatchedAlpha != 10 || m.UnmatchedTAO != 20 || m.LastActive != nil {
		t.Errorf("miner: got %+v", m)
	}
	if again := processClose(t, l, unstake("t", 1, 20, 10), ledger.Mode(chain.Lenient)); again.IsNew || again.Trade != nil {
		t.Errorf("again: got %+v", again)
	}
	if m := miner(t, l, 1); m.UnmatchedAlpha != 10 {
		t.Errorf("counted twice: %s unmatched", m.UnmatchedAlpha)
	}
}

func TestPositionsEnteredLaterAreNoCandidates(t *testing.T) {
	l := open(t)
	register(t, l, 1)
	addPosition(t, l, stake("p", 10, 10, 10))
	if _, err := l.ProcessClose(context.Background(), unstake("t", 9, 1, 1)); !errors.Is(err, ledger.ErrNoOpenPosition) {
		t.Errorf("a minute earlier: got %v, want ErrNoOpenPosition", err)
	}
	processClose(t, l, unstake("t", 10, 1, 1)) // at the same moment
}

// Of positions entered at one moment the one of the lower block came first, whichever was recorded first.
func TestTiesOfTimeAreBrokenByBlock(t *testing.T) {
	l := open(t)
	register(t, l, 1)
	enter := func(extrinsic string, block int64) int64 {
		e := stake(extrinsic, 10, 10, 10)
		e.Block = block
		return addPosition(t, l, e).PositionID
	}
	third, first, second := enter("3-1", 9), enter("1-1", 7), enter("2-1", 8)
	var got []int64
	for _, c := range processClose(t, l, unstake("t", 20, 30, 30)).Closes {
		got = append(got, c.PositionID)
	}
	if want := []int64{first, second, third}; !slices.Equal(got, want) {
		t.Errorf("closed positions %d, want %d", got, want)
	}
}

// A position closed by trades that came out of order closed when the last of them sold.
func TestClosedAtIsTheLastExit(t *testing.T) {
	l := open(t)
	register(t, l, 1)
	p := addPosition(t, l, stake("p", 0, 10, 10)).PositionID
	processClose(t, l, unstake("late", 30, 5, 5))
	early := processClose(t, l, unstake("early", 20, 5, 5))
	if !early.Event.OutOfOrder {
		t.Error("the earlier trade is not flagged as out of order")
	}
	got, err := l.Position(context.Background(), p)
	if err != nil || got.Status != chain.PositionClosed || *got.ClosedAt != after(30) {
		t.Errorf("got %+v, error %v, want closed at %s", got, err, after(30))
	}
}

func TestManyOpenPositions(t *testing.T) {
	l := open(t)
	const n = 20_000
	events := make([]ledger.Event, n)
	for i := range events {
		events[i] = stake(fmt.Sprintf("%d-0001", i), i/7, 3, 2) // several at the same moment
	}
	apply(t, l, events)
	result := processClose(t, l, unstake("t1", n, n*2, n*2-1))
	if len(result.Closes) != n {
		t.Fatalf("got %d closes, want %d", len(result.Closes), n)
	}
	tao := chain.Rao(0)
	for i, c := range result.Closes {
		tao += c.TAO
		if i > 0 && c.PositionID <= result.Closes[i-1].PositionID {
			t.Fatalf("close %d: position %d after %d", i, c.PositionID, result.Closes[i-1].PositionID)
		}
	}
	if tao != n*2 {
		t.Errorf("shares sum to %d, want %d", tao, n*2)
	}
	if again := processClose(t, l, unstake("t1", n, n*2, n*2-1)); len(again.Closes) != n {
		t.Errorf("the earlier result: got %d closes, want %d", len(again.Closes), n)
	}
	m := miner(t, l, 1)
	if m.OpenPositions != 1 || m.EntryAlpha-m.ClosedAlpha != 1 || m.RawGain != n*2-(3*n-2) {
		t.Errorf("miner: got %+v", m)
	}
}

func TestSixteenCloseTheSameAlpha(t *testing.T) {
	l := open(t)
	register(t, l, 1)
	addPosition(t, l, stake("p", 0, 10*tao, 10*tao))
	var wg sync.WaitGroup
	errs := make([]error, 16)
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = l.ProcessClose(context.Background(), unstake(fmt.Sprintf("t%d", i), 10, tao, tao))
		})
	}
	wg.Wait()
	done := 0
	for i, err := range errs {
		switch {
		case err == nil:
			done++
		case !errors.Is(err, ledger.ErrNoOpenPosition):
			t.Errorf("close %d: got %v, want ErrNoOpenPosition", i, err)
		}
	}
	if m := miner(t, l, 1); done != 10 || m.ClosedAlpha != 10*tao || m.OpenPositions != 0 || m.Closes != 10 {
		t.Errorf("got %d closes that succeeded, miner %+v, want 10 and nothing open", done, m)
	}
}
