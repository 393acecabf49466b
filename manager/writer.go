package manager

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"
)

// A writer runs write transactions on the one connection that can write.
//
// The holder of the queue's writer owns conn, lock and checkpoints; nothing
// else touches them. A request that finds the writer free runs on its caller's
// goroutine; those that had to wait are run by [writer.serve], which groups
// them.
type writer struct {
	core        *core
	queue       queue
	conn        atomic.Pointer[conn] // replaced when it is broken
	lock        *fileLock            // the queue between processes, or nil
	checkpoints checkpointer
	running     atomic.Pointer[runningMember] // the group member running now, if others wait for it
	watched     atomic.Bool                   // a timer looks at running
}

// submit runs r to its end and returns its answer.
func (w *writer) submit(r *request) (err error) {
	if err := contextError(r.ctx, "begin transaction", "", r.label.String()); err != nil {
		return err
	}
	holds, err := w.queue.join(r, w.core.cfg.queueDepth)
	if err != nil {
		return err
	}
	err = errUnfinished // a panic or Goexit passes through
	defer func() { r.callBack(err) }()
	if holds {
		w.runOnCaller(r)
	} else if err = w.awaitOutcome(r); err != nil {
		return err
	}
	err = r.err
	return err
}

// callBack calls what was registered for the answer err.
func (r *request) callBack(err error) {
	if err == nil {
		defer r.callHooks(r.hooks)
	}
	r.callUndo(r.undo, err)
}

// runOnCaller runs r on its caller's goroutine, so a panic or Goexit reaches
// the caller by itself, and always passes the writer on.
func (w *writer) runOnCaller(r *request) {
	defer w.handOn()
	w.runAlone(r)
}

// handOn finishes the holder's turn and passes the writer to the waiting
// requests.
func (w *writer) handOn() {
	w.endTurn()
	if w.queue.release() {
		go w.serve(nil)
	}
}

// endTurn does what is due between transactions.
func (w *writer) endTurn() {
	c := w.conn.Load()
	c.holder.Store(nil)
	w.checkpoints.checkpointIfDue(w)
	w.lock.release()
}

// awaitOutcome waits for r's outcome, and repeats a panic or Goexit of the closure in
// the caller. The caller may leave while the closure has not been claimed to run.
func (w *writer) awaitOutcome(r *request) error {
	limit := w.core.cfg.maxQueueWait
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for ctxDone, left := r.ctx.Done(), false; !left; {
		select {
		case <-r.done:
			left = true
		case <-ctxDone:
			if w.queue.abandon(r) {
				return withDetail(contextError(r.ctx, "queue transaction", "", r.label.String()), w.lock.blockedBy())
			}
			ctxDone = nil // its closure runs, and COMMIT or readmit answers
		case <-timer.C:
			// An evicted request is queued again, and its wait starts over.
			waited, waiting := w.queue.waitedFor(r)
			if waiting && waited >= limit && w.queue.abandon(r) {
				return w.waitedTooLong(r, waited)
			}
			if !waiting {
				waited = 0
			}
			timer.Reset(max(limit-waited, time.Millisecond))
		}
	}
	w.core.stats.queueWait.Add(int64(r.waited))
	switch {
	case r.panicked:
		panic(r.panicValue)
	case r.goexit:
		runtime.Goexit()
	}
	return nil
}

func (w *writer) waitedTooLong(r *request, waited time.Duration) error {
	e := &Error{Op: "queue transaction", Label: r.label.String(), Waited: waited, Kind: ErrBusy}
	if e.Detail = w.lock.blockedBy(); e.Detail != "" {
		return e
	}
	if l := w.conn.Load().holder.Load(); l != nil {
		e.Detail = "the writer is held by " + l.String() + "; a closure must not wait for another transaction or for a lock held across WithTx"
	}
	return e
}

