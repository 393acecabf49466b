//go:build !linux

package manager

import "os"

// lockInTurn takes the lock; the order of waiting processes is the kernel's.
func lockInTurn(f *os.File, block bool) error { return flock(f, block) }
