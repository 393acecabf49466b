// Package foreign runs programs of others with ours: the tests of goqite and of sqlc's
// examples on a manager's SQL(), and Litestream as the replica of a ledger that is written.
package foreign

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// extended skips a test that downloads and compiles for minutes.
func extended(t *testing.T) {
	t.Helper()
	if os.Getenv("EXTENDED") == "" {
		t.Skip("downloads and compiles what others wrote: make test-extended runs it")
	}
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
