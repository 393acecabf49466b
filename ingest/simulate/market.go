package simulate

import "github.com/stakeledger/stakeledger/chain"

// market holds the price of each subnet's alpha, in rao of TAO per whole alpha; subnet i is netuid i+1.
type market struct {
	chance chance
	prices []int64
}

// The range of prices, which keeps every amount far from the end of int64.
const (
	lowestPrice  = chain.RaoPerTAO / 1000
	highestPrice = chain.RaoPerTAO
)

func newMarket(c chance, subnets int) *market {
	m := &market{chance: c, prices: make([]int64, subnets)}
	for i := range m.prices {
		m.prices[i] = c.between(chain.RaoPerTAO/200, chain.RaoPerTAO*3/10)
	}
	return m
}

// move lets a price wander by up to 1.5 percent and returns it.
func (m *market) move(subnet int) int64 {
	p := m.prices[subnet]
	p += chain.MulDivFloor(p, m.chance.between(0, 300), 10_000) - p*3/200
	m.prices[subnet] = min(max(p, lowestPrice), highestPrice)
	return m.prices[subnet]
}

// buy returns the alpha that TAO buys, less slippage.
func (m *market) buy(subnet int, tao chain.Rao) chain.Rao {
	return m.slip(chain.MulDivFloor(int64(tao), chain.RaoPerTAO, m.move(subnet)))
}

// sell returns the TAO that alpha brings, less slippage.
func (m *market) sell(subnet int, alpha chain.Rao) chain.Rao {
	return m.slip(chain.MulDivFloor(int64(alpha), m.move(subnet), chain.RaoPerTAO))
}

// slip takes up to half a percent off, and leaves at least one rao.
func (m *market) slip(amount int64) chain.Rao {
	return chain.Rao(max(1, chain.MulDivFloor(amount, m.chance.between(9_950, 10_000), 10_000)))
}
