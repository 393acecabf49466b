package model

import (
	"maps"
	"slices"
)

// Saved is a copy of a Model.
type Saved struct{ model Model }

// Save copies the model, for Restore.
func (m *Model) Save() Saved { return Saved{m.clone()} }

// Restore returns the model to a saved state. A Saved may be used any number of times.
func (m *Model) Restore(s Saved) { *m = s.model.clone() }

func (m *Model) clone() Model {
	c := Model{miners: map[int]*miner{}, rejected: maps.Clone(m.rejected)}
	for n, mn := range m.miners {
		c.miners[n] = mn.clone()
	}
	return c
}

// clone copies what later operations change. Records and closings stay as they
// are once they are recorded.
func (m *miner) clone() *miner {
	c := *m
	c.events, c.byRef = slices.Clone(m.events), maps.Clone(m.byRef)
	c.positions, c.positionOf = slices.Clone(m.positions), make(map[Ref]*position, len(m.positions))
	for i, p := range m.positions {
		same := *p
		c.positions[i], c.positionOf[p.Ref] = &same, &same
	}
	c.trades, c.tradeOf = slices.Clone(m.trades), make(map[Ref]*trade, len(m.trades))
	for i, t := range m.trades {
		same := *t
		c.trades[i], c.tradeOf[t.Ref] = &same, &same
	}
	c.snapshots = maps.Clone(m.snapshots)
	return &c
}

// Recorded reports whether the event of a key is recorded.
func (m *Model) Recorded(r Ref) bool {
	return m.miners[r.Miner] != nil && m.miners[r.Miner].byRef[r] != nil
}
