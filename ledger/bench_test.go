package ledger_test

import (
	"fmt"
	"iter"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

const benchMiners = 50

// benchEvent is the n-th event of a stream in which every miner in turn stakes, and then sells it all again.
func benchEvent(n int) ledger.Event {
	e := stake(fmt.Sprintf("%d-%04d", 1_000_000+n, n%100), n, 1*chain.RaoPerTAO, 2*chain.RaoPerTAO)
	e.Coldkey = coldkey(byte(n % benchMiners))
	if n/benchMiners%2 == 1 {
		e.Kind = chain.Unstake
	}
	return e
}

func benchEvents(n int) iter.Seq2[ledger.Event, error] {
	return func(yield func(ledger.Event, error) bool) {
		for i := range n {
			if !yield(benchEvent(i), nil) {
				return
			}
		}
	}
}

func BenchmarkApply(b *testing.B) {
	l := open(b)
	b.ResetTimer()
	if _, err := l.Apply(b.Context(), benchEvents(b.N)); err != nil {
		b.Fatal(err)
	}
}

// One call is one durable transaction.
func BenchmarkAddPosition(b *testing.B) {
	l := open(b)
	register(b, l, 0)
	e := benchEvent(0)
	for n := 0; b.Loop(); n++ {
		e.ExtrinsicID = fmt.Sprintf("%d-0001", 1_000_000+n)
		if _, _, err := l.AddPosition(b.Context(), e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAddPositionAndProcessClose(b *testing.B) {
	l := open(b)
	for n := range byte(benchMiners) {
		register(b, l, n)
	}
	for n := 0; b.Loop(); n++ {
		var err error
		if e := benchEvent(n); e.Kind == chain.Stake {
			_, _, err = l.AddPosition(b.Context(), e)
		} else {
			_, err = l.ProcessClose(b.Context(), e)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMinerReport(b *testing.B) {
	l := open(b)
	if _, err := l.Apply(b.Context(), benchEvents(20_000)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if r, err := l.Report(b.Context()); err != nil || len(r.Miners) != benchMiners {
			b.Fatalf("got %d miners, %v, want %d", len(r.Miners), err, benchMiners)
		}
	}
}
