package manager

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// A Tracer is called when an operation begins, in the goroutine that runs it. The
// function that it returns is called with the operation's error, or nil, when it
// has ended. The context that it returns is passed to the closure of a
// transaction; for a statement it is not used. It must be safe for concurrent use
// and quick, since statements wait for it. It is called without a lock and may
// use the database. When it panics as a transaction begins, or around a
// statement, that is the caller's or the closure's panic; when a transaction ends
// it is logged, since the answer stands.
type Tracer func(ctx context.Context, op Operation) (context.Context, func(error))

// Operation describes an operation to a [Tracer].
type Operation struct {
	Kind OperationKind
	// Label is the transaction's, by default the name of the calling function.
	Label string
	// Query is the sqlc name of a statement, empty for a transaction and for SQL
	// without a name. SQL and arguments are not passed.
	Query string
}

// OperationKind says what an operation is.
type OperationKind string

// The kinds of operations.
const (
	OperationWrite     OperationKind = "write"     // WithTx, from the call to its answer: queueing, running again and COMMIT included
	OperationRead      OperationKind = "read"      // ReadOnly, the wait for a reader included
	OperationSavepoint OperationKind = "savepoint" // WithTx inside WithTx
	OperationView      OperationKind = "view"      // ReadOnly inside a transaction
	OperationStatement OperationKind = "statement" // a statement, to the closing of its rows
)

// errUnfinished is the error of an operation whose closure panicked or ended
// its goroutine.
var errUnfinished = errors.New("the closure did not return")

// traceTransaction calls the tracer for a transaction. The caller must defer the
// function it returns, with the transaction's error; it is nil without a tracer.
func (co *core) traceTransaction(ctx context.Context, kind OperationKind, l *label) (context.Context, func(error)) {
	if co.cfg.trace == nil {
		return ctx, nil
	}
	ctx, end := co.cfg.trace(ctx, Operation{Kind: kind, Label: l.String()})
	if end == nil {
		return ctx, nil
	}
	return ctx, func(err error) {
		defer func() { // the transaction has ended, and its answer stands
			if value := recover(); value != nil {
				co.cfg.logStray("tracer did not return", &strayError{fmt.Sprintf("panic: %v", value), string(debug.Stack())})
			}
		}()
		end(err)
	}
}

// traceStatement does the same for a statement.
func (t *txn) traceStatement(ctx context.Context, query string) func(error) {
	if t.core.cfg.trace == nil {
		return nil
	}
	name, _ := queryName(query)
	_, end := t.core.cfg.trace(ctx, Operation{Kind: OperationStatement, Label: t.label.String(), Query: name})
	return end
}
