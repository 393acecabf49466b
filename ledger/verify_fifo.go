package ledger

import (
	"context"
	"fmt"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
)

// A trade takes of no position while one that stands before it in the order of events still has alpha, unless it was
// to take of certain ones; and one that is not covered leaves none before it open. Both are seen going through a
// miner's events in their order, with the latest moment at which the positions so far were empty. Rows come in the
// order of their ids, which mostly is that of the events; a miner of whom it is not is gone through once more, by its
// events. A marked miner waits for its replay, and is left out.

// minerSubnet is whose positions stand in line for a trade.
type minerSubnet struct {
	minerID int64
	netuid  chain.Netuid
}

// fifoQueue is what is kept of a miner's positions of a subnet.
type fifoQueue struct {
	latest  chain.EventKey // of the events that came by
	empty   chain.EventKey // of the trade that emptied the slowest position so far; lastKey: none has
	slowest int64          // that position
}

// fifoEntry is a position or an unstake in the line of its subnet.
type fifoEntry struct {
	minerID int64
	netuid  chain.Netuid
	id      int64
	key     chain.EventKey
	isStake bool
	empty   chain.EventKey // of a position: of the trade that emptied it, or lastKey
	taken   chain.EventKey // of a position: of the first trade that took whatever came first; empty: none did
	step    closeID        // that close
}

// enterQueue takes what comes next into its line. Of a miner whose events do not come in order it remembers so.
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

// verifyFIFO verifies what comes next in a line that is in order.
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

// fifoEntryOf is a position with what its closes say.
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

// verifyDisordered verifies the lines of the miners whose events did not come in order, by their events.
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
