package model

import (
	"reflect"
	"slices"
)

func (m *Model) archive(o Op) (out Outcome) {
	var list []int
	switch {
	case o.Before > lastMoment:
		out.Err = errInvalid
		return out
	case o.Miner == 0:
		list = m.Numbers()
	case m.miners[o.Miner] == nil:
		out.Err = errNotFound
		return out
	default:
		list = []int{o.Miner}
	}
	for _, n := range list {
		moved := m.miners[n].archive(o.Before, &out)
		if moved != [3]int64{} {
			out.Moved[0]++
		}
		for i, d := range moved {
			out.Moved[i+1] += d
		}
	}
	return out
}

func (m *miner) archive(before int64, out *Outcome) (moved [3]int64) {
	fresh := map[Ref]bool{}
	for _, p := range m.positions {
		if p.left == 0 && !p.archived && p.lastExit < before {
			p.archived = true
			fresh[p.Ref] = true
			out.touch(p.Ref)
			moved[0]++
		}
	}
	for _, t := range m.trades {
		for _, c := range t.closes {
			if fresh[c.position] {
				out.touch(t.Ref)
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
func (m *Model) rebuild(number int) (out Outcome) {
	out.touchMiner(number)
	out.Whole = true
	old := m.miners[number]
	if old == nil {
		out.Err = errNotFound
		return out
	}
	mn := newMiner(number)
	mn.status, mn.tracking, mn.uid, mn.snapshots = old.status, old.tracking, old.uid, old.snapshots
	for _, r := range old.events {
		again := *r
		if problem := mn.replay(&again); problem != "" {
			out.Err = direct(problem)
			return out
		}
	}
	for _, p := range mn.positions {
		was := old.positionOf[p.Ref].archived
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
		if t.Ref != u.Ref || t.unmatched != u.unmatched || t.unmatchedAlpha != u.unmatchedAlpha || !slices.Equal(t.closes, u.closes) {
			return false
		}
	}
	return true
}
