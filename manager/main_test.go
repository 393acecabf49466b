package manager_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// Every statement that any test had prepared was closed.
func TestMain(m *testing.M) {
	code := m.Run()
	if n := manager.OpenStatements(); n != 0 && code == 0 {
		fmt.Fprintf(os.Stderr, "statements prepared and not closed when all tests are over: %d, want 0\n", n)
		code = 1
	}
	os.Exit(code)
}
