package ledger_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// sentence is a rule with an example worked out by hand. An event is written as
//
//	kind id#index minute block netuid tao/alpha
//
// with amounts in rao, and a block of 0 where it is unknown. The outcome is a line an event, in order:
//
//	id#index open|partial|closed left gain, and of a closed one the minute of its last exit
//	id#index sold: id#index alpha tao-cost=gain … unmatched alpha/tao
//	id#index reason why it is ignored
type sentence struct {
	rule    string
	policy  ledger.Policy
	events  []string
	outcome []string
	figures string // trades/closes/counted/won, raw gain/gain, duration in minutes
}

var zeroBlocks = ledger.Policy{SelfTrade: chain.SelfTradeZero, Transfers: chain.TransfersInclude}

var sentences = []sentence{
	{
		"event order is time, then block, then the extrinsic's numbers, then its bytes, then the index", zeroBlocks,
		[]string{
			"unstake 9-9#9 2 0 1 60/6",
			"stake 10-2#1 1 10 1 1/1", "stake 10-2#0 1 10 1 2/1", "stake 10-02#7 1 10 1 3/1", "stake 9-3#0 1 10 1 4/1", "stake 99-1#0 1 9 1 5/1", "stake 0-1#0 0 99 1 6/1",
		},
		[]string{
			"0-1#0 closed 0 4 2", "99-1#0 closed 0 5 2", "9-3#0 closed 0 6 2", "10-02#7 closed 0 7 2", "10-2#0 closed 0 8 2", "10-2#1 closed 0 9 2",
			"9-9#9 sold: 0-1#0 1 10-6=4 99-1#0 1 10-5=5 9-3#0 1 10-4=6 10-02#7 1 10-3=7 10-2#0 1 10-2=8 10-2#1 1 10-1=9 unmatched 0/0",
		},
		"1/6/6/6 39/39 7",
	},
	{
		"an unknown block takes the first number of the extrinsic id, or else sorts after all known blocks of its time", zeroBlocks,
		[]string{"stake x#0 1 0 1 3/1", "stake 7-1#0 1 0 1 2/1", "stake 8-1#0 1 6 1 1/1", "stake 1-1#0 1 9223372036854775807 1 4/1", "unstake 9-1#0 1 9 1 10/2"},
		[]string{"8-1#0 closed 0 4 1", "7-1#0 closed 0 3 1", "9-1#0 sold: 8-1#0 1 5-1=4 7-1#0 1 5-2=3 unmatched 0/0", "1-1#0 open 1 0", "x#0 open 1 0"},
		"1/2/2/2 7/7 0",
	},
	{
		"ids of digits-digits below 2^63 come before all others, which are compared by bytes", zeroBlocks,
		[]string{
			"unstake ~~#0 1 5 1 8/4", "stake 9223372036854775807-9223372036854775807#0 1 5 1 1/1", "stake 10-9223372036854775808#0 1 5 1 2/1", "stake 9223372036854775808-1#0 1 5 1 3/1", "stake !#0 1 5 1 4/1",
		},
		[]string{
			"9223372036854775807-9223372036854775807#0 closed 0 1 1", "!#0 closed 0 -2 1", "10-9223372036854775808#0 closed 0 0 1", "9223372036854775808-1#0 closed 0 -1 1",
			"~~#0 sold: 9223372036854775807-9223372036854775807#0 1 2-1=1 !#0 1 2-4=-2 10-9223372036854775808#0 1 2-2=0 9223372036854775808-1#0 1 2-3=-1 unmatched 0/0",
		},
		"1/4/4/1 -2/-2 0",
	},
	{
		"the costs of a position's closes sum to its entry, whatever the rounding of each", zeroBlocks,
		[]string{"stake 1-1#0 1 1 1 10/3", "unstake 2-1#1 2 2 1 1/1", "unstake 3-1#1 3 3 1 5/1", "unstake 4-1#1 4 4 1 4/1"},
		[]string{"1-1#0 closed 0 0 4", "2-1#1 sold: 1-1#0 1 1-3=-2 unmatched 0/0", "3-1#1 sold: 1-1#0 1 5-3=2 unmatched 0/0", "4-1#1 sold: 1-1#0 1 4-4=0 unmatched 0/0"},
		"3/3/3/1 0/0 6",
	},
	{
		"the shares of a trade and its unmatched rest sum to what it got", zeroBlocks,
		[]string{"stake 1-1#0 1 1 1 1/2", "stake 2-1#0 1 2 1 1/2", "unstake 3-1#1 2 3 1 10/7"},
		[]string{"1-1#0 closed 0 1 2", "2-1#0 closed 0 2 2", "3-1#1 sold: 1-1#0 2 2-1=1 2-1#0 2 3-1=2 unmatched 3/5"},
		"1/2/2/2 3/3 2",
	},
	{
		"a rao over three positions goes to the last, and no position is left with less than a rao", zeroBlocks,
		[]string{"stake 1-1#0 1 1 1 1/1", "stake 2-1#0 1 2 1 1/1", "stake 3-1#0 1 3 1 1/1", "unstake 4-1#1 2 4 1 1/3"},
		[]string{"1-1#0 closed 0 -1 2", "2-1#0 closed 0 -1 2", "3-1#0 closed 0 0 2", "4-1#1 sold: 1-1#0 1 0-1=-1 2-1#0 1 0-1=-1 3-1#0 1 1-1=0 unmatched 0/0"},
		"1/3/3/0 -2/-2 3",
	},
	{
		"products of the largest amounts are exact", zeroBlocks,
		[]string{"stake 1-1#0 1 1 1 9223372036854775807/9223372036854775806", "unstake 2-1#1 2 2 1 3/4611686018427387904", "unstake 3-1#1 3 3 1 4/4611686018427387902"},
		[]string{
			"1-1#0 closed 0 -9223372036854775800 3", "2-1#1 sold: 1-1#0 4611686018427387904 3-4611686018427387904=-4611686018427387901 unmatched 0/0",
			"3-1#1 sold: 1-1#0 4611686018427387902 4-4611686018427387903=-4611686018427387899 unmatched 0/0",
		},
		"2/2/2/0 -9223372036854775800/-9223372036854775800 3",
	},
	{
		"hotkeys are not told apart, subnets are", zeroBlocks,
		[]string{"stake 1-1#0 1 1 65535 1/1", "stake 2-1#0 2 2 1 1/1", "unstake 3-1#1 3 3 1 9/3"},
		[]string{"1-1#0 open 1 0", "2-1#0 closed 0 2 3", "3-1#1 sold: 2-1#0 1 3-1=2 unmatched 2/6"},
		"1/1/1/1 2/2 1",
	},
	{
		"a self-trade closes its own positions alone, and what they cannot cover is unmatched", zeroBlocks,
		[]string{"stake 1-1#0 1 1 1 1/5", "stake 2-1#0 2 2 1 1/1", "stake 2-1#1 2 2 2 1/5", "unstake 2-1#2 2 2 1 8/4", "stake 2-1#3 2 2 1 1/5"},
		[]string{"1-1#0 open 5 0", "2-1#0 closed 0 0 2", "2-1#1 open 5 0", "2-1#2 sold: 2-1#0 1 2-1=0 unmatched 3/6", "2-1#3 open 5 0"},
		"1/1/1/0 1/0 0",
	},
	{
		"a second trade of an extrinsic whose own positions are closed is none", zeroBlocks,
		[]string{"stake 1-1#0 1 1 1 1/5", "stake 2-1#0 2 2 1 1/1", "unstake 2-1#1 2 2 1 5/1", "unstake 2-1#2 2 2 1 7/2"},
		[]string{"1-1#0 partial 3 7", "2-1#0 closed 0 0 2", "2-1#1 sold: 2-1#0 1 5-1=0 unmatched 0/0", "2-1#2 sold: 1-1#0 2 7-0=7 unmatched 0/0"},
		"2/2/2/1 11/7 1", // 2 of 5 alpha that cost a rao together cost none
	},
	{
		"exactly the minimum of blocks is enough, and an unknown block meets it", ledger.Policy{MinBlocks: 10, SelfTrade: chain.SelfTradeZero, Transfers: chain.TransfersInclude},
		[]string{"stake 1-1#0 1 1 1 1/1", "stake 2-1#0 1 2 1 1/1", "stake 99-1#0 2 0 1 1/1", "stake 4-1#0 3 4 1 1/1", "unstake 5-1#1 4 11 1 8/2", "unstake 6-1#1 5 12 1 8/2", "stake 7-1#0 6 9 1 1/1", "unstake 90-1#1 7 0 1 5/1"},
		[]string{
			"1-1#0 closed 0 3 4", "2-1#0 closed 0 0 4", "99-1#0 closed 0 3 5", "4-1#0 closed 0 0 5", "5-1#1 sold: 1-1#0 1 4-1=3 2-1#0 1 4-1=0 unmatched 0/0",
			"6-1#1 sold: 99-1#0 1 4-1=3 4-1#0 1 4-1=0 unmatched 0/0", "7-1#0 closed 0 4 7", "90-1#1 sold: 7-1#0 1 5-1=4 unmatched 0/0",
		},
		"3/5/3/3 16/10 7",
	},
	{
		"a clamped self-trade keeps up to 0.001 TAO, becomes 0.0001 beyond, and knows no minimum of blocks", ledger.Policy{MinBlocks: 10, SelfTrade: chain.SelfTradeClamp, Transfers: chain.TransfersInclude},
		[]string{
			"stake 1-1#0 1 1 1 3000002/1", "stake 1-1#1 1 1 1 1000000/1", "stake 1-1#2 1 1 1 1000001/1", "stake 1-1#3 1 1 1 3000001/1", "unstake 1-1#4 1 1 1 8000004/4",
		},
		[]string{
			"1-1#0 closed 0 -100000 1", "1-1#1 closed 0 100000 1", "1-1#2 closed 0 1000000 1", "1-1#3 closed 0 -1000000 1",
			"1-1#4 sold: 1-1#0 1 2000001-3000002=-100000 1-1#1 1 2000001-1000000=100000 1-1#2 1 2000001-1000001=1000000 1-1#3 1 2000001-3000001=-1000000 unmatched 0/0",
		},
		"1/4/4/2 0/0 0",
	},
	{
		"an unstake that found nothing closes what turns out to have been there", zeroBlocks,
		[]string{"unstake 2-1#1 2 2 1 6/3", "unstake 3-1#1 3 3 1 2/1", "stake 1-1#0 1 1 1 4/2"},
		[]string{"1-1#0 closed 0 0 2", "2-1#1 sold: 1-1#0 2 4-4=0 unmatched 1/2", "3-1#1 no_open_position"},
		"1/1/1/0 0/0 1",
	},
	{
		"a position closed twice over by what came late is closed by the first in order", zeroBlocks,
		[]string{"stake 1-1#0 1 1 1 4/2", "unstake 4-1#1 4 4 1 9/2", "unstake 3-1#1 3 3 1 5/1", "unstake 2-1#1 2 2 1 1/2"},
		[]string{"1-1#0 closed 0 -3 2", "2-1#1 sold: 1-1#0 2 1-4=-3 unmatched 0/0", "3-1#1 no_open_position", "4-1#1 no_open_position"},
		"1/1/1/0 -3/-3 1",
	},
}

