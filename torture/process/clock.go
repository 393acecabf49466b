package process

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// A Clock numbers moments across processes: every call of Now, wherever it is
// made, gets a larger number than all calls that returned before it. It counts
// in a page of memory that the processes share, so its resolution is exact, and a
// killed process leaves nothing behind. It is safe for concurrent use.
type Clock struct{ count *atomic.Int64 }

// OpenClock opens the clock in the file at path, or makes it. The mapping stays
// until the process ends.
func OpenClock(path string) (*Clock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open clock: %w", err)
	}
	defer f.Close()
	if err := f.Truncate(int64(os.Getpagesize())); err != nil {
		return nil, fmt.Errorf("open clock: %w", err)
	}
	page, err := syscall.Mmap(int(f.Fd()), 0, os.Getpagesize(), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("open clock: map %s: %w", path, err)
	}
	return &Clock{(*atomic.Int64)(unsafe.Pointer(&page[0]))}, nil
}

// Now is the number of this moment, from 1.
func (c *Clock) Now() int64 { return c.count.Add(1) }