// runAlone runs r in a transaction of its own, again and again while the database
// is busy and the budget lasts. A panic or Goexit of the closure passes
// through, after the rollback.
func (w *writer) runAlone(r *request) {
	if r.maintains {
		r.resetOutcome()
		r.err = w.runMaintenance(r)
		return
	}
	retry := retrier{env: &w.core.env, label: &r.label, op: "begin transaction"}
	for {
		r.resetOutcome()
		if r.err = w.beginWrite(r, &retry); r.err != nil {
			return
		}
		w.runOnce(r, &retry)
		if !r.canRetry {
			return
		}
		retry.op = "write transaction"
		if err := retry.wait(r.ctx, r.err); err != nil {
			r.err = err
			return
		}
	}
}

// beginWrite acquires the lock file and executes BEGIN IMMEDIATE, and retries
// while the database is busy.
func (w *writer) beginWrite(r *request, retry *retrier) error {
	for {
		if err := contextError(r.ctx, "begin transaction", "", retry.label.String()); err != nil {
			return withDetail(err, w.lock.blockedBy()) // it may have waited behind the one whose turn it was
		}
		if err := w.lock.acquire(r.ctx, retry.label); err != nil {
			return err
		}
		err := w.beginOnce(r)
		if err == nil {
			return nil
		}
		if !isBusy(err) {
			return movedAt("begin transaction", retry.label, wrap("begin transaction", "", retry.label.String(), err))
		}
		if err := retry.wait(r.ctx, err); err != nil {
			return err
		}
	}
}

// beginOnce executes BEGIN IMMEDIATE, and rolls back after an error.
func (w *writer) beginOnce(r *request) error {
	c, err := w.liveConn()
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.unlockContained()
	if err = c.beginFor(r); err == nil {
		err = w.core.file.checkBegin()
	}
	if err != nil {
		w.rollbackLocked(c)
	}
	c.defers = false
	c.forgetRowID()
	return err
}

// runOnce runs r's closure in the transaction that has begun, and ends it.
func (w *writer) runOnce(r *request, retry *retrier) {
	t, ctx := w.core.newTxn(r.ctx, currentTxn(r.ctx), w.conn.Load(), &r.label, true)
	t.unsettled, t.pipelined = r.unsettled, r.pipelined && r.lane != nil
	settled := false
	defer func() {
		if !settled {
			w.rollback(t)
		}
		r.undo = t.undo
	}()
	r.err = w.core.runClosure(ctx, t, r)
	settled = true
	if r.err != nil {
		w.rollback(t)
	} else {
		r.err = w.commit(r, t, retry)
	}
	r.canRetry = t.canRetry(r.err) || r.settles()
}

// commit ends t with COMMIT. Nothing can run in t from here on.
func (w *writer) commit(r *request, t *txn, retry *retrier) error {
	c := t.conn
	c.mu.Lock()
	defer c.unlockContained()
	abandoned := t.abandonChildren()
	t.invalidate()
	switch {
	case t.dropped != nil || !c.inTransaction():
		w.rollbackLocked(c)
		return t.abortedError("commit", "")
	case abandoned != nil:
		w.rollbackLocked(c)
		return abandoned
	}
	r.unknown = true // in case that a hook which SQLite calls does not return
	err := w.commitOnEngine(c, r, t, retry)
	if r.unknown = mayBeKept(err); err != nil {
		w.rollbackLocked(c)
		return err
	}
	r.commit, r.hooks = w.core.commits.Add(1), t.hooks
	return nil
}

// commitOnEngine executes COMMIT for t in its engine's way. The caller holds the
// connection's mu.
func (w *writer) commitOnEngine(c *conn, r *request, t *txn, retry *retrier) error {
	if c.server != nil {
		return r.commitOnServer(c, t)
	}
	return w.commitLocked(c, retry)
}

