package manager

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/pprof"
	"slices"
	"time"
)

// A group is several closures that share one BEGIN…COMMIT, each in a savepoint
// of its own. No member is answered before the COMMIT.
type group struct {
	limit   int // how many waited when it began: no member waits for more to come
	shared  bool
	began   time.Time
	members []*request // those that have run, in queue order
	dropped bool       // SQLite dropped the transaction: all members run again
	ended   bool       // COMMIT or ROLLBACK has been executed
	toRerun []*request // the members to run once more, one by one
}

// serve runs the waiting requests until none is left. g, if not nil, is a group
// that a goroutine which ended inside a closure (runtime.Goexit) left
// unfinished.
func (w *writer) serve(g *group) {
	defer pprof.SetGoroutineLabels(context.Background())
	for {
		if g == nil {
			g = w.beginGroup()
		}
		if g != nil && !w.runGroup(g) {
			return // taken over by another goroutine, which continues to serve
		}
		g = nil
		w.endTurn()
		if !w.queue.release() {
			return
		}
	}
}

// beginGroup begins a transaction for the waiting requests. While the database
// is busy only the first one spends its retry budget, and all may still leave
// the queue. It returns nil if none is left.
func (w *writer) beginGroup() *group {
	for {
		r, waiting := w.queue.peek()
		if r == nil {
			return nil
		}
		if r.maintains {
			if r = w.queue.claimNext(false); r == nil { // its caller has left
				continue
			}
			return &group{ended: true, toRerun: []*request{r}}
		}
		err := w.beginWrite(r, &retrier{env: &w.core.env, label: &r.label, op: "begin transaction"})
		if err == nil {
			limit := min(waiting, w.core.cfg.groupSize)
			return &group{limit: limit, began: time.Now(), members: make([]*request, 0, limit)}
		}
		if w.queue.abandon(r) {
			r.err = err
			close(r.done)
		}
	}
}

// runGroup runs what g has not yet run, commits, and answers. It reports false
// when g was taken over meanwhile (see [writer.evict]).
func (w *writer) runGroup(g *group) bool {
	for !g.ended && !g.dropped && w.roomIn(g) {
		r := w.queue.claimNext(len(g.members) > 0)
		if r == nil {
			break
		}
		if len(g.members) == 0 {
			g.shared = g.limit > 1 && !r.alone && w.conn.Load().canShare()
		}
		g.members = append(g.members, r)
		if !w.runMember(g, r) {
			return false
		}
	}
	if !g.ended {
		w.endGroup(g)
	}
	for len(g.toRerun) > 0 {
		r := g.toRerun[0]
		g.toRerun = g.toRerun[1:]
		w.rerun(g, r)
	}
	return true
}

func (w *writer) roomIn(g *group) bool {
	switch len(g.members) {
	case 0:
		return true
	case g.limit:
		return false
	}
	return g.shared && time.Since(g.began) < w.core.cfg.groupTime
}

// runMember runs r's closure as the next of g. It reports false when r was
// evicted while it ran, and with it this goroutine.
func (w *writer) runMember(g *group, r *request) (stays bool) {
	r.resetOutcome()
	if r.err = contextError(r.ctx, "begin transaction", "", r.label.String()); r.err != nil {
		return true
	}
	t, ctx := w.core.newTxn(r.ctx, currentTxn(r.ctx), w.conn.Load(), &r.label, true)
	if !w.beginMember(g, t) {
		return true
	}
	if g.shared && len(g.members) > 1 {
		w.watchMember(&runningMember{g, r, t, time.Now()})
	}
	returned := false
	defer func() {
		if returned {
			return
		}
		w.noteExit(r, recover())
		stays = w.endMember(g, r, t)
		if stays && r.goexit {
			go w.serve(g) // this goroutine is ending: another one goes on
		}
	}()
	pprof.SetGoroutineLabels(ctx)
	r.err = w.core.runClosure(ctx, t, r)
	returned = true
	return w.endMember(g, r, t)
}

// noteExit records how a closure ended that did not return: by a panic with
// value, or by runtime.Goexit if that is nil.
func (w *writer) noteExit(r *request, value any) {
	if value == nil {
		r.goexit = true
		return
	}
	r.panicked, r.panicValue = true, value
	w.core.logPanic(&r.label, value)
}

func (r *request) failed() bool { return r.err != nil || r.panicked || r.goexit }

func (w *writer) beginMember(g *group, t *txn) bool {
	if !g.shared {
		return true
	}
	t.conn.mu.Lock()
	defer t.conn.unlockContained()
	if err := t.conn.runControl(t.conn.savepoint); err != nil {
		g.dropped = true
		t.invalidate()
	}
	t.conn.forgetRowID()
	return !g.dropped
}

