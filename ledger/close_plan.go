package ledger

import (
	"context"
	"fmt"

	"github.com/stakeledger/stakeledger/chain"
)

// What the clamp policy keeps of a self-trade's gain, and what it makes of more.
const (
	clampKeeps  chain.Rao = 1_000_000 // 0.001 TAO
	clampLeaves chain.Rao = 100_000   // 0.0001 TAO
)

// step is one close of a plan.
type step struct {
	candidate
	alpha, tao, cost, rawGain, gain chain.Rao
	durationUs                      int64
	minBlocksMet, selfTrade         bool
}

// plan is what a trade will close, before anything is written.
type plan struct {
	steps                        []step
	unmatchedAlpha, unmatchedTAO chain.Rao
}

// planClose reads the candidates and shares the trade among them. No steps: lenient, and nothing to close.
// Errors: ErrNoOpenPosition, ErrInsufficientAlpha, and ErrNotFound for an id of an explicit list.
func planClose(ctx context.Context, tx Tx, minerID int64, e Event, in inputs) (plan, error) {
	candidates, err := gather(ctx, tx, minerID, e, in)
	if err != nil {
		return plan{}, err
	}
	p, err := share(e, in, candidates)
	if err != nil {
		return plan{}, err
	}
	if in.mode == chain.Strict && len(p.steps) == 0 {
		return plan{}, &Error{Op: "close", Subject: e.key(), Err: ErrNoOpenPosition,
			Detail: fmt.Sprintf("subnet %d, entered by %s", e.Netuid, e.Time)}
	}
	if in.mode == chain.Strict && p.unmatchedAlpha > 0 {
		return plan{}, &Error{Op: "close", Subject: e.key(), Err: ErrInsufficientAlpha,
			Detail: fmt.Sprintf("the trade sells %s, its positions hold %s", e.Alpha, e.Alpha-p.unmatchedAlpha)}
	}
	return p, nil
}

// share walks the candidates and closes as much of each as the trade has left. The shares of the trade's TAO
// telescope, so they and the unmatched rest sum to it exactly; so do the shares of a position's cost over its
// closes. The error is ErrCorrupt: an amount of a row is one that no row can have.
func share(e Event, in inputs, candidates []candidate) (plan, error) {
	var p plan
	if e.Alpha <= 0 {
		return p, damaged("events", e.key(), "alpha", e.Alpha, "is not positive")
	}
	sold := chain.Rao(0)
	for _, c := range candidates {
		if sold == e.Alpha {
			break
		}
		part := min(c.RemainingAlpha, e.Alpha-sold)
		if part <= 0 {
			return plan{}, damaged("positions", id(c.PositionID).String(), "remaining_alpha", c.RemainingAlpha, "is not positive")
		}
		gone := c.EntryAlpha - c.RemainingAlpha
		s := step{candidate: c, alpha: part, selfTrade: c.ExtrinsicID == e.ExtrinsicID}
		var err error
		if s.tao, err = chain.Share(e.TAO, e.Alpha, sold, sold+part); err != nil {
			return plan{}, unusable("events", e.key(), err)
		}
		if s.cost, err = chain.Share(c.EntryTAO, c.EntryAlpha, gone, gone+part); err != nil {
			return plan{}, unusable("positions", id(c.PositionID).String(), err)
		}
		s.rawGain = s.tao - s.cost
		s.settle(e, in)
		p.steps = append(p.steps, s)
		sold += part
	}
	p.unmatchedAlpha = e.Alpha - sold
	var err error
	if p.unmatchedTAO, err = chain.Share(e.TAO, e.Alpha, sold, e.Alpha); err != nil {
		return plan{}, unusable("events", e.key(), err)
	}
	return p, nil
}

// settle decides what a close counts for: a self-trade by its policy, any other by the minimum of blocks.
func (s *step) settle(e Event, in inputs) {
	if s.selfTrade {
		s.minBlocksMet = true
		if in.selfTrade == chain.SelfTradeClamp {
			s.gain = clamp(s.rawGain)
		}
		return
	}
	s.durationUs = int64(e.Time - s.EntryTime)
	s.minBlocksMet = in.minBlocks == 0 || e.Block == 0 || s.EntryBlock == 0 || e.Block-s.EntryBlock >= in.minBlocks
	if s.minBlocksMet {
		s.gain = s.rawGain
	}
}

func clamp(gain chain.Rao) chain.Rao {
	switch {
	case gain > clampKeeps:
		return clampLeaves
	case gain < -clampKeeps:
		return -clampLeaves
	}
	return gain
}

// closes reports whether the step takes all that is left of its position.
func (s step) closes() bool { return s.alpha == s.RemainingAlpha }

// counters are what the plan adds to the miner's. The error is ErrInvalid: they overflow by themselves.
func (p plan) counters() (counters, error) {
	total := counters{trades: 1, unmatchedAlpha: p.unmatchedAlpha, unmatchedTAO: p.unmatchedTAO}
	var err error
	for _, s := range p.steps {
		c := counters{closes: 1, closedAlpha: s.alpha, exitTAO: s.tao, rawGain: s.rawGain, gain: s.gain}
		if s.closes() {
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
