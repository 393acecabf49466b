package manager

import (
	"log/slog"
	"time"
)

// evictAfter is how long one closure may keep the members before it from
// their commit. Closures do not wait for each other, so one that takes this
// long most likely waits for a lock that an earlier member's caller holds
// across WithTx, and would wait for ever.
const evictAfter = time.Second

// running is the closure of a group that runs now while others wait for it.
type running struct {
	group   *group
	request *request
	txn     *txn
	began   time.Time
}

// evict takes the closure that runs for too long out of its group: its
// savepoint is rolled back, its queries end, and the group goes on without it
// on a goroutine of its own. When the closure returns, the request queues
// again; until then its caller may leave.
func (w *writer) evict(now time.Time) {
	m := w.running.Load()
	if m == nil || now.Sub(m.began) < evictAfter {
		return
	}
	c := m.txn.conn
	c.mu.Lock()
	defer c.unlock()
	if w.running.Load() != m { // it has returned meanwhile
		return
	}
	w.running.Store(nil)
	_ = m.txn.abandonChildren()
	m.txn.close()
	m.txn.evicted = true
	if m.txn.dropped != nil || c.raw.AutoCommit() || c.endSavepoint(false) != nil {
		m.group.lost = true
	}
	m.group.members = m.group.members[:len(m.group.members)-1]
	m.group.limit = len(m.group.members)
	w.queue.evict(m.request)
	c.log(slog.LevelWarn, "transaction keeps its group from committing, runs again later: does it wait for another transaction?",
		slog.String("label", m.request.label.String()), slog.Duration("elapsed", now.Sub(m.began)))
	go w.serve(m.group)
}

// requeue lets an evicted request whose closure has returned run again.
func (w *writer) requeue(r *request) {
	if w.queue.readmit(r) {
		go w.serve(nil)
	}
}
