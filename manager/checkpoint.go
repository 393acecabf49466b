package manager

import (
	"context"
	"database/sql/driver"
	"log/slog"
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
}

const (
	lookEvery      = 64                     // commits between two looks at the log
	lookAfter      = 20 * time.Millisecond  // or the time, whichever is over first: large transactions are slow
	checkpointWait = 50                     // milliseconds that readers get to leave the log
	checkpointRest = 200 * time.Millisecond // after an attempt that readers kept busy; twice that after the next one
	longestRest    = 8 * checkpointRest     // a reader that stays for long costs every process an attempt each time
)

// due measures the log every now and then, and checkpoints it when it is long.
func (k *checkpointer) due(w *writer) {
	if k.commits == k.looked || k.commits-k.looked < lookEvery && time.Since(k.at) < lookAfter {
		return
	}
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
	if frames < w.core.cfg.walFrames || time.Now().Before(k.pause) || w.core.backups.holdLog(frames, c) {
		return
	}
	k.run(w.core, c, frames)
}

// run checkpoints the whole log and lets the next writer start it anew,
// waiting for readers no longer than checkpointWait. The caller holds the
// connection's mu.
func (k *checkpointer) run(co *core, c *conn, before int) {
	_, _ = c.raw.ExecContext(context.Background(), "PRAGMA busy_timeout = "+itoa(checkpointWait), nil)
	busy, frames, err := walCheckpoint(c.raw, "RESTART")
	c.note(err)
	if _, resetErr := c.raw.ExecContext(context.Background(), "PRAGMA busy_timeout = 0", nil); resetErr != nil {
		c.lost = true // it would wait inside SQLite from now on
	}
	if err == nil && !busy {
		co.stats.checkpoints.Add(1)
		co.stats.walFrames.Store(0)
		k.rest = 0
		return
	}
	k.rest = min(max(2*k.rest, checkpointRest), longestRest)
	k.pause = time.Now().Add(k.rest)
	if frames < 8*co.cfg.walFrames {
		return
	}
	c.log(slog.LevelWarn, "write-ahead log keeps growing, a reader holds it", slog.Int("frames", max(frames, before)),
		slog.String("readers", co.readers.holders()), slog.Any("error", err))
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
