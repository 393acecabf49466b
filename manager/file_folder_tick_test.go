//go:build linux

package manager

import (
	"path/filepath"
	"testing"
	"time"
)

// A folder is not trusted before its change time would show another change, nor for longer than folderTrust.
func TestFolderIsNotTrustedWithinATick(t *testing.T) {
	var f folder
	f.open.of(filepath.Join(t.TempDir(), "a.db"))
	defer f.open.close()
	now := time.Hour
	for _, c := range []struct {
		after   time.Duration
		trusted bool
	}{
		{0, false}, {time.Millisecond, false}, {4 * time.Second, false},
		{4*time.Second + time.Millisecond, true}, {4*time.Second + folderTrust, false},
	} {
		state, trusted := f.trusted(now + c.after)
		if trusted != c.trusted {
			t.Errorf("after %s: got trusted %t, want %t", c.after, trusted, c.trusted)
		}
		if !trusted {
			f.settle(state)
		}
	}
}
