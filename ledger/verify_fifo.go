package ledger

import (
	"context"
	"fmt"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
)

// First in, first out: a trade without an explicit list closes no position while an earlier one still has alpha, and
// a trade with unmatched alpha leaves no earlier position open. Both are checked by walking a miner's events in their
// order while keeping the latest trade that emptied one of the positions so far. Rows come in the order of their ids,
// which usually is the order of the events; a miner for which it is not is walked again, by its events. Marked miners
// are left out, since they wait for their replay.

// minerSubnet identifies a queue: a miner's positions on a subnet.
type minerSubnet struct {
	minerID int64
	netuid  chain.Netuid
}

// fifoQueue is what the walk remembers of a queue.
type fifoQueue struct {
	latest  chain.EventKey // of the events so far
	empty   chain.EventKey // of the latest trade that emptied one of the positions so far; lastKey: one of them is not empty
	slowest int64          // that position
}

// fifoEntry is a position, or an unstake with unmatched alpha, in its queue.
type fifoEntry struct {
	minerID int64
	netuid  chain.Netuid
	id      int64
	key     chain.EventKey
	isStake bool
	empty   chain.EventKey // of a position: of the trade that emptied it, or lastKey
	taken   chain.EventKey // of a position: of the first trade without a list that closed some of it; empty: none did
	step    closeID        // that close
}

// enterQueue verifies the next entry of a queue. It notes miners whose entries do not come in order.
func (v *verification) enterQueue(e fifoEntry) {
	if v.marked[e.minerID] || v.disordered[e.minerID] {
		return
	}
	key := minerSubnet{e.minerID, e.netuid}
	at := v.queues[key]
	if at == nil {
		at = &fifoQueue{}
		v.queues[key] = at
	}
	if e.key < at.latest {
		v.disordered[e.minerID] = true
		return
	}
	at.latest = e.key
	v.verifyFIFO(at, e)
}

// verifyFIFO verifies the next entry of a queue whose entries come in order.
func (v *verification) verifyFIFO(at *fifoQueue, e fifoEntry) {
	switch {
	case e.isStake:
		if e.taken != "" && at.empty > e.taken {
			v.reportDifference("closes", e.step, "first in, first out", fmt.Sprintf("position %d closed before", at.slowest), fmt.Sprintf("position %d", e.id))
		}
		if e.empty > at.empty {
			at.empty, at.slowest = e.empty, e.id
		}
	case at.empty > e.key:
		v.reportDifference("events", rowID(e.id), "first in, first out", fmt.Sprintf("position %d closed", at.slowest), "open, and alpha unmatched")
	}
}

// fifoEntryOf is the entry of a position, made from its closes.
func fifoEntryOf(p read.PositionsToVerifyRow, closes []read.ClosesToVerifyRow) fifoEntry {
	e := fifoEntry{minerID: p.MinerID, netuid: p.Netuid, id: p.PositionID, key: p.EventKey, isStake: true, empty: lastKey}
	for _, c := range closes {
		if e.taken == "" && !c.Chosen {
			e.taken, e.step = c.EventKey, closeID{c.TradeID, c.Step}
		}
		if p.RemainingAlpha == 0 {
			e.empty = c.EventKey
		}
	}
	return e
}

// verifyDisordered verifies the queues of a miner whose entries did not come in order, by its events.
func (v *verification) verifyDisordered(ctx context.Context, minerID int64) error {
	if !v.disordered[minerID] {
		return nil
	}
	lines := map[chain.Netuid]*fifoQueue{}
	key := func(row read.EventsInLineRow) chain.EventKey { return row.EventKey }
	events := pages("events", verifySpan, "", key, func(after chain.EventKey) ([]read.EventsInLineRow, error) {
		return v.q.EventsInLine(ctx, read.EventsInLineParams{MinerID: minerID, AfterKey: after, PageSize: verifySpan})
	})
	for page, err := range events {
		if err != nil {
			return err
		}
		for _, row := range page {
			at := lines[row.Netuid]
			if at == nil {
				at = &fifoQueue{}
				lines[row.Netuid] = at
			}
			e := fifoEntry{minerID: minerID, netuid: row.Netuid, id: row.EventID, key: row.EventKey, isStake: row.IsStake, empty: row.EmptyKey, taken: row.TakenKey, step: closeID{row.EventID, 0}}
			if e.taken != "" {
				e.step = closeID{row.TakenBy, row.TakenStep}
			}
			v.verifyFIFO(at, e)
		}
	}
	return nil
}
