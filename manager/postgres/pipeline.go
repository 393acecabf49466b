package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stakeledger/stakeledger/manager/internal/engine"
)

// A message is a statement on its way to the server.
type message struct {
	name    string // of the statement that the server keeps prepared, or none
	text    string
	query   string // what sqlc calls it, if it may fail in the place of another
	values  [][]byte
	formats []int16
}

// Bounds of what waits for the next statement.
const (
	maxPending      = 256
	maxPendingBytes = 256 << 10
)

// wait puts m before the next statement, with which it goes.
func (c *conn) wait(m message) error {
	c.pending = append(c.pending, m)
	for _, v := range m.values {
		c.pendingBytes += len(v)
	}
	if len(c.pending) < maxPending && c.pendingBytes < maxPendingBytes {
		return nil
	}
	_, err := c.exchange(context.Background())
	return err
}

// forget drops what has not been sent. It reports whether anything has been.
func (c *conn) forget() (sent bool) {
	c.pending, c.pendingBytes, c.begins, c.doomed = nil, 0, 0, false
	return c.pc.TxStatus() != 'I'
}

// A failure is the error of one of several messages.
type failure struct {
	at  int
	err error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// exchange sends what waits and messages, all at once, and returns the answers
// to messages. The first that fails ends the transaction, and the server skips
// the others; those before it are returned too.
func (c *conn) exchange(ctx context.Context, messages ...message) ([]*pgconn.Result, error) {
	waited := len(c.pending)
	all := append(c.pending, messages...)
	c.pending, c.pendingBytes, c.begins = nil, 0, 0
	results, err := c.sendAll(ctx, all)
	var f *failure
	if errors.As(err, &f) && 0 <= f.at && f.at < waited {
		if e, ok := c.classify(f.err).(*engine.Error); ok {
			e.Query = all[f.at].query
			return nil, &failure{f.at - waited, e}
		}
	}
	if err != nil {
		return results[min(waited, len(results)):], &failure{f.at - waited, f.err}
	}
	return results[waited:], nil
}

// sendAll sends all messages and reads their answers. Its error is a *failure.
func (c *conn) sendAll(ctx context.Context, all []message) ([]*pgconn.Result, error) {
	if c.pc.IsClosed() {
		return nil, &failure{-1, errLost}
	}
	p := c.pc.StartPipeline(ctx)
	for _, m := range all {
		if m.name != "" {
			p.SendQueryPrepared(m.name, m.values, m.formats, nil)
		} else {
			p.SendQueryParams(m.text, m.values, nil, m.formats, nil)
		}
	}
	results := make([]*pgconn.Result, 0, len(all))
	err := p.Sync()
	for err == nil && len(results) < len(all) {
		var answer any
		if answer, err = p.GetResults(); err != nil {
			break
		}
		reader, ok := answer.(*pgconn.ResultReader)
		if !ok {
			err = errLost
			break
		}
		r := reader.Read()
		if r.FieldDescriptions == nil { // of a result without rows pgconn leaves the columns out
			r.FieldDescriptions = slices.Clone(reader.FieldDescriptions())
		}
		if err = r.Err; err == nil {
			results = append(results, r)
		}
	}
	if endErr := p.Close(); err == nil {
		err = endErr
	}
	if err != nil {
		return results, &failure{len(results), err}
	}
	return results, nil
}

// errLost is the error of a connection that ended without a word of the server.
var errLost = errors.New("the connection is lost")
