package manager

import (
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"
)

// An openFolder is a descriptor of the folder that a file is in, or 0: standard
// input is no folder of ours. One that is closed while it is looked at shows, at
// worst, the last change of another file.
type openFolder struct{ fd atomic.Int32 }

// of opens the folder of the file at path. It stays closed if it cannot be read.
func (f *openFolder) of(path string) {
	if f.fd.Load() > 0 {
		return
	}
	dir := filepath.Dir(path)
	fd, err := syscall.Open(dir, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	var s syscall.Stat_t
	at, err := statFile(dir) // which may be another folder by now
	if err != nil || syscall.Fstat(fd, &s) != nil || stateOf(&s).id != at.id || !f.fd.CompareAndSwap(0, int32(fd)) {
		_ = syscall.Close(fd)
	}
}

func (f *openFolder) close() {
	if fd := f.fd.Swap(0); fd > 0 {
		_ = syscall.Close(int(fd))
	}
}

// A folderChange is the time at which something in the folder, or its own name,
// changed last, as its filesystem keeps it.
type folderChange struct{ seconds, nanoseconds int64 }

func (f *openFolder) lastChange() (folderChange, bool) {
	fd := f.fd.Load()
	var s syscall.Stat_t
	if fd == 0 || syscall.Fstat(int(fd), &s) != nil {
		return folderChange{}, false
	}
	return folderChange{int64(s.Ctim.Sec), int64(s.Ctim.Nsec)}, true
}

// granularity is longer than the time in which two changes may look like one: a
// tick of the kernel, or what the filesystem rounds times to.
func (c folderChange) granularity() time.Duration {
	if c.nanoseconds%int64(10*time.Millisecond) == 0 {
		return 3 * time.Second
	}
	return 20 * time.Millisecond
}
