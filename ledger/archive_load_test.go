package ledger_test

import (
	"context"
	"fmt"
	"iter"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// loadVariable sets how many closed positions are archived beside the writers. A million of them takes some
// minutes and is held to the promise that a writer's 99th percentile at most trebles; the few that are
// archived without it only show that it works.
const loadVariable = "ARCHIVE_POSITIONS"

const (
	fewPositions = 3_000
	loadWriters  = 16
	loadMiners   = 256
)

// Archiving lets other writers have their turn.
func TestArchiveBesideWriters(t *testing.T) {
	positions, pause := fewPositions, time.Second/4
	if text := os.Getenv(loadVariable); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("%s=%q: want a number of positions", loadVariable, text)
		}
		positions, pause = n, 20*time.Second
	}
	l := open(t)
	ctx := context.Background()
	began := time.Now()
	if _, err := l.Apply(ctx, closedPositions(positions), ledger.MinBlocks(0), ledger.OverridePolicy()); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d closed positions of %d miners taken in: %s", positions, loadMiners, time.Since(began).Round(time.Millisecond))
	w := startWriters(t, l)
	time.Sleep(pause) // a span of time to measure, not something to wait for
	alone := w.cut()
	began = time.Now()
	summary, err := l.ArchiveClosedPositions(ctx, noon)
	took := time.Since(began)
	beside := w.cut()
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(pause)
	after := w.stop()

	if summary.Positions != int64(positions) || summary.Trades != int64(positions) || summary.Closes != int64(positions) {
		t.Errorf("archived: got %+v, want %d positions with a close and a trade each", summary, positions)
	}
	rows := summary.Positions + summary.Trades
	t.Logf("archived %d positions, %d rows, in %s: %.0f positions/s (%s, %d CPUs)", summary.Positions, rows, took.Round(time.Millisecond),
		float64(summary.Positions)/took.Seconds(), runtime.GOARCH, runtime.NumCPU())
	for _, c := range []struct {
		name string
		*latencies
	}{{"before", alone}, {"archiving", beside}, {"after", after}} {
		t.Logf("%-10s %d writers, %6d transactions, %6.0f/s: p50 %8s  p99 %8s  longest %8s", c.name, loadWriters, len(c.took), float64(len(c.took))/c.span.Seconds(),
			c.percentile(50), c.percentile(99), c.percentile(100))
	}
	quiet := (alone.percentile(99) + after.percentile(99)) / 2
	t.Logf("p99 while archiving is %.2f times that without", float64(beside.percentile(99))/float64(quiet))
	if positions > fewPositions && beside.percentile(99) > 3*quiet {
		t.Errorf("p99 while archiving: got %s, want at most three times the %s without", beside.percentile(99), quiet)
	}
}

// closedPositions are stakes, each followed by the unstake that closes it, a second apart, up to noon.
func closedPositions(n int) iter.Seq2[ledger.Event, error] {
	return func(yield func(ledger.Event, error) bool) {
		var keys [loadMiners]chain.Address
		for i := range keys {
			keys[i] = chain.AddressFromPublicKey([32]byte{3, byte(i)})
		}
		for i := range n {
			e := stake(fmt.Sprintf("%d-1", 1000+i), 0, chain.Rao(1000+i%7), 1000)
			e.Coldkey, e.Netuid, e.Time = keys[i%loadMiners], chain.Netuid(1+i%64), noon.Add(time.Duration(i-2*n)*time.Second)
			x := e
			x.Kind, x.EventIndex, x.TAO, x.Time = chain.Unstake, 1, chain.Rao(1000+i%11), e.Time.Add(time.Millisecond)
			x.ExtrinsicID = fmt.Sprintf("%d-2", 1000+i)
			if !yield(e, nil) || !yield(x, nil) {
				return
			}
		}
	}
}

// writers add positions and close them, each for a miner of its own, and take the time.
type writers struct {
	cancel context.CancelFunc
	wg     sync.WaitGroup
	mu     sync.Mutex
	now    *latencies
}

// latencies is how long transactions took, in a span of time.
type latencies struct {
	took  []time.Duration
	began time.Time
	span  time.Duration
}

func (s *latencies) percentile(p int) time.Duration {
	if len(s.took) == 0 {
		return 0
	}
	slices.Sort(s.took)
	return s.took[(len(s.took)-1)*p/100].Round(time.Microsecond)
}

func startWriters(t *testing.T, l *ledger.Ledger) *writers {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w := &writers{cancel: cancel, now: &latencies{began: time.Now()}}
	t.Cleanup(func() { w.stop() })
	for n := range loadWriters {
		miner := byte(100 + n)
		register(t, l, miner)
		w.wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				began := time.Now()
				err := oneOfFour(ctx, l, miner, i)
				w.add(time.Since(began))
				if err != nil && ctx.Err() == nil {
					t.Errorf("writer %d: %v", n, err)
					return
				}
			}
		})
	}
	return w
}

// oneOfFour adds a position three times, and then closes the three.
func oneOfFour(ctx context.Context, l *ledger.Ledger, miner byte, i int) error {
	e := of(miner, stake(strconv.Itoa(i), i, 1000, 10))
	var err error
	if i%4 < 3 {
		_, _, err = l.AddPosition(ctx, e)
		return err
	}
	e.Kind, e.EventIndex, e.TAO, e.Alpha = chain.Unstake, 1, 3100, 30
	_, err = l.ProcessClose(ctx, e)
	return err
}

func (w *writers) add(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now.took = append(w.now.took, d)
}

// cut ends a span and begins the next one.
func (w *writers) cut() *latencies {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.now
	w.now = &latencies{began: time.Now()}
	s.span = time.Since(s.began)
	return s
}

func (w *writers) stop() *latencies {
	s := w.cut()
	w.cancel()
	w.wg.Wait()
	return s
}
