package manager_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

func TestLockPathIsOneForEveryNameOfAFile(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	real := filepath.Join(dir, "real.db")
	if err := os.WriteFile(real, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link.db")
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	dangling := filepath.Join(dir, "dangling.db")
	if err := os.Symlink("later.db", dangling); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, database, want string }{
		{"the file itself", real, real + "-lock"},
		{"a symbolic link", link, real + "-lock"},
		{"a link to what is not created yet", dangling, filepath.Join(dir, "later.db-lock")},
		{"not created yet", filepath.Join(dir, "new.db"), filepath.Join(dir, "new.db-lock")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := manager.LockPath(test.database)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
	if _, err := manager.LockPath(filepath.Join(dir, "absent", "x.db")); err == nil {
		t.Error("a directory that does not exist: got no error")
	}
}
