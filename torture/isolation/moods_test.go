package isolation_test

import (
	"context"
	"database/sql/driver"
	"math/rand/v2"
	"strings"
	"sync"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager"
)

// moods make the driver's statements fail now and then, in the ways SQLite has:
// busy, full, failed by the disk, and with the transaction dropped underneath.
// In which order the statements come is up to the scheduler, so a seed replays
// how often they fail and not which.
type moods struct {
	mu     sync.Mutex
	random *rand.Rand
}

func newMoods(seed uint64) *moods { return &moods{random: rand.New(rand.NewPCG(seed, 1))} }

// fine are the errors that a caller may then be answered with, besides
// ErrCommitUnknown.
func (m *moods) fine() []error {
	return []error{manager.ErrFull, manager.ErrBusy, manager.ErrTxAborted}
}

// wrap is for manager.WithDriver.
func (m *moods) wrap(c manager.DriverConn) manager.DriverConn { return &moodyConn{c, m} }

func (m *moods) roll(sides int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.random.IntN(sides)
}

var (
	errBusy = sqlite3.Error{Code: sqlite3.ErrBusy}
	errFull = sqlite3.Error{Code: sqlite3.ErrFull}
	errDisk = sqlite3.Error{Code: sqlite3.ErrIoErr, ExtendedCode: sqlite3.ErrIoErrFsync}
)

// before decides what becomes of a statement: nil lets it run.
func (m *moods) before(c manager.DriverConn, query string) error {
	switch {
	case query == "COMMIT":
		switch m.roll(25) {
		case 0:
			return errBusy
		case 1:
			return errFull
		case 2:
			return dropped(c, errFull)
		case 3:
			return dropped(c, errDisk)
		}
	case query == "BEGIN IMMEDIATE":
		if m.roll(15) == 0 {
			return errBusy
		}
	case strings.Contains(query, "UPDATE"):
		switch m.roll(60) {
		case 0:
			return errBusy
		case 1:
			return dropped(c, errFull)
		}
	}
	return nil
}

// dropped takes the transaction away the way SQLite does after some errors.
func dropped(c manager.DriverConn, err error) error {
	if !c.AutoCommit() {
		_, _ = c.ExecContext(context.Background(), "INSERT OR ROLLBACK INTO accounts (id, balance) VALUES (0, NULL)", nil)
	}
	return err
}

type moodyConn struct {
	manager.DriverConn
	moods *moods
}

func (c *moodyConn) Prepare(query string) (driver.Stmt, error) {
	s, err := c.DriverConn.Prepare(query)
	if err != nil {
		return nil, err
	}
	return &moodyStmt{s.(manager.DriverStmt), c, query}, nil
}

func (c *moodyConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.moods.before(c.DriverConn, query); err != nil {
		return nil, err
	}
	return c.DriverConn.ExecContext(ctx, query, args)
}

func (c *moodyConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.moods.before(c.DriverConn, query); err != nil {
		return nil, err
	}
	return c.DriverConn.QueryContext(ctx, query, args)
}

type moodyStmt struct {
	manager.DriverStmt
	conn  *moodyConn
	query string
}

func (s *moodyStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.conn.moods.before(s.conn.DriverConn, s.query); err != nil {
		return nil, err
	}
	return s.DriverStmt.QueryContext(ctx, args)
}
