package manager

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// backups are the copies being made now, which read the database on connections
// outside the pools. The zero value has none.
type backups struct {
	mu      sync.Mutex
	running map[*label]bool // whether its snapshot holds the write-ahead log
	stopped bool
	drained chan struct{} // closed when stopped and none is left
	warned  int           // frames in the log when its growth was last logged
}

// admit registers a backup. It reports false if the manager is closing.
func (b *backups) admit(l *label) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		return false
	}
	if b.running == nil {
		b.running = map[*label]bool{}
	}
	b.running[l] = false
	return true
}

func (b *backups) remove(l *label) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.running, l)
	if b.stopped && len(b.running) == 0 {
		close(b.drained)
	}
}

// setHolding notes that l's backup holds the write-ahead log, or no longer does.
func (b *backups) setHolding(l *label, holds bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running[l] = holds
	b.warned = 0
}

// stopAdmission refuses new backups. The channel is closed when the last one has ended.
func (b *backups) stopAdmission() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.stopped {
		b.stopped, b.drained = true, make(chan struct{})
		if len(b.running) == 0 {
			close(b.drained)
		}
	}
	return b.drained
}

// labels lists the backups for messages, or only those that hold the log.
func (b *backups) labels(holding bool) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var names []string
	for l, holds := range b.running {
		if holds || !holding {
			names = append(names, l.String())
		}
	}
	slices.Sort(names)
	return names
}

// holdsLog reports whether a checkpoint would be useless because a backup's
// snapshot keeps the log: it would only block the writer while it waits for
// readers. A log that grows far beyond long frames is logged each time it has doubled. The caller
// holds the mu of c, the writer's connection.
func (b *backups) holdsLog(frames, long int, c *conn) bool {
	names := b.labels(true)
	if len(names) == 0 {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if frames >= max(8*long, 2*b.warned) {
		b.warned = frames
		c.logLater(slog.LevelWarn, "write-ahead log grows while a backup copies the database", slog.Int("frames", frames), slog.String("backup", strings.Join(names, ", ")))
	}
	return true
}
