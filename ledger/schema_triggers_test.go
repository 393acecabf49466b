//go:build unix

package ledger_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

// What the triggers cost: the same work with them and without, in time of the processor (cpu-ns/op), which does
// not grow with what else the machine does. Commits wait for no disk here, since that wait would hide them.
func BenchmarkTriggers(b *testing.B) {
	for _, triggers := range []bool{true, false} {
		name := map[bool]string{true: "with", false: "without"}[triggers]
		b.Run("apply a stake and an unstake/"+name, func(b *testing.B) {
			l := openFast(b, triggers)
			defer measure(b)()
			if _, err := l.Apply(context.Background(), closedPositions(b.N), ledger.MinBlocks(0), ledger.OverridePolicy()); err != nil {
				b.Fatal(err)
			}
		})
		b.Run("archive a position/"+name, func(b *testing.B) {
			l := openFast(b, triggers)
			if _, err := l.Apply(context.Background(), closedPositions(b.N), ledger.MinBlocks(0), ledger.OverridePolicy()); err != nil {
				b.Fatal(err)
			}
			defer measure(b)()
			if s := archive(b, l, noon); s.Positions != int64(b.N) {
				b.Fatalf("archived %+v, want %d positions", s, b.N)
			}
		})
	}
}

func openFast(b *testing.B, triggers bool) *ledger.Ledger {
	b.Helper()
	l := open(b, ledger.WithManager(manager.WithSynchronousNormal()))
	if triggers {
		return l
	}
	err := l.WithTx(context.Background(), func(ctx context.Context, tx ledger.Tx) error {
		rows, err := tx.DB.QueryContext(ctx, "SELECT name FROM sqlite_schema WHERE type = 'trigger'")
		if err != nil {
			return err
		}
		var names []string
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				return err
			}
			names = append(names, name)
		}
		if err := rows.Close(); err != nil {
			return err
		}
		for _, name := range names {
			if _, err := tx.DB.ExecContext(ctx, fmt.Sprintf("DROP TRIGGER %q", name)); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	if err != nil {
		b.Fatal(err)
	}
	return l
}

// measure begins a measurement and returns what ends it.
func measure(b *testing.B) func() {
	began := cpuTime(b)
	b.ResetTimer()
	return func() {
		b.ReportMetric(float64((cpuTime(b)-began).Nanoseconds())/float64(b.N), "cpu-ns/op")
	}
}

// cpuTime is what the process has used of the processors.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
