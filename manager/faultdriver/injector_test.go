package faultdriver_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/faultdriver"
)

// openConn is a wrapped connection on a fresh file with a table of three numbers.
func openConn(t *testing.T, faults *faultdriver.Injector) manager.DriverConn {
	t.Helper()
	raw, err := (&sqlite3.SQLiteDriver{}).Open(filepath.Join(t.TempDir(), "numbers.db"))
	if err != nil {
		t.Fatal(err)
	}
	inner := raw.(*sqlite3.SQLiteConn)
	if _, err := inner.ExecContext(t.Context(), "CREATE TABLE numbers (n INTEGER); INSERT INTO numbers VALUES (1), (2), (3)", nil); err != nil {
		t.Fatal(err)
	}
	c := faults.Wrap(inner)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func exec(c manager.DriverConn, query string) error {
	_, err := c.ExecContext(context.Background(), query, nil)
	return err
}

// numbers lists what the table holds, stepping through a prepared statement.
func numbers(c manager.DriverConn) (list []int64, err error) {
	s, err := c.Prepare("SELECT n FROM numbers ORDER BY n")
	if err != nil {
		return nil, err
	}
	defer s.Close()
	r, err := s.(manager.DriverStmt).QueryContext(context.Background(), nil)
	if err != nil {
		return nil, err
	}
	for row := make([]driver.Value, 1); ; list = append(list, row[0].(int64)) {
		switch err := r.Next(row); {
		case err == io.EOF:
			return list, r.Close()
		case err != nil:
			_ = r.Close()
			return list, err
		}
	}
}

func TestMoments(t *testing.T) {
	const insert = "INSERT INTO numbers VALUES (4)"
	for _, test := range []struct {
		name   string
		fault  faultdriver.Fault
		inside bool // a transaction still stands afterwards
		want   []int64
	}{
		{"statement, before", faultdriver.Fault{Point: faultdriver.Statement, Nth: 2, Moment: faultdriver.Before}, true, []int64{0, 1, 2, 3}},
		{"statement, after", faultdriver.Fault{Point: faultdriver.Statement, Nth: 2, Moment: faultdriver.After}, true, []int64{0, 1, 2, 3, 4}},
		{"statement, rolled back", faultdriver.Fault{Point: faultdriver.Statement, Nth: 2, Moment: faultdriver.RolledBack}, false, []int64{1, 2, 3}},
		{"COMMIT, before", faultdriver.Fault{Point: faultdriver.Commit}, true, []int64{0, 1, 2, 3, 4}},
		{"COMMIT, after", faultdriver.Fault{Point: faultdriver.Commit, Moment: faultdriver.After}, false, []int64{0, 1, 2, 3, 4}},
		{"COMMIT, rolled back", faultdriver.Fault{Point: faultdriver.Commit, Moment: faultdriver.RolledBack}, false, []int64{1, 2, 3}},
		{"BEGIN, before", faultdriver.Fault{Point: faultdriver.Begin}, false, []int64{1, 2, 3}},
		{"BEGIN, after", faultdriver.Fault{Point: faultdriver.Begin, Moment: faultdriver.After}, true, []int64{1, 2, 3}},
		{"ROLLBACK TO, after", faultdriver.Fault{Point: faultdriver.RollbackTo, Moment: faultdriver.After}, true, []int64{0, 1, 2, 3}},
	} {
		t.Run(test.name, func(t *testing.T) {
			faults := faultdriver.New()
			c := openConn(t, faults)
			test.fault.Code = faultdriver.Full
			faults.Arm(test.fault)
			script := []string{"BEGIN", "INSERT INTO numbers VALUES (0)", "SAVEPOINT s", insert, "COMMIT"}
			if test.fault.Point == faultdriver.RollbackTo {
				script[4] = "ROLLBACK TO s"
			}
			var err error
			for _, query := range script {
				if err = exec(c, query); err != nil {
					break
				}
			}
			if got, want := err, faultdriver.Full.Err(); !errors.Is(got, want) {
				t.Fatalf("error: got %v, want %v", got, want)
			}
			if got := !c.AutoCommit(); got != test.inside {
				t.Errorf("a transaction stands: got %v, want %v", got, test.inside)
			}
			if got := faults.Fired(); len(got) != 1 || got[0].Point != test.fault.Point {
				t.Errorf("fired: got %v, want %v", got, test.fault)
			}
			if got, err := numbers(c); err != nil || !slices.Equal(got, test.want) {
				t.Errorf("numbers: got %v, %v, want %v", got, err, test.want)
			}
		})
	}
}

func TestNthTimesAndQuery(t *testing.T) {
	for _, test := range []struct {
		name   string
		fault  faultdriver.Fault
		failed []int // of five inserts, counted from 1
	}{
		{"the first", faultdriver.Fault{Point: faultdriver.Statement}, []int{1}},
		{"the third", faultdriver.Fault{Point: faultdriver.Statement, Nth: 3}, []int{3}},
		{"two from the second", faultdriver.Fault{Point: faultdriver.Statement, Nth: 2, Times: 2}, []int{2, 3}},
		{"all from the fourth", faultdriver.Fault{Point: faultdriver.Statement, Nth: 4, Times: -1}, []int{4, 5}},
		{"of another query", faultdriver.Fault{Point: faultdriver.Statement, Query: "Other"}, nil},
		{"the second of this query", faultdriver.Fault{Point: faultdriver.Statement, Query: "AddNumber", Nth: 2}, []int{2}},
		{"at another point", faultdriver.Fault{Point: faultdriver.Commit}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			faults := faultdriver.New()
			c := openConn(t, faults)
			test.fault.Code = faultdriver.IOErr
			faults.Arm(test.fault)
			var failed []int
			for i := range 5 {
				if exec(c, "-- name: AddNumber :exec\nINSERT INTO numbers VALUES (9)") != nil {
					failed = append(failed, i+1)
				}
			}
			if !slices.Equal(failed, test.failed) {
				t.Errorf("failed: got %v, want %v", failed, test.failed)
			}
			if got := len(faults.Fired()); got != len(test.failed) {
				t.Errorf("fired: got %d, want %d", got, len(test.failed))
			}
			if got := faults.Count(faultdriver.Statement); got != 5 {
				t.Errorf("statements: got %d, want 5", got)
			}
		})
	}
}

