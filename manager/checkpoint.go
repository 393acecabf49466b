package manager

import (
	"context"
	"database/sql/driver"
	"log/slog"
	"sync/atomic"
	"time"
)

// A checkpointer keeps the write-ahead log short. It belongs to the holder of
// the writer and works between transactions: SQLite's own checkpoints, made
// inside COMMIT, never catch up while readers overlap.
type checkpointer struct {
	commits uint64    // since Open
	looked  uint64    // commits when the log was last measured
	at      time.Time // and when that was
	pause   time.Time // after a busy attempt, no other one before this
	rest    time.Duration
	enough  int         // but one when the log has this many frames: a pause in time bounds no bytes
	overdue atomic.Bool // the log is long, and whoever finds the writer idle is to shorten it
}

const (
	lookEvery      = 64                     // commits between two looks at the log
	lookAfter      = 20 * time.Millisecond  // or the time, whichever is over first: large transactions are slow
	longLog        = 4                      // times its bound: so long may the log's file be that is left
	checkpointWait = 50                     // milliseconds that readers get to leave the log
	checkpointRest = 200 * time.Millisecond // after an attempt that readers kept busy; twice that after the next one
	longestRest    = 8 * checkpointRest     // a reader that stays for long costs every process an attempt each time
)

// due measures the log every now and then, and checkpoints it when it is long.
func (k *checkpointer) due(w *writer) {
	if k.commits == k.looked || k.commits-k.looked < lookEvery && time.Since(k.at) < lookAfter {
		return
	}
	k.look(w)
}

// look measures the log, and checkpoints it when it is long.
func (k *checkpointer) look(w *writer) {
	k.looked, k.at = k.commits, time.Now()
	c := w.conn.Load()
	c.mu.Lock()
	defer c.unlock()
	if c.closed || c.lost || !c.raw.AutoCommit() {
		return
	}
	defer c.unguarded()()
	_, frames, err := walCheckpoint(c.raw, "NOOP")
	if err != nil {
		c.note(err)
		return
	}
	w.core.stats.walFrames.Store(int64(frames))
	long := frames >= w.core.longFrames()
	k.overdue.Store(long)
	if !long || time.Now().Before(k.pause) && frames < k.enough || w.core.backups.holdLog(frames, c) {
		return
	}
	k.run(w.core, c, frames)
}

// lookIdle is look while nobody writes: readers have left the log meanwhile, and
// no commit may come that would look.
func (k *checkpointer) lookIdle(w *writer) {
	if !k.overdue.Load() || !w.queue.hold() {
		return
	}
	k.look(w)
	if w.queue.leave() {
		go w.serve(nil)
	}
}

// longFrames is from how many frames in the log it is checkpointed.
func (co *core) longFrames() int { return max(1, co.cfg.walBytes()/max(1, co.file.pageSize)) }

// run checkpoints the whole log and lets the next writer start it from the beginning, waiting
// for readers no longer than checkpointWait. The file of a log that has grown
// far beyond its bound is cut. The caller holds the connection's mu.
func (k *checkpointer) run(co *core, c *conn, before int) {
	_, _ = c.raw.ExecContext(context.Background(), "PRAGMA busy_timeout = "+itoa(checkpointWait), nil)
	busy, frames, err := walShorten(c.raw, before > longLog*co.longFrames())
	c.note(err)
	if _, resetErr := c.raw.ExecContext(context.Background(), "PRAGMA busy_timeout = 0", nil); resetErr != nil {
		c.lost = true // it would wait inside SQLite from now on
	}
	if err == nil && !busy {
		co.stats.checkpoints.Add(1)
		co.stats.walFrames.Store(0)
		k.rest, k.enough = 0, 0
		k.overdue.Store(false)
		return
	}
	k.rest = min(max(2*k.rest, checkpointRest), longestRest)
	k.pause = time.Now().Add(k.rest)
	k.enough = before + max(before/2, co.longFrames())
	if frames < 8*co.longFrames() {
		return
	}
	c.log(slog.LevelWarn, "write-ahead log keeps growing, a reader holds it", slog.Int("frames", max(frames, before)),
		slog.String("readers", co.readers.holders()), slog.Any("error", err))
}

// walShorten checkpoints the whole log, and also cuts its file where that is long.
func walShorten(c DriverConn, long bool) (busy bool, frames int, err error) {
	if long {
		return walCheckpoint(c, "TRUNCATE")
	}
	return walCheckpoint(c, "RESTART")
}

// walCheckpoint runs PRAGMA wal_checkpoint: whether readers or another
// checkpointer were in the way, and how many frames the log holds.
func walCheckpoint(c DriverConn, mode string) (busy bool, frames int, err error) {
	r, err := c.QueryContext(context.Background(), "PRAGMA wal_checkpoint("+mode+")", nil)
	if err != nil {
		return false, 0, err
	}
	defer r.Close()
	row := make([]driver.Value, 3)
	if err := r.Next(row); err != nil {
		return false, 0, err
	}
	b, _ := row[0].(int64)
	n, _ := row[1].(int64)
	return b != 0, int(n), nil
}
