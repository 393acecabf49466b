package manager

import (
	"log/slog"
	"strings"
	"time"
)

// A watchdog logs transactions that run too long while they still run: a reader
// keeps the write-ahead log from being shortened, a writer blocks all behind
// it, and one that never ends would otherwise never be reported. It also has
// the log shortened while the writer is idle.
type watchdog struct {
	core *core
	stop chan struct{}
	done chan struct{}
}

func startWatchdog(co *core) *watchdog {
	w := &watchdog{core: co, stop: make(chan struct{}), done: make(chan struct{})}
	go w.run()
	return w
}

func (w *watchdog) stopAndWait() {
	close(w.stop)
	<-w.done
}

func (w *watchdog) run() {
	defer close(w.done)
	cfg := &w.core.cfg
	every := time.Second
	for _, d := range []time.Duration{cfg.slowTx, cfg.slowRead} {
		if d > 0 {
			every = min(every, max(d/2, 10*time.Millisecond))
		}
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	reported := map[*label]bool{}
	for {
		select {
		case <-w.stop:
			return
		case <-tick.C:
			now := monotonic()
			running := map[*label]bool{}
			for _, c := range w.core.writeConns() {
				w.reportSlow(c, "write transaction runs long", cfg.slowTx, now, reported, running)
			}
			for _, c := range w.core.readConns() {
				w.reportSlow(c, "read transaction runs long and holds back the write-ahead log", cfg.slowRead, now, reported, running)
			}
			reported = running
			if wr := w.core.writer; wr != nil {
				wr.checkpoints.measureIdle(wr)
			}
		}
	}
}

// reportSlow reports the transaction on c once.
func (w *watchdog) reportSlow(c *conn, what string, limit time.Duration, now time.Duration, reported, running map[*label]bool) {
	l := c.holder.Load()
	if l == nil || limit <= 0 {
		return
	}
	elapsed := now - time.Duration(c.started.Load())
	if elapsed < limit {
		return
	}
	running[l] = true
	if !reported[l] {
		w.core.cfg.logger.Warn(what, slog.String("label", l.String()), slog.Duration("elapsed", elapsed))
	}
}

// holderLabels names the transactions that connections serve now.
func holderLabels(conns []*conn) string {
	var names []string
	for _, c := range conns {
		if l := c.holder.Load(); l != nil {
			names = append(names, l.String())
		}
	}
	return strings.Join(names, ", ")
}