func TestRowsFail(t *testing.T) {
	for name, fault := range map[string]faultdriver.Fault{
		"at the second step":    {Point: faultdriver.Step, Nth: 2},
		"after the second step": {Point: faultdriver.Step, Nth: 2, Moment: faultdriver.After},
		"at the end":            {Point: faultdriver.Step, Nth: 4},
		"when they are closed":  {Point: faultdriver.CloseRows},
		"when it is prepared":   {Point: faultdriver.Prepare, Moment: faultdriver.After},
	} {
		t.Run(name, func(t *testing.T) {
			faults := faultdriver.New()
			c := openConn(t, faults)
			fault.Code = faultdriver.Corrupt
			faults.Arm(fault)
			if got, err := numbers(c); !errors.Is(err, faultdriver.Corrupt.Err()) {
				t.Errorf("got %v, %v, want CORRUPT", got, err)
			}
			if got, err := numbers(c); err != nil || len(got) != 3 {
				t.Errorf("again: got %v, %v, want three numbers", got, err)
			}
		})
	}
}

func TestLostConnection(t *testing.T) {
	faults := faultdriver.New()
	c := openConn(t, faults)
	faults.Arm(faultdriver.Fault{Point: faultdriver.Statement, Nth: 2, Code: faultdriver.ConnectionLost, Moment: faultdriver.After})
	if err := errors.Join(exec(c, "BEGIN"), exec(c, "INSERT INTO numbers VALUES (4)")); err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{"INSERT INTO numbers VALUES (5)", "COMMIT", "BEGIN", "PRAGMA schema_version"} {
		if err := exec(c, query); err != driver.ErrBadConn {
			t.Errorf("%s: got %v, want driver.ErrBadConn", query, err)
		}
	}
	if _, err := c.Prepare("SELECT 1"); err != driver.ErrBadConn {
		t.Errorf("prepare: got %v, want driver.ErrBadConn", err)
	}
	if !c.AutoCommit() {
		t.Error("a lost connection keeps its transaction")
	}
	if got := len(faults.Fired()); got != 1 {
		t.Errorf("fired: got %d, want 1", got)
	}
}

