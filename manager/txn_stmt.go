package manager

import (
	"context"
	"database/sql"
	"database/sql/driver"
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
	if t.view && !s.readonly && !t.conn.pragma { // SQLite calls a PRAGMA a write even if it only reads
		s.release()
		name, _ := queryName(query)
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
