package ledger

import (
	"cmp"
	"maps"
	"slices"

	"github.com/stakeledger/stakeledger/chain"
)

// rebuildPlan is the difference between a miner's recorded rows and those that a replay of its events
// makes.
type rebuildPlan struct {
	miner      Miner
	recorded   minerRows
	want       minerRows
	archived   int64 // rows of the miner that were archived when it was planned
	result     RebuildResult
	outcomes   []RecordedEvent // to be written
	total      counters
	latest     *chain.EventKey
	lastActive *chain.Time
	ofPosition map[int64][]closeKey // of the recorded closes
	ofTrade    map[int64][]closeKey
	positions  map[int64]bool // to be written
	trades     map[int64]bool
	removed    map[closeKey]bool // closes to delete
	inserted   map[closeKey]bool // closes to write
}

func newRebuildPlan(m Miner, recorded, want minerRows) *rebuildPlan {
	r := &rebuildPlan{
		miner: m, recorded: recorded, want: want, result: RebuildResult{MinerID: m.MinerID},
		ofPosition: map[int64][]closeKey{}, ofTrade: map[int64][]closeKey{},
		positions: map[int64]bool{}, trades: map[int64]bool{},
		removed: map[closeKey]bool{}, inserted: map[closeKey]bool{},
	}
	for key, c := range recorded.closes {
		r.ofPosition[c.PositionID] = append(r.ofPosition[c.PositionID], key)
		r.ofTrade[key.tradeID] = append(r.ofTrade[key.tradeID], key)
	}
	return r
}

func (r *rebuildPlan) findChanges(events, wanted []RecordedEvent, got replayResult) {
	r.result.Replayed, r.result.Unhonoured = int64(len(events)), got.unhonoured
	for i, e := range events {
		r.compareOutcome(e, wanted[i], got.reasons)
	}
	r.result.Positions = changedRows(r.recorded.positions, r.want.positions, cmp.Compare[int64], samePosition)
	for _, c := range r.result.Positions {
		r.touchPosition(changedRow(c).PositionID)
	}
	r.result.Trades = changedRows(r.recorded.trades, r.want.trades, cmp.Compare[int64], sameTrade)
	for _, c := range r.result.Trades {
		r.touchTrade(changedRow(c).TradeID)
	}
	for id, t := range r.want.trades { // only their archiving changed
		if was, recorded := r.recorded.trades[id]; recorded && !equalOptional(was.ArchiveRun, t.ArchiveRun) {
			r.touchTrade(id)
		}
	}
	r.result.Closes = changedRows(r.recorded.closes, r.want.closes, func(a, b closeKey) int {
		return cmp.Or(cmp.Compare(a.tradeID, b.tradeID), cmp.Compare(a.step, b.step))
	}, func(a, b Close) bool { return a == b })
	for _, c := range r.result.Closes {
		if c.Before != nil {
			r.removeClose(closeKey{c.Before.TradeID, c.Before.Step})
		}
		if c.After != nil {
			r.insertClose(closeKey{c.After.TradeID, c.After.Step})
		}
	}
	r.compareCounters(got)
}

// compareOutcome compares an event's recorded outcome with that of the replay, in which no event is out of order.
func (r *rebuildPlan) compareOutcome(e, after RecordedEvent, reasons map[int64]chain.IgnoreReason) {
	after.Outcome, after.Reason, after.OutOfOrder = chain.Applied, nil, false
	if reason, ignored := reasons[e.EventID]; ignored {
		after.Outcome, after.Reason = chain.Ignored, &reason
	}
	if e.OutOfOrder {
		r.result.Reordered++
	}
	restated := !equalOptional(after.MinBlocks, e.MinBlocks) || !equalOptional(after.SelfTrade, e.SelfTrade)
	other := after.Outcome != e.Outcome || !equalOptional(after.Reason, e.Reason)
	if restated {
		r.result.Restated++
	}
	if other {
		r.result.Outcomes = append(r.result.Outcomes, Change[RecordedEvent]{Before: &e, After: &after})
	}
	if e.OutOfOrder || restated || other {
		r.outcomes = append(r.outcomes, after)
	}
}

func (r *rebuildPlan) compareCounters(got replayResult) {
	have := countersOf(r.miner)
	r.total, r.latest, r.lastActive = got.total, got.latest, got.lastActive
	after := r.miner
	after.LatestKey, after.OldestLateKey, after.LastActive = got.latest, nil, got.lastActive
	got.total.copyTo(&after)
	if have != got.total || !equalOptional(r.miner.LatestKey, got.latest) || !equalOptional(r.miner.LastActive, got.lastActive) {
		before := r.miner
		before.OldestLateKey = nil // removing the mark does not count as a change
		r.result.Counters = Change[Miner]{Before: &before, After: &after}
	}
}

