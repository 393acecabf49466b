package manager

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/stakeledger/stakeledger/manager/internal/engine"
)

// readers is a pool of read-only connections, opened when they are first
// needed. Waiting readers are served in order: a channel's receivers are a queue.
type readers struct {
	core     *core
	standby  engine.Database // nil: they read from core's own
	places   chan struct{}   // holds a token for each further transaction that may begin
	mu       sync.Mutex      // guards all and idle, which change with every transaction
	all      []*conn
	idle     []*conn       // the most recently used last, since its cache is warm
	closing  chan struct{} // closed when the pool closes
	stopped  sync.Once
	lockless map[*conn]fileTraces // the connections that take no locks; guarded by mu
	drained  int                  // places that drain has taken; guarded by core.closing.turn
}

func newReaders(co *core, most int) *readers {
	p := &readers{core: co, places: make(chan struct{}, most), closing: make(chan struct{})}
	for range most {
		p.places <- struct{}{}
	}
	return p
}

// run runs a ReadOnly closure in a snapshot.
func (p *readers) run(ctx context.Context, outer *txn, l *label, pinned bool, run closure) error {
	if ctx.Err() != nil {
		return contextError(ctx, "begin snapshot", "", l.String())
	}
	if err := p.takePlace(ctx, l); err != nil {
		return err
	}
	var c *conn
	defer func() { p.returnPlace(c) }()
	retry := retrier{env: &p.core.env, label: l, op: "read"}
	for {
		var again bool
		var err error
		if c, err = p.liveConn(c); err == nil {
			again, err = p.runInSnapshot(ctx, outer, c, l, pinned, run)
		} else {
			again, err = isBusy(err), wrap("begin snapshot", "", l.String(), err)
		}
		if !again {
			return err
		}
		if err := retry.wait(ctx, err); err != nil {
			return err
		}
	}
}

// lease begins a snapshot that outlives the call. The caller releases it.
func (p *readers) lease(ctx context.Context, l *label) (*txn, error) {
	if err := contextError(ctx, "begin snapshot", "", l.String()); err != nil {
		return nil, err
	}
	if err := p.takePlace(ctx, l); err != nil {
		return nil, err
	}
	c, err := p.liveConn(nil)
	if err == nil {
		err = p.beginSnapshot(c, l, false)
	}
	if err != nil {
		p.returnPlace(c)
		return nil, wrap("begin snapshot", "", l.String(), err)
	}
	t, _ := p.core.newTxn(ctx, currentTxn(ctx), c, l, false)
	return t, nil
}

// release ends a snapshot that lease began.
func (p *readers) release(t *txn) {
	_ = p.endSnapshot(t)
	p.returnPlace(t.conn)
}

// takePlace waits for a place, no longer than the retry budget.
func (p *readers) takePlace(ctx context.Context, l *label) error {
	select {
	case <-p.closing:
		return &Error{Op: "begin snapshot", Label: l.String(), Kind: ErrClosed}
	default:
	}
	select {
	case <-p.places:
		return nil
	default:
	}
	began := time.Now()
	timer := time.NewTimer(p.core.cfg.retryBudget)
	defer timer.Stop()
	select {
	case <-p.places:
		p.core.stats.readWait.Add(int64(time.Since(began)))
		return nil
	case <-ctx.Done():
		return contextError(ctx, "wait for a reader", "", l.String())
	case <-p.closing:
		return &Error{Op: "begin snapshot", Label: l.String(), Kind: ErrClosed}
	case <-timer.C:
		return &Error{Op: "wait for a reader", Label: l.String(), Waited: time.Since(began), Kind: ErrBusy,
			Detail: "every reader is taken: " + p.holderLabels() + "; shorten the reads or raise WithReaders"}
	}
}

// returnPlace returns the place, and c, which may be nil, to the pool.
func (p *readers) returnPlace(c *conn) {
	if c != nil {
		c.holder.Store(nil)
		p.mu.Lock()
		p.idle = append(p.idle, c)
		p.mu.Unlock()
	}
	p.places <- struct{}{}
}

// conns are the connections that are open, idle or not.
func (p *readers) conns() []*conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.all)
}

// liveConn returns c, or an idle connection if c is nil; if that one is
// unusable, it is replaced by a new one. With an error it returns the unusable
// one, for the next caller to retry.
func (p *readers) liveConn(c *conn) (*conn, error) {
	if c == nil {
		c = p.takeIdle()
	}
	if c != nil && !c.isUnusable() {
		return c, nil
	}
	if c != nil {
		_ = c.close()
		if p.core.writer == nil && p.core.server == nil && !p.core.holdsFile() {
			p.core.file.forgetLog()
		}
	}
	fresh, err := p.openReader(context.Background())
	if err != nil {
		return c, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if c != nil {
		fresh.stats = c.stats
		p.all[slices.Index(p.all, c)] = fresh
	} else {
		p.all = append(p.all, fresh)
	}
	return fresh, nil
}

// holdsFile reports whether a reader's connection is open, and so keeps the log
// and the index: the last connection that closes removes them.
func (co *core) holdsFile() bool {
	return slices.ContainsFunc(co.readConns(), func(c *conn) bool {
		if !c.mu.TryLock() { // it is in use
			return true
		}
		defer c.mu.Unlock()
		return !c.closed
	})
}

func (p *readers) takeIdle() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	c := p.idle[last]
	p.idle = p.idle[:last]
	return c
}

