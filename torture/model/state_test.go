package model_test

import (
	"maps"
	"math/big"
	"slices"
)

// record is an event that was taken in.
type record struct {
	event
	inputs
	seq             int // of recording, over all miners
	outcome, reason string
	late            bool
}

type position struct {
	*record
	left     int64
	lastExit int64 // 0: nothing sold
	gain     int64
	archived bool
}

func (p *position) status() string {
	switch p.left {
	case p.Alpha:
		return "open"
	case 0:
		return "closed"
	}
	return "partial"
}

type closing struct {
	trade, position                 ref
	step                            int64
	alpha, tao, cost, raw, gain, us int64
	met, self                       bool
}

func (c closing) counts() bool { return c.met || c.self }

type trade struct {
	*record
	closes                    []closing
	unmatchedAlpha, unmatched int64
	archived                  bool
}

// sums are a miner's counters by name. A missing one is 0.
type sums map[string]*big.Int

func (s sums) plus(deltas map[string]int64) (sums, bool) {
	next := maps.Clone(s)
	for name, d := range deltas {
		v := big.NewInt(d)
		if old := s[name]; old != nil {
			v.Add(v, old)
		}
		if !v.IsInt64() {
			return s, false
		}
		next[name] = v
	}
	return next, true
}

func (s sums) at(name string) int64 {
	if v := s[name]; v != nil {
		return v.Int64()
	}
	return 0
}

type miner struct {
	number     int
	status     string
	tracking   int64
	uid        bool
	events     []*record
	positions  []*position
	trades     []*trade
	byRef      map[ref]*record
	positionOf map[ref]*position
	tradeOf    map[ref]*trade
	sums       sums
	latest     *record // the last in order, of those applied or without an open position
	lastActive int64
}

func newMiner(number int) *miner {
	return &miner{
		number: number, status: "active", sums: sums{},
		byRef: map[ref]*record{}, positionOf: map[ref]*position{}, tradeOf: map[ref]*trade{},
	}
}

// rejection is a row of the events that Apply could not take.
type rejection struct {
	event
	why string
}

// model is the slow ledger.
type model struct {
	miners   map[int]*miner
	rejected map[rejection]bool
	seq      int
}

func newModel() *model { return &model{miners: map[int]*miner{}, rejected: map[rejection]bool{}} }

// numbers lists the miners.
func (m *model) numbers() []int { return slices.Sorted(maps.Keys(m.miners)) }

// positionAt finds a position of whichever miner.
func (m *model) positionAt(r ref) *position {
	if mn := m.miners[r.Miner]; mn != nil {
		return mn.positionOf[r]
	}
	return nil
}

// The errors of the ledger, by kind.
const (
	errInvalid      = "invalid"
	errNotFound     = "not found"
	errExists       = "miner exists"
	errDuplicate    = "duplicate"
	errIgnored      = "ignored"
	errNoOpen       = "no open position"
	errInsufficient = "insufficient alpha"
	errOverflow     = "overflow" // the direct calls say invalid, Apply rejects
)

// outcome is what an operation answered and touched.
type outcome struct {
	err                                    string
	of                                     ref  // stake, unstake: whose result it is
	isNew                                  bool // stake, unstake, ensure
	events, applied, duplicates, late, new int64
	ignored, rejected                      map[string]int64
	moved                                  [4]int64 // archive: miners, positions, trades, closes
	changed, revived                       bool     // rebuild: something; an archived position
	touched                                map[ref]bool
	touchedMiners                          map[int]bool
	wholeMiner                             bool
}

func (o *outcome) touch(r ref) {
	if o.touched == nil {
		o.touched = map[ref]bool{}
	}
	o.touched[r] = true
	o.touchMiner(r.Miner)
}

func (o *outcome) touchMiner(n int) {
	if o.touchedMiners == nil {
		o.touchedMiners = map[int]bool{}
	}
	o.touchedMiners[n] = true
}
