package manager

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// readers is the pool of read-only connections. Waiting readers are served in
// order: a channel's receivers are a queue.
type readers struct {
	core    *core
	idle    chan *conn
	mu      sync.Mutex
	all     []*conn       // guarded by mu: a connection may be replaced
	gone    chan struct{} // closed when the pool closes
	stopped sync.Once
}

// read runs a ReadOnly closure in a snapshot.
func (p *readers) read(ctx context.Context, l *label, pinned bool, run closure) error {
	if err := ended(ctx, "begin snapshot", "", l.String()); err != nil {
		return err
	}
	c, err := p.take(ctx, l)
	if err != nil {
		return err
	}
	defer func() { p.give(c) }()
	retry := retrier{core: p.core, label: l, op: "read"}
	for {
		if c, err = p.living(c); err == nil {
			err = p.snapshot(ctx, c, l, pinned, run)
		} else {
			err = wrap("begin snapshot", "", l.String(), err)
		}
		if err == nil || !isBusy(err) {
			return err
		}
		if err := retry.wait(ctx, err); err != nil {
			return err
		}
	}
}

// take lends out a connection, waiting for one no longer than the retry budget.
func (p *readers) take(ctx context.Context, l *label) (*conn, error) {
	select {
	case <-p.gone:
		return nil, &Error{Op: "begin snapshot", Label: l.String(), Kind: ErrClosed}
	default:
	}
	select {
	case c := <-p.idle:
		return c, nil
	default:
	}
	began := time.Now()
	timer := time.NewTimer(p.core.cfg.retryBudget)
	defer timer.Stop()
	select {
	case c := <-p.idle:
		p.core.stats.readWait.Add(int64(time.Since(began)))
		return c, nil
	case <-ctx.Done():
		return nil, ended(ctx, "wait for a reader", "", l.String())
	case <-p.gone:
		return nil, &Error{Op: "begin snapshot", Label: l.String(), Kind: ErrClosed}
	case <-timer.C:
		return nil, &Error{Op: "wait for a reader", Label: l.String(), Waited: time.Since(began), Kind: ErrBusy,
			Detail: "every reader is taken: " + p.holders() + "; shorten the reads or raise WithReaders"}
	}
}

func (p *readers) give(c *conn) {
	c.holder.Store(nil)
	p.idle <- c
}

// conns are the connections, idle or not.
func (p *readers) conns() []*conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.all)
}

// living returns c, or if it is gone another one in its place. With an error it
// returns c as it is, for the next caller to try.
func (p *readers) living(c *conn) (*conn, error) {
	if !c.gone() {
		return c, nil
	}
	_ = c.close()
	fresh, err := p.open(context.Background())
	if err != nil {
		return c, err
	}
	fresh.stats = c.stats
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all[slices.Index(p.all, c)] = fresh
	return fresh, nil
}

func (p *readers) open(ctx context.Context) (*conn, error) {
	return openConn(ctx, &p.core.cfg, dsn(p.core.path, "ro"), "BEGIN", readerPragmas())
}

// holders names the transactions that the readers serve now.
func (p *readers) holders() string { return holders(p.conns()) }

// snapshot is one try of the closure in a transaction on c.
func (p *readers) snapshot(ctx context.Context, c *conn, l *label, pinned bool, run closure) error {
	if err := p.begin(c, l, pinned); err != nil {
		return err
	}
	t, ctx := p.core.begin(ctx, c, l, false)
	defer p.end(t)
	p.core.stats.reads.Add(1)
	return run(ctx, t)
}

func (p *readers) begin(c *conn, l *label, pinned bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.control(c.begin)
	if err == nil && pinned {
		err = c.control(c.pin)
	}
	if err != nil {
		p.endOn(c)
	}
	return wrap("begin snapshot", "", l.String(), err)
}

// end gives the snapshot back, however its closure ended.
func (p *readers) end(t *txn) {
	c := t.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	t.close()
	p.endOn(c)
}

// endOn ends the snapshot on c. A connection that would keep it, and with it
// the write-ahead log, is closed; living opens another one. The caller holds
// the connection's mu.
func (p *readers) endOn(c *conn) {
	var err error
	for _, s := range []*stmt{c.commit, c.rollback, c.rollback} {
		if !c.inTransaction() {
			return
		}
		err = c.control(s)
	}
	if c.inTransaction() {
		p.core.cfg.logger.Error("a snapshot could not be ended, replacing the connection", slog.Any("error", err))
		_ = c.closeLocked()
	}
}
