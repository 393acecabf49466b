package manager

import (
	"log/slog"
	"sync"
)

// openFiles counts the managers of this process that write a file, by its path.
var openFiles = openedFiles{managers: map[string]int{}}

type openedFiles struct {
	mu       sync.Mutex
	managers map[string]int
}

// add changes the number of managers of path by a number, and returns the
// result.
func (o *openedFiles) add(path string, by int) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := o.managers[path] + by
	if o.managers[path] = n; n == 0 {
		delete(o.managers, path)
	}
	return n
}

// warnOfTwins logs that this process has the file open already. That works: the
// two managers use the lock file like two processes, and share neither commits
// nor a queue.
func (co *core) warnOfTwins() {
	if openFiles.add(co.path, 1) > 1 {
		co.cfg.logger.Warn("database is open in this process already: each manager has a queue of its own, and a closure of one that waits for the other waits for itself; open it once and share the DB", slog.String("path", co.path))
	}
}
