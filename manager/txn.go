package manager

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// A txn is a transaction, or a savepoint or view inside one, as its closure
// sees it. It is the DBTX of the closure's query sets.
type txn struct {
	core      *core
	conn      *conn
	root      *txn // the transaction itself
	parent    *txn
	outer     *txn            // the transaction of another manager whose closure this runs in
	call      context.Context // of WithTx or ReadOnly
	label     *label
	unsettled bool // in root: an earlier run may be committed
	pipelined bool // on a server, in root: see Pipelined
	view      bool // for reading only

	// Guarded by conn.mu.
	done       bool
	evicted    bool // removed from its group while its closure ran
	deferred   bool // PRAGMA defer_foreign_keys was on when it began
	lentEnding bool // the closure has returned, so ending a lent *sql.Tx does nothing
	lent       *lent
	top        *txn      // in root: the innermost open savepoint
	dropped    error     // in root: why SQLite dropped the transaction
	met        *busyMark // in root: set once a statement was busy
	hooks      []Hook
	undo       []rollbackHook
	broken     error // why this savepoint can only be rolled back, on a server
}

// newTxn makes the txn of a transaction that has begun on c, and the context
// its closure gets. Outer is the current one of ctx, which may take a walk to find.
func (co *core) newTxn(ctx context.Context, outer *txn, c *conn, l *label, write bool) (*txn, context.Context) {
	t := &txn{core: co, conn: c, call: ctx, label: l, view: !write, outer: outer}
	t.root, t.top = t, t
	if write { // a reader's holder is noted where its snapshot begins
		c.setHolder(l, monotonic())
	}
	return t, t.ctx()
}

// newChild makes the txn of what runs inside t, and the context its closure gets.
func (t *txn) newChild(ctx context.Context, l *label) *txn {
	return &txn{core: t.core, conn: t.conn, root: t.root, parent: t, outer: currentTxn(ctx), call: ctx, label: l}
}

type contextKey struct{}

// A closureContext is a txn as the context of its closure.
type closureContext txn

func (c *closureContext) Deadline() (time.Time, bool) { return c.call.Deadline() }
func (c *closureContext) Done() <-chan struct{}       { return c.call.Done() }
func (c *closureContext) Err() error                  { return c.call.Err() }

func (c *closureContext) Value(key any) any {
	if key == (contextKey{}) {
		return (*txn)(c)
	}
	return c.call.Value(key)
}

// ctx is the closure's context.
func (t *txn) ctx() context.Context { return (*closureContext)(t) }

// currentTxn is the innermost transaction of any manager that ctx comes from.
func currentTxn(ctx context.Context) *txn {
	t, _ := ctx.Value(contextKey{}).(*txn)
	return t
}

// innermostTxn is the innermost transaction of this manager that ctx comes from.
func (co *core) innermostTxn(ctx context.Context) *txn { return co.innermostOf(currentTxn(ctx)) }

// innermostOf is the innermost transaction of this manager among t and those around it.
func (co *core) innermostOf(t *txn) *txn {
	for ; t != nil; t = t.outer {
		if t.core == co {
			return t
		}
	}
	return nil
}

// checkUsable is called before every statement, in the same critical section.
func (t *txn) checkUsable(ctx context.Context, query string) error {
	if t.hasEnded() {
		return t.endedError("query", query)
	}
	if t.root.dropped != nil || t.root.top.broken != nil || !t.conn.inTransaction() {
		return t.abortedError("query", query)
	}
	t.conn.startText(t.view, query)
	err := ctx.Err()
	if err == nil && ctx != t.ctx() {
		err = t.call.Err()
		ctx = t.call
	}
	if err != nil {
		name, _ := queryName(query)
		return contextError(ctx, "query", name, t.label.String())
	}
	return nil
}

// hasEnded reports whether t or a transaction around it has ended. The caller
// holds the connection's mu.
func (t *txn) hasEnded() bool {
	for ; t != nil; t = t.parent {
		if t.done {
			return true
		}
	}
	return false
}

// isWithin reports whether t is outer, or nested in it at any depth.
func (t *txn) isWithin(outer *txn) bool {
	for ; t != nil; t = t.parent {
		if t == outer {
			return true
		}
	}
	return false
}

// statementError wraps the error of a statement that ran under ctx, and notes whether
// SQLite dropped the transaction with it.
func (t *txn) statementError(ctx context.Context, op, query string, err error) error {
	name, _ := queryName(query)
	t.conn.noteLost(err)
	switch e := t.conn.denied; {
	case e != nil:
		if inner := (*Error)(nil); errors.As(err, &inner) { // of preparing
			err = inner.Err
		}
		e.Op, e.Query, e.Label, e.Err = op, name, t.label.String(), err
		t.conn.denied, err = nil, e
	case isInterrupt(err):
		if own := t.cancelError(ctx, op, query); own != nil {
			err = own
		}
	}
	err = t.markBusy(wrap(op, name, t.label.String(), err))
	if own, ok := err.(*Error); ok && own.Label == "" { // of preparing
		named := *own
		named.Label = t.label.String()
		err = &named
	}
	explainVacuum(err)
	if t.root.dropped == nil && !t.conn.inTransaction() {
		t.root.dropped = err
	}
	if s := t.conn.server; s != nil && s.Failed() {
		t.root.failedOnServer(err)
	}
	return err
}

// dropOuter wraps the error of a savepoint's own statement. After it, it is
// unknown which savepoints are open, so the whole transaction must be rolled
// back.
func (t *txn) dropOuter(op string, err error) error {
	busy := isInProgress(err)
	err = t.statementError(t.call, op, "", err)
	if busy {
		err = &Error{Op: op, Label: t.label.String(), Kind: ErrUnsupported, Err: err,
			Detail: "rows of a statement that writes (RETURNING) are still open around it; read them to the end or close them first"}
	}
	if t.root.dropped == nil {
		t.root.dropped = err
	}
	return err
}

func (t *txn) endedError(op, query string) error {
	name, _ := queryName(query)
	return &Error{Op: op, Query: name, Label: t.label.String(), Kind: ErrTxDone, Detail: "queries and rows end with their closure"}
}

func (t *txn) abortedError(op, query string) error {
	name, _ := queryName(query)
	return &Error{Op: op, Query: name, Label: t.label.String(), Kind: ErrTxAborted, Err: cmp.Or(t.root.dropped, t.root.top.broken)}
}
