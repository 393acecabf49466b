package manager_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// fileTrusted reads until the files are no longer looked for before each read.
func fileTrusted(t *testing.T, db *bankDB) {
	t.Helper()
	if _, possible := manager.FolderTrusted(db); !possible {
		t.Skip("this system looks for the files before each read")
	}
	until(t, "the folder to be trusted", func() bool {
		bankCount(t, db)
		trusted, _ := manager.FolderTrusted(db)
		return trusted
	})
}

// A read looks at the folder instead of its files once that has been quiet, and
// still none is from a file that is no longer the one.
func TestNoReadFromAFileThatMovedInAQuietFolder(t *testing.T) {
	for _, c := range filesMoved {
		t.Run(c.name, func(t *testing.T) {
			db, path := fileBank(t)
			fileTrusted(t, db)
			if err := c.move(t, path); err != nil {
				t.Fatal(err)
			}
			fileWantMoved(t, "ReadOnly", db.ReadOnly(t.Context(), func(context.Context, *bank) error { return nil }))
		})
	}
}

// A folder does not change when one above it does, so the files are looked for
// again and again.
func TestReadsNoticeThatAFolderAboveWasRenamed(t *testing.T) {
	db, path := fileBank(t)
	fileTrusted(t, db)
	above := filepath.Dir(filepath.Dir(path))
	if err := os.Rename(above, above+".old"); err != nil {
		t.Fatal(err)
	}
	var err error
	until(t, "a ReadOnly to notice", func() bool {
		err = db.ReadOnly(t.Context(), func(context.Context, *bank) error { return nil })
		return errors.Is(err, manager.ErrFileMoved)
	})
	fileWantMoved(t, "ReadOnly", err)
}
