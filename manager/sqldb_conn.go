package manager

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// A sqlConn is a connection as the *sql.DB of [DB.SQL] sees it. database/sql
// calls it from one goroutine at a time.
type sqlConn struct {
	core *core
	tx   *sqlTx // begun and not ended, or nil
}

var (
	_ driver.ConnBeginTx        = (*sqlConn)(nil)
	_ driver.ConnPrepareContext = (*sqlConn)(nil)
	_ driver.ExecerContext      = (*sqlConn)(nil)
	_ driver.QueryerContext     = (*sqlConn)(nil)
	_ driver.NamedValueChecker  = (*sqlConn)(nil)
	_ driver.Pinger             = (*sqlConn)(nil)
	_ driver.SessionResetter    = (*sqlConn)(nil)
	_ driver.Validator          = (*sqlConn)(nil)
)

func (c *sqlConn) Close() error                       { return nil }
func (c *sqlConn) IsValid() bool                      { return true }
func (c *sqlConn) ResetSession(context.Context) error { return nil }

// CheckNamedValue converts an argument like the queries of a closure do.
func (c *sqlConn) CheckNamedValue(nv *driver.NamedValue) error { return hideBadConn(bindValue(nv)) }

// Ping reads the file once.
func (c *sqlConn) Ping(ctx context.Context) error {
	rows, err := c.QueryContext(ctx, "PRAGMA schema_version", nil)
	if err != nil {
		return err
	}
	return rows.Close()
}

// ExecContext runs a statement in the transaction that is open or ctx belongs to,
// else in one of its own.
func (c *sqlConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if c.tx != nil {
		result, err := c.tx.exec(ctx, query, args)
		return result, hideBadConn(err)
	}
	if t := c.core.innermostTxn(ctx); t != nil {
		result, err := t.ExecContext(ctx, query, anyArgs(args)...)
		return result, hideBadConn(err)
	}
	var result sql.Result
	err := c.core.write(ctx, statementLabel(query), txConfig{}, func(ctx context.Context, t *txn) (err error) {
		result, err = t.ExecContext(ctx, query, anyArgs(args)...)
		return err
	})
	if err != nil {
		return nil, hideBadConn(err)
	}
	return result, nil
}

// QueryContext is ExecContext for a statement that returns rows.
func (c *sqlConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.query(ctx, query, args)
	if err != nil {
		return nil, hideBadConn(err)
	}
	return rows, nil
}

func (c *sqlConn) query(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if c.tx != nil {
		return c.tx.query(ctx, query, args)
	}
	if t := c.core.innermostTxn(ctx); t != nil {
		return t.driverRows(ctx, query, args)
	}
	l, writing := statementLabel(query), &c.core.door.writing
	if err := c.core.refuseOuterContext(ctx, "query", &l); err != nil {
		return nil, err
	}
	if !writing.has(query) {
		rows, err := c.core.door.readers.leaseRows(ctx, &l, query, args)
		if !errors.Is(err, ErrReadOnly) {
			return rows, err
		}
		writing.add(query)
	}
	var buffered *bufferedRows
	err := c.core.write(ctx, l, txConfig{}, func(ctx context.Context, t *txn) error {
		rows, err := t.driverRows(ctx, query, args)
		if err == nil {
			buffered, err = bufferRows(rows, query)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return buffered, nil
}

// driverRows are the rows of a query in t, closed with t at the latest.
func (t *txn) driverRows(ctx context.Context, query string, args []driver.NamedValue) (sealedRows, error) {
	r, _, err := t.query(ctx, query, anyArgs(args), false)
	return sealedRows{r}, err
}

func (c *sqlConn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

func (c *sqlConn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// PrepareContext checks that SQLite accepts query. The connection that later
// runs it keeps it prepared.
func (c *sqlConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	var err error
	switch t := c.core.innermostTxn(ctx); {
	case c.tx != nil:
		err = c.tx.prepare(ctx, query)
	case t != nil:
		err = t.prepare(ctx, query)
	default:
		err = c.core.read(ctx, statementLabel(query), txConfig{}, func(ctx context.Context, t *txn) error {
			return t.prepare(ctx, query)
		})
	}
	if err != nil && !errors.Is(err, ErrReadOnly) {
		return nil, hideBadConn(err)
	}
	return sqlStmt{c, query}, nil
}

// A sqlStmt is a query's text on a connection.
type sqlStmt struct {
	conn  *sqlConn
	query string
}

func (s sqlStmt) Close() error  { return nil }
func (s sqlStmt) NumInput() int { return -1 } // counted when it runs

func (s sqlStmt) Exec([]driver.Value) (driver.Result, error) { return nil, errNoContext }
func (s sqlStmt) Query([]driver.Value) (driver.Rows, error)  { return nil, errNoContext }

func (s sqlStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.conn.ExecContext(ctx, s.query, args)
}

func (s sqlStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.conn.QueryContext(ctx, s.query, args)
}

var errNoContext = errors.New("database/sql calls the methods that take a context")

// anyArgs are args as a transaction's methods take them.
func anyArgs(args []driver.NamedValue) []any {
	values := make([]any, len(args))
	for i, a := range args {
		values[i] = a.Value
		if a.Name != "" {
			values[i] = sql.Named(a.Name, a.Value)
		}
	}
	return values
}

// hideBadConn hides driver.ErrBadConn from database/sql, which would run the
// statement again, although it may have been committed.
func hideBadConn(err error) error {
	if err == nil || !errors.Is(err, driver.ErrBadConn) {
		return err
	}
	return sealedError{err}
}

type sealedError struct{ err error }

func (e sealedError) Error() string { return e.err.Error() }
func (e sealedError) Is(target error) bool {
	return target != driver.ErrBadConn && errors.Is(e.err, target)
}
func (e sealedError) As(target any) bool { return errors.As(e.err, target) }
