package power_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/stakeledger/stakeledger/torture/power"
)

func TestMain(m *testing.M) {
	if err := power.Install(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
