package manager

import (
	"cmp"
	"context"
	"log/slog"
	"runtime/debug"
)

// runNested runs a WithTx inside another one of the same manager: a savepoint.
func (t *txn) runNested(ctx context.Context, l *label, run closure) error {
	if t.view {
		return &Error{Op: "begin nested transaction", Label: l.String(), Kind: ErrReadOnly, Detail: "WithTx inside ReadOnly; swap them"}
	}
	n := t.newChild(ctx, l)
	if err := n.openSavepoint(ctx); err != nil {
		return err
	}
	settled := false
	defer func() {
		if !settled { // a panic or Goexit passes through
			_ = n.closeSavepoint(errUnfinished)
		}
	}()
	err := run(n.ctx(), n)
	settled = true
	if closeErr := n.closeSavepoint(err); err == nil {
		err = closeErr
	}
	return err
}

func (t *txn) openSavepoint(ctx context.Context) error {
	c := t.conn
	c.mu.Lock()
	defer c.unlock()
	if err := t.parent.checkUsable(ctx, ""); err != nil {
		return err
	}
	if t.root.top != t.parent {
		return &Error{Op: "begin nested transaction", Label: t.label.String(), Kind: ErrUnsupported, Detail: "another nested transaction of the same parent is still open; run them one after the other"}
	}
	if err := c.runControl(c.savepoint); err != nil {
		return t.dropOuter("savepoint", err)
	}
	t.root.top, t.deferred = t, c.defers
	return nil
}

// closeSavepoint releases the savepoint or, if there is a cause, rolls it back.
// Its AfterCommit functions pass to the parent or are dropped; those of
// AfterRollback pass to it in any case.
func (t *txn) closeSavepoint(cause error) (err error) {
	c := t.conn
	c.mu.Lock()
	defer c.unlock()
	if t.hasEnded() {
		return t.endedError("release savepoint", "")
	}
	defer func() { t.passUndo(cmp.Or(cause, err)) }()
	abandoned := t.abandonChildren()
	c.closeRows(t)
	t.done = true
	t.root.top = t.parent
	if t.root.dropped != nil || !c.inTransaction() {
		return t.abortedError("release savepoint", "")
	}
	if cause == nil && t.broken != nil {
		abandoned = cmp.Or(abandoned, error(&Error{Op: "release savepoint", Label: t.label.String(), Kind: ErrTxAborted, Err: t.broken}))
	}
	keep := cause == nil && abandoned == nil
	if !keep {
		err := c.runControl(c.rollbackTo)
		if err == nil && !t.deferred {
			err = c.stopDeferring()
		}
		if err != nil {
			return t.dropOuter("roll back to savepoint", err)
		}
	}
	if err := c.runControl(c.release); err != nil {
		return t.dropOuter("release savepoint", err)
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
		child.passUndo(nil)
		t.root.top = child.parent
		if e := c.runControl(c.release); e != nil {
			return child.dropOuter("release savepoint", e)
		}
		err = &Error{Op: "end transaction", Label: t.label.String(), Kind: ErrTxAborted, Detail: "nested transaction " + child.label.String() + " was still running and has been rolled back with it; wait for it inside the closure"}
	}
	return err
}

// runView runs a ReadOnly inside another transaction of the same manager: it
// sees what that one sees.
func (t *txn) runView(ctx context.Context, l *label, run closure) error {
	v := t.newChild(ctx, l)
	v.view = true
	defer v.endView()
	t.conn.mu.Lock()
	err := t.checkUsable(ctx, "")
	t.conn.unlock()
	if err != nil {
		return err
	}
	return run(v.ctx(), v)
}

// endView closes the rows that t left open and makes its query sets useless.
func (t *txn) endView() {
	t.conn.mu.Lock()
	defer t.conn.unlock()
	t.conn.closeRows(t)
	t.done = true
}

// A closure is the caller's function, given its query set.
type closure func(ctx context.Context, t *txn) error

// logPanic keeps the stack that a panic had before it moves to another goroutine.
func (co *core) logPanic(l *label, value any) {
	co.cfg.logger.Error("panic in transaction", slog.String("label", l.String()), slog.Any("panic", value), slog.String("stack", string(debug.Stack())))
}
