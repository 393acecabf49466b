package model

import (
	"maps"
	"math/big"
	"slices"
)

// record is a recorded event.
type record struct {
	Event
	inputs
	outcome, reason string
	late            bool
}

// event is what the record says, of a position and a trade too.
func (r *record) event() Event { return r.Event }

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
	trade, position                 Ref
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

// miner has its lists in the order of events.
type miner struct {
	number     int
	status     string
	tracking   int64
	uid        bool
	events     []*record
	positions  []*position
	trades     []*trade
	byRef      map[Ref]*record
	positionOf map[Ref]*position
	tradeOf    map[Ref]*trade
	sums       sums
	latest     *record // the last in order, of those applied or without an open position
	lastActive int64
	waits      bool                  // for a replay, since an event came late
	snapshots  map[int64]snapshotRow // by their moment
}

func newMiner(number int) *miner {
	return &miner{
		number: number, status: "active", sums: sums{},
		byRef: map[Ref]*record{}, positionOf: map[Ref]*position{}, tradeOf: map[Ref]*trade{},
		snapshots: map[int64]snapshotRow{},
	}
}

// rejection is a row of the events that Apply could not take.
type rejection struct {
	Event
	why string
}

// Model is the slow ledger.
type Model struct {
	miners   map[int]*miner
	rejected map[rejection]bool
}

// New is a ledger without a miner.
func New() *Model { return &Model{miners: map[int]*miner{}, rejected: map[rejection]bool{}} }

// Numbers lists the miners.
func (m *Model) Numbers() []int { return slices.Sorted(maps.Keys(m.miners)) }

// positionAt finds a position of any miner.
func (m *Model) positionAt(r Ref) *position {
	if mn := m.miners[r.Miner]; mn != nil {
		return mn.positionOf[r]
	}
	return nil
}

// The errors of the ledger, by kind.
const (
	errInvalid        = "invalid"
	errNotFound       = "not found"
	errExists         = "miner exists"
	errDuplicate      = "duplicate"
	errIgnored        = "ignored"
	errNoOpen         = "no open position"
	errInsufficient   = "insufficient alpha"
	errSnapshotExists = "snapshot exists"
	errOverflow       = "overflow" // ErrInvalid from direct calls, a rejection in Apply
)

// Outcome is what an operation answered and touched.
type Outcome struct {
	Err                                    string
	Of                                     Ref  // stake, unstake: whose result it is
	IsNew                                  bool // stake, unstake, ensure
	events, applied, duplicates, late, new int64
	ignored, rejected                      map[string]int64
	Moved                                  [4]int64 // archive: miners, positions, trades, closes
	synced                                 [5]int64 // sync: started, ended, new miners, deactivated, reactivated
	taken                                  int64    // snapshots
	changed, revived                       bool     // rebuild: something; an archived position
	Refs                                   map[Ref]bool
	Miners                                 map[int]bool
	Whole                                  bool
}

func (o *Outcome) touch(r Ref) {
	if o.Refs == nil {
		o.Refs = map[Ref]bool{}
	}
	o.Refs[r] = true
	o.touchMiner(r.Miner)
}

func (o *Outcome) touchMiner(n int) {
	if o.Miners == nil {
		o.Miners = map[int]bool{}
	}
	o.Miners[n] = true
}
