package ledger_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// lawLot is a position of the model.
type lawLot struct {
	ledger.RecordedEvent
	left, gain chain.Rao
	exit       chain.Time
}

// lawful is what the recorded events of a miner come to by the rules alone, a line an event with what it did, and the
// miner's figures last. It reads nothing of the ledger but events and their inputs, and compares them field by field.
func lawful(ctx context.Context, t testing.TB, l *ledger.Ledger, m ledger.Miner) string {
	t.Helper()
	events := pages(t, 500, func(p ledger.Page[ledger.RecordedEvent]) ([]ledger.RecordedEvent, error) {
		return l.Events(ctx, m.MinerID, ledger.EventFilter{}, p)
	})
	slices.SortFunc(events, inEventOrder)
	var lots []*lawLot
	done := map[int64]string{}
	var f figures
	for _, e := range events {
		switch {
		case e.Reason != nil && *e.Reason != chain.NoOpenPosition:
			done[e.EventID] = "ignored " + string(*e.Reason)
		case e.Kind == chain.Stake:
			lots = append(lots, &lawLot{RecordedEvent: e, left: e.Alpha})
			f.positions++
			f.open++
		default:
			done[e.EventID] = lawfulClose(t, lots, e, &f)
		}
	}
	for _, p := range lots {
		done[p.EventID] = fmt.Sprint("position ", p.left, p.gain, p.exit)
	}
	var text strings.Builder
	for _, e := range events {
		fmt.Fprintf(&text, "%s #%d: %s\n", e.ExtrinsicID, e.EventIndex, done[e.EventID])
	}
	fmt.Fprintf(&text, "%+v\n", f)
	return text.String()
}

// lawfulClose closes what a trade closes of the lots, which are in order.
func lawfulClose(t testing.TB, lots []*lawLot, e ledger.RecordedEvent, f *figures) string {
	list := map[int64]bool{}
	if e.PositionIds != nil {
		var ids []int64
		if err := json.Unmarshal([]byte(*e.PositionIds), &ids); err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			list[id] = true
		}
	}
	var candidates, own []*lawLot
	for _, p := range lots {
		if p.left == 0 || p.Netuid != e.Netuid || len(list) > 0 && !list[p.EventID] {
			continue
		}
		candidates = append(candidates, p)
		if p.ExtrinsicID == e.ExtrinsicID {
			own = append(own, p)
		}
	}
	if len(own) > 0 {
		candidates = own
	}
	if len(candidates) == 0 {
		f.unmatched += e.Alpha
		f.unmatchedTAO += e.TAO
		return "ignored no_open_position"
	}
	f.trades++
	text, sold := "trade", chain.Rao(0)
	for _, p := range candidates {
		part := min(p.left, e.Alpha-sold)
		if part == 0 {
			break
		}
		gone := p.Alpha - p.left
		got, cost := part128(e.TAO, e.Alpha, sold, sold+part), part128(p.TAO, p.Alpha, gone, gone+part)
		gain, counted := lawfulGain(p, e, got-cost)
		sold, p.left, p.gain, p.exit = sold+part, p.left-part, p.gain+gain, e.Time
		f.closes++
		f.closed, f.exit, f.raw, f.gain = f.closed+part, f.exit+got, f.raw+got-cost, f.gain+gain
		if p.left == 0 {
			f.open--
		}
		if counted {
			f.counted++
			if gain > 0 {
				f.winning++
			}
		}
		text += fmt.Sprintf(" (%s #%d: %d %d %d %d)", p.ExtrinsicID, p.EventIndex, part, got, cost, gain)
	}
	f.unmatched += e.Alpha - sold
	f.unmatchedTAO += part128(e.TAO, e.Alpha, sold, e.Alpha)
	return fmt.Sprint(text, " unmatched ", e.Alpha-sold)
}

// lawfulGain is what a close counts for.
func lawfulGain(p *lawLot, e ledger.RecordedEvent, raw chain.Rao) (gain chain.Rao, counted bool) {
	if p.ExtrinsicID == e.ExtrinsicID {
		switch {
		case *e.SelfTrade == chain.SelfTradeZero:
			return 0, true
		case raw > tao/1000:
			return tao / 10000, true
		case raw < -tao/1000:
			return -tao / 10000, true
		}
		return raw, true
	}
	if *e.MinBlocks > 0 && e.Block > 0 && p.Block > 0 && e.Block-p.Block < *e.MinBlocks {
		return 0, false
	}
	return raw, true
}

