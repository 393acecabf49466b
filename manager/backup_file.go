package manager

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// A partial is a copy of a database that is being made. It lies beside its
// destination and gets that name only when it is whole, so that a process
// killed at any moment leaves the destination absent (or as it was) or whole.
//
// Its name is fixed, so that the next copy to the same place finds and removes
// what a killed one left. A lock keeps two copies to one place apart.
type partial struct {
	op      string // what the copy is made for, for errors
	dest    string // absolute, symbolic links resolved
	replace bool   // a file at dest may be replaced
	lock    *os.File
	made    bool // the file is ours to remove
}

const partialSuffix = ".partial-copy"

func (p *partial) path() string { return p.dest + partialSuffix }

// createPartial makes an empty file for a copy that is to become dest, with the
// owner and mode of like, or which only its owner can read. Its caller must call
// discard.
func createPartial(op, dest, like string, replace bool) (_ *partial, err error) {
	p := &partial{op: op, dest: dest, replace: replace}
	if err := p.checkDest(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			p.discard()
		}
	}()
	if err := p.takeLock(); err != nil {
		return nil, err
	}
	if p.lock != nil { // the process that made a file of that name is dead
		if err := os.Remove(p.path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, p.explain(err, "")
		}
	}
	f, err := os.OpenFile(p.path(), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, p.explain(err, "another copy to the same place is being made, or was killed; in the latter case remove that file")
	}
	if err != nil {
		return nil, p.explain(err, "")
	}
	p.made = true
	if like != "" {
		copyOwner(f, like)
	}
	// Closed before SQLite opens it: closing any descriptor of a file drops
	// the locks that the process has on it.
	if err := f.Close(); err != nil {
		return nil, p.explain(err, "")
	}
	return p, nil
}

// checkDest refuses to replace a file unless that was asked for, and a path
// where the log of another database would be taken for the copy's own.
func (p *partial) checkDest() error {
	info, err := os.Lstat(p.dest)
	switch {
	case err == nil && !p.replace:
		return p.explain(&fs.PathError{Op: "create", Path: p.dest, Err: fs.ErrExist}, "nothing is overwritten; give another path")
	case err == nil && !info.Mode().IsRegular():
		return &Error{Op: p.op, Kind: ErrUnsupported, Detail: p.dest + " is not a regular file"}
	}
	if companion := companionOf(p.dest); companion != "" {
		return p.explain(&fs.PathError{Op: "create", Path: p.dest, Err: fs.ErrExist}, companion+" belongs to a database that is or was at that path; give another path, or remove it when no program has that database open")
	}
	return nil
}

// companionOf returns the first file that SQLite keeps beside the database at
// path while it is in use or after its program was killed, or "".
func companionOf(path string) string {
	for _, suffix := range companionSuffixes {
		if _, err := os.Lstat(path + suffix); err == nil {
			return path + suffix
		}
	}
	return ""
}

var companionSuffixes = []string{"-wal", "-journal", "-shm"}

// takeLock makes sure that nobody else makes a copy for the same place. The
// holder removes the lock file, so the file just locked may be unlinked
// already; then it tries the next one. On a filesystem without locks p.lock
// stays nil.
func (p *partial) takeLock() error {
	path := lockPath(p.path())
	for {
		f, err := openBeside(path, p.path())
		if own := (*Error)(nil); errors.As(err, &own) && own.Detail == "" {
			err = own.Err
		}
		if err != nil {
			return p.explain(err, "")
		}
		if err := flock(f, false); err != nil {
			_ = f.Close()
			if lockHeld(err) {
				return &Error{Op: p.op, Kind: ErrBusy, Detail: "another copy to the same place is being made; wait for it"}
			}
			_ = os.Remove(path)
			return nil
		}
		locked, err1 := f.Stat()
		named, err2 := os.Stat(path)
		if err1 == nil && err2 == nil && os.SameFile(locked, named) {
			p.lock = f
			return nil
		}
		_ = f.Close()
	}
}

// discard removes the unfinished copy and the lock. After publish only the lock
// is left.
func (p *partial) discard() {
	if p.made {
		_ = os.Remove(p.path())
		p.made = false
	}
	if p.lock != nil {
		_ = os.Remove(p.lock.Name())
		_ = p.lock.Close()
		p.lock = nil
	}
}

// keepFlushing syncs the copy repeatedly while it is written, until the
// returned function is called, which returns the first error. A single sync of
// a large file at the end would block every commit until the disk has written
// all of it.
func (p *partial) keepFlushing() (flushed func() error) {
	stop, over := make(chan struct{}), make(chan error, 1)
	go func() {
		f, err := os.OpenFile(p.path(), os.O_RDWR, 0)
		if err != nil {
			over <- err
			return
		}
		tick := time.NewTicker(flushEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if err == nil { // the system reports an error only once, so it is kept
					err = f.Sync()
				}
			case <-stop:
				over <- errors.Join(err, f.Close())
				return
			}
		}
	}()
	return func() error {
		close(stop)
		if err := <-over; err != nil {
			return p.explain(err, "")
		}
		return nil
	}
}

const flushEvery = 100 * time.Millisecond

// publish syncs the copy and gives it its name. After an error there is no
// copy; only when it replaced a file, the new file may be in place without
// being safe from a power failure.
func (p *partial) publish() error {
	if err := syncFile(p.path()); err != nil {
		return p.explain(err, "")
	}
	if err := p.checkDest(); err != nil {
		return err
	}
	if err := p.rename(); err != nil {
		return p.explain(err, "")
	}
	p.made = false
	if err := syncFolder(filepath.Dir(p.dest)); err != nil {
		if p.replace {
			return p.explain(err, "the new copy is at "+p.dest+", but may not survive a power failure")
		}
		return p.explain(errors.Join(err, os.Remove(p.dest)), "")
	}
	return nil
}

// rename gives the copy its name. If nothing may be replaced it uses a hard
// link, which fails if the name is taken; only on filesystems without hard
// links there is a moment between the check and the rename.
func (p *partial) rename() error {
	if p.replace {
		return os.Rename(p.path(), p.dest)
	}
	err := os.Link(p.path(), p.dest)
	if err == nil {
		_ = os.Remove(p.path()) // otherwise the next copy removes it
		return nil
	}
	if errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := p.checkDest(); err != nil {
		return err
	}
	return os.Rename(p.path(), p.dest)
}

// explain turns an error of the filesystem into one of the manager's.
func (p *partial) explain(err error, detail string) error {
	if own := (*Error)(nil); errors.As(err, &own) {
		return own
	}
	e := &Error{Op: p.op, Kind: ErrIO, Detail: detail, Err: err}
	switch {
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS):
		e.Kind = ErrReadOnly
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		e.Kind = ErrFull
	case errors.Is(err, fs.ErrExist):
		e.Kind = nil
	}
	if e.Detail == "" && (e.Kind == ErrReadOnly || errors.Is(err, fs.ErrNotExist)) {
		e.Detail = "the folder of the copy must exist and be writable"
	}
	return e
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncFolder makes a new name durable, on systems that can sync folders.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