// drain takes all places, which waits for the readers. A later call continues
// where one whose context ended stopped.
func (p *readers) drain(ctx context.Context) error {
	for range cap(p.places) - p.drained {
		select {
		case <-p.places:
		default:
			select {
			case <-p.places:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		p.drained++
	}
	return nil
}

func (p *readers) openReader(ctx context.Context) (*conn, error) {
	co := p.core
	if co.server != nil {
		if p.standby == nil {
			return co.openOnServer(ctx, co.server, false)
		}
		ctx, cancel := context.WithTimeout(ctx, standbyConnect)
		defer cancel()
		return co.openOnServer(ctx, p.standby, false)
	}
	if err := co.file.check(); err != nil {
		return nil, movedAt("open", nil, err)
	}
	c, err := p.openShared(ctx)
	if co.writer == nil && cannotShare(err) {
		if alone, aloneErr := p.openLockless(ctx); aloneErr == nil {
			return alone, nil
		}
	}
	return c, movedAt("open", nil, err)
}

// openShared opens a connection with locks and shared memory.
func (p *readers) openShared(ctx context.Context) (*conn, error) {
	co := p.core
	c, err := openConn(ctx, &co.cfg, fileDSN(co.path, "ro"), beginRead, readerPragmas())
	if err != nil {
		return nil, err
	}
	if co.writer == nil { // there may be no other connection of this manager that keeps the log from being removed
		if _, err = readPragma(c.raw, "schema_version"); err == nil && len(co.readConns()) <= 1 {
			err = co.file.rememberIDs(false)
		} else if err == nil {
			err = co.file.check()
		}
	} else {
		err = co.file.check()
	}
	if err != nil {
		_ = c.close()
		return nil, wrap("open", "", "", err)
	}
	return c, nil
}

// holderLabels names the transactions that the readers serve now.
func (p *readers) holderLabels() string { return holderLabels(p.conns()) }

// runInSnapshot runs the closure once in a transaction on c. It reports whether it
// may be retried.
func (p *readers) runInSnapshot(ctx context.Context, outer *txn, c *conn, l *label, pinned bool, run closure) (again bool, err error) {
	if err := p.beginSnapshot(c, l, pinned); err != nil {
		return isBusy(err), err
	}
	t, ctx := p.core.newTxn(ctx, outer, c, l, false)
	defer func() {
		lentErr := p.endSnapshot(t)
		if written := p.checkLockless(c, l); written != nil {
			again, err = true, written
			return
		}
		if err == nil {
			err = lentErr
		}
		again = t.canRetry(err)
	}()
	p.core.stats.reads.Add(1)
	return false, run(ctx, t)
}

func (p *readers) beginSnapshot(c *conn, l *label, pinned bool) error {
	if err := p.checkLockless(c, l); err != nil {
		return err
	}
	now := monotonic()
	c.setHolder(l, now)
	c.mu.Lock()
	defer c.unlockContained()
	err := p.core.file.checkRead(now)
	if err != nil {
		return movedAt("begin snapshot", l, err)
	}
	err = c.runControl(c.begin)
	if err == nil && pinned {
		err = c.runControl(c.pin)
	}
	if err != nil {
		p.endSnapshotOn(c)
		err = wrap("begin snapshot", "", l.String(), err)
	}
	return err
}

// endSnapshot ends the snapshot of t. Its error is that a *sql.Tx which t had lent
// was rolled back.
func (p *readers) endSnapshot(t *txn) (err error) {
	c := t.conn
	c.mu.Lock()
	defer c.unlockContained()
	if lent := t.stopLending(); lent != nil {
		c.unlockContained()
		err = lent.end()
		c.mu.Lock()
	}
	t.invalidate()
	p.endSnapshotOn(c)
	return err
}

// endSnapshotOn ends the snapshot on c. If that fails it closes the connection,
// since the snapshot would keep the write-ahead log; liveConn opens another one. The
// caller holds the connection's mu.
func (p *readers) endSnapshotOn(c *conn) {
	if c.lost {
		_ = c.closeLocked()
		return
	}
	var err error
	for _, s := range []*stmt{c.commit, c.rollback, c.rollback} {
		if !c.inTransaction() {
			return
		}
		err = c.runControl(s)
	}
	if c.inTransaction() {
		c.logLater(slog.LevelError, "a snapshot could not be ended, replacing the connection", slog.Any("error", err))
		_ = c.closeLocked()
	}
}
