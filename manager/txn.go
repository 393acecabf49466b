package manager

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"strings"
	"time"
)

// DBTX is what sqlc's generated code calls. It also runs raw SQL inside a
// transaction, guarded in the same way: let your newTx keep the one it is
// given. Statements that would end or open a transaction are refused. All
// methods may be called from several goroutines; they run one after the other.
type DBTX interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

var errNoPrepare = &Error{
	Op: "prepare", Kind: ErrUnsupported,
	Detail: "statements are kept prepared by the manager; make queries with New, not with Prepare",
}

// A txn is a transaction, or a savepoint or view inside one, as its closure
// sees it. It is the DBTX of the closure's query sets.
type txn struct {
	core      *core
	conn      *conn
	root      *txn // the transaction itself
	parent    *txn
	outer     *txn            // the transaction of another manager whose closure this runs in
	ctx       context.Context // the closure's
	own       closureContext  // what ctx points to
	label     *label
	write     bool // on the writer's connection
	unsettled bool // in root: an earlier run may be committed
	pipelined bool // on a server, in root: see Pipelined
	view      bool // for reading only

	// Guarded by conn.mu.
	done           bool
	evicted        bool // removed from its group while its closure ran
	top            *txn // in root: the innermost open savepoint
	lent           []*sql.Tx
	lentEnding     bool      // the closure has returned, so ending a lent *sql.Tx does nothing
	lentRolledBack error     // why the closure's transaction cannot commit, or nil
	dropped        error     // in root: why SQLite dropped the transaction
	met            *busyMark // in root: set once a statement was busy
	hooks          []Hook
	undo           []rollbackHook
	broken         error // why this savepoint can only be rolled back, on a server
	deferred       bool  // PRAGMA defer_foreign_keys was on when it began
}

// newTxn makes the txn of a transaction that has begun on c, and the context
// its closure gets. Outer is the current one of ctx, which may take a walk to find.
func (co *core) newTxn(ctx context.Context, outer *txn, c *conn, l *label, write bool) (*txn, context.Context) {
	t := &txn{core: co, conn: c, label: l, write: write, view: !write, outer: outer}
	t.root, t.top = t, t
	if write { // a reader's holder is noted where its snapshot begins
		c.setHolder(l, monotonic())
	}
	return t, t.bindContext(ctx)
}

// newChild makes the txn of what runs inside t, and the context its closure gets.
func (t *txn) newChild(ctx context.Context, l *label) *txn {
	n := &txn{core: t.core, conn: t.conn, root: t.root, parent: t, outer: currentTxn(ctx), label: l, write: true}
	n.bindContext(ctx)
	return n
}

type contextKey struct{}

// A closureContext is the context of a closure, one allocation with its txn.
type closureContext struct {
	context.Context
	txn *txn
}

func (c *closureContext) Value(key any) any {
	if key == (contextKey{}) {
		return c.txn
	}
	return c.Context.Value(key)
}

// bindContext makes the context of t's closure from that of the call.
func (t *txn) bindContext(ctx context.Context) context.Context {
	t.own = closureContext{ctx, t}
	t.ctx = &t.own
	return t.ctx
}

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
	if err == nil && ctx != t.ctx {
		err = t.ctx.Err()
		ctx = t.ctx
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
	err = t.statementError(t.ctx, op, "", err)
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

// ExecContext runs statements that return no rows. See [DBTX].
func (t *txn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	values, bindErr := bindArgs(args)
	defer values.release()
	end := t.traceStatement(ctx, query)
	t.conn.mu.Lock()
	defer t.conn.unlock()
	began := monotonic()
	result, err := t.exec(ctx, query, values, bindErr)
	t.reportStatement(query, monotonic()-began, end, err)
	return result, err
}

// exec is ExecContext while holding the connection's mu.
func (t *txn) exec(ctx context.Context, query string, args boundArgs, bindErr error) (driver.Result, error) {
	s, err := t.acquireFor(ctx, "exec", query, &args, bindErr)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return driver.RowsAffected(0), nil
	}
	defer s.release()
	began := monotonic()
	var result driver.Result
	if t.defers(s) {
		result, err = t.conn.execDeferred(s, args)
	} else {
		result, err = t.conn.exec(t.driverContext(ctx, 0), s, args)
	}
	s.countRun(monotonic()-began, err)
	if err != nil {
		return nil, t.statementError(ctx, "exec", query, err)
	}
	return result, nil
}

