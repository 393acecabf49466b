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
// of its own. Nobody in it is answered before the COMMIT.
type group struct {
	limit   int // how many waited when it began: nobody waits for company
	shared  bool
	began   time.Time
	members []*request // those that have run, in queue order
	lost    bool       // SQLite dropped the transaction: everybody runs again
	settled bool       // COMMIT or ROLLBACK has been said
	again   []*request // those that run once more, one by one
}

// serve runs those who wait until nobody does. g is what a goroutine that
// ended inside a closure (runtime.Goexit) left unfinished.
func (w *writer) serve(g *group) {
	defer pprof.SetGoroutineLabels(context.Background())
	for {
		if g == nil {
			g = w.beginGroup()
		}
		if g != nil && !w.runGroup(g) {
			return // taken over: another goroutine serves on
		}
		g = nil
		w.endTurn()
		if !w.queue.release() {
			return
		}
	}
}

// beginGroup begins a transaction for those who wait. While the database is
// busy only the first in line spends its budget; everybody is still free to
// leave. It returns nil when nobody is left to begin for.
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
			return &group{settled: true, again: []*request{r}}
		}
		err := w.beginWrite(r, &retrier{core: w.core, label: &r.label, op: "begin transaction"})
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
	for !g.settled && !g.lost && w.roomIn(g) {
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
	if !g.settled {
		w.endGroup(g)
	}
	for len(g.again) > 0 {
		r := g.again[0]
		g.again = g.again[1:]
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

// noteExit notes how a closure ended without returning: with a panic's value, or
// with none by runtime.Goexit.
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
		g.lost = true
		t.invalidate()
	}
	t.conn.forgetRowID()
	return !g.lost
}

// endMember keeps or takes back what r did, inside the group's transaction.
// It reports false if r was evicted, and then sees that it runs again.
func (w *writer) endMember(g *group, r *request, t *txn) bool {
	c := t.conn
	c.mu.Lock()
	defer c.unlockContained()
	if t.evicted { // what runs now is somebody else
		r.undo = t.undo
		w.requeue(r)
		return false
	}
	if m := w.running.Swap(nil); m != nil && time.Since(m.began) >= evictAfter {
		g.limit = len(g.members) // it worked for long enough to answer those before it
	}
	abandoned := t.abandonChildren()
	t.invalidate()
	r.undo = t.undo
	if r.err == nil && !r.panicked && !r.goexit {
		r.err = abandoned
	}
	r.canRetry = t.canRetry(r.err)
	if t.dropped != nil || !c.inTransaction() {
		if g.lost = g.shared; !g.shared && !r.failed() {
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
		g.again = append(g.again, r)
	}
	g.lost = c.endSavepoint(keep) != nil
	return true
}

// endGroup says COMMIT for the whole group, and answers everybody whose outcome
// that decides. If the group is lost, or COMMIT fails, all of it runs again,
// one by one, those that failed too: they may have seen rows that now never were.
func (w *writer) endGroup(g *group) {
	g.settled = true
	c := w.conn.Load()
	c.mu.Lock()
	defer c.unlockContained()
	commits := len(g.members) > 0 && !g.lost && (g.shared || !g.members[0].failed())
	returned := false
	defer func() {
		if !returned {
			w.endedByHook(g, c, commits, recover())
		}
	}()
	var err error
	if commits {
		err = w.commitLocked(c, &retrier{core: w.core, label: &g.members[0].label})
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
			g.lost = true
			c.logLater(slog.LevelWarn, "group commit failed, running its transactions one by one", slog.Int("transactions", len(g.members)), slog.Any("error", err))
		}
	}
	if g.shared {
		w.core.stats.groups.Add(1)
	}
	c.holder.Store(nil) // before anybody is answered: who has returned holds nothing
	if g.lost {
		g.again = g.members
		return
	}
	for _, r := range g.members {
		if slices.Contains(g.again, r) {
			continue
		}
		if r.canRetry {
			g.again = append(g.again, r)
			continue
		}
		if !r.failed() {
			r.commit = w.core.commits.Add(1)
		}
		close(r.done)
	}
}

// answerUnknown tells those who succeeded in g that nobody knows whether its COMMIT
// took place. Those who failed run again: they may have seen rows that never were.
func (w *writer) answerUnknown(g *group, err error) {
	var e *Error
	errors.As(err, &e)
	for _, r := range g.members {
		if r.failed() {
			g.again = append(g.again, r)
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
