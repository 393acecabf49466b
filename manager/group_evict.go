package manager

import (
	"log/slog"
	"time"
)

// A closure that spends evictAfter outside its statements keeps the members
// before it from their commit. Closures do not wait for each other, so it most
// likely waits for a lock that an earlier member's caller holds across WithTx,
// and would wait until that is answered. Time inside a statement is work and
// does not count: the closure is looked at evictLooks times, and is inside one
// whenever the connection is locked.
const (
	evictAfter = time.Second
	evictLooks = 20
)

// runningMember is the closure of a group that runs now while others wait for it.
type runningMember struct {
	group   *group
	request *request
	txn     *txn
	began   time.Time
}

// watchMember has m evicted if it waits for too long.
func (w *writer) watchMember(m *runningMember) {
	w.running.Store(m)
	if !w.watched.Swap(true) {
		w.checkLater(nil, 0)
	}
}

func (w *writer) checkLater(last *runningMember, waiting int) {
	time.AfterFunc(evictAfter/evictLooks, func() { w.checkRunning(last, waiting) })
}

// checkRunning sees whether the closure that runs is outside a statement. It was in
// waiting looks before, if it is last.
func (w *writer) checkRunning(last *runningMember, waiting int) {
	m := w.running.Load()
	if m == nil {
		w.watched.Store(false)
		if w.running.Load() == nil || w.watched.Swap(true) {
			return
		}
	}
	if m != last {
		waiting = 0
	}
	if m != nil && m.txn.conn.mu.TryLock() {
		if waiting++; waiting >= evictLooks {
			w.evict(m)
		}
		m.txn.conn.unlockContained()
	}
	w.checkLater(m, waiting)
}

// evict takes m's closure out of its group: its savepoint is rolled back, its
// queries end, and the group goes on without it on a goroutine of its own. When
// the closure returns, the request queues again. The caller holds the
// connection's mu.
func (w *writer) evict(m *runningMember) {
	if w.running.Load() != m { // it has returned meanwhile
		return
	}
	w.running.Store(nil)
	c := m.txn.conn
	_ = m.txn.abandonChildren()
	m.txn.invalidate()
	m.txn.evicted = true
	if m.txn.dropped != nil || !c.inTransaction() || c.endSavepoint(false) != nil {
		m.group.lost = true
	}
	m.group.members = m.group.members[:len(m.group.members)-1]
	m.group.limit = len(m.group.members)
	w.queue.noteEvicted(m.request)
	c.logLater(slog.LevelWarn, "transaction keeps its group from committing, runs again later: does it wait for another transaction?",
		slog.String("label", m.request.label.String()), slog.Duration("elapsed", time.Since(m.began)))
	go w.serve(m.group)
}

// requeue lets an evicted request whose closure has returned run again.
func (w *writer) requeue(r *request) {
	if w.queue.readmit(r) {
		go w.serve(nil)
	}
}
