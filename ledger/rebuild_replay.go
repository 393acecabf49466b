package ledger

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
)

// eventsInOrder returns the events of a miner after a key in order.
func eventsInOrder(ctx context.Context, q *read.Queries, minerID int64, after chain.EventKey) ([]RecordedEvent, error) {
	var events []RecordedEvent
	found := pages("events", maxPage, after, func(e RecordedEvent) chain.EventKey { return e.EventKey }, func(after chain.EventKey) ([]RecordedEvent, error) {
		return q.Events(ctx, read.EventsParams{MinerID: minerID, AfterKey: after, BeforeKey: lastKey, AnyOutcome: 1, PageSize: maxPage})
	})
	for page, err := range found {
		if err != nil {
			return nil, err
		}
		events = append(events, page...)
	}
	return events, nil
}

// closeKey is the key of a close.
type closeKey struct{ tradeID, step int64 }

// accounts are the rows that a miner's events make.
type accounts struct {
	positions map[int64]Position
	trades    map[int64]Trade
	closes    map[closeKey]Close
}

func newAccounts() accounts {
	return accounts{positions: map[int64]Position{}, trades: map[int64]Trade{}, closes: map[closeKey]Close{}}
}

// replayed is what a miner's events come to when they are handled in order.
type replayed struct {
	accounts
	reasons    map[int64]chain.IgnoreReason // of the events that are ignored
	total      counters
	latest     *chain.EventKey
	lastActive *chain.Time
	unhonoured []Unhonoured
}

// replay handles a miner's events in memory, on top of what was before them. Errors: ErrInvalid when a counter
// overflows, and those of reading the past.
func replay(ctx context.Context, m Miner, events []RecordedEvent, b *book) (r replayed, err error) {
	r = replayed{accounts: newAccounts(), reasons: map[int64]chain.IgnoreReason{}}
	if b.past.q != nil {
		r.total = countersOf(m).minus(b.past.undone(events))
	}
	if r.latest, r.lastActive, err = b.past.latest(ctx); err != nil {
		return r, err
	}
	for i := range events {
		e := &events[i]
		if e.Reason != nil && *e.Reason != chain.NoOpenPosition {
			r.reasons[e.EventID] = *e.Reason
			continue
		}
		added := counters{positions: 1, openPositions: 1, entryTAO: e.TAO, entryAlpha: e.Alpha}
		if e.Kind == chain.Stake {
			b.add(positionOf(*e))
		} else if added, err = r.close(ctx, b, m, *e); err != nil {
			return r, err
		}
		if r.total, err = r.total.plus(added); err != nil {
			return r, err
		}
		r.latest = &e.EventKey
		if _, ignored := r.reasons[e.EventID]; !ignored {
			r.lastActive = &e.Time
		}
	}
	for id, p := range b.positions {
		r.positions[id] = *p
	}
	return r, nil
}

// close handles an unstake, and returns what it adds to the counters.
func (r *replayed) close(ctx context.Context, b *book, m Miner, recorded RecordedEvent) (counters, error) {
	e := Event{
		Kind: recorded.Kind, Coldkey: m.Coldkey, Hotkey: recorded.Hotkey, Netuid: recorded.Netuid, ExtrinsicID: recorded.ExtrinsicID,
		EventIndex: recorded.EventIndex, Block: recorded.Block, Time: recorded.Time, TAO: recorded.TAO, Alpha: recorded.Alpha,
	}
	in, err := inputsOf(recorded)
	if err != nil {
		return counters{}, err
	}
	candidates, missed, err := b.candidates(ctx, e, in)
	if err != nil {
		return counters{}, err
	}
	p, err := share(e, in, candidates)
	if err != nil {
		return counters{}, err
	}
	if in.mode == chain.Strict && p.unmatchedAlpha > 0 {
		missed = append(missed, fmt.Sprintf("strict, and %s of %s alpha is unmatched", p.unmatchedAlpha, e.Alpha))
	}
	if len(missed) > 0 {
		r.unhonoured = append(r.unhonoured, Unhonoured{recorded.EventID, strings.Join(missed, "; ")})
	}
	added, err := p.counters()
	if len(p.steps) == 0 {
		r.reasons[recorded.EventID] = chain.NoOpenPosition
		added.trades = 0
		return added, err
	}
	trade := tradeOf(recorded, p)
	r.trades[trade.TradeID] = trade
	for i, s := range p.steps {
		r.closes[closeKey{trade.TradeID, int64(i)}] = closeOf(trade, int64(i), s)
		shrink := shrinkBy(trade, s)
		of := b.positions[s.PositionID]
		of.RemainingAlpha -= shrink.Alpha
		of.Gain += shrink.Gain
		of.Status, of.LastExitTime, of.ClosedAt = shrink.Status, shrink.LastExitTime, shrink.ClosedAt
	}
	return added, err
}

// inputsOf are the inputs that were stored with an unstake.
func inputsOf(e RecordedEvent) (inputs, error) {
	if e.Mode == nil || e.MinBlocks == nil || e.SelfTrade == nil {
		return inputs{}, invalid("mode", nil, fmt.Sprintf("event %d is an unstake without inputs", e.EventID))
	}
	in := inputs{mode: *e.Mode, minBlocks: *e.MinBlocks, selfTrade: *e.SelfTrade}
	if e.PositionIds == nil {
		return in, nil
	}
	in.listed = true
	if err := json.Unmarshal([]byte(*e.PositionIds), &in.list); err != nil {
		return in, invalid("position_ids", *e.PositionIds, fmt.Sprintf("of event %d: %v", e.EventID, err))
	}
	return in, nil
}

// listed are the candidates of an explicit list.
func (b *book) listed(e Event, in inputs) (candidates []candidate, missed []string) {
	var listed []*Position
	for _, id := range in.list {
		p := b.positions[id]
		if p == nil {
			missed = append(missed, fmt.Sprintf("position %d is opened later", id))
		} else if reason := cannotClose(*p, e, e.eventKey()); reason != "" {
			missed = append(missed, fmt.Sprintf("position %d %s", id, reason))
		} else {
			listed = append(listed, p)
		}
	}
	slices.SortFunc(listed, func(x, y *Position) int { return cmp.Compare(x.EventKey, y.EventKey) })
	for _, p := range listed {
		candidates = append(candidates, candidateOf(*p))
	}
	return candidates, missed
}
