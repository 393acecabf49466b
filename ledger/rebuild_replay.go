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

type closeKey struct{ tradeID, step int64 }

// minerRows are a miner's rows, recorded or made by a replay.
type minerRows struct {
	positions map[int64]Position
	trades    map[int64]Trade
	closes    map[closeKey]Close
}

func newMinerRows() minerRows {
	return minerRows{positions: map[int64]Position{}, trades: map[int64]Trade{}, closes: map[closeKey]Close{}}
}

// replayResult is the outcome of handling a miner's events in order.
type replayResult struct {
	minerRows
	reasons    map[int64]chain.IgnoreReason // of the events that are ignored
	total      counters
	latest     *chain.EventKey
	lastActive *chain.Time
	unhonoured []Unhonoured
}

// replayEvents handles a miner's events in memory, starting from the past. Errors: ErrInvalid when a counter
// overflows, and those of reading the past.
func replayEvents(ctx context.Context, m Miner, events []RecordedEvent, b *book) (r replayResult, err error) {
	r = replayResult{minerRows: newMinerRows(), reasons: map[int64]chain.IgnoreReason{}}
	if b.past.q != nil {
		r.total = countersOf(m).minus(b.past.undoneCounters(events))
	}
	if r.latest, r.lastActive, err = b.past.latestHandled(ctx); err != nil {
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
			b.addPosition(positionOf(*e))
		} else if added, err = r.replayClose(ctx, b, m, *e); err != nil {
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

// replayClose handles an unstake, and returns what it adds to the counters.
func (r *replayResult) replayClose(ctx context.Context, b *book, m Miner, recorded RecordedEvent) (counters, error) {
	e := Event{
		Kind: recorded.Kind, Coldkey: m.Coldkey, Hotkey: recorded.Hotkey, Netuid: recorded.Netuid, ExtrinsicID: recorded.ExtrinsicID,
		EventIndex: recorded.EventIndex, Block: recorded.Block, Time: recorded.Time, TAO: recorded.TAO, Alpha: recorded.Alpha, key: recorded.EventKey,
	}
	terms, err := termsOf(recorded)
	if err != nil {
		return counters{}, err
	}
	candidates, missed, err := b.candidates(ctx, e, terms)
	if err != nil {
		return counters{}, err
	}
	p, err := planSteps(e, terms, candidates)
	if err != nil {
		return counters{}, err
	}
	if terms.mode == chain.Strict && p.unmatchedAlpha > 0 {
		missed = append(missed, fmt.Sprintf("strict, and %s of %s alpha is unmatched", p.unmatchedAlpha, e.Alpha))
	}
	if len(missed) > 0 {
		r.unhonoured = append(r.unhonoured, Unhonoured{recorded.EventID, strings.Join(missed, "; ")})
	}
	added, err := p.addedCounters()
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

// termsOf are the terms that were stored with an unstake.
func termsOf(e RecordedEvent) (closeTerms, error) {
	if e.Mode == nil || e.MinBlocks == nil || e.SelfTrade == nil {
		return closeTerms{}, invalid("mode", nil, fmt.Sprintf("event %d is an unstake without terms", e.EventID))
	}
	terms := closeTerms{mode: *e.Mode, minBlocks: *e.MinBlocks, selfTrade: *e.SelfTrade}
	if e.PositionIds == nil {
		return terms, nil
	}
	terms.listed = true
	if err := json.Unmarshal([]byte(*e.PositionIds), &terms.list); err != nil {
		return terms, invalid("position_ids", *e.PositionIds, fmt.Sprintf("of event %d: %v", e.EventID, err))
	}
	return terms, nil
}

// listedCandidates are the candidates of an explicit list.
func (b *book) listedCandidates(e Event, terms closeTerms) (candidates []candidate, missed []string) {
	var listed []*Position
	for _, id := range terms.list {
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
