package manager

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// closeState serializes calls of Close. turn is a channel and not a mutex,
// because a call whose context ends must stop waiting for another one.
type closeState struct {
	turn chan struct{} // holds one token
	done bool
}

func (co *core) shutDown(ctx context.Context) error {
	if t := co.innermostTxn(ctx); t != nil {
		return &Error{Op: "close", Label: t.label.String(), Kind: ErrUnsupported, Detail: "Close waits for every transaction, and ctx is that of a closure; call it outside"}
	}
	if err := co.refuseOuterContext(ctx, "close", &label{}); err != nil {
		return err
	}
	for _, p := range co.readerPools() {
		p.stopAdmission()
	}
	var drained <-chan struct{}
	if q := co.writeQueue(); q != nil {
		drained = q.stopAdmission()
	}
	select { // an ended ctx does not stop a Close that need not wait
	case co.closing.turn <- struct{}{}:
	default:
		select {
		case co.closing.turn <- struct{}{}:
		case <-ctx.Done():
			return co.stillHeld(ctx)
		}
	}
	defer func() { <-co.closing.turn }()
	if co.closing.done {
		return nil
	}
	if drained != nil && !co.awaitDrained(ctx, drained) || !co.awaitDrained(ctx, co.backups.stopAdmission()) {
		return co.stillHeld(ctx)
	}
	for _, p := range co.readerPools() {
		if p.drain(ctx) != nil {
			return co.stillHeld(ctx)
		}
	}
	co.closing.done = true
	co.watchdog.stopAndWait()
	var errs []error
	co.door.close(co)
	for _, c := range co.readConns() {
		errs = append(errs, c.close())
	}
	defer co.file.folder.open.close()
	switch {
	case co.lanes != nil:
		for _, c := range co.lanes.conns() {
			errs = append(errs, c.close())
		}
	case co.writer != nil:
		errs = append(errs, co.closeWriter())
		openFiles.add(co.path, -1)
	case co.server == nil:
		co.sweepLog()
	}
	return errors.Join(errs...)
}

// closeGrace is how long Close waits, with a context that has ended, for what
// runs nobody's closure: the end of a turn, with its checkpoint, on a slow disk.
const closeGrace = 5 * time.Second

// awaitDrained waits for over. While nobody is inside, a context that has ended is no
// reason to leave the log behind.
func (co *core) awaitDrained(ctx context.Context, over <-chan struct{}) bool {
	select {
	case <-over:
		return true
	default:
	}
	select {
	case <-over:
		return true
	case <-ctx.Done():
	}
	if len(co.activeLabels()) > 0 {
		return false
	}
	timer := time.NewTimer(closeGrace)
	defer timer.Stop()
	select {
	case <-over:
		return true
	case <-timer.C:
		return false
	}
}

// closeWriter leaves a tidy file behind, the log moved into the database. That is not needed for safety, so it does
// not fail the close.
func (co *core) closeWriter() error {
	c := co.writer.conn.Load()
	c.mu.Lock()
	if err := co.file.check(); err == nil {
		c.foldLog()
	} else {
		c.logLater(slog.LevelWarn, "closing a database whose file is no longer at its path", slog.String("path", co.path), slog.Any("error", err))
		keepLog(c.raw)
	}
	c.unlock()
	if co.file.lostIndex() {
		defer co.keepFromCheckpoint()()
	}
	err := c.close()
	co.file.log.close()
	co.writer.lock.close()
	return err
}

// foldLog moves the log into the database.
// The caller holds the connection's mu.
func (c *conn) foldLog() {
	if c.closed || c.lost {
		return
	}
	defer c.suspendGuard()()
	ctx := context.Background()
	_, _ = c.raw.ExecContext(ctx, "PRAGMA busy_timeout = "+itoa(checkpointWait), nil)
	_, _, _ = walCheckpoint(c.raw, "TRUNCATE")
}

// keepLog stops SQLite from removing the log on close: it would remove it by
// name, which may belong to another database's log by now.
func keepLog(c DriverConn) {
	if f, ok := c.(interface{ SetFileControlInt(string, int, int) error }); ok {
		_ = f.SetFileControlInt("main", sqlite3.SQLITE_FCNTL_PERSIST_WAL, 1)
	}
}

// keepFromCheckpoint stops SQLite from moving the log into the database when the last
// connection of a database closes whose index is another one: it would go by the old index,
// and the log may hold the commits of another process by now. A connection that has read
// the file is enough, until release is called; one that cannot write moves nothing.
func (co *core) keepFromCheckpoint() (release func()) {
	s, err := co.openRaw(fileDSN(co.path, "ro"))
	if err != nil {
		return func() {}
	}
	_, _ = readPragma(s.conn, "schema_version")
	return func() { _ = s.close() }
}

func (co *core) stillHeld(ctx context.Context) error {
	names := co.activeLabels()
	if len(names) == 0 {
		names = []string{"the end of a transaction"}
	}
	return withDetail(contextError(ctx, "close", "", ""), "still held by "+strings.Join(names, ", "))
}

// activeLabels names the backups and transactions that run now.
func (co *core) activeLabels() []string {
	conns := append(co.writeConns(), co.readConns()...)
	names := co.backups.labels(false)
	if others := holderLabels(conns); others != "" {
		names = append(names, others)
	}
	if q := co.writeQueue(); q != nil {
		names = append(names, q.evictedLabels()...)
	}
	return names
}

// readerPools are the readers of closures, those of rows outside transactions,
// and those of a standby.
func (co *core) readerPools() []*readers {
	pools := []*readers{co.readers, co.door.readers}
	if co.standby != nil {
		pools = append(pools, co.standby.readers)
	}
	return pools
}

// readConns are the connections of all pools, idle or not.
func (co *core) readConns() (list []*conn) {
	for _, p := range co.readerPools() {
		list = append(list, p.conns()...)
	}
	return list
}

// stopAdmission refuses new readers.
func (p *readers) stopAdmission() {
	p.stopped.Do(func() { close(p.closing) })
}