// acquireFor returns the statement of query, which the caller must release. If a raw text has several statements,
// it runs all but the last and returns that one, with its arguments left in args. For an empty text to execute it
// is nil.
func (t *txn) acquireFor(ctx context.Context, op, query string, args *boundArgs, bindErr error) (*stmt, error) {
	t.label.findCaller()
	if err := t.checkUsable(ctx, query); err != nil {
		return nil, err
	}
	if s := t.conn.keptStmt(query); s != nil && !s.busy && bindErr == nil && (s.readonly || !t.view) { // the usual case
		s.busy = true
		return s, nil
	}
	name, command := queryName(query)
	if bindErr != nil { // which says nothing about the connection
		return nil, wrap("bind arguments of", name, t.label.String(), bindErr)
	}
	if name != "" || t.conn.stmts[query] != nil {
		return t.acquirePermitted(ctx, op, query, func() (*stmt, error) { return t.conn.acquire(query, name, command) })
	}
	list, err := t.conn.readWhole(query, "")
	switch {
	case err != nil:
	case len(list) == 0 && op == "exec" && len(args.values) == 0:
		return nil, nil
	case len(list) == 0:
		err = errNoStatement("")
	case len(list) > 1:
		err = args.checkFor(list)
	}
	if err != nil {
		return nil, t.statementError(ctx, op, query, err)
	}
	last := len(list) - 1
	for _, statement := range list[:last] {
		if _, err := t.exec(ctx, statement, args.takeFor(statement), nil); err != nil {
			return nil, err
		}
	}
	t.conn.startText(t.view, list[last])
	return t.acquirePermitted(ctx, op, query, func() (*stmt, error) { return t.conn.acquireRaw(list[last]) })
}

// acquirePermitted acquires a statement that t may run.
func (t *txn) acquirePermitted(ctx context.Context, op, query string, acquire func() (*stmt, error)) (*stmt, error) {
	s, err := acquire()
	if err != nil {
		return nil, t.statementError(ctx, op, query, err)
	}
	name, _ := queryName(query)
	if t.view && !s.readonly && !t.conn.pragma { // SQLite calls a PRAGMA a write even if it only reads
		s.release()
		return nil, &Error{Op: op, Query: name, Label: t.label.String(), Kind: ErrReadOnly, Detail: "write inside ReadOnly; use WithTx"}
	}
	return s, nil
}

// query runs a query to its first row; one says that the caller reads no other
// row.
func (t *txn) query(ctx context.Context, query string, args []any, one bool) (*rows, *view, error) {
	values, bindErr := bindArgs(args)
	defer values.release()
	end := t.traceStatement(ctx, query)
	t.conn.mu.Lock()
	defer t.conn.unlock()
	s, err := t.acquireFor(ctx, "query", query, &values, bindErr)
	if err != nil {
		t.reportStatement(query, 0, end, err)
		return nil, nil, err
	}
	r, err := t.openRows(ctx, s, query, values, one, end)
	if err != nil {
		return nil, nil, t.statementError(ctx, "query", query, err)
	}
	return r, r.view, nil
}

// QueryContext runs a query. See [DBTX].
func (t *txn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	r, view, err := t.query(ctx, query, args, false)
	if err != nil {
		return nil, err
	}
	return r.asSQLRows(view)
}

// QueryRowContext runs a query for one row; its error comes with Scan. See [DBTX].
func (t *txn) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	r, view, err := t.query(ctx, query, args, true)
	if err != nil {
		return t.conn.refuseRow(err)
	}
	return r.asSQLRow(view)
}

// PrepareContext always fails, since a prepared statement would bypass the
// guards.
func (t *txn) PrepareContext(context.Context, string) (*sql.Stmt, error) {
	return nil, errNoPrepare
}

// prepare checks that SQLite accepts query in t.
func (t *txn) prepare(ctx context.Context, query string) error {
	t.conn.mu.Lock()
	defer t.conn.unlock()
	if err := t.checkUsable(ctx, query); err != nil {
		return err
	}
	name, _ := queryName(query)
	list, err := t.conn.readWhole(query, name)
	if err == nil && len(list) == 0 {
		err = errNoStatement(name)
	}
	if err == nil {
		var s *stmt
		if s, err = t.conn.newStmt(query, name); err == nil {
			s.close()
			return nil
		}
	}
	return t.statementError(ctx, "prepare", query, err)
}

// epoch makes monotonic read only the monotonic clock, which takes half as long
// as time.Now.
var epoch = time.Now()

func monotonic() time.Duration { return time.Since(epoch) }

// reportStatement reports the end of a statement, once the connection's mu is free: to
// the tracer, and to the log if it was slow.
func (t *txn) reportStatement(query string, elapsed time.Duration, end func(error), err error) {
	c, limit := t.conn, t.core.cfg.slowQuery
	if end != nil {
		c.late = append(c.late, func() { end(err) })
	}
	if limit > 0 && elapsed >= limit {
		name, _ := queryName(query)
		c.logLater(slog.LevelWarn, "slow query", slog.String("query", name), slog.String("label", t.label.String()), slog.Duration("elapsed", elapsed))
	}
}

// queryName reads the name and the command of an sqlc query from its first
// line, "-- name: InsertPosition :one". Other SQL has none.
func queryName(query string) (name, command string) {
	const prefix = "-- name: "
	if !strings.HasPrefix(query, prefix) {
		return "", ""
	}
	line, _, _ := strings.Cut(query[len(prefix):], "\n")
	name, command, _ = strings.Cut(line, " ")
	return name, command
}
