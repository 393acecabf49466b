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

// subnetOf is whose positions stand in line for a trade.
type subnetOf struct {
	minerID int64
	netuid  chain.Netuid
}

// line is what is kept of a miner's positions of a subnet.
type line struct {
	latest chain.EventKey // of the events that came by
	empty  chain.EventKey // of the trade that emptied the slowest position so far; lastKey: none has
	slow   int64          // that position
}

// inLine is a position or an unstake in the line of its subnet.
type inLine struct {
	minerID int64
	netuid  chain.Netuid
	id      int64
	key     chain.EventKey
	isStake bool
	empty   chain.EventKey // of a position: of the trade that emptied it, or lastKey
	taken   chain.EventKey // of a position: of the first trade that took whatever came first; empty: none did
	step    closeID        // that close
}

// firstIn takes what comes next into its line. Of a miner whose events do not come in order it remembers so.
func (v *verification) firstIn(e inLine) {
	if v.marked[e.minerID] || v.disordered[e.minerID] {
		return
	}
	key := subnetOf{e.minerID, e.netuid}
	at := v.lines[key]
	if at == nil {
		at = &line{}
		v.lines[key] = at
	}
	if e.key < at.latest {
		v.disordered[e.minerID] = true
		return
	}
	at.latest = e.key
	v.standing(at, e)
}

// standing verifies what comes next in a line that is in order.
func (v *verification) standing(at *line, e inLine) {
	switch {
	case e.isStake:
		if e.taken != "" && at.empty > e.taken {
			v.differ("closes", e.step, "first in, first out", fmt.Sprintf("position %d closed before", at.slow), fmt.Sprintf("position %d", e.id))
		}
		if e.empty > at.empty {
			at.empty, at.slow = e.empty, e.id
		}
	case at.empty > e.key:
		v.differ("events", id(e.id), "first in, first out", fmt.Sprintf("position %d closed", at.slow), "open, and alpha unmatched")
	}
}

// positionInLine is a position with what its closes say.
func positionInLine(p read.PositionsToVerifyRow, closes []read.ClosesToVerifyRow) inLine {
	e := inLine{minerID: p.MinerID, netuid: p.Netuid, id: p.PositionID, key: p.EventKey, isStake: true, empty: lastKey}
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

// disorderedMiners verifies the lines of the miners whose events did not come in order, by their events.
func (v *verification) disorderedMiners(ctx context.Context, minerID int64) error {
	if !v.disordered[minerID] {
		return nil
	}
	lines := map[chain.Netuid]*line{}
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
				at = &line{}
				lines[row.Netuid] = at
			}
			e := inLine{minerID: minerID, netuid: row.Netuid, id: row.EventID, key: row.EventKey, isStake: row.IsStake, empty: row.EmptyKey, taken: row.TakenKey, step: closeID{row.EventID, 0}}
			if e.taken != "" {
				e.step = closeID{row.TakenBy, row.TakenStep}
			}
			v.standing(at, e)
		}
	}
	return nil
}