// commitLocked executes COMMIT, and retries it while it is busy, since the
// transaction is still open then. The caller holds the connection's mu.
func (w *writer) commitLocked(c *conn, retry *retrier) error {
	for {
		err := c.runControl(c.commit)
		if err == nil {
			w.checkpoints.commits++
			return movedAt("commit", retry.label, w.core.file.checkCommit())
		}
		if commitUnknown(err, c.inTransaction()) {
			return &Error{Op: "commit", Label: retry.label.String(), Kind: ErrCommitUnknown, Err: err,
				Detail: "the record may be in the write-ahead log and return after a crash; look it up by your own key"}
		}
		if isInProgress(err) {
			return &Error{Op: "commit", Label: retry.label.String(), Kind: ErrUnsupported, Err: err, Detail: "a statement that writes was left unfinished; its connection is replaced"}
		}
		if !isBusy(err) {
			return wrap("commit", "", retry.label.String(), err)
		}
		retry.op = "commit"
		c.unlockContained() // whatever is late finds its transaction ended
		err = retry.wait(context.Background(), err)
		c.mu.Lock()
		if err != nil {
			return err
		}
	}
}

// commitUnknown reports whether the change may be on disk although COMMIT
// failed with err. SQLite syncs the record first and then makes it visible. A
// failure in between rolls the transaction back, but its record may survive. A
// transaction that is still open was not committed, and a full disk is noticed
// before the record is complete.
func commitUnknown(err error, stands bool) bool {
	return isIO(err) || !stands && kindOfError(err) != ErrFull
}

// mayBeKept reports whether the change may be there, or in a file that was moved
// away, although the commit ended with err.
func mayBeKept(err error) bool {
	return errors.Is(err, ErrCommitUnknown) || errors.Is(err, ErrFileMoved)
}

// rollback rolls t back.
func (w *writer) rollback(t *txn) {
	t.conn.mu.Lock()
	defer t.conn.unlockContained()
	t.invalidate()
	w.rollbackLocked(t.conn)
}

// invalidate makes t and everything in it useless. The caller holds the connection's mu.
func (t *txn) invalidate() {
	t.done = true
	c := t.conn
	c.text = ""
	for len(c.open) > 0 {
		c.open[len(c.open)-1].closeLocked()
	}
}

// rollbackLocked executes ROLLBACK. A transaction survives that only if
// ROLLBACK could not run at all; then the connection is closed, which rolls
// back. The caller holds the connection's mu.
func (w *writer) rollbackLocked(c *conn) {
	if c.lost && !c.closed { // what it still holds must not wait for the next writer
		w.core.file.forgetLog()
		_ = c.closeLocked()
		return
	}
	var err error
	for range 3 {
		if !c.inTransaction() {
			return
		}
		err = c.runControl(c.rollback)
	}
	if c.inTransaction() {
		c.logLater(slog.LevelError, "rollback failed, replacing the connection", slog.Any("error", err))
		w.replaceConn(c)
	}
}

// liveConn is the writer's connection, which is opened again if it broke and
// could not be replaced then. The caller holds the writer.
func (w *writer) liveConn() (*conn, error) {
	c := w.conn.Load()
	if !c.isUnusable() {
		return c, nil
	}
	w.core.file.forgetLog()
	_ = c.close()
	fresh, err := w.core.openWriter(context.Background())
	if err != nil {
		return nil, err
	}
	w.useConn(fresh, c)
	return fresh, nil
}

// replaceConn puts a fresh connection in c's place.
func (w *writer) replaceConn(c *conn) {
	w.core.file.forgetLog()
	_ = c.closeLocked()
	fresh, err := w.core.openWriter(context.Background())
	if err != nil {
		c.logLater(slog.LevelError, "cannot reopen the database for writing", slog.Any("error", err))
		return
	}
	w.useConn(fresh, c)
}

// useConn puts fresh in the place of old, and continues old's statistics.
func (w *writer) useConn(fresh, old *conn) {
	fresh.stats = old.stats
	w.conn.Store(fresh)
}
