package manager

import (
	"context"
	"log/slog"
	"runtime/debug"
)

// nested runs a WithTx inside another one of the same manager: a savepoint.
func (t *txn) nested(ctx context.Context, l *label, run closure) error {
	if t.view {
		return &Error{Op: "begin nested transaction", Label: l.String(), Kind: ErrReadOnly, Detail: "WithTx inside ReadOnly; swap them"}
	}
	n := t.child(ctx, l)
	if err := n.openSavepoint(ctx); err != nil {
		return err
	}
	settled := false
	defer func() {
		if !settled { // a panic or Goexit passes through
			_ = n.closeSavepoint(false)
		}
	}()
	err := run(n.ctx, n)
	settled = true
	if closeErr := n.closeSavepoint(err == nil); err == nil {
		err = closeErr
	}
	return err
}

func (t *txn) openSavepoint(ctx context.Context) error {
	c := t.conn
	c.mu.Lock()
	defer c.unlock()
	if err := t.parent.check(ctx, ""); err != nil {
		return err
	}
	if t.root.top != t.parent {
		return &Error{Op: "begin nested transaction", Label: t.label.String(), Kind: ErrUnsupported, Detail: "another nested transaction of the same parent is still open; run them one after the other"}
	}
	if err := c.control(c.savepoint); err != nil {
		return t.doomed("savepoint", err)
	}
	t.root.top, t.deferred = t, c.defers
	return nil
}

// closeSavepoint releases the savepoint or rolls it back, and lets its
// AfterCommit functions pass to the parent or drops them.
func (t *txn) closeSavepoint(keep bool) error {
	c := t.conn
	c.mu.Lock()
	defer c.unlock()
	if t.ended() {
		return t.endedError("release savepoint", "")
	}
	abandoned := t.abandonChildren()
	c.closeRows(t)
	t.done = true
	t.root.top = t.parent
	if t.root.dropped != nil || c.raw.AutoCommit() {
		return t.abortedError("release savepoint", "")
	}
	keep = keep && abandoned == nil
	if !keep {
		err := c.control(c.rollbackTo)
		if err == nil && !t.deferred {
			err = c.undefer()
		}
		if err != nil {
			return t.doomed("roll back to savepoint", err)
		}
	}
	if err := c.control(c.release); err != nil {
		return t.doomed("release savepoint", err)
	}
	if keep {
		t.parent.hooks = append(t.parent.hooks, t.hooks...)
	}
	return abandoned
}

// abandonChildren ends the savepoints that a closure left running in goroutines
// of its own. What they did is t's then, so the caller, which holds the
// connection's mu, rolls t back where it returns an error.
func (t *txn) abandonChildren() error {
	var err error
	for c := t.conn; t.root.top != t; {
		child := t.root.top
		c.closeRows(child)
		child.done = true
		t.root.top = child.parent
		if e := c.control(c.release); e != nil {
			return child.doomed("release savepoint", e)
		}
		err = &Error{Op: "end transaction", Label: t.label.String(), Kind: ErrTxAborted, Detail: "nested transaction " + child.label.String() + " was still running and has been rolled back with it; wait for it inside the closure"}
	}
	return err
}

// viewed runs a ReadOnly inside another transaction of the same manager: it
// sees what that one sees.
func (t *txn) viewed(ctx context.Context, l *label, run closure) error {
	v := t.child(ctx, l)
	v.write, v.view = t.write, true
	defer v.finish()
	t.conn.mu.Lock()
	err := t.check(ctx, "")
	t.conn.unlock()
	if err != nil {
		return err
	}
	return run(v.ctx, v)
}

// finish closes the rows that t left open and makes its query sets useless.
func (t *txn) finish() {
	t.conn.mu.Lock()
	defer t.conn.unlock()
	t.conn.closeRows(t)
	t.done = true
}

// A closure is the caller's function, given its query set.
type closure func(ctx context.Context, t *txn) error

// A Hook runs after the commit, with the commit's number: it increases from
// commit to commit of one manager and starts anew with every Open.
type Hook func(ctx context.Context, commit uint64)

// AfterCommit registers fn to run once the transaction that ctx belongs to is
// on disk: in the goroutine that called WithTx, before WithTx returns, in the
// order of registration, with that caller's context. The writer is free again
// by then, so fn may call WithTx. If the transaction or the savepoint around
// the call is rolled back, fn never runs. A panic in fn surfaces from WithTx;
// the commit stands.
//
// Outside WithTx, and inside ReadOnly, it returns ErrTxDone.
func AfterCommit(ctx context.Context, fn Hook) error {
	t := current(ctx)
	if t == nil || t.view {
		return &Error{Op: "register AfterCommit", Kind: ErrTxDone, Detail: "the context does not come from a WithTx closure"}
	}
	t.conn.mu.Lock()
	defer t.conn.unlock()
	if t.ended() {
		return t.endedError("register AfterCommit", "")
	}
	t.hooks = append(t.hooks, fn)
	return nil
}

// logPanic keeps the stack that a panic had before it moves to another goroutine.
func (co *core) logPanic(l *label, value any) {
	co.cfg.logger.Error("panic in transaction", slog.String("label", l.String()), slog.Any("panic", value), slog.String("stack", string(debug.Stack())))
}