func TestSentencesOfTheLaw(t *testing.T) {
	for _, s := range sentences {
		t.Run(s.rule, s.try)
	}
}

// try has the events come in order in one input, one at a time from the last to the first, and by direct calls.
func (s sentence) try(t *testing.T) {
	var events []ledger.Event
	for _, text := range s.events {
		events = append(events, s.parse(t, text))
	}
	for way, in := range map[string]func(*ledger.Ledger){
		"one input": func(l *ledger.Ledger) { apply(t, l, events) },
		"one by one, the last first": func(l *ledger.Ledger) {
			for _, e := range slices.Backward(slices.SortedFunc(slices.Values(events), byOrder)) {
				apply(t, l, []ledger.Event{e})
			}
		},
		"direct calls": func(l *ledger.Ledger) {
			register(t, l, 1)
			for _, e := range events {
				lawCall(t, l, e)
			}
			if err := l.RebuildMarked(context.Background(), nil); err != nil {
				t.Fatal(err)
			}
		},
	} {
		l := open(t, ledger.WithPolicy(s.policy))
		in(l)
		if got, want := s.lines(t, l), strings.Join(append(s.outcome, s.figures), "\n"); got != want {
			t.Errorf("%s:\ngot\n%s\nwant\n%s", way, got, want)
		}
		if v := verify(t, l); !v.Healthy() {
			t.Errorf("%s: verify: %v", way, v.Differences)
		}
	}
}