func TestRefusedConnectionAndClose(t *testing.T) {
	faults := faultdriver.New(faultdriver.Fault{Point: faultdriver.Open, Code: faultdriver.Busy}, faultdriver.Fault{Point: faultdriver.Close, Code: faultdriver.IOErr})
	c := openConn(t, faults)
	for _, query := range []string{"SELECT 1", "BEGIN"} {
		if err := exec(c, query); !errors.Is(err, faultdriver.Busy.Err()) {
			t.Errorf("%s: got %v, want BUSY", query, err)
		}
	}
	if got := faults.Connections(); got != 1 {
		t.Errorf("connections: got %d, want 1", got)
	}
	if err := c.Close(); !errors.Is(err, faultdriver.IOErr.Err()) {
		t.Errorf("close: got %v, want IOERR", err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("close again: %v", err)
	}
	if got := faults.Connections(); got != 0 {
		t.Errorf("connections: got %d, want none", got)
	}
}

func TestStrays(t *testing.T) {
	faults := faultdriver.New()
	c := openConn(t, faults)
	for _, query := range []string{
		"SELECT n FROM numbers", "BEGIN", "INSERT INTO numbers VALUES (7)", "COMMIT", "PRAGMA user_version = 3",
		"-- name: Drop :exec\nDELETE FROM numbers WHERE n = 7",
	} {
		if err := exec(c, query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	s, err := c.Prepare("UPDATE numbers SET n = n")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.(driver.StmtExecContext).ExecContext(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if got, want := faults.Strays(), []string{"Drop", "UPDATE numbers SET n = n"}; !slices.Equal(got, want) {
		t.Errorf("strays: got %q, want %q", got, want)
	}
}

func TestErrorsAreTheDrivers(t *testing.T) {
	for _, code := range faultdriver.Codes() {
		var s sqlite3.Error
		if errors.As(code.Err(), &s) != (code != faultdriver.ConnectionLost) {
			t.Errorf("%v: got %#v", code, code.Err())
		}
		if code > 0 && (int(s.ExtendedCode) != int(code) || int(s.Code) != int(code)&0xff) {
			t.Errorf("%v: got code %d, extended %d", code, s.Code, s.ExtendedCode)
		}
	}
	if got, want := sqlite3.ErrIoErrFsync, sqlite3.ErrNoExtended(faultdriver.IOErrFsync); got != want {
		t.Errorf("IOERR_FSYNC: got %d, want %d", want, got)
	}
	if got, want := sqlite3.ErrBusySnapshot, sqlite3.ErrNoExtended(faultdriver.BusySnapshot); got != want {
		t.Errorf("BUSY_SNAPSHOT: got %d, want %d", want, got)
	}
}

func TestRandomRepeats(t *testing.T) {
	a, b, other := faultdriver.Random(1, 50, 9), faultdriver.Random(1, 50, 9), faultdriver.Random(2, 50, 9)
	if !reflect.DeepEqual(a, b) {
		t.Error("the same seed drew other faults")
	}
	if reflect.DeepEqual(a, other) {
		t.Error("another seed drew the same faults")
	}
	for _, f := range a {
		if f.Nth < 1 || f.Nth > 9 {
			t.Errorf("%v: got call %d, want 1 to 9", f, f.Nth)
		}
	}
}
