package manager

import (
	"context"
	"errors"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// driverContext is the context that the driver gets of a statement that runs
// under ctx. own is how many open rows the statement itself is.
//
// Inside a write transaction an interrupt would drop the transaction or leave
// the caller in doubt, so there the statement always finishes.
func (t *txn) driverContext(ctx context.Context, own int32) context.Context {
	if !t.canEnd(ctx) {
		return context.Background()
	}
	if ctx.Done() == t.root.call.Done() { // they end together, and what watches one sees the other
		return ctx
	}
	return &stepContext{ctx, t.root.call, t.conn, own, make(chan struct{})}
}

// canEnd reports whether a statement that runs under ctx may end before its time.
func (t *txn) canEnd(ctx context.Context) bool {
	return t.root.view && (ctx.Done() != nil || t.call.Done() != nil || t.root.call.Done() != nil)
}

// A stepContext is the context of a statement of a ReadOnly, as the driver sees
// it. An interrupt of SQLite reaches every statement of the connection that has
// begun. So while other rows are open, only the end of the whole ReadOnly
// interrupts; the statement's own context is asked again at its next row.
type stepContext struct {
	statement context.Context
	whole     context.Context // the ReadOnly's
	conn      *conn
	ownRows   int32
	done      chan struct{} // never closed, but not nil, and another one for each
}

// othersAreOpen does not change while the statement runs, since that holds the
// connection's mu.
func (s *stepContext) othersAreOpen() bool { return s.conn.reading.Load() > s.ownRows }

func (s *stepContext) Deadline() (time.Time, bool) { return time.Time{}, false }
func (s *stepContext) Done() <-chan struct{}       { return s.done }
func (s *stepContext) Value(any) any               { return nil }

func (s *stepContext) Err() error {
	if err := s.whole.Err(); err != nil || s.othersAreOpen() {
		return err
	}
	return s.statement.Err()
}

// AfterFunc is what context.AfterFunc calls in place of a goroutine that waits.
func (s *stepContext) AfterFunc(f func()) (stop func() bool) {
	stopWhole := context.AfterFunc(s.whole, f)
	stopOwn := context.AfterFunc(s.statement, func() {
		if !s.othersAreOpen() {
			f()
		}
	})
	return func() bool {
		own := stopOwn()
		return stopWhole() && own
	}
}

// cancelError is the error of a ReadOnly's rows whose context has ended.
func (t *txn) cancelError(ctx context.Context, op, query string) error {
	if !t.root.view || ctx.Err() == nil && t.call.Err() == nil {
		return nil
	}
	name, _ := queryName(query)
	if err := contextError(ctx, op, name, t.label.String()); err != nil {
		return err
	}
	return contextError(t.call, op, name, t.label.String())
}

// isInterrupt reports whether err is what the driver makes of the end of a context.
func isInterrupt(err error) bool {
	var e sqlite3.Error
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &e) && e.Code == sqlite3.ErrInterrupt {
		return true
	}
	s := serverError(err)
	return s != nil && s.Interrupted
}
