package ledger_test

import (
	"context"
	"iter"
	"path/filepath"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ingest/simulate"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

// simulated yields the events of a simulation.
func simulated(tb testing.TB, cfg simulate.Config) iter.Seq2[ledger.Event, error] {
	tb.Helper()
	rows, err := simulate.Events(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return func(yield func(ledger.Event, error) bool) {
		for row := range rows {
			if !yield(row.Event, nil) {
				return
			}
		}
	}
}

// verified is a ledger of many events, a half of what was closed archived.
func verified(tb testing.TB, events int) *ledger.Ledger {
	tb.Helper()
	l := openAt(tb, filepath.Join(tb.TempDir(), "ledger.db"), ledger.WithManager(manager.WithSynchronousNormal()))
	began := time.Now()
	summary, err := l.Apply(context.Background(), simulated(tb, simulate.Config{Seed: 7, Miners: 256, Subnets: 64, Events: events}))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Logf("applied %+v in %s", summary, time.Since(began).Round(time.Millisecond))
	began = time.Now()
	moved, err := l.ArchiveClosedPositions(context.Background(), chain.Time(1735689600000000).Add(45*24*time.Hour), ledger.ArchiveRows(10000))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Logf("archived %+v in %s", moved, time.Since(began).Round(time.Millisecond))
	return l
}

// BenchmarkVerify verifies a simulated ledger of 300,000 events and reports the events a second, with
// SQLite's own checks of the file, and how long each phase took.
func BenchmarkVerify(b *testing.B) {
	l := verified(b, 300_000)
	events := int64(0)
	done := measure(b)
	for b.Loop() {
		phase := map[ledger.VerifyPhase]time.Time{}
		report, err := l.Verify(context.Background(), ledger.OnVerified(func(p ledger.VerifyProgress) {
			if phase[p.Phase].IsZero() {
				phase[p.Phase] = time.Now()
			}
		}))
		if err != nil || !report.Healthy() {
			b.Fatalf("got %v, %+v", err, report)
		}
		b.Logf("%d events: records %s, miners %s, then the rest of the file %s", report.Events,
			phase[ledger.VerifyingMiners].Sub(phase[ledger.VerifyingRecords]).Round(time.Millisecond),
			phase[ledger.VerifyingFile].Sub(phase[ledger.VerifyingMiners]).Round(time.Millisecond),
			time.Since(phase[ledger.VerifyingFile]).Round(time.Millisecond))
		events = report.Events
	}
	b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	done()
}
