package model

import (
	"cmp"
	"slices"
)

// Do runs an operation on the model.
func (m *Model) Do(o Op) Outcome {
	switch o.Do {
	case "register", "ensure", "status", "deregister":
		return m.miner(o)
	case "stake":
		return m.stake(o.Events[0])
	case "unstake":
		return m.unstake(o.Events[0], o.inputs())
	case "apply":
		return m.apply(o)
	case "archive":
		return m.archive(o)
	case "sync":
		return m.sync(o)
	case "snapshot", "snapshots":
		return m.snapshot(o)
	case "rebuild":
		return m.rebuild(o.Miner)
	case "replay":
		return m.replay()
	}
	panic("no such operation: " + o.Do)
}

func (m *Model) miner(o Op) (out Outcome) {
	out.touchMiner(o.Miner)
	mn := m.miners[o.Miner]
	switch {
	case o.Do == "register" && mn != nil:
		out.Err = errExists
	case mn == nil && (o.Do == "status" || o.Do == "deregister"):
		out.Err = errNotFound
	case mn == nil:
		mn = newMiner(o.Miner)
		mn.tracking, mn.uid = o.Tracking, o.UID
		m.miners[o.Miner] = mn
		out.IsNew = true
	case o.Do == "ensure":
		if o.UID {
			mn.uid = true
			if mn.status == "inactive" {
				mn.status = "active"
			}
		}
	case o.Do == "status":
		mn.status = o.Status
	default:
		mn.uid = false
		if mn.status == "active" {
			mn.status = "inactive"
		}
	}
	return out
}

// known is the first step of both direct calls. For a new event it returns no
// record and no problem.
func (m *Model) known(e Event, kind string) (mn *miner, old *record, problem string) {
	mn = m.miners[e.Miner]
	switch {
	case !e.effective() || e.Kind != kind:
		return nil, nil, errInvalid
	case mn == nil:
		return nil, nil, errNotFound
	}
	if old = mn.byRef[e.Ref]; old != nil && !old.same(e) {
		return mn, nil, errDuplicate
	}
	return mn, old, ""
}

func direct(problem string) string {
	if problem == errOverflow {
		return errInvalid
	}
	return problem
}

func newRecord(e Event, in inputs) *record {
	if e.Kind == stake {
		in = inputs{}
	}
	return &record{Event: e, inputs: in}
}

func (m *Model) stake(e Event) (out Outcome) {
	out.touch(e.Ref)
	out.Of = e.Ref
	mn, old, problem := m.known(e, stake)
	switch {
	case problem != "":
	case old != nil && old.outcome == "ignored":
		problem = errIgnored
	case old == nil:
		problem = mn.open(newRecord(e, inputs{}))
		out.IsNew = problem == ""
	}
	out.Err = direct(problem)
	return out
}

func (m *Model) unstake(e Event, in inputs) (out Outcome) {
	out.touch(e.Ref)
	out.Of = e.Ref
	mn, old, problem := m.known(e, unstake)
	if problem == "" && old == nil {
		if problem = m.checkList(e, in.list); problem == "" {
			var t *trade
			t, problem = mn.close(newRecord(e, in), false)
			touchCloses(&out, t)
		}
		out.IsNew = problem == ""
	}
	out.Err = direct(problem)
	return out
}

func touchCloses(out *Outcome, t *trade) {
	if t == nil {
		return
	}
	for _, c := range t.closes {
		out.touch(c.position)
	}
}

// checkList checks that the unstake could close every listed position.
func (m *Model) checkList(e Event, list []Ref) string {
	problem := ""
	for _, r := range list {
		p := m.positionAt(r)
		switch {
		case p == nil || r.Miner != e.Miner:
			return errNotFound
		case p.left == 0 || p.Netuid != e.Netuid || !p.before(e):
			problem = errNoOpen
		}
	}
	return problem
}

func (m *Model) apply(o Op) (out Outcome) {
	out.events = int64(len(o.Events))
	out.ignored, out.rejected = map[string]int64{}, map[string]int64{}
	for _, e := range o.Events {
		if !e.valid() {
			out.Err = errInvalid
			return out
		}
	}
	list := slices.Clone(o.Events)
	slices.SortStableFunc(list, func(a, b Event) int { return cmp.Or(a.compare(b), a.compareContents(b)) })
	for _, e := range list {
		m.applyOne(e, o, &out)
	}
	for _, e := range list {
		m.clearNotices(e.Miner)
	}
	if !o.LeaveLate {
		m.replayLate(&out)
	}
	return out
}

// replay replays whatever waits.
func (m *Model) replay() (out Outcome) {
	if impossible := m.replayLate(&out); impossible {
		out.Err = errInvalid
	}
	return out
}

// clearNotices forgets that a miner was unknown, of its events that are on record.
func (m *Model) clearNotices(miner int) {
	for r := range m.rejected {
		if mn := m.miners[miner]; mn != nil && r.Event.Miner == miner && r.why == "unknown_miner" && mn.byRef[r.Event.Ref] != nil {
			delete(m.rejected, r)
		}
	}
}

// replayLate replays every miner of whom an event came late. One whose counters
// cannot hold what comes of it stays as it is, and is told.
func (m *Model) replayLate(out *Outcome) (impossible bool) {
	for _, n := range m.Numbers() {
		if !m.miners[n].waits {
			continue
		}
		out.touchMiner(n)
		out.Whole = true
		if replayed := m.rebuild(n); replayed.Err != "" {
			impossible = true
		}
	}
	return impossible
}

func (m *Model) applyOne(e Event, o Op, out *Outcome) {
	out.touch(e.Ref)
	mn := m.miners[e.Miner]
	if mn == nil {
		if o.NoRegister {
			m.reject(e, "unknown_miner", out)
			return
		}
		mn = newMiner(e.Miner)
		mn.tracking = o.Tracking
		m.miners[e.Miner] = mn
		out.new++
	}
	if old := mn.byRef[e.Ref]; old != nil {
		if old.same(e) {
			out.duplicates++
		} else {
			m.reject(e, "duplicate_conflict", out)
		}
		return
	}
	r := newRecord(e, o.inputs())
	if r.reason = mn.ignoring(e); r.reason != "" {
		r.outcome = "ignored"
		mn.record(r)
		out.ignored[r.reason]++
		return
	}
	problem := ""
	if e.Kind == stake {
		problem = mn.open(r)
	} else {
		var t *trade
		t, problem = mn.close(r, false)
		touchCloses(out, t)
	}
	switch {
	case problem != "":
		m.reject(e, problem, out)
	case r.outcome == "ignored":
		out.ignored[r.reason]++
	default:
		out.applied++
		if r.late {
			out.late++
		}
	}
}

func (m *Model) reject(e Event, why string, out *Outcome) {
	m.rejected[rejection{e, why}] = true
	out.rejected[why]++
}

// ignoring is the first reason for which an event has no effect, whatever is open.
func (m *miner) ignoring(e Event) string {
	switch {
	case m.tracking != 0 && e.Time < m.tracking:
		return "before_tracking_start"
	case e.Netuid == 0:
		return "invalid_netuid"
	case e.TAO == 0 || e.Alpha == 0:
		return "zero_amounts"
	case e.Excluded:
		return "excluded"
	}
	return ""
}