// part128 is floor(whole·to/of) − floor(whole·from/of).
func part128(whole, of, from, to chain.Rao) chain.Rao {
	floor := func(at chain.Rao) *big.Int {
		n := new(big.Int).Mul(big.NewInt(int64(whole)), big.NewInt(int64(at)))
		return n.Div(n, big.NewInt(int64(of)))
	}
	return chain.Rao(new(big.Int).Sub(floor(to), floor(from)).Int64())
}

// standing is what a miner's rows say, archived or not, in the form of lawful.
func standing(ctx context.Context, t testing.TB, l *ledger.Ledger, m ledger.Miner) string {
	t.Helper()
	events := pages(t, 500, func(p ledger.Page[ledger.RecordedEvent]) ([]ledger.RecordedEvent, error) {
		return l.Events(ctx, m.MinerID, ledger.EventFilter{}, p)
	})
	named := map[int64]string{}
	for _, e := range events {
		named[e.EventID] = fmt.Sprintf("%s #%d", e.ExtrinsicID, e.EventIndex)
	}
	var text strings.Builder
	for _, e := range events {
		fmt.Fprintf(&text, "%s: ", named[e.EventID])
		switch {
		case e.Outcome == chain.Ignored:
			fmt.Fprintf(&text, "ignored %s", *e.Reason)
		case e.Kind == chain.Stake:
			p, err := l.Position(ctx, e.EventID)
			if err != nil {
				t.Fatal(err)
			}
			exit := chain.Time(0)
			if p.LastExitTime != nil {
				exit = *p.LastExitTime
			}
			fmt.Fprint(&text, "position ", p.RemainingAlpha, p.Gain, exit)
		default:
			trade, err := l.Trade(ctx, e.EventID)
			if err != nil {
				t.Fatal(err)
			}
			text.WriteString("trade")
			for _, c := range pages(t, 500, func(p ledger.Page[ledger.Close]) ([]ledger.Close, error) { return l.ClosesOfTrade(ctx, e.EventID, p) }) {
				fmt.Fprintf(&text, " (%s: %d %d %d %d)", named[c.PositionID], c.Alpha, c.TAO, c.Cost, c.Gain)
			}
			fmt.Fprint(&text, " unmatched ", trade.UnmatchedAlpha)
		}
		text.WriteString("\n")
	}
	fmt.Fprintf(&text, "%+v\n", figuresOf(m))
	return text.String()
}

var numberedID = regexp.MustCompile(`^([0-9]+)-([0-9]+)$`)

// inEventOrder compares events by the rules, without their keys.
func inEventOrder(a, b ledger.RecordedEvent) int {
	numbers := func(e ledger.RecordedEvent) (first, second *big.Int) {
		found := numberedID.FindStringSubmatch(e.ExtrinsicID)
		if found == nil {
			return nil, nil
		}
		first, _ = new(big.Int).SetString(found[1], 10)
		second, _ = new(big.Int).SetString(found[2], 10)
		if !first.IsInt64() || !second.IsInt64() {
			return nil, nil
		}
		return first, second
	}
	aFirst, aSecond := numbers(a)
	bFirst, bSecond := numbers(b)
	place := func(e ledger.RecordedEvent, first *big.Int) *big.Int {
		switch {
		case e.Block > 0:
			return big.NewInt(e.Block)
		case first != nil:
			return first
		}
		return new(big.Int).Lsh(big.NewInt(1), 64)
	}
	byNumber := 0
	switch {
	case aFirst != nil && bFirst != nil:
		byNumber = cmp.Or(aFirst.Cmp(bFirst), aSecond.Cmp(bSecond))
	case aFirst != nil:
		byNumber = -1
	case bFirst != nil:
		byNumber = 1
	}
	return cmp.Or(cmp.Compare(a.Time, b.Time), place(a, aFirst).Cmp(place(b, bFirst)), byNumber,
		strings.Compare(a.ExtrinsicID, b.ExtrinsicID), cmp.Compare(a.EventIndex, b.EventIndex))
}
