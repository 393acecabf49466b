//go:build cgo && linux && !libsqlite3 && !stakeledger_nostep

package csqlite_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"syscall"
	"testing"

	"github.com/stakeledger/stakeledger/manager/internal/csqlite"
)

// One row of so many columns, half of them texts, and a scan of rows of eight,
// by the driver and by this package.
func BenchmarkStatements(b *testing.B) {
	c := openStepped(b, true, "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b, c, d, e, f, g)",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO t SELECT i, i * 1000, 'text of ' || i, i * 7000, 'word', 1.5, NULL, 'a longer text of ' || i FROM n")
	for _, test := range []struct {
		name, text string
		rows       int
	}{
		{"row of 2", "SELECT id, b FROM t WHERE id = ?1", 1},
		{"row of 8", "SELECT * FROM t WHERE id = ?1", 1},
		{"row of 24", "SELECT t.*, t.*, t.* FROM t WHERE id = ?1", 1},
		{"1000 rows", "SELECT * FROM t WHERE id > ?1 - 500 LIMIT 1000", 1000},
	} {
		for _, ours := range []bool{false, true} {
			var s statement = prepare(b, c, test.text)
			if !ours {
				made, err := c.SQLiteConn.Prepare(test.text)
				if err != nil {
					b.Fatal(err)
				}
				defer made.Close()
				s = made.(statement)
			}
			b.Run(fmt.Sprintf("%s/%s", test.name, map[bool]string{false: "driver", true: "ours"}[ours]), func(b *testing.B) {
				b.ReportAllocs()
				args := named(int64(500))
				var dest []driver.Value
				before := cpuTime()
				for b.Loop() {
					r, err := first(s, args, test.rows == 1)
					if err != nil {
						b.Fatal(err)
					}
					if dest == nil {
						dest = make([]driver.Value, len(r.Columns()))
					}
					for range test.rows {
						if err := r.Next(dest); err != nil {
							b.Fatal(err)
						}
					}
					if err := r.Close(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

// cpuTime tells more than the clock where others use the machine.
func cpuTime() int64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}

func first(s statement, args []driver.NamedValue, one bool) (driver.Rows, error) {
	if own, ok := s.(*csqlite.Stmt); ok && one {
		return own.QueryRowContext(context.Background(), args)
	}
	return s.QueryContext(context.Background(), args)
}
