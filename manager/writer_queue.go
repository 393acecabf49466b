package manager

import (
	"context"
	"slices"
	"sync"
	"time"
)

// A request is one WithTx on its way through the queue.
type request struct {
	ctx       context.Context
	label     label
	run       closure
	alone     bool
	once      bool     // not run twice, even under WithRunTwice
	maintains bool     // begins its own transactions, see Maintain
	keys      []string // see Keyed; none: all
	lane      *writer  // on a server, once it is the request's turn

	// On a server, see Idempotent.
	idempotent bool
	pipelined  bool
	unsettled  bool          // nobody knows whether a run was committed
	conclude   time.Duration // how long the last COMMIT took

	// Guarded by the queue's mu.
	prev, next *request
	waiting    bool
	enqueued   time.Time
	waited     time.Duration // in line, summed

	// Written by the goroutine that runs the closure, read after done is closed.
	done       chan struct{}
	err        error
	canRetry   bool // err is one that a retry can cure
	commit     uint64
	hooks      []Hook
	undo       []rollbackHook // of the closure's last run
	unknown    bool           // err is of a COMMIT whose change may be there
	recorded   bool           // a group's COMMIT with its change met an I/O error
	panicked   bool
	panicValue any // what it panicked with
	goexit     bool
}

func (r *request) resetOutcome() {
	r.err, r.canRetry, r.hooks, r.unknown, r.panicked, r.panicValue, r.goexit = nil, false, nil, false, false, nil, false
}

// A queue orders writers first come, first served. A request that finds it free
// holds the writer and runs on its caller's goroutine; when it is done, it
// passes the writer to the goroutine that serves the waiting requests.
type queue struct {
	mu         sync.Mutex
	head, tail *request
	length     int
	held       bool
	closing    bool
	evicted    []*request    // their closures run outside any transaction; they are queued again when these return
	drained    chan struct{} // closed when closing and no request holds the writer, waits or is evicted
}

// join queues r. It reports whether r holds the writer at once, and otherwise
// waits.
func (q *queue) join(r *request, depth int) (holds bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closing:
		return false, &Error{Op: "begin transaction", Label: r.label.String(), Kind: ErrClosed}
	case !q.held && q.head == nil:
		q.held = true
		return true, nil
	case q.length >= depth:
		return false, &Error{Op: "queue transaction", Label: r.label.String(), Kind: ErrQueueFull, Detail: "callers are faster than the disk; slow them down or raise WithQueueDepth"}
	}
	r.done = make(chan struct{})
	q.addLast(r)
	return false, nil
}

// tryHold acquires the writer if it is free and no request waits.
func (q *queue) tryHold() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closing || q.held || q.head != nil {
		return false
	}
	q.held = true
	return true
}

// addLast puts r at the end of the queue. The caller holds mu.
func (q *queue) addLast(r *request) {
	r.waiting, r.enqueued = true, time.Now()
	r.prev = q.tail
	if q.tail == nil {
		q.head = r
	} else {
		q.tail.next = r
	}
	q.tail = r
	q.length++
}

// addFirst puts r at the head of the queue. The caller holds mu.
func (q *queue) addFirst(r *request) {
	r.waiting, r.enqueued = true, time.Now()
	r.next = q.head
	if q.head == nil {
		q.tail = r
	} else {
		q.head.prev = r
	}
	q.head = r
	q.length++
}

// remove removes r from the queue. The caller holds mu.
func (q *queue) remove(r *request) {
	if r.prev == nil {
		q.head = r.next
	} else {
		r.prev.next = r.next
	}
	if r.next == nil {
		q.tail = r.prev
	} else {
		r.next.prev = r.prev
	}
	r.prev, r.next, r.waiting = nil, nil, false
	q.length--
}

// release releases the writer. It reports whether a request waits; then the
// writer stays held, and the caller must have the requests served.
func (q *queue) release() (waiting bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.head != nil {
		return true
	}
	q.held = false
	q.signalDrained()
	return false
}

// signalDrained wakes a waiting Close if no request is left. The caller holds
// mu.
func (q *queue) signalDrained() {
	if !q.closing || q.held || q.head != nil || len(q.evicted) > 0 {
		return
	}
	select {
	case <-q.drained:
	default:
		close(q.drained)
	}
}

// peek returns the next request, which stays in the queue, and how many wait.
func (q *queue) peek() (r *request, waiting int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.head, q.length
}

// claimNext claims the next request: from now on its caller must wait for the
// outcome. It returns nil when none is left, or when the next one wants to be
// alone and the caller wants company.
func (q *queue) claimNext(company bool) *request {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := q.head
	if r == nil || company && r.alone {
		return nil
	}
	q.remove(r)
	r.waited += time.Since(r.enqueued)
	return r
}

// abandon removes r from the queue, unless its closure has been claimed to run:
// its caller must not return while that runs.
func (q *queue) abandon(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if r.waiting {
		q.remove(r)
		return true
	}
	return false
}

// waitedFor is how long r has waited since it was queued last, and whether it still
// waits.
func (q *queue) waitedFor(r *request) (waited time.Duration, waiting bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return time.Since(r.enqueued), r.waiting
}

// noteEvicted notes that r's closure runs outside any transaction.
func (q *queue) noteEvicted(r *request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.evicted = append(q.evicted, r)
}

// evictedLabels names the evicted requests.
func (q *queue) evictedLabels() (names []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range q.evicted {
		names = append(names, r.label.String())
	}
	return names
}

// readmit puts an evicted request, whose closure has returned, at the head of
// the queue, to run alone; if its context has ended, that is its outcome. It
// reports whether its caller now holds the writer.
func (q *queue) readmit(r *request) (holds bool) {
	err := contextError(r.ctx, "queue transaction", "", r.label.String())
	q.mu.Lock()
	defer q.mu.Unlock()
	q.evicted = slices.DeleteFunc(q.evicted, func(other *request) bool { return other == r })
	if err != nil {
		if !r.panicked && !r.goexit { // these continue in the caller
			r.resetOutcome()
			r.err = err
		}
		close(r.done)
		q.signalDrained()
		return false
	}
	r.alone = true
	q.addFirst(r)
	holds = !q.held
	q.held = true
	return holds
}

// stopAdmission refuses new requests. The channel is closed when the last one is
// done.
func (q *queue) stopAdmission() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closing {
		q.closing = true
		q.drained = make(chan struct{})
		q.signalDrained()
	}
	return q.drained
}
