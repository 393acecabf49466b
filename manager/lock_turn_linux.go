package manager

import (
	"errors"
	"os"
	"syscall"
)

// When a flock is released, the kernel wakes the waiting processes, but the
// first to ask gets it, and that usually is the process that just released it.
// So there is a turnstile in front of the lock: a lock on the file's first byte,
// of another kind (open file description locks, fcntl(2)) that is independent of
// flock. One process holds the turnstile while it waits for the lock; a process
// that released the lock and wants it again must wait for the turnstile.
const (
	ofdSetLock     = 37 // F_OFD_SETLK
	ofdSetLockWait = 38 // F_OFD_SETLKW
)

// lockInTurn takes the lock through the turnstile.
func lockInTurn(f *os.File, block bool) error {
	how := ofdSetLock
	if block {
		how = ofdSetLockWait
	}
	switch err := turnstile(f, how, syscall.F_WRLCK); {
	case err == nil:
		defer turnstile(f, ofdSetLock, syscall.F_UNLCK)
	case lockHeld(err):
		return err
	}
	return flock(f, block) // on a filesystem without such locks there is no turnstile
}

func turnstile(f *os.File, how int, kind int16) error {
	for {
		lock := syscall.Flock_t{Type: kind, Start: 0, Len: 1}
		err := syscall.FcntlFlock(f.Fd(), how, &lock)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