// changedRows lists the rows that differ, in the order of their keys.
func changedRows[K comparable, T any](before, after map[K]T, order func(a, b K) int, same func(a, b T) bool) []Change[T] {
	keys := map[K]bool{}
	for k, b := range before {
		if a, ok := after[k]; !ok || !same(a, b) {
			keys[k] = true
		}
	}
	for k := range after {
		if _, ok := before[k]; !ok {
			keys[k] = true
		}
	}
	var list []Change[T]
	for _, k := range slices.SortedFunc(maps.Keys(keys), order) {
		var c Change[T]
		if b, ok := before[k]; ok {
			c.Before = &b
		}
		if a, ok := after[k]; ok {
			c.After = &a
		}
		list = append(list, c)
	}
	return list
}

// changedRow is the row before the change, or the new one.
func changedRow[T any](c Change[T]) T {
	if c.Before != nil {
		return *c.Before
	}
	return *c.After
}

func equalOptional[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

func samePosition(a, b Position) bool {
	return equalOptional(a.LastExitTime, b.LastExitTime) && equalOptional(a.ClosedAt, b.ClosedAt) && a.RemainingAlpha == b.RemainingAlpha &&
		a.Status == b.Status && a.Gain == b.Gain && sameEntry(a, b)
}

// sameEntry reports whether two positions agree in everything that their event
// sets.
func sameEntry(a, b Position) bool {
	return a.PositionID == b.PositionID && positionOf(eventOfPosition(a)) == positionOf(eventOfPosition(b))
}

// eventOfPosition is the part of its event that a position repeats.
func eventOfPosition(p Position) RecordedEvent {
	return RecordedEvent{
		EventID: p.PositionID, MinerID: p.MinerID, Netuid: p.Netuid, Hotkey: p.Hotkey, ExtrinsicID: p.ExtrinsicID,
		EventIndex: p.EventIndex, EventKey: p.EventKey, Block: p.EntryBlock, Time: p.EntryTime, TAO: p.EntryTAO, Alpha: p.EntryAlpha,
	}
}

// sameTrade reports whether two trades are the same, archived or not.
func sameTrade(a, b Trade) bool {
	a.ArchiveRun = b.ArchiveRun
	return a == b
}

// sameExit reports whether two trades agree in everything but what is
// unmatched.
func sameExit(a, b Trade) bool {
	a.UnmatchedAlpha, a.UnmatchedTAO = b.UnmatchedAlpha, b.UnmatchedTAO
	return sameTrade(a, b)
}

// touchPosition notes that a position has to be written. The closes of one that is inserted or
// removed are removed first and inserted again later.
func (r *rebuildPlan) touchPosition(id int64) {
	if r.positions[id] {
		return
	}
	r.positions[id] = true
	if r.mustReplacePosition(id) {
		for _, key := range r.ofPosition[id] {
			r.moveClose(key)
		}
	}
}

// mustReplacePosition reports whether a position has to be inserted or removed rather than changed.
func (r *rebuildPlan) mustReplacePosition(id int64) bool {
	before, recorded := r.recorded.positions[id]
	after, wanted := r.want.positions[id]
	return !recorded || !wanted || !sameEntry(before, after)
}

// touchTrade does the same for a trade.
func (r *rebuildPlan) touchTrade(id int64) {
	if r.trades[id] {
		return
	}
	r.trades[id] = true
	if r.mustReplaceTrade(id) {
		for _, key := range r.ofTrade[id] {
			r.moveClose(key)
		}
	}
}

func (r *rebuildPlan) mustReplaceTrade(id int64) bool {
	before, recorded := r.recorded.trades[id]
	after, wanted := r.want.trades[id]
	return !recorded || !wanted || !sameExit(before, after)
}

// moveClose removes the recorded close and inserts the one of the replay.
func (r *rebuildPlan) moveClose(key closeKey) {
	r.removeClose(key)
	r.insertClose(key)
}

func (r *rebuildPlan) removeClose(key closeKey) {
	if c, recorded := r.recorded.closes[key]; recorded && !r.removed[key] {
		r.removed[key] = true
		r.touchPosition(c.PositionID)
		r.touchTrade(c.TradeID)
	}
}

func (r *rebuildPlan) insertClose(key closeKey) {
	if c, wanted := r.want.closes[key]; wanted && !r.inserted[key] {
		r.inserted[key] = true
		r.touchPosition(c.PositionID)
		r.touchTrade(c.TradeID)
	}
}
