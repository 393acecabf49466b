package manager

import (
	"fmt"
	"sync/atomic"
	"time"
)

// A dbFile is the database's file, its log and its index as they were when the
// manager opened them. SQLite does not notice when they are unlinked or replaced:
// it keeps writing a file that is no longer at the path, or locking an index that
// no other process uses.
type dbFile struct {
	path     string
	ids      atomic.Pointer[fileIDs] // nil until the connections are open
	folder   folder
	log      walFile                // belongs to the holder of the writer
	pageSize int                    // in bytes, as the writer's connection found it
	moved    atomic.Pointer[string] // what was found to be wrong; from then on every operation fails
}

// fileIDs identify the files.
type fileIDs struct {
	main   fileID
	beside []besideID
}

// A besideID identifies a file beside the database that its connections have
// open.
type besideID struct {
	id         fileID
	path, what string
}

// rememberIDs stores the ids of the files that the connections just opened use.
// The main file must be the same as before; the others may be new, since the last
// connection that closes removes them. If mustLog is set, a missing log was
// removed while it was open.
func (f *dbFile) rememberIDs(mustLog bool) error {
	f.folder.open.of(f.path)
	main, err := statFile(f.path)
	if err != nil {
		return f.markMoved("it cannot be found: " + err.Error())
	}
	if old := f.ids.Load(); old != nil && old.main != main.id {
		return f.markMoved("another file has its place")
	}
	ids := &fileIDs{main: main.id}
	for _, b := range []besideID{{path: f.path + "-wal", what: "write-ahead log"}, {path: f.path + "-shm", what: "index (-shm)"}} {
		found, err := statFile(b.path)
		switch {
		case err == nil:
			b.id = found.id
			ids.beside = append(ids.beside, b)
		case mustLog:
			return f.markMoved("its " + b.what + " cannot be found: " + err.Error())
		}
	}
	f.ids.Store(ids)
	return nil
}

// forgetLog is called where log and index may rightly be removed: before a
// connection is replaced, since the last one that closes removes them, and for
// one that takes no locks.
func (f *dbFile) forgetLog() {
	if ids := f.ids.Load(); ids != nil {
		f.ids.Store(&fileIDs{main: ids.main})
	}
}

// check compares the files at the paths with those that are open.
func (f *dbFile) check() error {
	if err := f.movedError(); err != nil {
		return err
	}
	ids := f.ids.Load()
	if ids == nil {
		return nil
	}
	main, err := statFile(f.path)
	if err != nil {
		return f.markMoved("it cannot be found: " + err.Error())
	}
	if main.id != ids.main {
		return f.markMoved("another file has its place")
	}
	for i := range ids.beside {
		b := &ids.beside[i]
		found, err := statFile(b.path)
		if err != nil {
			return f.markMoved("its " + b.what + " cannot be found: " + err.Error())
		}
		if found.id != b.id {
			return f.markMoved("another file has the place of its " + b.what)
		}
	}
	return nil
}

// lostIndex reports whether the database is at its path and its index is not.
func (f *dbFile) lostIndex() bool {
	ids := f.ids.Load()
	if ids == nil {
		return false
	}
	main, err := statFile(f.path)
	if err != nil || main.id != ids.main {
		return false
	}
	for i := range ids.beside {
		if b := &ids.beside[i]; b.path == f.path+"-shm" {
			found, err := statFile(b.path)
			return err != nil || found.id != b.id
		}
	}
	return false
}

// checkRead is check before a snapshot, which looks at the folder alone while that
// has not changed.
func (f *dbFile) checkRead(now time.Duration) error {
	if err := f.movedError(); err != nil {
		return err
	}
	state, trusted := f.folder.trusted(now)
	if trusted {
		return nil
	}
	err := f.check()
	if err == nil {
		f.folder.settle(state)
	}
	return err
}

// checkCommit is check after a COMMIT, which also looks into the log.
func (f *dbFile) checkCommit() error {
	if err := f.check(); err != nil {
		return err
	}
	if !f.log.isWhole() {
		return f.markMoved("another program has cut its write-ahead log short")
	}
	return nil
}

// checkBegin is checkRead before a write, which also checks that the log has not
// become shorter. Where the index is another one, this connection's locks keep nobody
// out, so what it writes may damage what others have committed.
func (f *dbFile) checkBegin() error {
	if err := f.checkRead(monotonic()); err != nil {
		return err
	}
	if f.log.wasCut() {
		return f.markMoved("another program has cut its write-ahead log short")
	}
	return nil
}

// movedError is the error after a check has failed once, else nil.
func (f *dbFile) movedError() error {
	if what := f.moved.Load(); what != nil {
		return f.markMoved(*what)
	}
	return nil
}

func (f *dbFile) markMoved(what string) error {
	f.moved.CompareAndSwap(nil, &what)
	return &Error{Kind: ErrFileMoved, Detail: fmt.Sprintf("%s is no longer what is open: %s; stop what changes it, put it right and open it again", f.path, what)}
}

// movedAt sets the operation and the label of an ErrFileMoved.
func movedAt(op string, l *label, err error) error {
	if e, ok := err.(*Error); ok && e.Kind == ErrFileMoved {
		e.Op, e.Label = op, l.String()
	}
	return err
}
