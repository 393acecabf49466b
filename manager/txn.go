package manager

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"strings"
	"time"
)

// DBTX is what sqlc's generated code calls, and the guarded way to raw SQL
// inside a transaction: let your newTx keep the one it is given. Statements
// that would end or open a transaction are refused. All methods may be called
// from several goroutines; they run one after the other.
type DBTX interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

var errNoPrepare = &Error{
	Op: "prepare", Kind: ErrUnsupported,
	Detail: "statements are kept prepared by the manager; generate without emit_prepared_queries",
}

// A txn is a transaction, or a savepoint or view inside one, as its closure
// sees it. It is the DBTX of the closure's query sets.
type txn struct {
	core   *core
	conn   *conn
	root   *txn // the transaction itself
	parent *txn
	outer  *txn // the transaction of another manager whose closure this runs in
	ctx    context.Context
	label  *label
	write  bool // on the writer's connection
	view   bool // for reading only

	// Guarded by conn.mu.
	done           bool
	evicted        bool // taken out of its group while its closure ran
	top            *txn // in root: the innermost open savepoint
	lent           []*sql.Tx
	lentEnding     bool      // the closure has returned: what ends now ends nothing
	lentRolledBack error     // why the closure's transaction cannot commit, or nil
	dropped        error     // in root: why SQLite dropped the transaction
	met            *busyMark // in root: set once a statement met what waiting cures
	hooks          []Hook
	deferred       bool // PRAGMA defer_foreign_keys was on when it began
}

// begin makes the txn of a transaction that has begun on c, and the context
// its closure gets.
func (co *core) begin(ctx context.Context, c *conn, l *label, write bool) (*txn, context.Context) {
	t := &txn{core: co, conn: c, label: l, write: write, view: !write, outer: current(ctx)}
	t.root, t.top = t, t
	c.hold(l, time.Now())
	t.ctx = context.WithValue(ctx, contextKey{}, t)
	return t, t.ctx
}

// child makes the txn of what runs inside t, and the context its closure gets.
func (t *txn) child(ctx context.Context, l *label) *txn {
	n := &txn{core: t.core, conn: t.conn, root: t.root, parent: t, outer: current(ctx), label: l, write: true}
	n.ctx = context.WithValue(ctx, contextKey{}, n)
	return n
}

type contextKey struct{}

// current is the innermost transaction of any manager that ctx comes from.
func current(ctx context.Context) *txn {
	t, _ := ctx.Value(contextKey{}).(*txn)
	return t
}

// within is the innermost transaction of this manager that ctx comes from.
func (co *core) within(ctx context.Context) *txn {
	for t := current(ctx); t != nil; t = t.outer {
		if t.core == co {
			return t
		}
	}
	return nil
}

// check is asked before every statement, in one critical section with it.
func (t *txn) check(ctx context.Context, query string) error {
	if t.ended() {
		return t.endedError("query", query)
	}
	if t.root.dropped != nil || t.conn.raw.AutoCommit() {
		return t.abortedError("query", query)
	}
	t.conn.ask(t.view, query)
	err := ctx.Err()
	if err == nil && ctx != t.ctx {
		err = t.ctx.Err()
		ctx = t.ctx
	}
	if err != nil {
		name, _ := queryName(query)
		return ended(ctx, "query", name, t.label.String())
	}
	return nil
}

// ended reports whether t or a transaction around it has ended. The caller
// holds the connection's mu.
func (t *txn) ended() bool {
	for ; t != nil; t = t.parent {
		if t.done {
			return true
		}
	}
	return false
}

// inside reports whether t is outer, or nested in it at any depth.
func (t *txn) inside(outer *txn) bool {
	for ; t != nil; t = t.parent {
		if t == outer {
			return true
		}
	}
	return false
}

// permit refuses writes in a view. What would begin or end a transaction SQLite
// itself refuses (see conn.guard).
func (t *txn) permit(s *stmt, query string) error {
	readonly := true
	switch {
	case s != nil:
		readonly = s.readonly
	}
	if t.view && !readonly {
		name, _ := queryName(query)
		return &Error{Op: "query", Query: name, Label: t.label.String(), Kind: ErrReadOnly, Detail: "write inside ReadOnly; use WithTx"}
	}
	return nil
}

// failed wraps a statement's error and notes whether SQLite dropped the
// transaction with it.
func (t *txn) failed(op, query string, err error) error {
	name, _ := queryName(query)
	t.conn.note(err)
	if e := t.conn.denied; e != nil {
		if inner := (*Error)(nil); errors.As(err, &inner) { // of preparing
			err = inner.Err
		}
		e.Op, e.Query, e.Label, e.Err = op, name, t.label.String(), err
		t.conn.denied, err = nil, e
	} else {
		err = wrap(op, name, t.label.String(), err)
		explainVacuum(err)
		_ = t.mark(err)
	}
	if t.root.dropped == nil && !t.conn.inTransaction() {
		t.root.dropped = err
	}
	return err
}

// doomed wraps the error of a savepoint's own statement. Which savepoints are
// open after it nobody knows, so the transaction around them is given up too.
func (t *txn) doomed(op string, err error) error {
	busy := isInProgress(err)
	err = t.failed(op, "", err)
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
	return &Error{Op: op, Query: name, Label: t.label.String(), Kind: ErrTxAborted, Err: t.root.dropped}
}

// ExecContext runs a statement that returns no rows. See [DBTX].
func (t *txn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	c := t.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := t.check(ctx, query); err != nil {
		return nil, err
	}
	s, err := c.lookup(query)
	if err != nil {
		return nil, t.failed("exec", query, err)
	}
	if err := t.permit(s, query); err != nil {
		return nil, err
	}
	values, err := c.bind(args)
	if err != nil {
		name, _ := queryName(query)
		return nil, wrap("bind arguments of", name, t.label.String(), err)
	}
	end := t.followStatement(ctx, query)
	began := time.Now()
	result, err := c.exec(s, query, values)
	elapsed := time.Since(began)
	if s != nil {
		s.stats.add(elapsed, err)
	}
	if end != nil {
		end(err)
	}
	t.slowQuery(query, elapsed)
	if err != nil {
		return nil, t.failed("exec", query, err)
	}
	return result, nil
}

// QueryContext runs a query. See [DBTX].
func (t *txn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return t.conn.sql.QueryContext(&queryContext{context.Background(), t, ctx}, query, args...)
}

// QueryRowContext runs a query for one row; its error comes with Scan. See [DBTX].
func (t *txn) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return t.conn.sql.QueryRowContext(&queryContext{context.Background(), t, ctx}, query, args...)
}

// PrepareContext always fails: a prepared statement would pass the guards by.
func (t *txn) PrepareContext(context.Context, string) (*sql.Stmt, error) {
	return nil, errNoPrepare
}

// prepare looks whether SQLite accepts query in t.
func (t *txn) prepare(ctx context.Context, query string) error {
	c := t.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := t.check(ctx, query); err != nil {
		return err
	}
	name, _ := queryName(query)
	s, err := c.newStmt(query, name)
	if err != nil {
		return t.failed("prepare", query, err)
	}
	_ = s.Close()
	return nil
}

func (t *txn) slowQuery(query string, elapsed time.Duration) {
	limit := t.core.cfg.slowQuery
	if limit <= 0 || elapsed < limit {
		return
	}
	name, _ := queryName(query)
	t.core.cfg.logger.Warn("slow query", slog.String("query", name), slog.String("label", t.label.String()), slog.Duration("elapsed", elapsed))
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
