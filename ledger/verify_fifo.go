package ledger

import (
	"fmt"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
)

// A miner's events are handled in the order in which they were recorded, but those before a rebuild in the
// order of the events, and nothing tells when one took place. So two events stand in a certain order only
// where both orders agree, and by moments alone, since a rebuild breaks ties in its own way. What is said here
// of first in, first out is said of such events: damage and mistakes show in it, a late event does not.

// subnetOf is whose positions queue for a trade.
type subnetOf struct {
	minerID int64
	netuid  chain.Netuid
}

// queued is a position in its queue, as far as those behind it ask.
type queued struct {
	positionID int64
	key        chain.EventKey
	open       bool           // still
	lastTrade  int64          // of its closes
	lastKey    chain.EventKey // of that trade
}

func (a queued) ahead(b queued) bool { return a.key < b.key }

// slower is the one that was closed later, or is not.
func slower(a, b queued) queued {
	switch {
	case b.positionID == 0 || a.open:
		return a
	case a.positionID == 0 || b.open || b.lastTrade > a.lastTrade:
		return b
	}
	return a
}

// queue is what is kept of a miner's positions of a subnet.
type queue struct {
	latest queued // the last one entered so far
	peers  queued // the slowest of those entered with it
	before queued // the slowest of those entered before it
}

func (v *verification) queueOf(minerID int64, netuid chain.Netuid) *queue {
	key := subnetOf{minerID, netuid}
	q := v.queues[key]
	if q == nil {
		q = &queue{}
		v.queues[key] = q
	}
	return q
}

// firstIn verifies that no trade took of a position while one ahead of it was not closed yet. Positions come
// in the order of their ids; one that was entered before others that came earlier is left out.
func (v *verification) firstIn(p read.PositionsToVerifyRow, closes []read.ClosesToVerifyRow) {
	q := v.queueOf(p.MinerID, p.Netuid)
	now := queued{positionID: p.PositionID, key: p.EventKey, open: p.RemainingAlpha > 0}
	if n := len(closes); n > 0 {
		now.lastTrade, now.lastKey = closes[n-1].TradeID, closes[n-1].EventKey
	}
	switch {
	case now.ahead(q.latest):
		return
	case q.latest.ahead(now):
		q.before, q.peers, q.latest = slower(q.before, q.peers), now, now
	default:
		q.peers = slower(q.peers, now)
	}
	if q.before.positionID == 0 {
		return
	}
	for _, c := range closes {
		if c.Chosen {
			continue
		}
		if ahead := q.before; ahead.positionID < c.TradeID && (ahead.open || ahead.lastTrade > c.TradeID && ahead.lastKey > c.EventKey) {
			v.differ("closes", closeID{c.TradeID, c.Step}, "first in, first out", fmt.Sprintf("position %d closed before", ahead.positionID), fmt.Sprintf("position %d", p.PositionID))
		}
		return // the later ones took no sooner
	}
}
