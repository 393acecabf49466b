//go:build unix

package manager

import (
	"errors"
	"os"
	"syscall"
)

// flock takes the lock, waiting for it when block is set.
func flock(f *os.File, block bool) error {
	how := syscall.LOCK_EX
	if !block {
		how |= syscall.LOCK_NB
	}
	for {
		err := syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

func funlock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }

// lockHeld reports whether err means that the lock is held elsewhere.
func lockHeld(err error) bool { return errors.Is(err, syscall.EWOULDBLOCK) }
