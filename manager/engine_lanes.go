package manager

import (
	"context"
	"slices"
	"time"
)

// Lanes are the writers of a server: several connections that share one queue.
// A request may overtake another one in the queue only if they cannot touch the
// same rows: both name their keys ([Keyed]), and share none. So a request whose
// key is in use by this process waits in the queue, without holding a
// connection.
//
// Closures run on their callers' goroutines, one transaction each: a savepoint
// costs a round trip there, so sharing a commit would lose.
type lanes struct {
	queue
	core    *core
	writers []*writer

	// Guarded by queue.mu.
	idle      []*writer
	taken     map[string]bool // keys of the running requests
	exclusive bool            // a request without keys runs, so no other one may
}

// lookAhead bounds how many queued requests are examined for one that may run.
const lookAhead = 1024

func newLanes(co *core, most int, first *conn) *lanes {
	l := &lanes{core: co, taken: map[string]bool{}}
	for i := range most {
		w := &writer{core: co}
		c := first
		if i > 0 { // opened when it is first used
			c = &conn{cfg: &co.cfg, closed: true, stats: &queryTable{}}
		}
		w.conn.Store(c)
		l.writers = append(l.writers, w)
	}
	l.idle = slices.Clone(l.writers)
	slices.Reverse(l.idle) // the first one is used first
	return l
}

// submit runs r to its end and returns its answer.
func (l *lanes) submit(r *request) (err error) {
	if err := contextError(r.ctx, "begin transaction", "", r.label.String()); err != nil {
		return err
	}
	w, err := l.awaitLane(r)
	if err != nil {
		return err
	}
	err = errUnfinished // a panic or Goexit passes through
	defer func() { r.callBack(err) }()
	l.runOn(w, r)
	err = r.settled()
	return err
}

// runOn runs r on its caller's goroutine, so a panic or Goexit reaches the caller
// by itself.
func (l *lanes) runOn(w *writer, r *request) {
	defer l.returnLane(w, r)
	w.runAlone(r)
}

// awaitLane waits until r may run, and returns the writer that it got.
func (l *lanes) awaitLane(r *request) (*writer, error) {
	if err := l.joinLine(r); err != nil {
		return nil, err
	}
	select {
	case <-r.done:
	default:
		if err := l.awaitGrant(r); err != nil {
			return nil, err
		}
	}
	l.core.stats.queueWait.Add(int64(r.waited))
	return r.lane, nil
}

// awaitGrant waits in the queue until r has a lane.
func (l *lanes) awaitGrant(r *request) error {
	limit := l.core.cfg.maxQueueWait
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-r.done:
	case <-r.ctx.Done():
		if l.abandon(r) {
			return contextError(r.ctx, "queue transaction", "", r.label.String())
		}
	case <-timer.C:
		if l.abandon(r) {
			e := &Error{Op: "queue transaction", Label: r.label.String(), Waited: limit, Kind: ErrBusy}
			if others := holderLabels(l.conns()); others != "" {
				e.Detail = "before it came " + others + "; a closure must not wait for another transaction or for a lock held across WithTx"
			}
			return e
		}
	}
	<-r.done // if not abandoned, it was granted at the same moment, so it runs
	return nil
}

// joinLine queues r, and grants it a lane at once if one is free.
func (l *lanes) joinLine(r *request) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closing:
		return &Error{Op: "begin transaction", Label: r.label.String(), Kind: ErrClosed}
	case l.length >= l.core.cfg.queueDepth:
		return &Error{Op: "queue transaction", Label: r.label.String(), Kind: ErrQueueFull, Detail: "callers are faster than the server; slow them down or raise WithQueueDepth"}
	}
	r.done = make(chan struct{})
	l.addLast(r)
	l.grantLanes()
	return nil
}

// abandon removes r from the queue, unless it has a lane.
func (l *lanes) abandon(r *request) bool {
	if !l.queue.abandon(r) {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.grantLanes() // those behind it may have waited for its keys
	l.signalDrained()
	return true
}

// returnLane returns r's lane, and grants lanes to requests that waited for it
// or for r's keys.
func (l *lanes) returnLane(w *writer, r *request) {
	w.conn.Load().holder.Store(nil)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.idle = append(l.idle, w)
	l.exclusive = false
	for _, k := range r.keys {
		delete(l.taken, k)
	}
	l.held = len(l.idle) < len(l.writers)
	l.grantLanes()
	l.signalDrained()
}

// grantLanes gives free lanes to the requests that may run. The caller holds
// mu.
func (l *lanes) grantLanes() {
	wanted := map[string]bool{} // by requests in front, which have to wait
	for r, looked := l.head, 0; r != nil && len(l.idle) > 0 && !l.exclusive && looked < lookAhead; looked++ {
		next := r.next
		switch {
		case len(r.keys) == 0 && (l.held || len(wanted) > 0):
			return // it waits for all before it, and those behind it wait for it
		case slices.ContainsFunc(r.keys, func(k string) bool { return l.taken[k] || wanted[k] }):
			for _, k := range r.keys {
				wanted[k] = true
			}
		default:
			l.grantLane(r)
		}
		r = next
	}
}

// grantLane gives r the most recently used lane. The caller holds mu.
func (l *lanes) grantLane(r *request) {
	l.remove(r)
	r.waited += time.Since(r.enqueued)
	last := len(l.idle) - 1
	r.lane, l.idle = l.idle[last], l.idle[:last]
	l.held, l.exclusive = true, len(r.keys) == 0
	for _, k := range r.keys {
		l.taken[k] = true
	}
	close(r.done)
}

// conns are the writers' connections.
func (l *lanes) conns() (list []*conn) {
	for _, w := range l.writers {
		list = append(list, w.conn.Load())
	}
	return list
}

// Keyed says that the transaction reads and writes only what belongs to keys, names of the caller's choice such as
// "account/17", and nothing that another transaction writes without one of them. On a server, transactions that
// share no key run at the same time, and a transaction without keys excludes all others. With wrong keys
// transactions that must not overlap do, and their results are wrong; [WithKeyCheck] lets tests find them. Commit
// numbers are then in the order of the commits for each key alone.
//
// SQLite has one writer, and no use for keys.
func Keyed(keys ...string) TxOption {
	return func(c txConfig) txConfig { c.keys = append(c.keys, keys...); return c }
}

// WithWriters sets how many connections write, on a server. Default: 16. SQLite
// has one.
func WithWriters(n int) Option { return func(c *config) { c.writers = max(1, n) } }

// Writers is how many connections write: one on SQLite.
func (db *DB[R, W]) Writers() int { return len(db.core.writeConns()) }

// Inside reports whether ctx is that of a closure of WithTx or ReadOnly, or comes from it.
func (db *DB[R, W]) Inside(ctx context.Context) bool { return db.core.innermostTxn(ctx) != nil }

// submit queues r for a writer.
func (co *core) submit(r *request) error {
	if co.lanes != nil {
		slices.Sort(r.keys)
		r.keys = slices.Compact(r.keys)
		return co.lanes.submit(r)
	}
	return co.writer.submit(r)
}

// writeQueue is the queue of write transactions; nil if nothing can be written.
func (co *core) writeQueue() *queue {
	switch {
	case co.lanes != nil:
		return &co.lanes.queue
	case co.writer != nil:
		return &co.writer.queue
	}
	return nil
}

// writeConns are the connections that write.
func (co *core) writeConns() []*conn {
	switch {
	case co.lanes != nil:
		return co.lanes.conns()
	case co.writer != nil:
		return []*conn{co.writer.conn.Load()}
	}
	return nil
}