// What is wrong with an event in several ways is ignored for the first of them: tracking start, subnet, amounts, excluded,
// nothing open. All of them are kept, and none of the first four counts as handled.
func TestReasonsHaveAnOrder(t *testing.T) {
	reasons := []chain.IgnoreReason{chain.BeforeTrackingStart, chain.InvalidNetuid, chain.ZeroAmounts, chain.Excluded}
	l := open(t)
	if _, err := l.RegisterMiner(context.Background(), ledger.Registration{Coldkey: coldkey(1)}, ledger.TrackingStart(after(10))); err != nil {
		t.Fatal(err)
	}
	var events []ledger.Event
	want := map[string]chain.IgnoreReason{}
	for wrong := 1; wrong < 1<<len(reasons); wrong++ {
		has := func(r chain.IgnoreReason) bool { return wrong>>slices.Index(reasons, r)&1 == 1 }
		for _, kind := range []chain.EventKind{chain.Stake, chain.Unstake} {
			e := stake(fmt.Sprintf("%d-%s", wrong, kind), 10, 1, 1)
			e.Kind, e.Excluded = kind, has(chain.Excluded)
			if has(chain.BeforeTrackingStart) {
				e.Time--
			}
			if has(chain.InvalidNetuid) {
				e.Netuid = 0
			}
			if has(chain.ZeroAmounts) {
				e.TAO, e.Alpha = chain.Rao(wrong>>1&1), 0
			}
			events, want[e.ExtrinsicID] = append(events, e), reasons[slices.IndexFunc(reasons, has)]
		}
	}
	events, want["t"] = append(events, unstake("t", 10, 1, 1)), chain.NoOpenPosition
	apply(t, l, events)
	for _, e := range eventsOf(t, l) {
		if e.Outcome != chain.Ignored || *e.Reason != want[e.ExtrinsicID] {
			t.Errorf("%s: got %s for %v, want %s", e.ExtrinsicID, e.Outcome, *e.Reason, want[e.ExtrinsicID])
		}
	}
	m := miner(t, l, 1)
	if key := chain.NewEventKey(after(10), unstake("t", 10, 1, 1).Block, "t", 1); m.LatestKey == nil || *m.LatestKey != key || m.LastActive != nil {
		t.Errorf("got %+v, want the unstake that found nothing as the latest that was handled, and no activity", m)
	}
	if m.UnmatchedAlpha != 1 || m.UnmatchedTAO != 1 {
		t.Errorf("got %+v, want what was sold unmatched, of that event alone", m)
	}
}

