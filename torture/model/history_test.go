package model_test

import (
	"reflect"
	"slices"
)

func (m *model) archive(o op) (out outcome) {
	var list []int
	switch {
	case o.Miner == 0:
		list = m.numbers()
	case m.miners[o.Miner] == nil:
		out.err = errNotFound
		return out
	default:
		list = []int{o.Miner}
	}
	for _, n := range list {
		moved := m.miners[n].archive(o.Before, &out)
		if moved != [3]int64{} {
			out.moved[0]++
		}
		for i, d := range moved {
			out.moved[i+1] += d
		}
	}
	return out
}

func (m *miner) archive(before int64, out *outcome) (moved [3]int64) {
	fresh := map[ref]bool{}
	for _, p := range m.positions {
		if p.left == 0 && !p.archived && p.lastExit < before {
			p.archived = true
			fresh[p.ref] = true
			out.touch(p.ref)
			moved[0]++
		}
	}
	for _, t := range m.trades {
		for _, c := range t.closes {
			if fresh[c.position] {
				out.touch(t.ref)
				moved[2]++
			}
		}
		if !t.archived && m.allArchived(t) {
			t.archived = true
			moved[1]++
		}
	}
	return moved
}

func (m *miner) allArchived(t *trade) bool {
	return !slices.ContainsFunc(t.closes, func(c closing) bool { return !m.positionOf[c.position].archived })
}

// rebuild replays a miner's events in order, as if none had come late.
func (m *model) rebuild(number int) (out outcome) {
	out.touchMiner(number)
	out.wholeMiner = true
	old := m.miners[number]
	if old == nil {
		out.err = errNotFound
		return out
	}
	mn := newMiner(number)
	mn.status, mn.tracking, mn.uid = old.status, old.tracking, old.uid
	list := slices.Clone(old.events)
	slices.SortFunc(list, func(a, b *record) int {
		if a.before(b.event) {
			return -1
		}
		return 1
	})
	for _, r := range list {
		again := *r
		if problem := mn.replay(&again); problem != "" {
			out.err = direct(problem)
			return out
		}
	}
	mn.restoreOrder()
	for _, p := range mn.positions {
		was := old.positionOf[p.ref].archived
		p.archived = was && p.left == 0
		out.revived = out.revived || was && !p.archived
	}
	for _, t := range mn.trades {
		t.archived = mn.allArchived(t)
	}
	out.changed = !old.equal(mn)
	m.miners[number] = mn
	return out
}

func (m *miner) replay(r *record) (problem string) {
	r.late = false
	switch {
	case r.outcome == "ignored" && r.reason != "no_open_position":
		m.record(r)
		return ""
	case r.Kind == stake:
		return m.open(r)
	}
	r.reason = ""
	_, problem = m.close(r, true)
	return problem
}

// restoreOrder puts everything back into the order in which it was recorded.
func (m *miner) restoreOrder() {
	slices.SortFunc(m.events, func(a, b *record) int { return a.seq - b.seq })
	slices.SortFunc(m.positions, func(a, b *position) int { return a.seq - b.seq })
	slices.SortFunc(m.trades, func(a, b *trade) int { return a.seq - b.seq })
}

// equal compares all that a rebuild may change.
func (m *miner) equal(o *miner) bool {
	for i, r := range m.events {
		if !reflect.DeepEqual(r, o.events[i]) {
			return false
		}
	}
	if len(m.trades) != len(o.trades) || m.lastActive != o.lastActive {
		return false
	}
	for i, p := range m.positions {
		q := o.positions[i]
		if p.left != q.left || p.gain != q.gain || p.lastExit != q.lastExit || p.archived != q.archived {
			return false
		}
	}
	for i, t := range m.trades {
		u := o.trades[i]
		if t.ref != u.ref || t.unmatched != u.unmatched || t.unmatchedAlpha != u.unmatchedAlpha || !slices.Equal(t.closes, u.closes) {
			return false
		}
	}
	return true
}
