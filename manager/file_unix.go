//go:build unix

package manager

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// fileID identifies a file in the kernel.
type fileID struct{ device, inode uint64 }

// fileState is the result of a stat. Files are not opened for it, since closing
// any descriptor of a database drops the locks that the process has on it
// (fcntl(2)).
type fileState struct {
	id    fileID
	size  int64
	links uint64
}

func stateOf(s *syscall.Stat_t) fileState {
	return fileState{fileID{uint64(s.Dev), uint64(s.Ino)}, s.Size, uint64(s.Nlink)}
}

func statFile(path string) (fileState, error) {
	var s syscall.Stat_t
	for {
		err := syscall.Stat(path, &s)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return fileState{}, &fs.PathError{Op: "stat", Path: path, Err: err}
		}
		return stateOf(&s), nil
	}
}

// A walFile reads the write-ahead log. SQLite takes no locks on that file, so
// closing it drops none.
type walFile struct {
	file   *os.File
	header [walHeader]byte
	size   int64
}

const walHeader = 32 // magic, version, page size, checkpoint, two salts, two checksums

func (w *walFile) reopen(path string) {
	w.close()
	w.file, _ = os.Open(path + "-wal")
}

func (w *walFile) close() {
	if w.file != nil {
		_ = w.file.Close()
	}
	*w = walFile{}
}

// isWhole reports whether a log with frames has a header, and stores its size. If
// another program truncates the log, SQLite does not notice and appends behind
// the old frames, which leaves a hole in place of the header.
func (w *walFile) isWhole() bool {
	if w.file == nil {
		return true
	}
	var s syscall.Stat_t
	fd := int(w.file.Fd())
	if syscall.Fstat(fd, &s) != nil {
		return true
	}
	if w.size = s.Size; w.size == 0 {
		return true
	}
	n, err := syscall.Pread(fd, w.header[:], 0)
	return err != nil || n == walHeader && [3]byte(w.header[:3]) == [3]byte{0x37, 0x7f, 0x06}
}

// wasCut reports whether the log is shorter than before but still has the same
// header. SQLite shortens it only when it restarts the log, with new salts in
// the header.
func (w *walFile) wasCut() bool {
	var s syscall.Stat_t
	if w.file == nil || w.size == 0 || syscall.Fstat(int(w.file.Fd()), &s) != nil || s.Size >= w.size {
		return false
	}
	var now [walHeader]byte
	n, err := syscall.Pread(int(w.file.Fd()), now[:], 0)
	return err == nil && n == walHeader && now == w.header
}
