package manager

import (
	"context"
	"database/sql/driver"
	"io"
)

// query runs s to its first row; one says that the caller reads no other row.
func (c *conn) query(ctx context.Context, s *stmt, args boundArgs, one bool) (driver.Rows, error) {
	if err := s.checkArgs(args); err != nil {
		return nil, err
	}
	if args.bytes > maxArgBytes {
		c.dropPrepared(s)
	}
	var r driver.Rows
	var err error
	c.calling = true
	if one && s.stepper != nil {
		r, err = s.stepper.QueryRowContext(ctx, args.values)
	} else {
		r, err = s.QueryContext(ctx, args.values)
	}
	c.calling = false
	return r, err
}

// exec runs s to its end.
//
// The driver's query binds all arguments and steps in one call into C; its exec
// makes one call per argument. So a statement whose count nobody needs runs as a
// query, unless it is one of the manager's own. The driver's exec leaves a
// statement that returns rows unfinished, which would make COMMIT fail, so that
// one is closed afterwards.
func (c *conn) exec(ctx context.Context, s *stmt, args boundArgs) (driver.Result, error) {
	if s.readonly || s.plain && (s.stepper == nil || s.returns) {
		r, err := c.query(ctx, s, args, false)
		if err != nil {
			return nil, err
		}
		c.calling = true
		err = drainRows(r)
		c.calling = false
		if err != nil {
			return nil, err
		}
		if s.plain {
			return driver.ResultNoRows, nil
		}
		return driver.RowsAffected(0), nil
	}
	if err := s.checkArgs(args); err != nil {
		return nil, err
	}
	if args.bytes > maxArgBytes || s.returns && s.stepper == nil {
		c.dropPrepared(s)
	}
	var err error
	result := driver.Result(driver.ResultNoRows)
	c.calling = true
	if s.plain {
		err = s.stepper.RunContext(ctx, args.values)
	} else {
		result, err = s.ExecContext(ctx, args.values)
	}
	c.calling = false
	return result, err
}

// drainRows steps through all rows and closes them.
func drainRows(r driver.Rows) error {
	if len(r.Columns()) == 0 {
		return r.Close()
	}
	for {
		switch err := r.Next(nil); err {
		case nil:
		case io.EOF:
			return r.Close()
		default:
			_ = r.Close()
			return err
		}
	}
}

// runControl runs one of the connection's own statements (BEGIN, COMMIT, …).
func (c *conn) runControl(s *stmt) error {
	c.own = true
	defer func() { c.own = false }()
	c.calling = true
	err := s.runControl()
	c.calling = false
	if err != nil {
		c.noteLost(err)
		c.stuck = c.stuck || isInProgress(err) && len(c.open) == 0
	}
	return err
}

func (s *stmt) runControl() error {
	if s.stepper != nil {
		return s.stepper.RunContext(context.Background(), nil)
	}
	r, err := s.QueryContext(context.Background(), nil)
	if err == nil {
		err = r.Close()
	}
	return err
}
