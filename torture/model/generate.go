package model

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// A Generator makes random operations that suit the model's present state.
type Generator struct {
	*rand.Rand
	model   *Model
	past    []Event
	Now     int64 // of the chain
	block   int64
	serial  int
	Miners  int
	subnets int
	Huge    bool // amounts near the end of 64 bits
	Sparse  bool // few operations beside events
}

// NewGenerator chooses by r how many miners and subnets there are.
func NewGenerator(r *rand.Rand, m *Model) *Generator {
	return &Generator{
		Rand: r, model: m, Now: 1_750_000_000_000_000, block: 5_000_000,
		Miners: 1 + r.IntN(8), subnets: 1 + r.IntN(3), Huge: r.IntN(5) == 0,
	}
}

func pick[T any](g *Generator, list ...T) T { return list[g.IntN(len(list))] }

func (g *Generator) chance(percent int) bool { return g.IntN(100) < percent }

// Next is the next operation, with at most room events.
func (g *Generator) Next(room int) Op {
	rare := 12
	if g.Sparse {
		rare = 1
	}
	switch {
	case g.IntN(100) < rare:
		return g.other()
	case g.chance(30):
		return g.applyOp(room)
	}
	return g.direct()
}

// other is an operation that takes no event.
func (g *Generator) other() Op {
	miner := 1 + g.IntN(g.Miners+1)
	switch g.IntN(12) {
	case 11:
		return Op{Do: "replay"}
	case 8:
		return g.sync()
	case 9, 10:
		if !g.Huge { // a score need not fit then
			return g.snapshot(miner)
		}
	case 0, 1:
		return Op{Do: pick(g, "register", "ensure"), Miner: miner, UID: g.chance(60), Tracking: g.tracking()}
	case 2:
		return Op{Do: "status", Miner: miner, Status: pick(g, "active", "inactive", "blacklisted")}
	case 3:
		return Op{Do: "deregister", Miner: miner}
	case 4:
		return Op{Do: "rebuild", Miner: miner}
	}
	o := Op{Do: "archive", Before: g.cutoff(), Rows: pick(g, 0, 0, 3, 7)}
	if g.chance(30) {
		o.Miner = miner
	}
	return o
}

// sync gives a UID to each of some miners.
func (g *Generator) sync() Op {
	o := Op{Do: "sync"}
	for n := 1; n <= g.Miners+1; n++ {
		if g.chance(60) {
			o.Miners = append(o.Miners, n)
		}
	}
	return o
}

// snapshot mostly takes one for a new moment.
func (g *Generator) snapshot(miner int) Op {
	o := Op{Do: pick(g, "snapshot", "snapshots"), At: g.Now - g.Now%(1+g.Int64N(100_000_000)), Window: g.span()}
	if o.Do == "snapshot" {
		o.Miner = miner
	}
	if g.chance(30) {
		o.Window = 90 * 86_400_000_000
	}
	return o
}

// cutoff is often the exact time at which a position was closed.
func (g *Generator) cutoff() int64 {
	var exits []int64
	for _, m := range g.model.miners {
		for _, p := range m.positions {
			if p.left == 0 && !p.archived {
				exits = append(exits, p.lastExit)
			}
		}
	}
	if len(exits) > 0 && g.chance(50) {
		slices.Sort(exits) // miners come in any order
		return pick(g, exits...) + g.Int64N(2)
	}
	return max(1, g.Now-g.Int64N(10)*g.span()+1)
}

func (g *Generator) tracking() int64 {
	if g.chance(70) {
		return 0
	}
	return max(1, g.Now-g.span())
}

// span is some time, from a microsecond to a month.
func (g *Generator) span() int64 {
	return 1 + g.Int64N(pick[int64](g, 1, 1_000, 12_000_000, 3_600_000_000, 86_400_000_000, 30*86_400_000_000))
}

func (g *Generator) direct() Op {
	e := g.event()
	e.Excluded = false
	o := Op{Do: e.Kind, Miner: e.Miner, Events: []Event{e}}
	o.Miner = 0
	if g.chance(3) {
		o.Do = pick(g, stake, unstake) // perhaps the other call
	}
	if o.Do == unstake {
		o.Mode = pick(g, "", "strict", "lenient", "lenient", "lenient")
		o.MinBlocks, o.Policy = g.minBlocks(), pick(g, "", "zero", "clamp")
		if g.chance(20) {
			o.List = g.list(e)
		}
	}
	return o
}

func (g *Generator) minBlocks() *int64 {
	if g.chance(40) {
		return nil
	}
	n := pick[int64](g, 0, 1, 100, 360, 10_000, math.MaxInt64)
	return &n
}

// list names positions that the unstake may mostly close.
func (g *Generator) list(e Event) (list []Ref) {
	var open, all []Ref
	for _, n := range g.model.Numbers() {
		for _, p := range g.model.miners[n].positions {
			all = append(all, p.Ref)
			if p.left > 0 && n == e.Miner && p.Netuid == e.Netuid && p.before(e) {
				open = append(open, p.Ref)
			}
		}
	}
	for range 1 + g.IntN(4) {
		switch {
		case len(open) > 0 && g.chance(90):
			list = append(list, pick(g, open...))
		case len(all) > 0 && g.chance(70):
			list = append(list, pick(g, all...))
		default:
			list = append(list, Ref{e.Miner, "nobody", 7})
		}
	}
	return list
}

