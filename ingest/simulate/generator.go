package simulate

import (
	"fmt"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ingest"
	"github.com/stakeledger/stakeledger/ledger"
)

// generator makes random extrinsics, one after the other, each with its rows.
type generator struct {
	cfg     Config
	chance  chance
	market  *market
	miners  []miner
	hotkeys []chain.Address

	block     int64 // since the first
	late      time.Duration
	extrinsic int64 // its place in the block
	index     int64 // of the next event in the block
	rows      []ingest.Row
}

// firstBlock is about where the chain was when 2025 began.
const firstBlock = 4_600_000

func newGenerator(cfg Config) *generator {
	accounts := newChance(cfg.Seed, 1)
	g := &generator{
		cfg:     cfg,
		chance:  newChance(cfg.Seed, 2),
		market:  newMarket(newChance(cfg.Seed, 3), cfg.Subnets),
		miners:  make([]miner, cfg.Miners),
		hotkeys: make([]chain.Address, cfg.Validators),
		block:   -1,
	}
	for i := range g.hotkeys {
		g.hotkeys[i] = accounts.address()
	}
	for i := range g.miners {
		g.miners[i] = newMiner(accounts, g.hotkeys, cfg.Subnets)
	}
	return g
}

// actions are what an extrinsic may do, and how many in a thousand do it.
var actions = []struct {
	perMille int64
	do       func(*generator, *miner)
}{
	{530, (*generator).stake},
	{380, (*generator).unstake},
	{20, (*generator).stakeBatch},
	{20, (*generator).moveStake},
	{10, (*generator).selfTrade},
	{20, (*generator).transfer},
	{5, (*generator).zeroAmount},
	{10, (*generator).rootStake},
	{5, (*generator).unstakeUnheld},
}

// next returns the rows of the next extrinsic, after made rows in all. They are valid until the next call.
func (g *generator) next(made int) []ingest.Row {
	g.rows = g.rows[:0]
	g.newExtrinsic(made)
	// Drawing twice makes some miners far busier than others.
	m := &g.miners[g.chance.below(1+g.chance.below(int64(len(g.miners))))]
	draw := g.chance.below(1000)
	for _, a := range actions {
		if draw -= a.perMille; draw < 0 {
			a.do(g, m)
			break
		}
	}
	return g.rows
}

// newExtrinsic moves to the block that is due and takes the next index in it.
func (g *generator) newExtrinsic(made int) {
	blocks, events := int64(g.cfg.Span/blockTime), int64(g.cfg.Events)
	due := chain.MulDivFloor(int64(made), blocks, events)
	if gap := blocks / events; gap > 1 {
		due += g.chance.below(gap)
	}
	if due > g.block {
		g.block = due
		g.extrinsic = g.chance.between(2, 20)
		g.index = g.chance.between(5, 60)
		g.late = 0
		if g.chance.perMille(200) {
			g.late = time.Duration(g.chance.between(1, 3)) * time.Millisecond
		}
		return
	}
	g.extrinsic++
	g.index += g.chance.between(1, 9)
}

// add appends a row to the extrinsic.
func (g *generator) add(m *miner, kind chain.EventKind, netuid int, tao, alpha chain.Rao) {
	hotkey := m.hotkey
	if g.chance.perMille(100) {
		hotkey = g.hotkeys[g.chance.below(int64(len(g.hotkeys)))]
	}
	block := firstBlock + g.block
	g.rows = append(g.rows, ingest.Row{Event: ledger.Event{
		Kind:        kind,
		Coldkey:     m.coldkey,
		Hotkey:      hotkey,
		Netuid:      chain.Netuid(netuid),
		ExtrinsicID: fmt.Sprintf("%d-%04d", block, g.extrinsic),
		EventIndex:  g.index,
		Block:       block,
		Time:        g.cfg.Start.Add(time.Duration(g.block)*blockTime + g.late),
		TAO:         tao,
		Alpha:       alpha,
	}})
	g.index += g.chance.between(1, 4)
}
