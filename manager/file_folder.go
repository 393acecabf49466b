package manager

import (
	"sync/atomic"
	"time"
)

// A folder watches the folder of the database: as long as nothing in it was
// renamed, deleted or created, the files in it are the same. Checking that
// takes one fstat, while a stat of the files walks every folder of two paths.
type folder struct {
	open openFolder
	seen atomic.Pointer[folderState]
}

// A folderState is what a check of the files found.
type folderState struct {
	changed folderChange  // the folder's last change
	since   time.Duration // by monotonic: when that was first seen
	checked time.Duration // when the files were found to be the same
}

// A change above the folder, or a mount over a file, does not change the
// folder, so the files themselves are checked at least this often.
const folderTrust = 10 * time.Millisecond

// trusted reports whether the files are still those of the last check. Otherwise
// they have to be checked, and settle is called with state if they are.
func (f *folder) trusted(now time.Duration) (state folderState, trusted bool) {
	state = folderState{since: now, checked: now}
	changed, ok := f.open.lastChange()
	if !ok {
		return state, false
	}
	state.changed = changed
	last := f.seen.Load()
	if last == nil || last.changed != changed {
		return state, false
	}
	state.since = last.since
	return state, last.checked-last.since >= changed.granularity() && now-last.checked < folderTrust
}

// settle notes a check that found the files to be the same.
func (f *folder) settle(state folderState) {
	if state.changed != (folderChange{}) {
		f.seen.Store(&state)
	}
}