func eventsOf(t *testing.T, l *ledger.Ledger) []ledger.RecordedEvent {
	t.Helper()
	events, err := l.Events(context.Background(), 1, ledger.EventFilter{}, ledger.Page[ledger.RecordedEvent]{})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func byOrder(a, b ledger.Event) int {
	key := func(e ledger.Event) chain.EventKey {
		return chain.NewEventKey(e.Time, e.Block, e.ExtrinsicID, e.EventIndex)
	}
	return strings.Compare(string(key(a)), string(key(b)))
}

// parse reads an event; its hotkey changes by the minute.
func (s sentence) parse(t *testing.T, text string) ledger.Event {
	t.Helper()
	e := ledger.Event{Coldkey: coldkey(1)}
	var id string
	var minute int
	if _, err := fmt.Sscanf(strings.ReplaceAll(text, "/", " "), "%s %s %d %d %d %d %d", &e.Kind, &id, &minute, &e.Block, &e.Netuid, (*int64)(&e.TAO), (*int64)(&e.Alpha)); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	at := strings.LastIndex(id, "#")
	e.ExtrinsicID, e.Time, e.Hotkey = id[:at], after(minute), hotkey(byte(minute))
	if _, err := fmt.Sscan(id[at+1:], &e.EventIndex); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return e
}

// lines is what a ledger holds, as a sentence's outcome says it.
func (s sentence) lines(t *testing.T, l *ledger.Ledger) string {
	t.Helper()
	ctx := context.Background()
	events := eventsOf(t, l)
	named := map[int64]string{}
	var lines []string
	for _, e := range events {
		name := fmt.Sprintf("%s#%d", e.ExtrinsicID, e.EventIndex)
		named[e.EventID] = name
		switch {
		case e.Outcome == chain.Ignored:
			lines = append(lines, fmt.Sprintf("%s %s", name, *e.Reason))
		case e.Kind == chain.Stake:
			p, err := l.Position(ctx, e.EventID)
			if err != nil {
				t.Fatal(err)
			}
			line := fmt.Sprintf("%s %s %d %d", name, p.Status, int64(p.RemainingAlpha), int64(p.Gain))
			if p.ClosedAt != nil {
				line += fmt.Sprint(" ", int64(p.ClosedAt.Sub(noon).Minutes()))
			}
			lines = append(lines, line)
		default:
			trade, err := l.Trade(ctx, e.EventID)
			if err != nil {
				t.Fatal(err)
			}
			closes, err := l.ClosesOfTrade(ctx, e.EventID, ledger.Page[ledger.Close]{})
			if err != nil {
				t.Fatal(err)
			}
			line := name + " sold:"
			for _, c := range closes {
				line += fmt.Sprintf(" %s %d %d-%d=%d", named[c.PositionID], int64(c.Alpha), int64(c.TAO), int64(c.Cost), int64(c.Gain))
			}
			lines = append(lines, fmt.Sprintf("%s unmatched %d/%d", line, int64(trade.UnmatchedAlpha), int64(trade.UnmatchedTAO)))
		}
	}
	m := miner(t, l, 1)
	lines = append(lines, fmt.Sprintf("%d/%d/%d/%d %d/%d %d", m.Trades, m.Closes, m.CountedCloses, m.WinningCloses, int64(m.RawGain), int64(m.Gain), m.CountedDurationUs/60_000_000))
	return strings.Join(lines, "\n")
}
