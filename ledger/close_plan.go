package ledger

import (
	"context"
	"fmt"

	"github.com/stakeledger/stakeledger/chain"
)

// The clamp policy keeps a self-trade's gain up to clampKeeps either way, and
// reduces anything beyond to clampLeaves.
const (
	clampKeeps  chain.Rao = 1_000_000 // 0.001 TAO
	clampLeaves chain.Rao = 100_000   // 0.0001 TAO
)

// closeStep is one close of a plan.
type closeStep struct {
	candidate
	alpha, tao, cost, rawGain, gain chain.Rao
	durationUs                      int64
	minBlocksMet, selfTrade         bool
}

// closePlan is what a trade will close, before anything is written.
type closePlan struct {
	steps                        []closeStep
	unmatchedAlpha, unmatchedTAO chain.Rao
}

// planClose reads the candidates and divides the trade among them. In lenient mode a plan may have no
// steps. Errors: ErrNoOpenPosition, ErrInsufficientAlpha, and ErrNotFound for an id of an explicit list.
func planClose(ctx context.Context, tx Tx, minerID int64, e Event, terms closeTerms) (closePlan, error) {
	candidates, err := gatherCandidates(ctx, tx, minerID, e, terms)
	if err != nil {
		return closePlan{}, err
	}
	p, err := planSteps(e, terms, candidates)
	if err != nil {
		return closePlan{}, err
	}
	if terms.mode == chain.Strict && len(p.steps) == 0 {
		return closePlan{}, &Error{Op: "close", Subject: e.subject(), Err: ErrNoOpenPosition,
			Detail: fmt.Sprintf("subnet %d, entered by %s", e.Netuid, e.Time)}
	}
	if terms.mode == chain.Strict && p.unmatchedAlpha > 0 {
		return closePlan{}, &Error{Op: "close", Subject: e.subject(), Err: ErrInsufficientAlpha,
			Detail: fmt.Sprintf("the trade sells %s, its positions hold %s", e.Alpha, e.Alpha-p.unmatchedAlpha)}
	}
	return p, nil
}

// planSteps goes through the candidates and closes as much of each as the trade has left. The shares of the
// trade's TAO are differences of rounded running totals, so together with the unmatched rest they sum to it
// exactly; so do the shares of a position's cost over its closes. The error is ErrCorrupt, for an amount that no
// row can hold.
func planSteps(e Event, terms closeTerms, candidates []candidate) (closePlan, error) {
	var p closePlan
	if e.Alpha <= 0 {
		return p, corruptField("events", e.subject(), "alpha", e.Alpha, "is not positive")
	}
	sold := chain.Rao(0)
	for _, c := range candidates {
		if sold == e.Alpha {
			break
		}
		part := min(c.RemainingAlpha, e.Alpha-sold)
		if part <= 0 {
			return closePlan{}, corruptField("positions", rowID(c.PositionID).String(), "remaining_alpha", c.RemainingAlpha, "is not positive")
		}
		gone := c.EntryAlpha - c.RemainingAlpha
		s := closeStep{candidate: c, alpha: part, selfTrade: c.ExtrinsicID == e.ExtrinsicID}
		var err error
		if s.tao, err = chain.Share(e.TAO, e.Alpha, sold, sold+part); err != nil {
			return closePlan{}, corruptRow("events", e.subject(), err)
		}
		if s.cost, err = chain.Share(c.EntryTAO, c.EntryAlpha, gone, gone+part); err != nil {
			return closePlan{}, corruptRow("positions", rowID(c.PositionID).String(), err)
		}
		s.rawGain = s.tao - s.cost
		s.settleGain(e, terms)
		p.steps = append(p.steps, s)
		sold += part
	}
	p.unmatchedAlpha = e.Alpha - sold
	var err error
	if p.unmatchedTAO, err = chain.Share(e.TAO, e.Alpha, sold, e.Alpha); err != nil {
		return closePlan{}, corruptRow("events", e.subject(), err)
	}
	return p, nil
}

// settleGain decides what gain of a close counts: for a self-trade by its policy, otherwise by the minimum of
// blocks.
func (s *closeStep) settleGain(e Event, terms closeTerms) {
	if s.selfTrade {
		s.minBlocksMet = true
		if terms.selfTrade == chain.SelfTradeClamp {
			s.gain = clampGain(s.rawGain)
		}
		return
	}
	s.durationUs = int64(e.Time - s.EntryTime)
	s.minBlocksMet = terms.minBlocks == 0 || e.Block == 0 || s.EntryBlock == 0 || e.Block-s.EntryBlock >= terms.minBlocks
	if s.minBlocksMet {
		s.gain = s.rawGain
	}
}

func clampGain(gain chain.Rao) chain.Rao {
	switch {
	case gain > clampKeeps:
		return clampLeaves
	case gain < -clampKeeps:
		return -clampLeaves
	}
	return gain
}

// closesPosition reports whether the step takes everything left of its position.
func (s closeStep) closesPosition() bool { return s.alpha == s.RemainingAlpha }

// addedCounters is what the plan adds to the miner's counters. The error is ErrInvalid, if that alone
// overflows.
func (p closePlan) addedCounters() (counters, error) {
	total := counters{trades: 1, unmatchedAlpha: p.unmatchedAlpha, unmatchedTAO: p.unmatchedTAO}
	var err error
	for _, s := range p.steps {
		c := counters{closes: 1, closedAlpha: s.alpha, exitTAO: s.tao, rawGain: s.rawGain, gain: s.gain}
		if s.closesPosition() {
			c.openPositions = -1
		}
		if s.minBlocksMet {
			c.countedCloses = 1
			c.countedDurations = s.durationUs
			if s.gain > 0 {
				c.winningCloses = 1
			}
		}
		if total, err = total.plus(c); err != nil {
			return total, err
		}
	}
	return total, nil
}
