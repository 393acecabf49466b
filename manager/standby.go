package manager

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stakeledger/stakeledger/manager/internal/engine"
)

const (
	standbyWait    = 100 * time.Millisecond // for a reader, and for the standby to replay what it must
	standbyConnect = time.Second            // to open a connection
	standbyRest    = time.Second            // after it did not serve
	standbyQuiet   = time.Minute            // between two warnings, however often it comes and goes
)

// A standby serves reads that may be stale, as long as it has replayed the log of
// the primary to where this process knows it. All methods work on nil, which is
// no standby.
type standby struct {
	core    *core
	readers *readers
	seen    atomic.Uint64 // how far it must have replayed: the log at Open, and every commit that was answered since
	lacking atomic.Int64  // commits whose position is not known, until a connection that writes is opened
	rests   atomic.Int64  // until when it is not asked again, by monotonic

	mu       sync.Mutex
	database string        // of the primary
	away     bool          // it has not served since that was logged
	quiet    time.Duration // until when nothing more is logged, by monotonic
}

// WithStandby has reads that may be stale ([MayBeStale]) served by the standby at
// url, of the server whose database is opened. It may be unreachable, also at
// Open: while it is, is too far behind, or is no standby of that database, the
// primary serves, and one warning says so. SQLite has none (ErrUnsupported).
// Default: none.
func WithStandby(url string) Option { return func(c *config) { c.standby = url } }

// MayBeStale lets a standby serve a ReadOnly (see [WithStandby]), in a snapshot
// that has at least what there was at Open and all that this process has committed
// before the call. It may lack what other processes have committed since, and so
// show less than an earlier read. If the standby does not get so far within 100 ms,
// or is lost while it reads, the primary serves, and the closure may run again
// there. Inside another transaction, without a standby and on SQLite the option
// means nothing.
func MayBeStale() TxOption {
	return func(c txConfig) txConfig { c.stale = true; return c }
}

// newStandby reads the URL of the standby; nothing is connected to yet.
func newStandby(co *core, s engine.Settings) (*standby, error) {
	if co.cfg.standby == "" {
		return nil, nil
	}
	e, err := engineOf(co.cfg.standby)
	if err != nil {
		return nil, err
	}
	if e == nil {
		return nil, &Error{Op: "open the standby", Kind: ErrUnsupported, Detail: "WithStandby takes the URL of a server, not a path"}
	}
	s.Standby, s.Positions = true, false
	db, err := e.Parse(co.cfg.standby, s)
	if err != nil {
		return nil, wrap("open the standby", "", "", err)
	}
	p := newReaders(co, co.cfg.readers)
	p.standby = db
	return &standby{core: co, readers: p}, nil
}

// watch notes where the log is by a connection to the primary: what was committed
// before is before that.
func (s *standby) watch(ctx context.Context, c *conn) error {
	if s == nil {
		return nil
	}
	lacking := s.lacking.Load()
	at, err := c.position(ctx)
	if err != nil {
		return wrap("ask for the position in the log, which reading a standby takes", "", "", err)
	}
	s.noteCommit(at.At)
	s.lacking.CompareAndSwap(lacking, 0)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.database = at.Database
	return nil
}

// noteCommit notes that everything up to at must be seen.
func (s *standby) noteCommit(at uint64) {
	switch {
	case s == nil:
	case at == engine.Unplaced:
		s.lacking.Add(1)
	default:
		for seen := s.seen.Load(); at > seen && !s.seen.CompareAndSwap(seen, at); seen = s.seen.Load() {
		}
	}
}

func (c *conn) position(ctx context.Context) (engine.Position, error) {
	c.mu.Lock()
	defer c.unlock()
	at, err := c.server.Position(ctx)
	c.noteLost(err)
	return at, err
}

// run runs a ReadOnly closure on the standby, unless the primary has to serve.
func (s *standby) run(ctx context.Context, outer *txn, l *label, pinned bool, run closure) (served bool, err error) {
	if s == nil || s.lacking.Load() > 0 || int64(monotonic()) < s.rests.Load() {
		return false, nil
	}
	seen, p := s.seen.Load(), s.readers
	waiting, cancel := context.WithTimeout(ctx, standbyWait)
	defer cancel()
	if p.takePlace(waiting, l) != nil {
		return false, nil
	}
	var c *conn
	defer func() { p.returnPlace(c) }()
	if c, err = s.connAt(waiting, seen); err != nil {
		s.leave(ctx, err)
		return false, nil
	}
	again, err := p.runInSnapshot(ctx, outer, c, l, pinned, run)
	if again {
		s.leave(ctx, err)
		return false, nil
	}
	s.core.stats.standbyReads.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = false
	return true, err
}

// connAt is a connection to the standby, which has replayed the log to seen. With
// an error it may be one that is unusable.
func (s *standby) connAt(waiting context.Context, seen uint64) (*conn, error) {
	c, err := s.readers.liveConn(nil)
	if err != nil {
		return c, err
	}
	for delay := time.Millisecond; ; delay *= 2 {
		at, err := c.position(waiting)
		switch {
		case err != nil:
			return c, err
		case !at.Standby || at.Database != s.primary():
			_ = c.close() // its URL may lead elsewhere next time
			return c, errors.New("it is no standby of the database that is open")
		case at.At >= seen:
			return c, nil
		}
		if sleepFor(waiting, delay, "wait for the standby", &label{}) != nil {
			return c, fmt.Errorf("it is %d bytes of the log behind, after %s", seen-at.At, standbyWait)
		}
	}
}

func (s *standby) primary() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.database
}

// leave lets the standby rest, since it could not serve: once that is logged.
func (s *standby) leave(ctx context.Context, err error) {
	if ctx.Err() != nil { // nothing is known about the standby
		return
	}
	now := monotonic()
	s.rests.Store(int64(now + standbyRest))
	s.mu.Lock()
	known := s.away || now < s.quiet
	if !known {
		s.away, s.quiet = true, now+standbyQuiet
	}
	s.mu.Unlock()
	if !known {
		s.core.cfg.logger.Warn("the standby cannot serve, so the primary does until it can", slog.String("standby", s.readers.standby.Name()), slog.Any("error", err))
	}
}
