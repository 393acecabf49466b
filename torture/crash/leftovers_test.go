//go:build unix

package crash_test

import (
	"os"
	"slices"
	"syscall"
	"testing"
)

// lockIsFree takes the lock file of a database, if there is one, and gives it back.
func lockIsFree(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path + "-lock")
	if os.IsNotExist(err) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		t.Errorf("lock file of a killed process: %v, want it free", err)
	}
}

// onlyFiles checks that a folder holds nothing but the files named.
func onlyFiles(t *testing.T, folder string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(names, e.Name()) {
			t.Errorf("%s is left over", e.Name())
		}
	}
}
