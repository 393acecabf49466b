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
	commits     uint64    // since Open
	looked      uint64    // commits when the log was last measured
	lookedAt    time.Time // when it was last measured
	pausedUntil time.Time // after an attempt that was busy, the next one is not before this
	pauseLength time.Duration
	retryFrames int         // … unless the log has this many frames: a pause in time would not bound the log's size
	overdue     atomic.Bool // the log is long; the watchdog shortens it when the writer is idle
}

const (
	lookEvery       = 64                     // commits between two measurements of the log
	lookAfter       = 20 * time.Millisecond  // or this time, whichever comes first: large transactions are slow
	longLog         = 4                      // the log's file is cut when it is longer than this times its bound
	checkpointWait  = 50                     // milliseconds that readers get to leave the log
	checkpointPause = 200 * time.Millisecond // after an attempt that readers kept busy; twice that after the next one
	longestPause    = 8 * checkpointPause    // bounds the doubling
)

// checkpointIfDue measures the log from time to time, and checkpoints it if it is long.
func (k *checkpointer) checkpointIfDue(w *writer) {
	if k.commits == k.looked || k.commits-k.looked < lookEvery && time.Since(k.lookedAt) < lookAfter {
		return
	}
	k.measure(w)
}

// measure measures the log, and checkpoints it if it is long.
func (k *checkpointer) measure(w *writer) {
	k.looked, k.lookedAt = k.commits, time.Now()
	c := w.conn.Load()
	c.mu.Lock()
	defer c.unlockContained()
	if c.closed || c.lost || !c.raw.AutoCommit() {
		return
	}
	defer c.suspendGuard()()
	_, frames, err := walCheckpoint(c.raw, "NOOP")
	if err != nil {
		c.noteLost(err)
		return
	}
	w.core.stats.walFrames.Store(int64(frames))
	limit := w.core.longFrames()
	long := frames >= limit
	k.overdue.Store(long)
	if !long || time.Now().Before(k.pausedUntil) && frames < k.retryFrames || w.core.backups.holdsLog(frames, limit, c) {
		return
	}
	if w.core.file.check() == nil { // else the log may be another process's by now
		k.checkpoint(w.core, c, frames)
	}
}

// measureIdle is measure while no transaction writes: readers may have left the log
// since, and there may be no further commit that would measure it.
func (k *checkpointer) measureIdle(w *writer) {
	if !k.overdue.Load() || !w.queue.tryHold() {
		return
	}
	k.measure(w)
	if w.queue.release() {
		go w.serve(nil)
	}
}

// longFrames is the number of frames from which on the log is checkpointed.
func (co *core) longFrames() int { return max(1, co.cfg.walBytes()/max(1, co.file.pageSize)) }

// checkpoint checkpoints the whole log and lets the next writer start it from the beginning, waiting
// for readers no longer than checkpointWait. The log's file is truncated if it has grown far beyond
// its bound. The caller holds the connection's mu.
func (k *checkpointer) checkpoint(co *core, c *conn, before int) {
	_, _ = c.raw.ExecContext(context.Background(), "PRAGMA busy_timeout = "+itoa(checkpointWait), nil)
	busy, frames, err := walShorten(c.raw, before > longLog*co.longFrames())
	c.noteLost(err)
	if _, resetErr := c.raw.ExecContext(context.Background(), "PRAGMA busy_timeout = 0", nil); resetErr != nil {
		c.lost = true // its busy timeout is still on
	}
	if err == nil && !busy {
		co.stats.checkpoints.Add(1)
		co.stats.walFrames.Store(0)
		k.pauseLength, k.retryFrames = 0, 0
		k.overdue.Store(false)
		return
	}
	k.pauseLength = min(max(2*k.pauseLength, checkpointPause), longestPause)
	k.pausedUntil = time.Now().Add(k.pauseLength)
	k.retryFrames = before + max(before/2, co.longFrames())
	if frames < 8*co.longFrames() {
		return
	}
	c.logLater(slog.LevelWarn, "write-ahead log keeps growing, a reader holds it", slog.Int("frames", max(frames, before)),
		slog.String("readers", co.readers.holderLabels()), slog.Any("error", err))
}

// walShorten checkpoints the whole log, and truncates its file if that is long.
func walShorten(c DriverConn, long bool) (busy bool, frames int, err error) {
	if long {
		return walCheckpoint(c, "TRUNCATE")
	}
	return walCheckpoint(c, "RESTART")
}

// walCheckpoint runs PRAGMA wal_checkpoint. It returns whether readers or
// another checkpointer were in the way, and the number of frames in the log.
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
