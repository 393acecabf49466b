package simulate

import "github.com/stakeledger/stakeledger/chain"

// amount returns 0.01 to 320 TAO, small ones as likely as large ones.
func (g *generator) amount() chain.Rao {
	scale := int64(chain.RaoPerTAO/100) << g.chance.below(15)
	return chain.Rao(scale + g.chance.below(scale))
}

// stake buys alpha, unless the miner has enough.
func (g *generator) stake(m *miner) {
	h := m.holdingFor(g.chance, false)
	if h.alpha > enough {
		g.sell(m, h, h.alpha)
		return
	}
	g.buy(m, h, g.amount())
}

// unstake sells a part of a holding, all of it, or more: what it earned meanwhile. A miner without one
// buys.
func (g *generator) unstake(m *miner) {
	h := m.holdingFor(g.chance, true)
	if h.alpha == 0 {
		g.buy(m, h, g.amount())
		return
	}
	percent := int64(100)
	switch draw := g.chance.below(100); {
	case draw < 60:
		percent = g.chance.between(5, 95)
	case draw >= 90:
		percent = g.chance.between(101, 115)
	}
	g.sell(m, h, chain.Rao(max(1, chain.MulDivFloor(int64(h.alpha), percent, 100))))
}

// stakeBatch buys in several subnets at once.
func (g *generator) stakeBatch(m *miner) {
	for range g.chance.between(2, 5) {
		g.buy(m, m.holdingFor(g.chance, false), g.amount())
	}
}

// mostMoved bounds what moves at once. Moved from dear alpha to cheap and back, a holding would outgrow any
// amount.
const mostMoved = 1_000 * chain.RaoPerTAO

// moveStake sells a holding and buys another one with what that brought.
func (g *generator) moveStake(m *miner) {
	from := m.holdingFor(g.chance, true)
	if from.alpha == 0 {
		g.buy(m, from, g.amount())
		return
	}
	tao := g.sell(m, from, from.alpha)
	if to := m.holdingFor(g.chance, false); to.alpha <= enough {
		g.buy(m, to, min(tao, mostMoved))
	}
}

// selfTrade buys alpha and sells it again in the same extrinsic.
func (g *generator) selfTrade(m *miner) {
	h := m.holdingFor(g.chance, false)
	g.sell(m, h, g.buy(m, h, g.amount()))
}

// transfer receives alpha from another account, or sends all of a holding to one.
func (g *generator) transfer(m *miner) {
	if h := m.holdingFor(g.chance, true); h.alpha > 0 && g.chance.perMille(500) {
		g.sell(m, h, h.alpha)
	} else {
		g.buy(m, h, g.amount())
	}
	g.rows[len(g.rows)-1].Transfer = true
}

// zeroAmount is a stake or an unstake of so little that one side of it is nothing.
func (g *generator) zeroAmount(m *miner) {
	h := m.holdingFor(g.chance, false)
	if g.chance.perMille(500) {
		g.add(m, chain.Stake, h.subnet+1, 1, 0)
	} else {
		g.add(m, chain.Unstake, h.subnet+1, 0, 1)
	}
}

// rootStake stakes on the root network, where TAO stays TAO.
func (g *generator) rootStake(m *miner) {
	tao := g.amount()
	g.add(m, chain.Stake, 0, tao, tao)
}

// unstakeUnheld sells alpha that was not bought in a subnet where none is left.
func (g *generator) unstakeUnheld(m *miner) {
	h := m.holdingFor(g.chance, false)
	if h.alpha > 0 {
		g.sell(m, h, h.alpha)
	}
	alpha := g.amount()
	g.add(m, chain.Unstake, h.subnet+1, g.market.sell(h.subnet, alpha), alpha)
}

// buy adds a stake and returns the alpha it brought.
func (g *generator) buy(m *miner, h *holding, tao chain.Rao) chain.Rao {
	alpha := g.market.buy(h.subnet, tao)
	h.alpha += alpha
	g.add(m, chain.Stake, h.subnet+1, tao, alpha)
	return alpha
}

// sell adds an unstake and returns the TAO it brought.
func (g *generator) sell(m *miner, h *holding, alpha chain.Rao) chain.Rao {
	tao := g.market.sell(h.subnet, alpha)
	h.alpha = max(0, h.alpha-alpha)
	g.add(m, chain.Unstake, h.subnet+1, tao, alpha)
	return tao
}
