package model

import (
	"math/big"
	"slices"
)

// part is floor(total·after/whole) − floor(total·before/whole), in rationals.
func part(total, whole, before, after int64) int64 {
	floor := func(at int64) *big.Int {
		r := new(big.Rat).Mul(new(big.Rat).SetInt64(total), big.NewRat(at, whole))
		return new(big.Int).Div(r.Num(), r.Denom())
	}
	return new(big.Int).Sub(floor(after), floor(before)).Int64()
}

// candidates are the positions an unstake may close, in the order of events.
func (m *miner) candidates(e Event, list []Ref) []*position {
	var found []*position
	for _, p := range m.positions {
		if p.left > 0 && p.Netuid == e.Netuid && p.before(e) && (list == nil || slices.Contains(list, p.Ref)) {
			found = append(found, p)
		}
	}
	if slices.ContainsFunc(found, func(p *position) bool { return p.Extrinsic == e.Extrinsic }) {
		found = slices.DeleteFunc(found, func(p *position) bool { return p.Extrinsic != e.Extrinsic })
	}
	return found
}

// insert puts a row in its place in the order of events.
func insert[T interface{ event() Event }](list []T, row T) []T {
	at, _ := slices.BinarySearchFunc(list, row, func(a, b T) int { return a.event().compare(b.event()) })
	return slices.Insert(list, at, row)
}

// plan is what an unstake does to the candidates.
func plan(e Event, in inputs, candidates []*position) (t *trade) {
	t = &trade{}
	var sold, tao int64
	for _, p := range candidates {
		amount := min(p.left, e.Alpha-sold)
		if amount == 0 {
			break
		}
		c := closing{trade: e.Ref, position: p.Ref, step: int64(len(t.closes)), alpha: amount, self: p.Extrinsic == e.Extrinsic}
		c.tao = part(e.TAO, e.Alpha, sold, sold+amount)
		c.cost = part(p.TAO, p.Alpha, p.Alpha-p.left, p.Alpha-p.left+amount)
		c.raw = c.tao - c.cost
		c.met, c.gain, c.us = true, c.raw, e.Time-p.Time
		switch {
		case c.self:
			c.us, c.gain = 0, selfGain(c.raw, in.policy)
		case in.minBlocks > 0 && e.Block != 0 && p.Block != 0 && e.Block-p.Block < in.minBlocks:
			c.met, c.gain = false, 0
		}
		t.closes = append(t.closes, c)
		sold += amount
		tao += c.tao
	}
	t.unmatchedAlpha, t.unmatched = e.Alpha-sold, e.TAO-tao
	return t
}

func selfGain(raw int64, policy string) int64 {
	switch {
	case policy == "zero":
		return 0
	case raw > 1_000_000:
		return 100_000
	case raw < -1_000_000:
		return -100_000
	}
	return raw
}

// record adds an event with its outcome.
func (m *miner) record(r *record) {
	m.events = insert(m.events, r)
	m.byRef[r.Ref] = r
	if r.outcome == "ignored" && r.reason != "no_open_position" {
		return
	}
	// An unstake that met nothing depends on what came before it as any other
	// does, so it is one that later ones are measured by; only what is applied is
	// flagged.
	late := m.latest != nil && r.before(m.latest.Event)
	if late {
		m.waits = true
	} else {
		m.latest = r
	}
	if r.outcome == "applied" {
		r.late = late
		m.lastActive = max(m.lastActive, r.Time)
	}
}

// open records a stake and opens its position.
func (m *miner) open(r *record) (problem string) {
	next, ok := m.sums.plus(map[string]int64{"positions": 1, "open_positions": 1, "entry_tao": r.TAO, "entry_alpha": r.Alpha})
	if !ok {
		return errOverflow
	}
	m.sums, r.outcome = next, "applied"
	m.record(r)
	p := &position{record: r, left: r.Alpha}
	m.positions = insert(m.positions, p)
	m.positionOf[r.Ref] = p
	return ""
}

// close records an unstake and closes what it may. An unstake is a fact in a
// replay, so strict is lenient then.
func (m *miner) close(r *record, replay bool) (t *trade, problem string) {
	candidates := m.candidates(r.Event, r.list)
	t = plan(r.Event, r.inputs, candidates)
	strict := r.mode == "strict" && !replay
	if len(t.closes) == 0 {
		if strict {
			return nil, errNoOpen
		}
		return nil, m.nothingToClose(r)
	}
	if strict && t.unmatchedAlpha > 0 {
		return nil, errInsufficient
	}
	deltas := map[string]int64{"trades": 1, "unmatched_alpha": t.unmatchedAlpha, "unmatched_tao": t.unmatched}
	next, ok := m.sums.plus(deltas)
	for _, c := range t.closes {
		if !ok {
			break
		}
		next, ok = next.plus(m.deltas(c))
	}
	if !ok {
		return nil, errOverflow
	}
	m.sums, r.outcome = next, "applied"
	m.record(r)
	t.record = r
	m.trades = insert(m.trades, t)
	m.tradeOf[r.Ref] = t
	for _, c := range t.closes {
		p := m.positionOf[c.position]
		p.left -= c.alpha
		p.gain += c.gain
		p.lastExit = max(p.lastExit, r.Time)
	}
	return t, ""
}

// deltas are what a close adds to the counters.
func (m *miner) deltas(c closing) map[string]int64 {
	d := map[string]int64{"closes": 1, "closed_alpha": c.alpha, "exit_tao": c.tao, "raw_gain": c.raw, "gain": c.gain}
	if c.counts() {
		d["counted_closes"], d["counted_duration_us"] = 1, c.us
		if c.gain > 0 {
			d["winning_closes"] = 1
		}
	}
	if m.positionOf[c.position].left == c.alpha {
		d["open_positions"] = -1
	}
	return d
}

func (m *miner) nothingToClose(r *record) (problem string) {
	next, ok := m.sums.plus(map[string]int64{"unmatched_alpha": r.Alpha, "unmatched_tao": r.TAO})
	if !ok {
		return errOverflow
	}
	m.sums, r.outcome, r.reason = next, "ignored", "no_open_position"
	m.record(r)
	return ""
}
