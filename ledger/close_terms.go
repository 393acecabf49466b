package ledger

import (
	"encoding/json"
	"slices"

	"github.com/stakeledger/stakeledger/chain"
)

const defaultMinBlocks = 360

// closeTerms are what, besides its event, decides how an unstake is handled. They are stored with the event, so
// that a replay handles it the same way.
type closeTerms struct {
	mode      chain.CloseMode
	minBlocks int64
	selfTrade chain.SelfTradePolicy
	listed    bool
	list      []int64 // position ids, sorted, each once

	asked struct { // by options; nil: the ledger's policy decides
		minBlocks *int64
		selfTrade *chain.SelfTradePolicy
	}
	override bool
}

// CloseOption sets how ProcessClose handles an unstake.
type CloseOption interface{ setClose(*closeTerms) error }

// CloseApplyOption is an option of ProcessClose and of Apply.
type CloseApplyOption interface {
	CloseOption
	ApplyOption
}

// Mode sets what happens when the trade sells more alpha than is open: chain.Strict makes it an error,
// chain.Lenient closes what there is and records the rest as unmatched. Default: strict. Apply is always
// lenient, since real unstakes also sell staking emissions.
func Mode(m chain.CloseMode) CloseOption { return modeOption(m) }

type modeOption chain.CloseMode

func (o modeOption) setClose(terms *closeTerms) error {
	terms.mode = chain.CloseMode(o)
	if !terms.mode.Valid() {
		return invalid("mode", terms.mode, "want strict or lenient")
	}
	return nil
}

// MinBlocks sets how many blocks must lie between entry and exit for a gain to count. 0 switches the rule
// off. It does not hold where a block is unknown. Default: the ledger's policy; another needs OverridePolicy.
func MinBlocks(n int64) CloseApplyOption { return minBlocksOption(n) }

type minBlocksOption int64

func (o minBlocksOption) setClose(terms *closeTerms) error {
	terms.asked.minBlocks = (*int64)(&o)
	if o < 0 {
		return invalid("min_blocks", int64(o), "is negative; 0 switches the rule off")
	}
	return nil
}

func (o minBlocksOption) setApply(c *applyConfig) error { return o.setClose(&c.closeTerms) }

// SelfTrade sets the gain of a position that is closed by the extrinsic which opened it: 0 with
// chain.SelfTradeZero; with chain.SelfTradeClamp the gain itself up to 0.001 TAO either way, and
// 0.0001 TAO beyond. Default: the ledger's policy; another needs OverridePolicy.
func SelfTrade(p chain.SelfTradePolicy) CloseApplyOption { return selfTradeOption(p) }

type selfTradeOption chain.SelfTradePolicy

func (o selfTradeOption) setClose(terms *closeTerms) error {
	terms.asked.selfTrade = (*chain.SelfTradePolicy)(&o)
	if !terms.asked.selfTrade.Valid() {
		return invalid("self_trade", *terms.asked.selfTrade, "want zero or clamp")
	}
	return nil
}

func (o selfTradeOption) setApply(c *applyConfig) error { return o.setClose(&c.closeTerms) }

// PositionIDs makes these positions the only candidates, first in first out among themselves. There must be
// at least one; a repeated id counts once.
func PositionIDs(ids ...int64) CloseOption { return listOption(ids) }

type listOption []int64

func (o listOption) setClose(terms *closeTerms) error {
	if len(o) == 0 {
		return invalid("positions", "[]", "an empty list closes nothing; leave the option out to close first in, first out")
	}
	terms.list = slices.Compact(slices.Sorted(slices.Values(o)))
	terms.listed = true
	return nil
}

// newCloseTerms reads the options of ProcessClose. underPolicy fills in what they leave to the policy.
func newCloseTerms(opts []CloseOption) (closeTerms, error) {
	terms := closeTerms{mode: chain.Strict}
	for _, o := range opts {
		if err := o.setClose(&terms); err != nil {
			return terms, err
		}
	}
	return terms, nil
}

// listJSON is the list as it is stored, nil when there is none.
func (terms closeTerms) listJSON() *string {
	if !terms.listed {
		return nil
	}
	text, _ := json.Marshal(terms.list) // integers always marshal
	s := string(text)
	return &s
}
