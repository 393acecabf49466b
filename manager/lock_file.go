package manager

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// A fileLock is the queue between processes: an advisory lock on a file beside
// the database. The kernel releases it when the process ends, even if it is
// killed. A nil *fileLock locks nothing.
//
// It belongs to the holder of the writer, except for a wait inside the kernel,
// which has a goroutine of its own.
type fileLock struct {
	env    *env
	file   *os.File
	held   bool
	broken bool        // the filesystem has no locks
	waits  atomic.Bool // a wait is in the kernel: another process has the lock, also between one caller's turn and the next
	wait   *lockWait   // the last wait, perhaps still in the kernel
}

// A lockWait is one blocking wait. It cannot be cancelled: if its caller gives
// up, it releases the lock as soon as it gets it, unless the next caller takes
// the wait over.
type lockWait struct {
	mu     sync.Mutex
	wanted bool
	over   bool
	result chan error
}

func openLock(co *core, path string) (*fileLock, error) {
	f, err := openBeside(path, co.path)
	if err != nil {
		return nil, err
	}
	return &fileLock{env: &co.env, file: f}, nil
}

// acquire waits for the lock until ctx ends or the retry budget is used up.
func (l *fileLock) acquire(ctx context.Context, who *label) error {
	if l == nil || l.held || l.broken {
		return nil
	}
	if l.wait.takeOver() {
		return l.awaitLock(ctx, who)
	}
	err := lockInTurn(l.file, false)
	switch {
	case err == nil:
		l.held = true
		return nil
	case !lockHeld(err):
		l.broken = true
		l.env.cfg.logger.Warn("no file locks here, processes meet at SQLite's lock with backoff instead", slog.String("file", l.file.Name()), slog.Any("error", err))
		return nil
	}
	l.wait = &lockWait{wanted: true, result: make(chan error, 1)}
	l.waits.Store(true)
	go l.wait.waitInKernel(l.file, &l.waits)
	return l.awaitLock(ctx, who)
}

func (w *lockWait) waitInKernel(f *os.File, waits *atomic.Bool) {
	err := lockInTurn(f, true)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	waits.Store(false)
	if !w.wanted && err == nil {
		err = funlock(f)
	}
	w.result <- err
}

// takeOver makes an unfinished wait the caller's own.
func (w *lockWait) takeOver() bool {
	if w == nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wanted = !w.over
	return w.wanted
}

// giveUp abandons the wait. It reports false if it has finished already.
func (w *lockWait) giveUp() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wanted = w.over
	return !w.over
}

func (l *fileLock) awaitLock(ctx context.Context, who *label) error {
	began := time.Now()
	timer := time.NewTimer(l.env.cfg.retryBudget)
	defer timer.Stop()
	var failure error
	select {
	case err := <-l.wait.result:
		return l.noteResult(err, who)
	case <-ctx.Done():
		failure = withDetail(contextError(ctx, "wait for the lock file", "", who.String()), l.heldBy())
	case <-timer.C:
		failure = &Error{Op: "wait for the lock file", Label: who.String(), Waited: time.Since(began), Kind: ErrBusy,
			Detail: l.heldBy()}
	}
	if l.wait.giveUp() {
		return failure
	}
	return l.noteResult(<-l.wait.result, who)
}

func (l *fileLock) noteResult(err error, who *label) error {
	l.held = err == nil
	return wrap("wait for the lock file", "", who.String(), err)
}

// heldBy describes who holds the lock file: another process, or another manager
// of this one.
func (l *fileLock) heldBy() string {
	pid, who := lockHolder(l.file)
	const once = "; open a database once and share the DB"
	switch twins := openFiles.add(l.env.path, 0) > 1; {
	case pid == os.Getpid():
		return "another manager of this process holds " + l.file.Name() + once
	case pid == 0 && twins:
		return "another process, or another manager of this one, holds " + l.file.Name() + once
	case pid == 0:
		who = "another process"
	}
	return who + " holds " + l.file.Name() + "; if it was stopped, let it go on or end it"
}

// blockedBy is heldBy while another process has the lock and this one waits for it, else "".
func (l *fileLock) blockedBy() string {
	if l == nil || !l.waits.Load() {
		return ""
	}
	return l.heldBy()
}

// release releases the lock, if it is held.
func (l *fileLock) release() {
	if l == nil || !l.held {
		return
	}
	_ = funlock(l.file)
	l.held = false
}

// close releases the lock and closes its file; if a wait is still in the
// kernel, only once that ends.
func (l *fileLock) close() {
	if l == nil {
		return
	}
	l.release()
	if l.wait == nil || !l.wait.giveUp() {
		_ = l.file.Close()
		return
	}
	go func() {
		<-l.wait.result
		_ = l.file.Close()
	}()
}
