package isolation_test

import (
	"database/sql/driver"
	"errors"
	"math/rand/v2"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/faultdriver"
)

// drawFaults draws what goes wrong in one history. A COMMIT never does its work
// and then fails, as SQLite's never does: the manager may run such a group again.
// Which transaction meets a fault is up to the scheduler; the seed decides
// which faults there are.
func drawFaults(random *rand.Rand) []faultdriver.Fault {
	faults := faultdriver.Random(random.Uint64(), 16, 60)
	faults = append(faults, faultdriver.Random(random.Uint64(), 16, 400)...)
	for i := range faults {
		if faults[i].Point == faultdriver.Commit && faults[i].Moment == faultdriver.After {
			faults[i].Moment = faultdriver.RolledBack
		}
	}
	return faults
}

// provoked reports whether err is what a fault of the driver looks like to a caller.
func provoked(err error) bool {
	var code sqlite3.Error
	var own *manager.Error // of a *sql.DB, which must not see driver.ErrBadConn
	return errors.As(err, &code) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, manager.ErrTxAborted) ||
		errors.As(err, &own) && own.Err == driver.ErrBadConn
}
