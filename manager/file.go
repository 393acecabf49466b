package manager

import (
	"fmt"
	"sync/atomic"
)

// A dbFile is the database's file and its log as they were when the manager
// opened them. SQLite tells nobody when they are unlinked or replaced: it goes
// on writing a file that nobody will find.
type dbFile struct {
	path     string
	ids      atomic.Pointer[fileIDs] // nil until the connections are open
	log      walFile                 // belongs to the holder of the writer
	pageSize int                     // in bytes, as the writer's connection found it
	moved    atomic.Pointer[string]  // what was found once; from then on nothing is served
}

// fileIDs tell the files apart. A log that is not there has the zero one.
type fileIDs struct {
	main, wal fileID
	walPath   string
}

// remember notes what the connections that have just been opened have open.
// The main file must be what it was; the log may be another one, since the last
// connection that closes removes it.
func (f *dbFile) remember() error {
	main, err := statFile(f.path)
	if err != nil {
		return f.lost("it cannot be found: " + err.Error())
	}
	if old := f.ids.Load(); old != nil && old.main != main.id {
		return f.lost("another file has its place")
	}
	walPath := f.path + "-wal"
	wal, _ := statFile(walPath)
	f.ids.Store(&fileIDs{main.id, wal.id, walPath})
	return nil
}

// forgetLog is called before the writer's connection is closed and another one
// opened: if no reader keeps it, SQLite removes the log between the two.
func (f *dbFile) forgetLog() {
	if ids := f.ids.Load(); ids != nil {
		f.ids.Store(&fileIDs{main: ids.main})
	}
}

// check compares what is at the path with what is open.
func (f *dbFile) check() error {
	if err := f.stopped(); err != nil {
		return err
	}
	ids := f.ids.Load()
	if ids == nil {
		return nil
	}
	main, err := statFile(f.path)
	if err != nil {
		return f.lost("it cannot be found: " + err.Error())
	}
	if main.id != ids.main {
		return f.lost("another file has its place")
	}
	if ids.wal == (fileID{}) {
		return nil
	}
	wal, err := statFile(ids.walPath)
	if err != nil {
		return f.lost("its write-ahead log cannot be found: " + err.Error())
	}
	if wal.id != ids.wal {
		return f.lost("another file has the place of its write-ahead log")
	}
	return nil
}

// checkCommit is check after a COMMIT, which also looks into the log.
func (f *dbFile) checkCommit() error {
	if err := f.check(); err != nil {
		return err
	}
	if !f.log.whole() {
		return f.lost("another program has cut its write-ahead log short")
	}
	return nil
}

// checkBegin looks whether the log is as long as it was left.
func (f *dbFile) checkBegin() error {
	if err := f.stopped(); err != nil {
		return err
	}
	if f.log.cut() {
		return f.lost("another program has cut its write-ahead log short")
	}
	return nil
}

// stopped is the error once the file was found to be another one.
func (f *dbFile) stopped() error {
	if what := f.moved.Load(); what != nil {
		return f.lost(*what)
	}
	return nil
}

func (f *dbFile) lost(what string) error {
	f.moved.CompareAndSwap(nil, &what)
	return &Error{Kind: ErrFileMoved, Detail: fmt.Sprintf("%s is no longer what is open: %s; stop what changes it, put it right and open it again", f.path, what)}
}

// movedAt says what was attempted when the file was found to be another one.
func movedAt(op string, l *label, err error) error {
	if e, ok := err.(*Error); ok && e.Kind == ErrFileMoved {
		e.Op, e.Label = op, l.String()
	}
	return err
}
