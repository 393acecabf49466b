package ledger

import (
	"encoding/json"
	"slices"

	"github.com/stakeledger/stakeledger/chain"
)

const defaultMinBlocks = 360

// inputs is how an unstake is handled beside what its event says. They are stored with the event, so that it
// can be replayed.
type inputs struct {
	mode      chain.CloseMode
	minBlocks int64
	selfTrade chain.SelfTradePolicy
	listed    bool
	list      []int64 // position ids, sorted, each once

	asked struct { // by options; what is nil is the ledger's policy
		minBlocks *int64
		selfTrade *chain.SelfTradePolicy
	}
	override bool
}

// CloseOption sets how ProcessClose handles an unstake.
type CloseOption interface{ setClose(*inputs) error }

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

func (o modeOption) setClose(in *inputs) error {
	in.mode = chain.CloseMode(o)
	if !in.mode.Valid() {
		return invalid("mode", in.mode, "want strict or lenient")
	}
	return nil
}

// MinBlocks sets how many blocks must lie between entry and exit for a gain to count. 0 switches the rule
// off. It does not hold where a block is unknown. Default: the ledger's policy; another needs OverridePolicy.
func MinBlocks(n int64) CloseApplyOption { return minBlocksOption(n) }

type minBlocksOption int64

func (o minBlocksOption) setClose(in *inputs) error {
	in.asked.minBlocks = (*int64)(&o)
	if o < 0 {
		return invalid("min_blocks", int64(o), "is negative; 0 switches the rule off")
	}
	return nil
}

func (o minBlocksOption) setApply(c *applyConfig) error { return o.setClose(&c.inputs) }

// SelfTrade sets what a position gains that its own extrinsic closes: chain.SelfTradeZero nothing,
// chain.SelfTradeClamp itself up to 0.001 TAO either way and 0.0001 TAO beyond. Default: the
// ledger's policy; another needs OverridePolicy.
func SelfTrade(p chain.SelfTradePolicy) CloseApplyOption { return selfTradeOption(p) }

type selfTradeOption chain.SelfTradePolicy

func (o selfTradeOption) setClose(in *inputs) error {
	in.asked.selfTrade = (*chain.SelfTradePolicy)(&o)
	if !in.asked.selfTrade.Valid() {
		return invalid("self_trade", *in.asked.selfTrade, "want zero or clamp")
	}
	return nil
}

func (o selfTradeOption) setApply(c *applyConfig) error { return o.setClose(&c.inputs) }

// PositionIDs makes these positions the only candidates, first in first out among themselves. There must be
// at least one; a repeated id counts once.
func PositionIDs(ids ...int64) CloseOption { return listOption(ids) }

type listOption []int64

func (o listOption) setClose(in *inputs) error {
	if len(o) == 0 {
		return invalid("positions", "[]", "an empty list closes nothing; leave the option out to close first in, first out")
	}
	in.list = slices.Compact(slices.Sorted(slices.Values(o)))
	in.listed = true
	return nil
}

// newInputs are the options of ProcessClose; what of them the policy gives is still open.
func newInputs(opts []CloseOption) (inputs, error) {
	in := inputs{mode: chain.Strict}
	for _, o := range opts {
		if err := o.setClose(&in); err != nil {
			return in, err
		}
	}
	return in, nil
}

// listJSON is the list as it is stored, nil when there is none.
func (in inputs) listJSON() *string {
	if !in.listed {
		return nil
	}
	text, _ := json.Marshal(in.list) // integers always marshal
	s := string(text)
	return &s
}
