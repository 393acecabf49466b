package power_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stakeledger/stakeledger/torture/power"
)

// errLost means that something acknowledged is not there.
var errLost = errors.New("lost what was acknowledged")

// A cut is a moment at which the power fails, and one way in which the disk may
// then be found.
type cut struct {
	entry        int // of the log, the first that did not happen
	acknowledged []string
	files        map[string][]byte
}

// cuts calls try with count disks, in the order of their moments. Half of the
// moments are right after an acknowledgement, where a lost commit shows.
func cuts(r *rand.Rand, log *power.Log, count int, try func(cut) error) error {
	var marks []int
	for i, op := range log.Ops {
		if op.Kind == power.Marked {
			marks = append(marks, i)
		}
	}
	at := make([]int, count)
	for i := range at {
		at[i] = r.IntN(len(log.Ops) + 1)
		if len(marks) > 0 && i%2 == 0 {
			at[i] = min(marks[r.IntN(len(marks))]+1+r.IntN(3), len(log.Ops))
		}
	}
	slices.Sort(at)
	disk, followed := power.NewDisk(log), 0
	for _, entry := range at {
		for ; followed < entry; followed++ {
			disk.Follow(log.Ops[followed])
		}
		if err := try(cut{entry, disk.Marks(), disk.Found(r)}); err != nil {
			return err
		}
	}
	return nil
}

// A check opens a database found after a power failure, compares it with what
// was acknowledged and writes on.
type check func(path string, acknowledged []string) error

// survives runs check on count disks of a log. A disk that fails is kept.
func survives(t *testing.T, r *rand.Rand, log *power.Log, count int, base string, check check) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "found")
	err := cuts(r, log, count, func(c cut) error {
		if err := power.Lay(c.files, folder); err != nil {
			return err
		}
		if err := check(filepath.Join(folder, base), slices.Clone(c.acknowledged)); err != nil {
			t.Errorf("power fails at entry %d of %d, %d acknowledged: %v; the disk is kept in %s", c.entry, len(log.Ops), len(c.acknowledged), err, keep(t, c))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// fails returns the first error of check on up to count disks, and how many it took.
func fails(t *testing.T, r *rand.Rand, log *power.Log, count int, base string, check check) (tried int, found error) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "found")
	enough := errors.New("found one")
	for tried < count && found == nil {
		err := cuts(r, log, 20, func(c cut) error {
			tried++
			if err := power.Lay(c.files, folder); err != nil {
				return err
			}
			if found = check(filepath.Join(folder, base), slices.Clone(c.acknowledged)); found != nil {
				return enough
			}
			return nil
		})
		if err != nil && err != enough {
			t.Fatal(err)
		}
	}
	return tried, found
}

// keep writes a disk to a folder that remains after the test.
func keep(t *testing.T, c cut) string {
	folder, err := os.MkdirTemp("", "power-failure-")
	if err == nil {
		err = power.Lay(c.files, folder)
	}
	if err != nil {
		t.Error(err)
	}
	return folder
}

// record records work in a new folder.
func record(t *testing.T, folder string, work func(mark func(string)) error) *power.Log {
	t.Helper()
	log, err := power.Record(folder, work)
	if err != nil {
		t.Fatal(err)
	}
	return log
}
