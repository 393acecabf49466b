package manager

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
	"time"
)

// boundArgs are the arguments of a statement, as the driver's values.
type boundArgs struct {
	values []driver.NamedValue
	bytes  int  // of text and blobs in values
	named  bool // some have a name

	pooled *[]driver.NamedValue
}

var argumentPool = sync.Pool{New: func() any { return new([]driver.NamedValue) }}

// bindArgs converts arguments to the driver's values. It calls Value methods,
// which are the caller's code and may use the database, so the caller must not
// hold a lock.
func bindArgs(args []any) (a boundArgs, err error) {
	if len(args) == 0 {
		return a, nil
	}
	a.pooled = argumentPool.Get().(*[]driver.NamedValue)
	a.values = (*a.pooled)[:0]
	for i, arg := range args {
		if err = a.add(driver.NamedValue{Ordinal: i + 1, Value: arg}); err != nil {
			break
		}
	}
	*a.pooled = a.values
	return a, err
}

func (a *boundArgs) add(nv driver.NamedValue) error {
	if err := bindValue(&nv); err != nil {
		return fmt.Errorf("argument %d: %w", nv.Ordinal, err)
	}
	switch v := nv.Value.(type) {
	case string:
		a.bytes += len(v)
	case []byte:
		a.bytes += len(v)
	}
	a.named = a.named || nv.Name != ""
	a.values = append(a.values, nv)
	return nil
}

// checkFor checks, before the first of several statements runs, that together
// they take exactly these arguments.
func (a *boundArgs) checkFor(statements []string) error {
	if a.named {
		return errors.New("a text of several statements takes no named arguments; run them one by one")
	}
	takes := 0
	for _, s := range statements {
		takes += len(parameterNames(s))
	}
	switch n := len(a.values); {
	case n < takes:
		return fmt.Errorf("not enough arguments: the statements take %d, got %d", takes, n)
	case n > takes:
		return fmt.Errorf("too many arguments: the statements take %d, got %d", takes, n)
	}
	return nil
}

// takeFor removes and returns the arguments of the next of several statements.
func (a *boundArgs) takeFor(statement string) boundArgs {
	n := min(len(parameterNames(statement)), len(a.values))
	part := boundArgs{values: a.values[:n], bytes: a.bytes}
	a.values = a.values[n:]
	for i := range a.values {
		a.values[i].Ordinal = i + 1
	}
	return part
}

// release returns the values to the pool.
func (a *boundArgs) release() {
	const most = 256 // longer lists are rare, and not pooled
	if a.pooled == nil {
		return
	}
	clear(*a.pooled)
	if cap(*a.pooled) <= most {
		argumentPool.Put(a.pooled)
	}
}

// bindValue converts nv by database/sql's rules.
func bindValue(nv *driver.NamedValue) (err error) {
	switch v := nv.Value.(type) {
	case nil, int64, string, float64, bool, []byte, time.Time:
		return nil
	case sql.NamedArg:
		if v.Name == "" {
			return errors.New("a named argument without a name")
		}
		nv.Name, nv.Value = v.Name, v.Value
		return bindValue(nv)
	case sql.Out:
		return errors.New("SQLite has no output parameters")
	}
	nv.Value, err = driver.DefaultParameterConverter.ConvertValue(nv.Value)
	return err
}

// checkArgs refuses missing and surplus arguments. The driver would bind NULL
// for the former and drop the latter.
func (s *stmt) checkArgs(args boundArgs) error {
	switch n := len(args.values); {
	case args.named:
		return s.checkNamedArgs(args.values)
	case n < s.params:
		return fmt.Errorf("not enough arguments: the statement takes %d, got %d", s.params, n)
	case n > s.params:
		return fmt.Errorf("too many arguments: the statement takes %d, got %d", s.params, n)
	}
	return nil
}

// checkNamedArgs does so if some arguments have names. As in database/sql, the last
// of two with the same name counts.
func (s *stmt) checkNamedArgs(args []driver.NamedValue) error {
	if s.names == nil {
		s.names = parameterNames(s.text)
	}
	taken := make([]bool, max(s.params, len(s.names)))
	for _, a := range args {
		found := false
		for i := range taken {
			if a.Name == "" && i+1 != a.Ordinal || a.Name != "" && (i >= len(s.names) || s.names[i] != a.Name) {
				continue
			}
			found, taken[i] = true, true
		}
		switch {
		case !found && a.Name == "":
			return fmt.Errorf("too many arguments: the statement takes %d, and none at position %d", s.params, a.Ordinal)
		case !found:
			return fmt.Errorf("argument %d: the statement has no parameter named %q", a.Ordinal, a.Name)
		}
	}
	for i, ok := range taken {
		if !ok && i < len(s.names) && s.names[i] != "" {
			return fmt.Errorf("not enough arguments: none for the parameter %q", s.names[i])
		} else if !ok {
			return fmt.Errorf("not enough arguments: none for the parameter at position %d", i+1)
		}
	}
	return nil
}
