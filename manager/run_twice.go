package manager

import (
	"bytes"
	"context"
	"runtime"
	"strconv"
	"sync"
)

// runClosure runs the closure; under WithRunTwice it runs it once before, and rolls
// that run back.
func (co *core) runClosure(ctx context.Context, t *txn, r *request) error {
	r.undo = nil // those of an earlier run
	if !co.cfg.runTwice || r.once {
		return r.run(ctx, t)
	}
	defer co.closures.register(t)()
	dry := t.newChild(ctx, t.label)
	if err := dry.openSavepoint(ctx); err != nil {
		return err
	}
	settled := false
	defer func() {
		if !settled {
			_ = dry.closeSavepoint(errUnfinished)
		}
	}()
	_ = r.run(dry.ctx(), dry)
	settled = true
	if err := dry.closeSavepoint(errRolledBack); err != nil {
		return err
	}
	t.conn.mu.Lock()
	t.undo = nil
	t.conn.forgetRowID()
	t.conn.unlock()
	return r.run(ctx, t)
}

// checked runs check before a closure, see WithKeyCheck.
func checked(check func(context.Context, DBTX, []string) error, keys []string, run closure) closure {
	return func(ctx context.Context, t *txn) error {
		if err := check(ctx, t, keys); err != nil {
			return err
		}
		return run(ctx, t)
	}
}

// runningClosures are the running closures of WithTx by goroutine, under
// WithRunTwice. Without it there are none.
type runningClosures struct {
	mu      sync.Mutex
	running map[uint64]*txn
}

// register notes that the goroutine runs t's closure until leave is called.
func (c *runningClosures) register(t *txn) (leave func()) {
	id := goroutineID()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running == nil {
		c.running = map[uint64]*txn{}
	}
	c.running[id] = t
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.running, id)
	}
}

// refuseOuterContext refuses, under WithRunTwice, a call of a closure to its own manager
// with a context that is not its own: it would wait for its own transaction, or not see
// it. Calls from other goroutines that the closure started are not noticed.
func (co *core) refuseOuterContext(ctx context.Context, op string, l *label) error {
	if !co.cfg.runTwice || co.innermostTxn(ctx) != nil {
		return nil
	}
	co.closures.mu.Lock()
	t := co.closures.running[goroutineID()]
	co.closures.mu.Unlock()
	if t == nil {
		return nil
	}
	return &Error{Op: op, Label: l.String(), Kind: ErrUnsupported,
		Detail: "called inside the closure of " + t.label.String() + " with a context from outside it, so it would wait for that transaction or not see it; use the context the closure was given"}
}

// goroutineID is the number that a stack's first line, "goroutine 18 [running]:",
// gives the goroutine.
func goroutineID() uint64 {
	var buf [64]byte
	fields := bytes.Fields(buf[:runtime.Stack(buf[:], false)])
	id, _ := strconv.ParseUint(string(fields[1]), 10, 64)
	return id
}
