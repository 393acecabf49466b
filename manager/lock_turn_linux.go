package manager

import (
	"errors"
	"os"
	"syscall"
)

// The kernel wakes those who wait for a flock when it is given back, but whoever
// asks first gets it, and that is mostly the process that has just had it. So
// there is a turnstile in front of the lock: a lock on the file's first byte,
// which is of another kind (open file description locks, fcntl(2)) and does not
// meet flock's. One process stands in it and waits for the lock; the one that
// gives the lock back and wants it again waits behind the turnstile.
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
	return flock(f, block) // without a turnstile, where the filesystem has none
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
