package simulate

import "github.com/stakeledger/stakeledger/chain"

// miner is an account and what it holds. It trades in a few subnets, so that many miners fit in memory.
type miner struct {
	coldkey  chain.Address
	hotkey   chain.Address // the validator it usually stakes to
	holdings []holding     // in different subnets
}

const maxHoldings = 4

// holding is the alpha of a miner in one subnet.
type holding struct {
	subnet int
	alpha  chain.Rao
}

// enough is the holding above which a miner sells rather than buys more: a million alpha.
const enough = 1_000_000 * chain.RaoPerTAO

func newMiner(c chance, hotkeys []chain.Address, subnets int) miner {
	m := miner{
		coldkey:  c.address(),
		hotkey:   hotkeys[c.below(int64(len(hotkeys)))],
		holdings: make([]holding, min(maxHoldings, subnets)),
	}
	first := int(c.below(int64(subnets)))
	for i := range m.holdings {
		m.holdings[i].subnet = (first + i) % subnets
	}
	return m
}

// holdingFor returns one of the holdings; if held is set, one with alpha in it if there is one.
func (m *miner) holdingFor(c chance, held bool) *holding {
	first := c.below(int64(len(m.holdings)))
	for i := range m.holdings {
		h := &m.holdings[(int(first)+i)%len(m.holdings)]
		if !held || h.alpha > 0 {
			return h
		}
	}
	return &m.holdings[first]
}