// endMember keeps or rolls back what r did, inside the group's transaction. If
// r was evicted, it queues r again and reports false.
func (w *writer) endMember(g *group, r *request, t *txn) bool {
	c := t.conn
	c.mu.Lock()
	defer c.unlockContained()
	if t.evicted { // the connection is used by another closure now
		r.undo = t.undo
		w.requeue(r)
		return false
	}
	if m := w.running.Swap(nil); m != nil && time.Since(m.began) >= evictAfter {
		g.limit = len(g.members) // it ran so long that those before it should be answered now
	}
	abandoned := t.abandonChildren()
	t.invalidate()
	r.undo = t.undo
	if !r.failed() {
		r.err = abandoned
	}
	r.canRetry = t.canRetry(r.err)
	if t.dropped != nil || !c.inTransaction() {
		if g.dropped = g.shared; !g.shared && !r.failed() {
			r.err = t.abortedError("commit", "")
		}
		return true
	}
	if !r.failed() {
		r.hooks = t.hooks
	}
	if !g.shared {
		return true
	}
	keep := !r.failed()
	if keep && c.hasUncheckedKeys() { // the COMMIT that checks it must be its own
		keep = false
		g.toRerun = append(g.toRerun, r)
	}
	g.dropped = c.endSavepoint(keep) != nil
	return true
}

// endGroup commits the whole group, and answers every member whose outcome that
// decides. If the group is lost, or COMMIT fails, all members run again, one by
// one, also those that failed: they may have read rows that were rolled back.
func (w *writer) endGroup(g *group) {
	g.ended = true
	c := w.conn.Load()
	c.mu.Lock()
	defer c.unlockContained()
	commits := len(g.members) > 0 && !g.dropped && (g.shared || !g.members[0].failed())
	returned := false
	defer func() {
		if !returned {
			w.endedByHook(g, c, commits, recover())
		}
	}()
	var err error
	if commits {
		err = w.commitLocked(c, &retrier{env: &w.core.env, label: &g.members[0].label})
	}
	if !commits || err != nil {
		w.rollbackLocked(c)
	}
	returned = true
	w.answerGroup(g, c, err)
}

// endedByHook answers when a commit or rollback hook of the caller's (see
// WithConnectHook) has panicked, or has ended this goroutine.
func (w *writer) endedByHook(g *group, c *conn, commits bool, value any) {
	c.calling, c.lost = false, true
	w.rollbackLocked(c)
	var err error
	if commits {
		err = &Error{Op: "commit", Kind: ErrCommitUnknown, Err: &strayError{value: fmt.Sprintf("panic: %v", value)}, Detail: "a hook that SQLite calls at COMMIT did not return"}
	}
	if len(g.members) > 0 {
		w.core.logPanic(&g.members[0].label, value)
	}
	w.answerGroup(g, c, err)
	if value == nil {
		go w.serve(g)
	}
}

// answerGroup answers those whose outcome is known once the group's transaction
// has ended, with err if its COMMIT failed. The caller holds the connection's mu.
func (w *writer) answerGroup(g *group, c *conn, err error) {
	if err != nil {
		switch {
		case !g.shared:
			g.members[0].err, g.members[0].unknown = err, mayBeKept(err)
		case c.lost || errors.Is(err, ErrFileMoved): // the rows may be there: those that wrote them must not run again
			w.answerUnknown(g, err)
		default:
			g.dropped = true
			for _, r := range g.members {
				r.recorded = errors.Is(err, ErrCommitUnknown) && !r.failed()
			}
			c.logLater(slog.LevelWarn, "group commit failed, running its transactions one by one", slog.Int("transactions", len(g.members)), slog.Any("error", err))
		}
	}
	if g.shared {
		w.core.stats.groups.Add(1)
	}
	c.holder.Store(nil) // before any member is answered, so that none is named as holder after it returned
	if g.dropped {
		g.toRerun = g.members
		return
	}
	for _, r := range g.members {
		if slices.Contains(g.toRerun, r) {
			continue
		}
		if r.canRetry {
			g.toRerun = append(g.toRerun, r)
			continue
		}
		if !r.failed() {
			r.commit = w.core.commits.Add(1)
		}
		close(r.done)
	}
}

// answerUnknown gives the members of g that succeeded the error that it is unknown
// whether its COMMIT took place. Those that failed run again: they may have read
// rows that were rolled back.
func (w *writer) answerUnknown(g *group, err error) {
	var e *Error
	errors.As(err, &e)
	for _, r := range g.members {
		if r.failed() {
			g.toRerun = append(g.toRerun, r)
			continue
		}
		own := *e
		own.Label = r.label.String()
		r.err, r.unknown = &own, true
	}
}

// rerun runs r in a transaction of its own and answers it.
func (w *writer) rerun(g *group, r *request) {
	returned := false
	defer func() {
		if !returned {
			w.noteExit(r, recover())
		}
		r.noteRecord()
		goexit := r.goexit
		w.conn.Load().holder.Store(nil)
		close(r.done)
		if goexit {
			go w.serve(g)
		}
	}()
	pprof.SetGoroutineLabels(r.ctx)
	w.runAlone(r)
	returned = true
}

// noteRecord makes the failure of a rerun the unknown outcome that it is if a
// COMMIT before met an I/O error: where the rerun wrote nothing, the record of
// that COMMIT is not overwritten, and a crash may bring it back.
func (r *request) noteRecord() {
	if !r.recorded || !r.failed() {
		return
	}
	r.unknown = true
	if r.err != nil && !errors.Is(r.err, ErrCommitUnknown) {
		r.err = &Error{Op: "commit", Label: r.label.String(), Kind: ErrCommitUnknown, Err: r.err,
			Detail: "the commit that it shared met an I/O error, whose record may return after a crash, and running again failed; look it up by your own key"}
	}
}
