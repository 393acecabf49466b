package manager

import (
	"log/slog"
	"time"
)

// A closure that spends evictAfter outside its statements delays the commit of
// the members before it. Most likely it waits for a lock that the caller of an
// earlier member holds across WithTx, which would be a deadlock. Time inside a
// statement is work and does not count: the closure is sampled evictLooks
// times, and is inside a statement if the connection is locked.
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

// watchMember starts the timer that evicts m if it waits too long.
func (w *writer) watchMember(m *runningMember) {
	w.running.Store(m)
	if !w.watched.Swap(true) {
		w.checkLater(nil, 0)
	}
}

func (w *writer) checkLater(last *runningMember, waiting int) {
	time.AfterFunc(evictAfter/evictLooks, func() { w.checkRunning(last, waiting) })
}

// checkRunning samples whether the running closure is outside a statement, and
// evicts it after evictLooks such samples in a row. waiting is their number so far,
// if last is still the running closure.
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
	if w.running.Load() != m { // it has returned since
		return
	}
	w.running.Store(nil)
	c := m.txn.conn
	_ = m.txn.abandonChildren()
	m.txn.invalidate()
	m.txn.evicted = true
	if m.txn.dropped != nil || !c.inTransaction() || c.endSavepoint(false) != nil {
		m.group.dropped = true
	}
	m.group.members = m.group.members[:len(m.group.members)-1]
	m.group.limit = len(m.group.members)
	w.queue.noteEvicted(m.request)
	c.logLater(slog.LevelWarn, "transaction keeps its group from committing, runs again later: does it wait for another transaction?",
		slog.String("label", m.request.label.String()), slog.Duration("elapsed", time.Since(m.began)))
	go w.serve(m.group)
}

// requeue queues an evicted request again once its closure has returned.
func (w *writer) requeue(r *request) {
	if w.queue.readmit(r) {
		go w.serve(nil)
	}
}