func (g *Generator) applyOp(room int) Op {
	n := min(room, 1+g.IntN(pick(g, 3, 20, 60)))
	o := Op{Do: "apply", MinBlocks: g.minBlocks(), Policy: pick(g, "", "zero", "clamp"), NoRegister: g.chance(20), LeaveLate: g.chance(20), Tracking: g.tracking()}
	for range n {
		e := g.event()
		switch {
		case g.chance(2):
			e.Excluded = true
		case g.chance(2):
			e.Netuid = 0
		case g.chance(1):
			e.TAO = 0
		case g.chance(1):
			e.Alpha = 0
		}
		o.Events = append(o.Events, e)
	}
	if g.chance(2) {
		bad := &o.Events[g.IntN(n)]
		switch g.IntN(4) {
		case 0:
			bad.TAO = -1
		case 1:
			bad.Time = 0
		case 2:
			bad.Extrinsic = ""
		default:
			bad.Index = -1
		}
	}
	switch g.IntN(3) {
	case 0:
		slices.Reverse(o.Events)
	case 1:
		g.Shuffle(n, func(i, j int) { o.Events[i], o.Events[j] = o.Events[j], o.Events[i] })
	}
	return o
}

// event is mostly a new one, otherwise a repeated one, with the same or other contents.
func (g *Generator) event() Event {
	if len(g.past) > 0 && g.chance(12) {
		e := g.past[max(0, len(g.past)-1-g.IntN(200))]
		if g.chance(40) {
			g.alter(&e)
		}
		return e
	}
	e := g.fresh()
	if e.TAO >= 0 {
		g.past = append(g.past, e)
	}
	return e
}

// alter changes contents, not the key.
func (g *Generator) alter(e *Event) {
	switch g.IntN(7) {
	case 0:
		e.Kind = map[string]string{stake: unstake, unstake: stake}[e.Kind]
	case 1:
		e.Netuid++
	case 2:
		e.Hotkey++
	case 3:
		e.Block++
	case 4:
		e.Time += pick[int64](g, -1, 1)
	case 5:
		e.TAO = max(1, e.TAO-1)
	default:
		e.Alpha = max(1, e.Alpha-1)
	}
}

func (g *Generator) fresh() Event {
	g.advance()
	e := Event{
		Kind: pick(g, stake, unstake), Ref: Ref{Miner: 1 + g.IntN(g.Miners)}, Netuid: uint16(1 + g.IntN(g.subnets)), Hotkey: g.IntN(3),
		Block: g.block, Time: g.Now,
	}
	e.Extrinsic = g.extrinsic()
	e.TAO, e.Alpha = g.amount(), g.amount()
	switch {
	case g.chance(5):
		e.Block = 0
	case g.chance(12): // late
		e.Time = max(1, e.Time-g.span())
		e.Block = max(0, e.Block-g.Int64N(3000))
	case g.chance(1): // any time at all
		e.Time = pick[int64](g, 1, 253402300799999999)
	}
	if e.Kind == unstake {
		g.aim(&e)
	}
	if len(g.past) > 0 && g.chance(8) { // of an extrinsic that was seen: a batch, or a self-trade
		o := g.past[max(0, len(g.past)-1-g.IntN(10))]
		e.Extrinsic, e.Index, e.Netuid = o.Extrinsic, o.Index+pick[int64](g, 1, 1, 2), o.Netuid
		if g.chance(90) {
			e.Miner, e.Time, e.Block = o.Miner, o.Time, o.Block
		}
	}
	return e
}

func (g *Generator) advance() {
	if g.chance(80) {
		d := g.span()
		g.Now += d / 20
		g.block += min(d/12_000_000/20+g.Int64N(2), 5000)
	}
}

// extrinsic is of the chain's form mostly; a block's extrinsics come in any order.
func (g *Generator) extrinsic() string {
	g.serial++
	n := g.serial
	if g.chance(30) {
		n = g.serial ^ 3 // so that ids are not in order
	}
	switch g.IntN(12) {
	case 0:
		return fmt.Sprintf("0x%04x", n)
	case 1:
		return fmt.Sprintf("%d-%d", g.block, n)
	}
	return fmt.Sprintf("%d-%04d", g.block, n)
}

func (g *Generator) amount() int64 {
	if g.Huge && g.chance(20) {
		return pick[int64](g, math.MaxInt64, math.MaxInt64/2, math.MaxInt64/7, 1<<53+1)
	}
	return 1 + g.Int64N(pick[int64](g, 3, 1000, 1_000_000_000, 1_000_000_000, 100_000_000_000, 21_000_000_000_000_000))
}

// aim gives an unstake an amount near what is open.
func (g *Generator) aim(e *Event) {
	m := g.model.miners[e.Miner]
	if m == nil {
		return
	}
	candidates := m.candidates(*e, nil)
	if len(candidates) == 0 {
		return
	}
	total := int64(0)
	for _, p := range candidates {
		if total > math.MaxInt64-p.left {
			total = math.MaxInt64
			break
		}
		total += p.left
	}
	first := candidates[0].left
	switch g.IntN(8) {
	case 0:
		e.Alpha = first
	case 1:
		e.Alpha = total
	case 2:
		e.Alpha = total/2 + 1
	case 3:
		e.Alpha = first/3 + 1
	case 4:
		if total < math.MaxInt64 {
			e.Alpha = total + 1
		}
	case 5:
		return
	default:
		e.Alpha = 1 + g.Int64N(total)
	}
	if g.chance(70) && e.Alpha > 1 && candidates[0].Alpha > 0 { // near the price of the entry
		tao := float64(candidates[0].TAO) / float64(candidates[0].Alpha) * float64(e.Alpha) * (.9 + .2*g.Float64())
		if tao >= 1 && tao < math.MaxInt64/4 {
			e.TAO = int64(tao)
		}
	}
}
